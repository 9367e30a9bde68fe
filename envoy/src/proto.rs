//! Envoy's JSON for protobuf: type URLs, `Any`, durations, addresses.

use std::net::SocketAddr;

use serde_json::{Map, Value, json};

/// `google.protobuf.Any` of message type `name`. `fields` must be an object.
pub(crate) fn any(name: &str, fields: Value) -> Value {
    let mut object = Map::new();
    object.insert("@type".into(), type_url(name).into());
    if let Value::Object(fields) = fields {
        object.extend(fields);
    }
    Value::Object(object)
}

/// An extension of Envoy: its name in the registry and its typed configuration.
pub(crate) fn extension(name: &str, message: &str, fields: Value) -> Value {
    json!({ "name": name, "typed_config": any(message, fields) })
}

/// The type URL of message `name`.
pub(crate) fn type_url(name: &str) -> String {
    format!("type.googleapis.com/{name}")
}

/// `google.protobuf.Duration`.
pub(crate) fn duration(milliseconds: u64) -> String {
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    if rest == 0 {
        format!("{seconds}s")
    } else {
        format!("{seconds}.{rest:03}s")
    }
}

/// An address of this machine or a literal one.
pub(crate) fn socket_address(address: SocketAddr) -> Value {
    host_address(&address.ip().to_string(), address.port())
}

/// An address by name or literal.
pub(crate) fn host_address(host: &str, port: u16) -> Value {
    json!({ "socket_address": { "address": host, "port_value": port } })
}

/// A file that holds a discovery response and is replaced by renaming another file over it.
pub(crate) fn file_source(path: &str) -> Value {
    json!({ "path_config_source": { "path": path }, "resource_api_version": "V3" })
}

/// The router, last in every downstream chain.
pub(crate) fn router() -> Value {
    extension(
        "envoy.filters.http.router",
        "envoy.extensions.filters.http.router.v3.Router",
        // x-envoy-upstream-service-time and its like are nobody's business outside.
        json!({ "suppress_envoy_headers": true }),
    )
}

/// The codec, last in every upstream chain.
pub(crate) fn upstream_codec() -> Value {
    extension(
        "envoy.filters.http.upstream_codec",
        "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec",
        json!({}),
    )
}

/// `typed_extension_protocol_options` of a cluster.
pub(crate) fn http_protocol_options(fields: Value) -> Value {
    const NAME: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    json!({ NAME: any(NAME, fields) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_their_milliseconds() {
        for (milliseconds, expected) in [
            (0, "0s"),
            (5, "0.005s"),
            (999, "0.999s"),
            (1000, "1s"),
            (61_050, "61.050s"),
        ] {
            assert_eq!(duration(milliseconds), expected);
        }
    }
}
