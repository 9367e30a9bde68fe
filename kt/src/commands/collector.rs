//! `kt collector`: a collector without a gateway.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use collector::{AuditScope, OtlpSettings, Rules, Settings, StoreLocation, Tokens};
use policy::BaseUrl;
use serde_json::json;

use super::Failure;
use super::gateway::{DEFAULT_COLLECTOR, key_rule, print_refusal, store};
use super::login::Login;
use crate::collector_url;
use crate::explain;
use crate::gateway::{StopSignals, private_folder};
use crate::open_files;
use crate::output::print;
use crate::paths::{self, variable};
use crate::secrets::Secrets;
use crate::{policy_file, telemetry};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Take events of gateways that run elsewhere, and hand out keys and budgets, until SIGTERM
    Run(Run),
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Where gateways and people connect; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = DEFAULT_COLLECTOR)]
    listen: SocketAddr,
    /// Where events are kept, sqlite:PATH or clickhouse://host/database [default: events.db in the data folder]
    #[arg(long, value_name = "URL", value_parser = store, env = "KEEPTRUSTS_STORE", hide_env_values = true)]
    store: Option<StoreLocation>,
    /// Tokens, audit trail and store [default: the user's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Remove events and audit records that are older [default: keep them]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    retention_days: Option<u32>,
    /// Keep a hash-chained audit trail [default: none]
    #[arg(long, value_enum)]
    audit: Option<Audit>,
    /// Tell gateways to let everybody in, with or without a key
    #[arg(long)]
    allow_anonymous: bool,
    /// Tell gateways to let nobody in without a key, even before the first one was made
    #[arg(long, conflicts_with = "allow_anonymous")]
    require_keys: bool,
    /// Export telemetry by OTLP as this policy says
    #[arg(long, visible_alias = "config", value_name = "FILE")]
    policy_config: Option<PathBuf>,
    /// A gateway of these, for the console's playground: http(s)://host[:port] [default: none]
    #[arg(long, value_name = "URL", value_parser = collector_url::parse)]
    gateway_url: Option<BaseUrl>,
    #[command(flatten)]
    login: Login,
    /// Print one JSON line with the real address once ready
    #[arg(long)]
    print_ports: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Audit {
    /// Every decision
    All,
    /// Blocked and flagged ones
    Blocked,
}

impl Command {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let Self::Run(args) = self;
        args.run()
    }
}

impl Run {
    fn run(self) -> Result<ExitCode, Failure> {
        open_files::raise_limit();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let mut stop = StopSignals::new()?;
            let running = self.start()?;
            let address = running.address();
            if let Some(url) = &self.gateway_url {
                running.set_gateway_url(format!("{}://{}", url.scheme(), url.authority()));
            }
            log::info!(target: "keeptrusts::collector", "Listening on http://{address}");
            if self.print_ports {
                print(&format!(
                    "{}\n",
                    json!({ "collector": address.to_string() })
                ))?;
            }
            stop.wait().await;
            running.stop();
            log::info!(target: "keeptrusts::collector", "Collector stopped");
            Ok(ExitCode::SUCCESS)
        })
    }

    /// What the policy exports, where one is given.
    fn telemetry(&self) -> Result<OtlpSettings, Failure> {
        let Some(file) = &self.policy_config else {
            return Ok(OtlpSettings::default());
        };
        let secrets = Secrets {
            folder: paths::secrets_folder(&variable, self.data_dir.clone()),
            variables: &variable,
        };
        let document = policy_file::read(file, &secrets).inspect_err(print_refusal)?;
        Ok(telemetry::otlp_settings(&document.policy, &secrets))
    }

    fn start(&self) -> Result<collector::Running, Failure> {
        let data_dir = self
            .data_dir
            .clone()
            .unwrap_or_else(|| paths::data_folder(&variable));
        private_folder(&data_dir)
            .map_err(|error| format!("cannot use {}: {error}", data_dir.display()))?;
        let listener = TcpListener::bind(self.listen)
            .map_err(|error| format!("cannot listen on {}: {error}", self.listen))?;
        let mut tokens = Tokens::load_or_create(&data_dir)?;
        // For containers, whose secrets come as variables.
        if let Some(token) = variable(envoy::TOKEN_VARIABLE) {
            tokens.ingest = token;
        }
        if let Some(token) = variable("KEEPTRUSTS_API_TOKEN") {
            tokens.api = token;
        }
        let settings = Settings {
            store: self
                .store
                .clone()
                .unwrap_or_else(|| StoreLocation::below(&data_dir)),
            data_dir,
            tokens,
            rules: Rules {
                retention_days: self.retention_days,
                audit: self.audit.map(|audit| match audit {
                    Audit::All => AuditScope::EveryDecision,
                    Audit::Blocked => AuditScope::BlockedAndFlagged,
                }),
                keys: key_rule(self.allow_anonymous, self.require_keys),
            },
            max_batch_bytes: collector::MAX_BATCH_BYTES,
            telemetry: self.telemetry()?,
            max_connections: collector::default_max_connections(),
        };
        let mut collector =
            collector::Collector::open(settings)?.with_explainer(explain::explainer());
        if let Some(login) = self.login.settings(&self.listen.to_string())? {
            collector = collector.with_login(login);
        }
        Ok(collector.start(listener)?)
    }
}
