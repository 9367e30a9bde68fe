//! What the filter itself asks of a target: embeddings and judgements, with the target's own key.

use policy::Target;
use policy::cluster::call_cluster_name;

use crate::host::{Host, HostResult};

/// Sends a JSON `body` to `path` of `target`; the answer comes by callback with the returned token.
pub(crate) fn post_json(
    host: &impl Host,
    target: &Target,
    path: &str,
    body: &[u8],
    timeout_ms: u64,
) -> HostResult<u32> {
    let authority = target.base_url.authority();
    let headers: [(&str, &[u8]); 7] = [
        (":method", b"POST"),
        (":path", path.as_bytes()),
        (":authority", authority.as_bytes()),
        (":scheme", target.base_url.scheme().as_bytes()),
        ("content-type", b"application/json"),
        ("accept", b"application/json"),
        ("user-agent", b"keeptrusts-gateway"),
    ];
    host.call(&call_cluster_name(target), &headers, body, timeout_ms)
}
