//! The cluster that takes events and knows keys and budgets, and how the filter's callouts get their token there.
//!
//! Envoy itself adds the token, as it does with providers' keys: the filter never sees it.

use policy::BaseUrl;
use serde_json::{Value, json};

use crate::cluster::locate;
use crate::credential::{Keys, from_file, injector};
use crate::gateway::{Gateway, RenderError};
use crate::live;
use crate::proto::{duration, file_source, http_protocol_options, upstream_codec};
use crate::{mounted, tls};

/// Name of the cluster, for the filter's callouts.
pub(crate) const CLUSTER: &str = "kt/collector";
/// Name of its token, in SDS and in the bootstrap. No target's secret can have it: those begin with `kt/`.
pub(crate) const TOKEN: &str = "kt-collector-token";
/// Variable of Envoy's environment that holds the token where Envoy is not started by `kt gateway run`.
pub const TOKEN_VARIABLE: &str = "KEEPTRUSTS_COLLECTOR_TOKEN";

const CONNECT_MS: u64 = 2_000;
/// Shorter than what a collector keeps silent connections.
const IDLE_MS: u64 = 15_000;

/// Takes events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collector {
    /// Where it is. The path must be empty: the API begins at the root.
    pub address: BaseUrl,
    /// It wants a token: [`live::COLLECTOR_SECRET`] holds it, or [`TOKEN_VARIABLE`].
    pub with_token: bool,
}

impl Collector {
    /// What callouts to it say in `:authority`.
    pub(crate) fn authority(&self) -> String {
        self.address.authority()
    }
}

/// The cluster, without its type URL.
pub(crate) fn cluster(
    gateway: &Gateway,
    collector: &Collector,
    keys: Keys,
) -> Result<Value, RenderError> {
    let mut filters = Vec::new();
    if collector.with_token {
        let secret = match keys {
            Keys::Live(directory) => {
                let file = format!("{directory}/{}", live::COLLECTOR_SECRET);
                from_file(TOKEN, file_source(&file))
            }
            Keys::Referenced => json!({ "name": TOKEN }),
            Keys::Mounted(folder) => mounted::secret(TOKEN, folder, mounted::COLLECTOR),
        };
        let version = gateway.envoy_version;
        filters.extend(injector(version, secret, "authorization", "Bearer "));
    }
    filters.push(upstream_codec());
    let mut cluster = json!({ "name": CLUSTER, "connect_timeout": duration(CONNECT_MS) });
    locate(&mut cluster, CLUSTER, &collector.address);
    if collector.address.tls {
        let ca_file = gateway.ca_file.ok_or(RenderError::NoCaFile {
            target: "collector".to_owned(),
        })?;
        cluster["transport_socket"] = tls::transport_socket(&collector.address, ca_file);
    }
    cluster["typed_extension_protocol_options"] = http_protocol_options(json!({
        "explicit_http_config": { "http_protocol_options": {} },
        "common_http_protocol_options": { "idle_timeout": duration(IDLE_MS) },
        "http_filters": filters,
    }));
    Ok(cluster)
}

/// The token as a static secret, for [`Keys::Referenced`].
pub(crate) fn referenced_token() -> Value {
    json!({ "name": TOKEN, "generic_secret": { "secret": { "environment_variable": TOKEN_VARIABLE } } })
}
