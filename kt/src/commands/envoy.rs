//! `kt envoy render`: configuration for an Envoy that somebody else runs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::envoy::{Admin, Collector, Compose, Gateway, Istio, Runtime, TOKEN_VARIABLE, to_yaml};
use ::policy::{BaseUrl, Credential, Policy};
use clap::{Args, Subcommand, ValueEnum};

use super::Failure;
use super::gateway::{DEFAULT_LISTEN, print_refusal};
use crate::collector_url;
use crate::find;
use crate::paths::{self, variable};
use crate::policy_file::{self, Document};
use crate::secrets::Secrets;

/// Of Debian and Ubuntu, and so of the images of Envoy and Istio.
const CA_FILE_IN_IMAGES: &str = "/etc/ssl/certs/ca-certificates.crt";
/// Where the module is mounted in containers and pods.
const MODULE_IN_IMAGES: &str = "/var/lib/keeptrusts/keeptrusts_filter.wasm";
/// Istio's own choice.
const ADMIN_OF_ISTIO: &str = "127.0.0.1:15000";
/// What AWS's request signing looks for first.
const AWS_VARIABLES: [&str; 3] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

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
    /// Where clients connect [default: 127.0.0.1:41002; 0.0.0.0:41002 for istio and compose]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where Envoy's admin interface is, a loopback address [default: 127.0.0.1:9901; Istio's own for istio]
    #[arg(long, value_name = "ADDR")]
    admin_listen: Option<SocketAddr>,
    /// The filter module: as Envoy will see it, or for compose the file on this machine
    #[arg(long, value_name = "FILE", env = "KEEPTRUSTS_FILTER_WASM")]
    filter_wasm: Option<PathBuf>,
    /// Certificate authorities as Envoy will see them, in PEM
    #[arg(long, value_name = "FILE")]
    ca_file: Option<String>,
    /// Folder with the keys of `store` names [default: KEEPTRUSTS_SECRETS_DIR, or in the user's configuration folder]
    #[arg(long, value_name = "DIR")]
    secrets_dir: Option<PathBuf>,
    /// Collector for events, keys and budgets; Envoy finds its token in KEEPTRUSTS_COLLECTOR_TOKEN [default: none]
    #[arg(long, value_name = "URL", value_parser = collector_url::parse)]
    collector_url: Option<BaseUrl>,
    /// Refuse requests without a gateway key even before the collector was heard
    #[arg(long, requires = "collector_url")]
    require_keys: bool,
    /// istio: namespace of the gateway's pods
    #[arg(long, default_value = "istio-ingress")]
    namespace: String,
    /// istio: labels of the gateway's pods
    #[arg(long, value_name = "KEY=VALUE", default_value = "istio=ingress", value_parser = label)]
    workload: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// One complete bootstrap
    Bootstrap,
    /// An EnvoyFilter for an Istio gateway
    Istio,
    /// A Docker Compose file
    Compose,
}

/// How one target wants the same gateway.
struct Setting {
    module: String,
    listen: SocketAddr,
    admin: SocketAddr,
    ca_file: Option<String>,
    collector: Option<Collector>,
    keys_required: bool,
}

impl Command {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let Self::Render(render) = self;
        render.run()
    }
}

impl Render {
    fn run(self) -> Result<ExitCode, Failure> {
        let folder = match &self.secrets_dir {
            Some(folder) => folder.clone(),
            None => paths::secrets_folder(&variable, None),
        };
        let secrets = Secrets {
            folder: folder.clone(),
            variables: &variable,
        };
        let document =
            policy_file::read(&self.policy_config, &secrets).inspect_err(print_refusal)?;
        let (notes, text) = match self.target {
            Target::Bootstrap => self.bootstrap(&document, &folder)?,
            Target::Istio => self.istio(&document)?,
            Target::Compose => self.compose(&document, &folder)?,
        };
        let version = policy_file::version(&document.text);
        println!(
            "# Rendered by kt {} from {} (version {version}).",
            env!("CARGO_PKG_VERSION"),
            self.policy_config.display()
        );
        for line in notes.lines() {
            println!("# {line}");
        }
        print!("{text}");
        Ok(ExitCode::SUCCESS)
    }

    /// What the reader must know, and the file.
    fn bootstrap(&self, document: &Document, folder: &Path) -> Result<(String, String), Failure> {
        let stored_file = |name: &str| stored(folder, name);
        let setting = Setting {
            module: self.module()?,
            listen: self.listen.unwrap_or(DEFAULT_LISTEN.parse()?),
            admin: self
                .admin_listen
                .unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 9901))),
            ca_file: self.ca_file.clone().or_else(|| find::ca_file(&variable)),
            collector: self.collector(),
            keys_required: self.require_keys,
        };
        let rendered = ::envoy::document(&setting.gateway(document), &stored_file)?;
        let needs = needs(&self.variables(&document.policy, &stored_file));
        Ok((
            format!("Needs Envoy 1.39 or later.{needs}\nStart it with: envoy -c FILE"),
            to_yaml(&rendered),
        ))
    }

    fn istio(&self, document: &Document) -> Result<(String, String), Failure> {
        let module = self
            .filter_wasm
            .as_ref()
            .map(|path| path.to_string_lossy().into_owned());
        let setting = Setting {
            module: module.unwrap_or_else(|| MODULE_IN_IMAGES.to_owned()),
            listen: self
                .listen
                .unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 41002))),
            admin: self.admin_listen.unwrap_or(ADMIN_OF_ISTIO.parse()?),
            ca_file: Some(
                self.ca_file
                    .clone()
                    .unwrap_or_else(|| CA_FILE_IN_IMAGES.to_owned()),
            ),
            collector: self.collector(),
            keys_required: self.require_keys,
        };
        let rendered = ::envoy::document(&setting.gateway(document), &|_| None)?;
        let place = Istio {
            namespace: self.namespace.clone(),
            workload: self.workload.iter().cloned().collect(),
        };
        let needs = needs(&self.variables(&document.policy, &|_| None));
        let notes = format!(
            "Needs an Istio whose proxy is Envoy 1.39 or later.{needs}\n\
             The gateway's pods need the module mounted at {}, and a restart after the first apply:\n\
             the bootstrap is read once.",
            setting.module
        );
        Ok((notes, to_yaml(&::envoy::istio(&rendered, &place))))
    }

    fn compose(&self, document: &Document, folder: &Path) -> Result<(String, String), Failure> {
        let listen = self
            .listen
            .unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 41002)));
        let setting = Setting {
            module: MODULE_IN_IMAGES.to_owned(),
            listen,
            admin: self
                .admin_listen
                .unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 9901))),
            ca_file: Some(
                self.ca_file
                    .clone()
                    .unwrap_or_else(|| CA_FILE_IN_IMAGES.to_owned()),
            ),
            collector: self.collector(),
            keys_required: self.require_keys,
        };
        let in_container =
            |name: &str| stored(folder, name).map(|_| format!("/run/secrets/{name}"));
        let rendered = ::envoy::document(&setting.gateway(document), &in_container)?;
        let secret_files = stored_names(&document.policy)
            .into_iter()
            .filter_map(|name| stored(folder, &name).map(|file| (name, file)))
            .collect();
        let variables = self.variables(&document.policy, &in_container);
        let needs = needs(&variables);
        let host = Compose {
            module_on_host: self.module()?,
            module_in_container: MODULE_IN_IMAGES.to_owned(),
            port: listen.port(),
            variables,
            secret_files,
        };
        Ok((
            format!("Start it with: docker compose -f FILE up{needs}"),
            to_yaml(&::envoy::compose(&rendered, &host)),
        ))
    }

    fn collector(&self) -> Option<Collector> {
        self.collector_url.clone().map(|address| Collector {
            address,
            with_token: true,
        })
    }

    /// The variables that Envoy will look for.
    fn variables(
        &self,
        policy: &Policy,
        stored_file: &dyn Fn(&str) -> Option<String>,
    ) -> Vec<String> {
        let mut names = variables(policy, stored_file);
        names.extend(
            self.collector_url
                .as_ref()
                .map(|_| TOKEN_VARIABLE.to_owned()),
        );
        names
    }

    fn module(&self) -> Result<String, Failure> {
        let path = match &self.filter_wasm {
            Some(path) => path.clone(),
            None => find::module(None, std::env::current_exe().ok().as_deref())?,
        };
        Ok(path.to_string_lossy().into_owned())
    }
}

impl Setting {
    fn gateway<'a>(&'a self, document: &'a Document) -> Gateway<'a> {
        Gateway {
            policy: &document.policy,
            policy_text: &document.text,
            module: &self.module,
            runtime: Runtime {
                gateway_id: "keeptrusts".to_owned(),
                // One document, any number of processes.
                instance_id: String::new(),
                config_version: policy_file::version(&document.text),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                credentials_missing: Vec::new(),
                endpoints: document.endpoints.clone(),
                keys_required: self.keys_required,
            },
            listen: self.listen,
            admin: Admin::Loopback(self.admin),
            ca_file: self.ca_file.as_deref(),
            access_log: Some("/dev/stdout"),
            collector: self.collector.clone(),
            addresses: BTreeMap::new(),
            monitor: true,
        }
    }
}

/// The file of the `store` name `name`, if it is there.
fn stored(folder: &Path, name: &str) -> Option<String> {
    let file = std::path::absolute(folder.join(name)).ok()?;
    file.is_file().then(|| file.to_string_lossy().into_owned())
}

fn stored_names(policy: &Policy) -> BTreeSet<String> {
    let names = policy
        .targets
        .iter()
        .filter_map(|target| match &target.credential {
            Credential::Store(name) => Some(name.clone()),
            Credential::Env(_) | Credential::None => None,
        });
    names.collect()
}

/// The variables with providers' keys.
fn variables(policy: &Policy, stored_file: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let mut names = BTreeSet::new();
    for target in &policy.targets {
        match &target.credential {
            _ if target.aws_sigv4_region.is_some() => {
                names.extend(AWS_VARIABLES.map(str::to_owned))
            }
            Credential::Env(name) => {
                names.insert(name.clone());
            }
            Credential::Store(name) => {
                names.extend(stored_file(name).is_none().then(|| name.clone()))
            }
            Credential::None => {}
        }
    }
    names.into_iter().collect()
}

fn needs(variables: &[String]) -> String {
    if variables.is_empty() {
        String::new()
    } else {
        format!("\nNeeds keys in its environment: {}", variables.join(", "))
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
