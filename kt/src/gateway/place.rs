//! What stays the same while policies come and go: where things are, and who this gateway is.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::Path;

use envoy::{Admin, AuthRule, Collector, EnvoyVersion, Gateway, Runtime};
use events::KnownControl;
use policy::BaseUrl;
use serde_json::Value;

use crate::files;
use crate::policy_file::{self, Document};

/// Everything of a rendered gateway but the policy.
#[derive(Debug)]
pub(crate) struct Place {
    /// Absolute.
    pub(crate) module: String,
    pub(crate) gateway_id: String,
    /// This process: see [`instance_id`].
    pub(crate) instance_id: String,
    pub(crate) listen: SocketAddr,
    pub(crate) admin: Admin,
    pub(crate) ca_file: Option<String>,
    pub(crate) access_log: Option<String>,
    /// Takes events.
    pub(crate) collector: Option<Collector>,
    /// Somebody has made a gateway key.
    pub(crate) keys_required: bool,
    /// The command line's word on keys.
    pub(crate) auth: AuthRule,
    /// See [`known_control`].
    pub(crate) known_control: Option<Value>,
    /// Of the Envoy that will run.
    pub(crate) envoy_version: EnvoyVersion,
    /// Simulated providers stand in for all targets.
    pub(crate) simulated: bool,
    /// Simulated targets.
    pub(crate) addresses: BTreeMap<String, BaseUrl>,
}

impl Place {
    /// What is rendered when `document` is served here.
    pub(crate) fn gateway<'a>(
        &'a self,
        document: &'a Document,
        credentials_missing: &[String],
    ) -> Gateway<'a> {
        Gateway {
            policy: &document.policy,
            policy_text: &document.text,
            module: &self.module,
            runtime: Runtime {
                gateway_id: self.gateway_id.clone(),
                instance_id: self.instance_id.clone(),
                config_version: policy_file::version(&document.text),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                credentials_missing: credentials_missing.to_vec(),
                endpoints: document.endpoints.clone(),
                keys_required: self.keys_required,
                auth: self.auth,
                simulated: self.simulated,
                known_control: self.known_control.clone(),
            },
            listen: self.listen,
            admin: self.admin.clone(),
            ca_file: self.ca_file.as_deref(),
            access_log: self.access_log.as_deref(),
            collector: self.collector.clone(),
            addresses: self.addresses.clone(),
            monitor: true,
            envoy_version: self.envoy_version,
            attempt_routing: self.envoy_version.attempt_routing(),
        }
    }
}

/// The name under which this gateway's events are filed: made once, kept in the data folder.
pub(crate) fn gateway_id(data_folder: &Path) -> io::Result<String> {
    let file = data_folder.join("gateway-id");
    match fs::read_to_string(&file) {
        Ok(id) if !id.trim().is_empty() => return Ok(id.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let id = random_id("gw_")?;
    files::replace(&file, format!("{id}\n").as_bytes())?;
    Ok(id)
}

/// What was heard of the collector before this process, where that is anything.
pub(crate) fn known_control(known: &KnownControl) -> serde_json::Result<Option<Value>> {
    let is_something = *known != KnownControl::default();
    is_something
        .then(|| serde_json::to_value(known))
        .transpose()
}

/// A new name for one Envoy process: by it the collector tells what others have spent from what this one has.
pub(crate) fn instance_id() -> io::Result<String> {
    random_id("in_")
}

fn random_id(prefix: &str) -> io::Result<String> {
    let mut random = [0_u8; 6];
    fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{prefix}{digits}"))
}
