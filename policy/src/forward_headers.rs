//! `forward_headers` of a target: which of the client's headers it gets beside those that every target gets.
//!
//! A name in that list is a decision about trust, so lint says what is odd about it.

use crate::finding::Code;
use crate::lint::{Lint, Problem, Spanned};
use crate::value;
use crate::yaml::Node;

/// Headers that one target may be given beyond the usual ones.
const MAX_HEADERS: usize = 32;
/// Longest name.
const MAX_NAME_BYTES: usize = 128;

/// What a header's name says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nature {
    /// May go.
    Ordinary,
    /// May go, but hardly should.
    Credential,
    /// Is never the client's to send, whatever a policy says.
    Reserved(&'static str),
}

/// Where gateway keys are presented, and what Envoy writes a target's own credential into.
const CREDENTIALS: [&str; 8] = [
    "authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "proxy-authorization",
    "x-amz-security-token",
    "x-amz-date",
    "x-amz-content-sha256",
];
/// They describe the request that this gateway writes, or the connection that brought the client's.
const FRAMING: [&str; 14] = [
    "host",
    "content-type",
    "content-length",
    "content-encoding",
    "accept-encoding",
    "transfer-encoding",
    "te",
    "trailer",
    "connection",
    "keep-alive",
    "proxy-connection",
    "upgrade",
    "expect",
    "via",
];
/// Name families of the gateway and of Envoy.
const INTERNAL: [&str; 5] = [
    "x-kt-",
    "x-envoy-",
    "x-forwarded-",
    "x-keeptrusts-",
    "forwarded",
];

/// Parts of the names of headers that carry credentials, or say who somebody is.
const TELLING: [&str; 30] = [
    "access-key",
    "account",
    "apikey",
    "api-key",
    "assertion",
    "auth",
    "bearer",
    "cert",
    "cookie",
    "credential",
    "csrf",
    "email",
    "identity",
    "jwt",
    "oidc",
    "password",
    "passwd",
    "principal",
    "private",
    "saml",
    "secret",
    "session",
    "signature",
    "sso",
    "subject",
    "subscription-key",
    "token",
    "user-id",
    "userid",
    "username",
];

fn nature(name: &str) -> Nature {
    if CREDENTIALS.contains(&name) {
        Nature::Reserved("it carries the gateway's keys or the target's own")
    } else if FRAMING.contains(&name) {
        Nature::Reserved("the gateway writes it itself")
    } else if INTERNAL.iter().any(|prefix| name.starts_with(prefix)) {
        Nature::Reserved("it is between Envoy and the gateway")
    } else if TELLING.iter().any(|part| name.contains(part)) || name.ends_with("-user") {
        Nature::Credential
    } else {
        Nature::Ordinary
    }
}

/// A list of names; in lower case, each once, without those that are reserved.
pub(crate) fn read(node: &Node, lint: &mut Lint) -> Option<Spanned<Vec<String>>> {
    let items = value::sequence(node, "header names", lint)?;
    let mut names = Vec::new();
    for item in items {
        let Some(name) = header_name(item, lint) else {
            continue;
        };
        match nature(&name) {
            Nature::Ordinary => {}
            Nature::Credential => {
                let message = format!(
                    "`{name}` looks like a credential or an identity: what clients send in it reaches this provider"
                );
                lint.report(Code::W108, item.at, message);
            }
            Nature::Reserved(why) => {
                let message = format!("`{name}` is never forwarded: {why}");
                lint.report(Code::W108, item.at, message);
                continue;
            }
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.len() > MAX_HEADERS {
        let expected = format!("at most {MAX_HEADERS} header names");
        lint.add(value::mismatch(node, &expected));
        return None;
    }
    Some(Spanned {
        value: names,
        at: node.at,
    })
}

/// The name says that its value is a credential, or may be one.
pub(crate) fn is_telling(name: &str) -> bool {
    CREDENTIALS.contains(&name) || nature(name) == Nature::Credential
}

/// Whoever sends the request writes it.
pub(crate) fn is_framing(name: &str) -> bool {
    FRAMING.contains(&name)
}

/// A token of RFC 9110 without the characters that only patterns have.
pub(crate) fn is_header_name(name: &str) -> bool {
    let is_name_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(is_name_byte)
}

fn header_name(node: &Node, lint: &mut Lint) -> Option<String> {
    let given = value::string(node, lint)?.value;
    if is_header_name(&given) {
        return Some(given.to_ascii_lowercase());
    }
    let advice = if given.contains('*') {
        "list each header: there are no patterns"
    } else {
        "give the name alone, without a value"
    };
    // With its value, it may be a key.
    let message = "expected the name of a header, such as `x-tenant-id`, found something else";
    let problem = Problem::new(Code::E109, node.at, message.to_owned()).sensitive();
    lint.add(problem.suggest(advice.to_owned()));
    None
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn credentials_are_told_by_their_names() {
        for name in [
            "cookie",
            "x-auth-request-access-token",
            "x-goog-iap-jwt-assertion",
            "cf-access-jwt-assertion",
            "x-amzn-oidc-data",
            "x-ms-client-principal",
            "x-ms-token-aad-id-token",
            "x-user-id",
            "x-remote-user",
            "remote-user",
            "ocp-apim-subscription-key",
            "x-session-id",
            "x-csrf-token",
            "x-hub-signature",
        ] {
            assert_eq!(nature(name), Nature::Credential, "{name}");
        }
        for name in [
            "x-tenant-id",
            "openai-organization",
            "openai-project",
            "openai-beta",
            "idempotency-key",
            "x-title",
            "http-referer",
            "baggage",
            "x-grok-conv-id",
            "user-agent",
        ] {
            assert_eq!(nature(name), Nature::Ordinary, "{name}");
        }
        for name in [
            "authorization",
            "api-key",
            "host",
            "x-envoy-retry-on",
            "x-kt-token",
        ] {
            assert!(matches!(nature(name), Nature::Reserved(_)), "{name}");
        }
    }
}
