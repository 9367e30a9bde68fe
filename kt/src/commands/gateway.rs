//! `kt gateway`: runs Envoy with a policy.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::Failure;
use crate::gateway::{Settings, run};
use crate::policy_file::Refused;

/// Loopback: whoever reaches this port spends the keys behind it.
pub(crate) const DEFAULT_LISTEN: &str = "127.0.0.1:41002";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway until SIGTERM; a changed policy is taken over while requests are in flight
    Run(Run),
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The policy, in YAML or JSON
    #[arg(long, value_name = "FILE")]
    policy_config: PathBuf,
    /// Where clients connect; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = DEFAULT_LISTEN)]
    listen: SocketAddr,
    /// Short for --listen 127.0.0.1:PORT
    #[arg(long, conflicts_with = "listen")]
    port: Option<u16>,
    /// Envoy's worker threads [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    concurrency: Option<u32>,
    /// Where the collector listens (reserved: there is no collector yet)
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:41003")]
    collector_listen: SocketAddr,
    /// Store, secrets and keys [default: the user's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Answer with simulated providers instead of the policy's
    #[arg(long)]
    simulate: bool,
    /// Print one JSON line with the real addresses once ready
    #[arg(long)]
    print_ports: bool,
    /// The filter module [default: beside kt, or in the build folders of the checkout]
    #[arg(long, value_name = "FILE", env = "KEEPTRUSTS_FILTER_WASM")]
    filter_wasm: Option<PathBuf>,
    /// Envoy's admin interface on a loopback address [default: a socket in the data folder]
    #[arg(long, value_name = "ADDR")]
    admin_listen: Option<SocketAddr>,
    /// One JSON line for each request goes here; `-` is stdout, `off` writes none [default: access.log in the data folder]
    #[arg(long, value_name = "FILE")]
    access_log: Option<String>,
    /// What Envoy logs: trace, debug, info, warning, error
    #[arg(long, value_name = "LEVEL", default_value = "warning")]
    envoy_log_level: String,
    /// How long requests in flight may take to end after SIGTERM, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    drain_timeout: u64,
}

impl Command {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let Self::Run(args) = self;
        let listen = match args.port {
            Some(port) => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
            None => args.listen,
        };
        let settings = Settings {
            policy_config: args.policy_config,
            listen,
            concurrency: args.concurrency,
            data_dir: args.data_dir,
            simulate: args.simulate,
            print_ports: args.print_ports,
            filter_wasm: args.filter_wasm,
            admin_listen: args.admin_listen,
            access_log: args.access_log,
            envoy_log_level: args.envoy_log_level,
            drain_timeout: Duration::from_secs(args.drain_timeout),
        };
        run(settings)
    }
}

/// Shows what lint found before the one line that says that it was too much.
pub(crate) fn print_refusal(refused: &Refused) {
    if let Refused::Invalid { rendered, .. } = refused {
        for finding in rendered {
            eprintln!("{finding}");
        }
    }
}
