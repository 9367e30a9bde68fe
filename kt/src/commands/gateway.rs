//! `kt gateway`: runs Envoy with a policy.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use ::policy::BaseUrl;
use clap::{Args, Subcommand};
use collector::{KeyRule, StoreLocation};

use super::Failure;
use super::login::Login;
use crate::collector_url;
use crate::gateway::{CollectorChoice, EvidenceSettings, Settings, run};
use crate::paths::variable;
use crate::policy_file::Refused;

/// Loopback: whoever reaches this port spends the keys behind it.
pub(crate) const DEFAULT_LISTEN: &str = "127.0.0.1:41002";

/// Loopback: the console and the events are behind this port.
pub(crate) const DEFAULT_COLLECTOR: &str = "127.0.0.1:41003";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway until SIGTERM; a changed policy is taken over while requests are in flight
    Run(Run),
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The policy, in YAML or JSON
    #[arg(long, visible_alias = "config", value_name = "FILE")]
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
    /// Where the collector of this process listens, or `off`; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = DEFAULT_COLLECTOR)]
    collector_listen: String,
    /// Deliver to this collector instead, http(s)://host[:port]; its token is in KEEPTRUSTS_COLLECTOR_TOKEN
    #[arg(long, value_name = "URL", value_parser = collector_url::parse, conflicts_with = "collector_listen")]
    collector_url: Option<BaseUrl>,
    /// Where the collector keeps events, sqlite:PATH or clickhouse://host/database [default: events.db in the data folder]
    #[arg(long, value_name = "URL", value_parser = store, env = "KEEPTRUSTS_STORE", hide_env_values = true)]
    store: Option<StoreLocation>,
    #[command(flatten)]
    login: Login,
    /// Let everybody in, with or without a gateway key, wherever the gateway listens
    #[arg(long)]
    allow_anonymous: bool,
    /// Let nobody in without a gateway key, even before the first one was made
    #[arg(long, conflicts_with = "allow_anonymous")]
    require_keys: bool,
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
        let collector = match args.collector_url {
            Some(address) => CollectorChoice::Elsewhere {
                address,
                token: variable(envoy::TOKEN_VARIABLE),
            },
            None if args.collector_listen == "off" => CollectorChoice::Off,
            None => CollectorChoice::Own(args.collector_listen.parse().map_err(|_| {
                format!(
                    "--collector-listen: expected an address such as {DEFAULT_COLLECTOR}, or `off`, found {:?}",
                    args.collector_listen
                )
            })?),
        };
        let evidence = EvidenceSettings {
            collector,
            login: args.login.settings(&args.collector_listen)?,
            store: args.store,
            keys: key_rule(args.allow_anonymous, args.require_keys),
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
            evidence,
        };
        run(settings)
    }
}

/// Whether requests without a key are let in.
pub(crate) fn key_rule(allow_anonymous: bool, require_keys: bool) -> KeyRule {
    match (allow_anonymous, require_keys) {
        (true, _) => KeyRule::Never,
        (false, true) => KeyRule::Always,
        (false, false) => KeyRule::OnceCreated,
    }
}

/// Reads a store's URL, for the command line.
pub(crate) fn store(text: &str) -> Result<StoreLocation, String> {
    StoreLocation::parse(text).map_err(|error| error.to_string())
}

/// Shows what lint found before the one line that says that it was too much.
pub(crate) fn print_refusal(refused: &Refused) {
    if let Refused::Invalid { rendered, .. } = refused {
        for finding in rendered {
            eprintln!("{finding}");
        }
    }
}
