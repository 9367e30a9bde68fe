//! The wasm module that runs inside Envoy: downstream filter, upstream filter, first-byte hop and monitor.
//!
//! The contexts hold no decision that `policy`, `routing` or `protocols` can make; they move bytes between those crates
//! and the proxy, over the fallible [`host::Host`] trait. Only `wasm` and `host::proxy_wasm_abi` know proxy-wasm.
#![deny(unsafe_code)]

mod budget;
pub mod config;
mod context_window;
mod control;
pub mod downstream_filter;
pub mod embedding;
pub mod endpoint;
mod exhausted;
mod headers;
pub mod health_checker;
pub mod host;
mod http_callout;
mod int_map;
mod keys;
mod leader_lease;
pub mod local_reply;
pub mod metrics;
mod metrics_text;
pub mod per_try_timeout;
mod planning;
mod policies;
pub mod request_context;
mod request_id;
pub mod shared;
mod struct_config;
mod telemetry;
#[cfg(test)]
mod tests;
mod text;
pub mod upstream_filter;
#[cfg(target_arch = "wasm32")]
mod wasm;
pub mod worker;

use host::Host;

/// What Envoy does after a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Goes on with what the callback left.
    Continue,
    /// Waits for the next callback.
    Pause,
}

/// Filter state keys, shared by all filters of a request and its attempts; no upstream ever sees them.
pub mod state {
    /// Eight little-endian bytes that name the request.
    pub const TOKEN: &str = "kt_token";
    /// The cluster of the next attempt; Envoy's matcher reads it as [`policy::cluster::CLUSTER_FILTER_STATE`].
    pub const CLUSTER: &str = "kt_cluster";
}

/// Answers the client and holds everything else back.
fn respond(host: &impl Host, answer: &local_reply::Answer) -> Flow {
    let mut headers: Vec<(&str, &[u8])> = vec![("content-type", b"application/json")];
    headers.extend(
        answer
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes())),
    );
    match host.respond(answer.status, &headers, &answer.body) {
        Ok(()) => Flow::Pause,
        Err(error) => {
            log::error!(
                "an answer with status {} could not be sent: {error}",
                answer.status
            );
            Flow::Continue
        }
    }
}
