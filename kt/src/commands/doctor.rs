//! `kt doctor`: what would keep a gateway from serving, before it does.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use policy::BaseUrl;

use super::Failure;
use super::gateway::{DEFAULT_COLLECTOR, DEFAULT_LISTEN};
use crate::collector_url;
use crate::doctor::{Subject, examine};
use crate::output::{print, print_json};

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The policy, in YAML or JSON
    #[arg(
        long,
        visible_alias = "config",
        value_name = "FILE",
        default_value = "policy-config.yaml"
    )]
    policy_config: PathBuf,
    /// Where clients would connect
    #[arg(long, value_name = "ADDR", default_value = DEFAULT_LISTEN)]
    listen: SocketAddr,
    /// Short for --listen 127.0.0.1:PORT
    #[arg(long, conflicts_with = "listen")]
    port: Option<u16>,
    /// A collector elsewhere [default: the one that `kt gateway run` starts]
    #[arg(long, value_name = "URL", value_parser = collector_url::parse)]
    collector_url: Option<BaseUrl>,
    /// Store, secrets and keys [default: the user's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The filter module [default: beside kt, or in the build folders of the checkout]
    #[arg(long, value_name = "FILE", env = "KEEPTRUSTS_FILTER_WASM")]
    filter_wasm: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Exit code 1 if anything failed.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let own = format!("http://{DEFAULT_COLLECTOR}").parse()?;
        let report = examine(&Subject {
            policy_config: self.policy_config,
            filter_wasm: self.filter_wasm,
            data_dir: self.data_dir,
            listen: match self.port {
                Some(port) => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
                None => self.listen,
            },
            collector_is_own: self.collector_url.is_none(),
            collector: self.collector_url.unwrap_or(own),
        });
        if self.json {
            print_json(&report)?;
        } else {
            print(&report.text())?;
        }
        Ok(if report.is_ok() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}
