//! `kt envoy render`: configuration for an Envoy that somebody else runs.

mod deployment;
mod envoy_gateway;
mod istio;
mod kubernetes;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::envoy::{
    Admin, AttemptRouting, AuthRule, Collector, Compose, EnvoyVersion, Gateway, KeySource, Runtime,
    TOKEN_VARIABLE, to_yaml,
};
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
/// Where the module is mounted in containers.
const MODULE_IN_IMAGES: &str = "/var/lib/keeptrusts/keeptrusts_filter.wasm";
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
    #[arg(long, visible_alias = "config", value_name = "FILE")]
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
    /// The filter module: as Envoy will see it, or for compose the file on this machine [default for bootstrap, fragment
    /// and compose: KEEPTRUSTS_FILTER_WASM, or as `make build` leaves it; for the others that of the module's image]
    #[arg(long, value_name = "FILE")]
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
    /// Refuse requests without a gateway key whatever the collector says
    #[arg(long, requires = "collector_url")]
    require_keys: bool,
    /// The oldest Envoy that shall take it: 1.36 or later [default: 1.40; 1.36 for meshes]
    #[arg(long, value_name = "VERSION", value_parser = str::parse::<EnvoyVersion>)]
    envoy_version: Option<EnvoyVersion>,
    /// Kubernetes: namespace of the pods [default: istio-ingress, envoy-gateway-system or keeptrusts]
    #[arg(long)]
    namespace: Option<String>,
    /// istio-envoyfilter: labels of the gateway's pods
    #[arg(long, value_name = "KEY=VALUE", default_value = "istio=ingress", value_parser = label)]
    workload: Vec<(String, String)>,
    /// Kubernetes: image with the filter module, as `make image` writes it
    #[arg(long, value_name = "IMAGE", default_value = kubernetes::MODULE_IMAGE)]
    module_image: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// One complete bootstrap
    Bootstrap,
    /// Listeners, clusters and secrets to merge into a bootstrap that you have
    Fragment,
    /// What is merged over the bootstrap of an Istio gateway of its own
    Istio,
    /// An EnvoyFilter for an Istio gateway that serves others as well
    IstioEnvoyfilter,
    /// An EnvoyProxy of Envoy Gateway
    EnvoyGateway,
    /// A Deployment of stock Envoy
    Kubernetes,
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
    envoy_version: EnvoyVersion,
    attempt_routing: AttemptRouting,
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
            Target::Fragment => self.fragment(&document, &folder)?,
            Target::Istio => istio::bootstrap_override(&self, &document)?,
            Target::IstioEnvoyfilter => istio::envoy_filter(&self, &document)?,
            Target::EnvoyGateway => envoy_gateway::proxy(&self, &document)?,
            Target::Kubernetes => deployment::objects(&self, &document)?,
            Target::Compose => self.compose(&document, &folder)?,
        };
        let version = policy_file::version(&document.text);
        println!(
            "# Rendered by kt {} from {} (version {version}).",
            env!("CARGO_PKG_VERSION"),
            self.policy_config.display()
        );
        for line in notes.lines() {
            println!("{}", format!("# {line}").trim_end());
        }
        print!("{text}");
        Ok(ExitCode::SUCCESS)
    }

    /// What the reader must know, and the file.
    fn bootstrap(&self, document: &Document, folder: &Path) -> Result<(String, String), Failure> {
        let stored_file = |name: &str| stored(folder, name);
        let setting = self.on_this_machine()?;
        let source = KeySource::Environment(&stored_file);
        let rendered = ::envoy::document(&setting.gateway(document), source)?;
        let needs = needs(&self.variables(&document.policy, &stored_file));
        let version = setting.oldest_envoy();
        Ok((
            format!("Needs Envoy {version} or later.{needs}\nStart it with: envoy -c FILE"),
            to_yaml(&rendered),
        ))
    }

    /// The same without what a bootstrap has of its own.
    fn fragment(&self, document: &Document, folder: &Path) -> Result<(String, String), Failure> {
        let stored_file = |name: &str| stored(folder, name);
        let setting = self.on_this_machine()?;
        let source = KeySource::Environment(&stored_file);
        let rendered = ::envoy::document(&setting.gateway(document), source)?;
        let needs = needs(&self.variables(&document.policy, &stored_file));
        let notes = format!(
            "Needs Envoy {} or later, with node.id and node.cluster in its bootstrap and its admin interface at {}.{needs}\n\
             Merge it: envoy -c YOURS --config-yaml \"$(cat FILE)\", or copy what it has. Envoy takes the extension for\n\
             internal listeners only once.",
            setting.oldest_envoy(),
            setting.admin,
        );
        Ok((notes, to_yaml(&::envoy::fragment(&rendered))))
    }

    fn on_this_machine(&self) -> Result<Setting, Failure> {
        let envoy_version = self.version(EnvoyVersion::TESTED);
        let admin = SocketAddr::from((Ipv4Addr::LOCALHOST, 9901));
        Ok(Setting {
            module: self.module()?,
            listen: self.listen.unwrap_or(DEFAULT_LISTEN.parse()?),
            admin: self.admin_listen.unwrap_or(admin),
            ca_file: self.ca_file.clone().or_else(|| find::ca_file(&variable)),
            collector: self.collector(),
            keys_required: self.require_keys,
            envoy_version,
            attempt_routing: envoy_version.attempt_routing(),
        })
    }

    /// In a container whose admin interface is at `admin`, with certificate authorities where Debian has them.
    fn in_container(&self, module: &str, admin: SocketAddr, oldest: EnvoyVersion) -> Setting {
        let named = self.filter_wasm.as_ref();
        let named = named.map(|path| path.to_string_lossy().into_owned());
        let ca_file = self.ca_file.as_deref().unwrap_or(CA_FILE_IN_IMAGES);
        let anywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 41002));
        let envoy_version = self.version(oldest);
        Setting {
            module: named.unwrap_or_else(|| module.to_owned()),
            listen: self.listen.unwrap_or(anywhere),
            admin: self.admin_listen.unwrap_or(admin),
            ca_file: Some(ca_file.to_owned()),
            collector: self.collector(),
            keys_required: self.require_keys,
            envoy_version,
            attempt_routing: envoy_version.attempt_routing(),
        }
    }

    fn compose(&self, document: &Document, folder: &Path) -> Result<(String, String), Failure> {
        let admin = SocketAddr::from((Ipv4Addr::LOCALHOST, 9901));
        let setting = Setting {
            // The file on this machine is mounted there.
            module: MODULE_IN_IMAGES.to_owned(),
            ..self.in_container(MODULE_IN_IMAGES, admin, EnvoyVersion::TESTED)
        };
        let in_container =
            |name: &str| stored(folder, name).map(|_| format!("/run/secrets/{name}"));
        let rendered = ::envoy::document(
            &setting.gateway(document),
            KeySource::Environment(&in_container),
        )?;
        let secret_files: Vec<(String, String)> = stored_names(&document.policy)
            .into_iter()
            .filter_map(|name| stored(folder, &name).map(|file| (name, file)))
            .collect();
        let owner = |(_, file): &(String, String)| Some(fs::metadata(file).ok()?.uid());
        let owner_of_secrets = secret_files.first().and_then(owner);
        let variables = self.variables(&document.policy, &in_container);
        let needs = needs(&variables);
        let host = Compose {
            module_on_host: self.module()?,
            module_in_container: MODULE_IN_IMAGES.to_owned(),
            port: setting.listen.port(),
            admin_port: setting.admin.port(),
            owner_of_secrets,
            variables,
            secret_files,
        };
        Ok((
            format!("Start it with: docker compose -f FILE up{needs}"),
            to_yaml(&::envoy::compose(&rendered, &host)),
        ))
    }

    /// The version that was asked for, else the target's own.
    fn version(&self, default: EnvoyVersion) -> EnvoyVersion {
        self.envoy_version.unwrap_or(default)
    }

    fn namespace<'a>(&'a self, default: &'a str) -> &'a str {
        self.namespace.as_deref().unwrap_or(default)
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
        let named = variable("KEEPTRUSTS_FILTER_WASM").map(PathBuf::from);
        let path = match self.filter_wasm.clone().or(named) {
            Some(path) => path,
            None => find::module(None, std::env::current_exe().ok().as_deref())?,
        };
        Ok(path.to_string_lossy().into_owned())
    }
}

impl Setting {
    /// The oldest Envoy that takes what is rendered. What is rendered for the newest one, some older ones take too.
    fn oldest_envoy(&self) -> EnvoyVersion {
        self.envoy_version.min(EnvoyVersion::DIRECT)
    }

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
                // Until it was heard, nobody knows whether there are keys.
                keys_required: self.keys_required || self.collector.is_some(),
                auth: if self.keys_required {
                    AuthRule::Required
                } else {
                    AuthRule::Collector
                },
                simulated: false,
                known_control: None,
            },
            listen: self.listen,
            admin: Admin::Loopback(self.admin),
            ca_file: self.ca_file.as_deref(),
            access_log: Some("/dev/stdout"),
            collector: self.collector.clone(),
            addresses: BTreeMap::new(),
            monitor: true,
            envoy_version: self.envoy_version,
            attempt_routing: self.attempt_routing,
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
