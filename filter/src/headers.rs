//! Which of a client's headers reach a provider: those that are named here, and no others.
//!
//! What identity proxies, meshes and browsers add is without end, and much of it lets its reader act for the client; a list of
//! what to take out is never complete.

use catalog::Provider;
use policy::Target;

use crate::host::HeaderList;

/// What every provider gets. `content-type`, `anthropic-version` and their like are written anew for each attempt.
const FORWARDED: [&str; 4] = ["accept", "user-agent", TRACEPARENT, "tracestate"];

/// The trace that a request belongs to (W3C Trace Context).
pub(crate) const TRACEPARENT: &str = "traceparent";

/// Frames the body until an attempt's request is written.
const FRAMING: [&str; 2] = ["content-type", "content-length"];

/// Envoy's word that it answers itself because a pool was full.
pub(crate) const OVERLOADED: &str = "x-envoy-overloaded";

/// With it Envoy's router retries no answer, whatever its status. Clients do not see it.
pub(crate) const FINAL: &str = "x-envoy-ratelimited";

/// How many seconds Envoy's router waits before it tries again. Clients do not see it.
pub(crate) const RETRY_AFTER_SECONDS: &str = policy::cluster::RETRY_AFTER_HEADER;

/// Set by the hop's listener where it has no cluster of the name that it was given.
pub(crate) const NO_CLUSTER: &str = policy::cluster::NO_CLUSTER_HEADER;

/// A header of the client that goes to every provider as it is.
pub(crate) fn is_forwarded(name: &str) -> bool {
    FORWARDED.contains(&name)
}

/// A header that a route may still be chosen by, so that the downstream filter must leave it to the router.
pub(crate) fn is_for_the_router(name: &str) -> bool {
    name.starts_with(':') || name == "x-forwarded-proto"
}

/// A header of the client that the downstream filter lets go on while no attempt has begun. Nothing that could steer Envoy or
/// the filter is among them.
pub(crate) fn passes_entry(name: &str) -> bool {
    is_for_the_router(name) || is_forwarded(name) || FRAMING.contains(&name)
}

/// A header of one of the monitor's own probes: Envoy adds others.
pub(crate) fn belongs_to_probe(name: &str) -> bool {
    let is_providers = |provider: Provider| {
        let headers = provider.profile().probe_headers;
        headers.iter().any(|(header, _)| *header == name)
    };
    name.starts_with(':') || is_forwarded(name) || Provider::all().any(is_providers)
}

/// Headers of a client that some target of its plan is to get beside the usual ones (`forward_headers`). An attempt's head may
/// have lost them to the attempt before, so they are kept.
#[derive(Debug, Default)]
pub(crate) struct ForwardedHeaders(Vec<(String, Vec<u8>)>);

impl ForwardedHeaders {
    /// Of a request that may go to `targets`.
    pub(crate) fn of<'a>(
        headers: &HeaderList,
        targets: impl Iterator<Item = &'a Target> + Clone,
    ) -> Self {
        let wants = |name: &str| targets.clone().any(|target| is_wanted_by(target, name));
        if targets
            .clone()
            .all(|target| target.forward_headers.is_empty())
        {
            return Self::default();
        }
        let kept = headers.iter().filter(|(name, _)| wants(name));
        Self(
            kept.map(|(name, value)| (name.to_owned(), value.to_vec()))
                .collect(),
        )
    }

    /// Those that `target` gets.
    pub(crate) fn to<'a>(
        &'a self,
        target: Option<&'a Target>,
    ) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let headers = self.0.iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value.as_slice()));
        headers.filter(move |(name, _)| target.is_some_and(|target| is_wanted_by(target, name)))
    }
}

fn is_wanted_by(target: &Target, name: &str) -> bool {
    !is_forwarded(name) && target.forward_headers.iter().any(|wanted| wanted == name)
}
