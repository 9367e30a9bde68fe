//! `kt envoy render`: configuration for an Envoy that somebody else runs.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use ::envoy::{Admin, Gateway, Runtime};
use clap::{Args, Subcommand, ValueEnum};

use super::Failure;
use super::gateway::{DEFAULT_LISTEN, print_refusal};
use crate::paths::{self, variable};
use crate::secrets::Secrets;
use crate::{find, policy_file};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print configuration for an Envoy that runs elsewhere
    Render(Render),
}

#[derive(Debug, Args)]
pub(crate) struct Render {
    /// The policy, in YAML or JSON
    #[arg(long, value_name = "FILE")]
    policy_config: PathBuf,
    /// What to print
    #[arg(long, value_enum, default_value_t = Target::Bootstrap)]
    target: Target,
    /// Where clients connect
    #[arg(long, value_name = "ADDR", default_value = DEFAULT_LISTEN)]
    listen: SocketAddr,
    /// Where Envoy's admin interface is: a loopback address
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9901")]
    admin_listen: SocketAddr,
    /// The filter module, as Envoy will see it
    #[arg(long, value_name = "FILE", env = "KEEPTRUSTS_FILTER_WASM")]
    filter_wasm: Option<PathBuf>,
    /// Certificate authorities, as Envoy will see them (PEM)
    #[arg(long, value_name = "FILE")]
    ca_file: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// One complete bootstrap
    Bootstrap,
}

impl Command {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let Self::Render(render) = self;
        render.run()
    }
}

impl Render {
    fn run(self) -> Result<ExitCode, Failure> {
        let folder = paths::secrets_folder(&variable, None);
        let secrets = Secrets {
            folder: folder.clone(),
            variables: &variable,
        };
        let document =
            policy_file::read(&self.policy_config, &secrets).inspect_err(print_refusal)?;
        let module = match self.filter_wasm {
            Some(path) => path,
            None => find::module(None, std::env::current_exe().ok().as_deref())?,
        };
        let ca_file = self.ca_file.or_else(|| find::ca_file(&variable));
        let gateway = Gateway {
            policy: &document.policy,
            policy_text: &document.text,
            module: &module.to_string_lossy(),
            runtime: Runtime {
                gateway_id: "keeptrusts".into(),
                config_version: policy_file::version(&document.text),
                version: env!("CARGO_PKG_VERSION").into(),
                credentials_missing: Vec::new(),
                endpoints: document.endpoints.clone(),
            },
            listen: self.listen,
            admin: Admin::Loopback(self.admin_listen),
            ca_file: ca_file.as_deref(),
            access_log: Some("/dev/stdout"),
            collector: None,
            addresses: BTreeMap::new(),
            monitor: true,
        };
        match self.target {
            Target::Bootstrap => {
                let stored_file = |name: &str| {
                    let file = folder.join(name);
                    file.is_file().then(|| file.to_string_lossy().into_owned())
                };
                let rendered = ::envoy::document(&gateway, &stored_file)?;
                print!("{}", ::envoy::to_yaml(&rendered));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
