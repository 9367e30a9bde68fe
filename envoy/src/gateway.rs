//! What is rendered: a policy, and what only the machine it runs on knows.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use policy::{BaseUrl, Policy, Target};
use serde_json::Value;

use crate::collector::Collector;
use crate::version::{AttemptRouting, EnvoyVersion};

/// One gateway: a policy and where it runs.
#[derive(Debug, Clone)]
pub struct Gateway<'a> {
    /// Resolved by [`policy::load_with`].
    pub policy: &'a Policy,
    /// The document it came from, as the user wrote it. The filter reads it again.
    pub policy_text: &'a str,
    /// Absolute path of the filter module, as Envoy sees it, or the `oci://` URL of its image.
    pub module: &'a str,
    /// What the filter is told beside the policy.
    pub runtime: Runtime,
    /// Where clients connect. Port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Where Envoy's admin interface is.
    pub admin: Admin,
    /// PEM file of the authorities that sign providers' certificates, as Envoy sees it. Needed when a target uses TLS.
    pub ca_file: Option<&'a str>,
    /// Takes one JSON line for each request; `None` writes none.
    pub access_log: Option<&'a str>,
    /// Takes events, knows keys and budgets. Without one no events are sent and everybody is let in.
    pub collector: Option<Collector>,
    /// Targets that are reached elsewhere than at their base URL: simulated ones. Path and headers do not change.
    pub addresses: BTreeMap<String, BaseUrl>,
    /// Targets are probed by this Envoy.
    pub monitor: bool,
    /// The oldest release that takes what is rendered.
    pub envoy_version: EnvoyVersion,
    /// How attempts reach their clusters.
    pub attempt_routing: AttemptRouting,
}

/// What the filter is told beside the policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runtime {
    /// Names this gateway in events.
    pub gateway_id: String,
    /// Names this Envoy process in events, and to the collector; empty where whoever renders cannot know it.
    pub instance_id: String,
    /// Names this version of the policy in events.
    pub config_version: String,
    /// Version of the product.
    pub version: String,
    /// Ids of targets whose key could not be found.
    pub credentials_missing: Vec<String>,
    /// Values of the variables in [`Target::endpoint_variable`], which the filter cannot look up itself.
    pub endpoints: BTreeMap<String, String>,
    /// Requests without a good key are refused from the first one on, before the collector has been heard.
    pub keys_required: bool,
    /// The gateway's own rule on who is let in, whatever the collector says.
    pub auth: AuthRule,
    /// Simulated providers stand in for all targets.
    pub simulated: bool,
    /// What this gateway has heard of its collector before: `KnownControl` of the crate `events`, as JSON.
    pub known_control: Option<serde_json::Value>,
}

/// Who decides whether requests need a gateway key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AuthRule {
    /// The collector: they do from the first key on.
    #[default]
    Collector,
    /// They always do.
    Required,
    /// They never do.
    Disabled,
}

impl AuthRule {
    /// As the filter reads it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Collector => "collector",
            Self::Required => "required",
            Self::Disabled => "disabled",
        }
    }
}

/// Where Envoy's admin interface is. It must never be reachable from outside: it shows and stops everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admin {
    /// A Unix socket. Longest path: 107 bytes.
    Socket(String),
    /// A loopback address.
    Loopback(SocketAddr),
}

/// Why a policy cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// No certificate authorities.
    #[error(
        "target {target} uses TLS, but no file of certificate authorities was found (looked at SSL_CERT_FILE and the usual places)"
    )]
    NoCaFile {
        /// The target's id.
        target: String,
    },
    /// The admin interface would be open to the network.
    #[error("the admin interface must be on a loopback address, found {0}")]
    AdminNotLoopback(SocketAddr),
}

impl Gateway<'_> {
    /// Where `target` is reached.
    pub(crate) fn address_of<'b>(&'b self, target: &'b Target) -> &'b BaseUrl {
        self.addresses.get(&target.id).unwrap_or(&target.base_url)
    }

    /// What request and answer bodies may grow to inside Envoy: the filter's own limits, and some room so that it is the
    /// filter that refuses what is too large, in the client's error shape.
    pub(crate) fn buffer_limit(&self) -> u64 {
        const ROOM: u64 = 2 * 1024 * 1024;
        // As far as `protocols` gathers an answer that it translates.
        const LARGEST_ANSWER: u64 = 32 * 1024 * 1024;
        let largest = self.policy.gateway.max_request_bytes.max(LARGEST_ANSWER);
        let limit = largest.saturating_add(ROOM);
        let limit = if self.envoy_version.has_small_buffers() {
            limit.saturating_mul(2)
        } else {
            limit
        };
        limit.min(u64::from(u32::MAX))
    }

    /// Buffers of the listener `listener`, where those of its routes are not enough.
    pub(crate) fn widen_buffers(&self, listener: &mut Value) {
        if self.envoy_version.has_small_buffers() {
            listener["per_connection_buffer_limit_bytes"] = self.buffer_limit().into();
        }
    }
}
