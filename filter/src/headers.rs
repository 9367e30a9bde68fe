//! Which headers may cross from the client to a provider.

/// Credentials in every spelling that a provider accepts. Each attempt removes them all, because Envoy's injector adds
/// the right one later and a retry still carries what the attempt before had been given.
const CREDENTIALS: [&str; 10] = [
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "cookie",
    "x-amz-security-token",
    "x-amz-date",
    "x-amz-content-sha256",
    "x-auth-token",
];

/// Meant for the gateway, or for the account of whoever sent them, not for the provider that was picked.
const GATEWAY_ONLY: [&str; 9] = [
    "x-conversation-id",
    "x-session-id",
    "openai-organization",
    "openai-project",
    "anthropic-version",
    "anthropic-beta",
    "forwarded",
    "via",
    "expect",
];

/// Name families that are never a provider's business.
const PREFIXES: [&str; 4] = ["x-kt-", "x-envoy-", "x-forwarded-", "x-keeptrusts-"];

/// Set anew for each attempt.
const REWRITTEN: [&str; 4] = [
    "content-length",
    "content-type",
    "accept-encoding",
    "transfer-encoding",
];

/// A header that a client must not bring: it could steer Envoy or the filter, or reach a provider as a credential.
pub fn is_stripped_on_entry(name: &str) -> bool {
    CREDENTIALS.contains(&name) || name.starts_with("x-kt-") || name.starts_with("x-envoy-")
}

/// A header of the client that goes to the provider as it is.
pub fn crosses_to_upstream(name: &str) -> bool {
    !name.starts_with(':')
        && !CREDENTIALS.contains(&name)
        && !GATEWAY_ONLY.contains(&name)
        && !REWRITTEN.contains(&name)
        && !PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Envoy's word that it answers itself because a pool was full.
pub(crate) const OVERLOADED: &str = "x-envoy-overloaded";

/// With it Envoy's router retries no answer, whatever its status. Clients do not see it.
pub(crate) const FINAL: &str = "x-envoy-ratelimited";

/// Set by the hop's listener where it has no cluster of the name that it was given.
pub(crate) const NO_CLUSTER: &str = policy::cluster::NO_CLUSTER_HEADER;

/// A header that a route may still be chosen by, so that the gateway filter must leave it to the router.
pub(crate) fn is_for_the_router(name: &str) -> bool {
    name.starts_with(':') || name == "x-forwarded-proto"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_credential_or_internal_header_crosses() {
        for name in CREDENTIALS.iter().chain(&GATEWAY_ONLY).chain(&REWRITTEN) {
            assert!(!crosses_to_upstream(name), "{name}");
        }
        for name in [
            ":path",
            "x-kt-token",
            "x-envoy-max-retries",
            "x-forwarded-for",
            "x-keeptrusts-provider",
        ] {
            assert!(!crosses_to_upstream(name), "{name}");
        }
        for name in [
            "user-agent",
            "traceparent",
            "accept",
            "idempotency-key",
            "x-stainless-lang",
        ] {
            assert!(crosses_to_upstream(name), "{name}");
        }
    }
}
