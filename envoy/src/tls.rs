//! TLS to a provider: name sent, authorities trusted, certificate checked against the host.

use std::net::IpAddr;

use policy::BaseUrl;
use serde_json::{Value, json};

use crate::proto::extension;

/// The transport socket of a cluster whose hosts are reached under `address`.
pub(crate) fn transport_socket(address: &BaseUrl, ca_file: &str) -> Value {
    let literal = address.host.parse::<IpAddr>().is_ok();
    let san_type = if literal { "IP_ADDRESS" } else { "DNS" };
    let mut context = json!({
        "common_tls_context": {
            // Envoy as a client stops at 1.2 unless it is told.
            "tls_params": {
                "tls_minimum_protocol_version": "TLSv1_2",
                "tls_maximum_protocol_version": "TLSv1_3",
            },
            "validation_context": {
                "trusted_ca": { "filename": ca_file },
                // A chain that ends at a trusted authority is not enough: the certificate must be this host's.
                "match_typed_subject_alt_names": [{ "san_type": san_type, "matcher": { "exact": address.host } }],
            },
        },
    });
    if !literal {
        context["sni"] = address.host.as_str().into();
    }
    extension(
        "envoy.transport_sockets.tls",
        "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        context,
    )
}
