//! What of a client's headers arrives: at every attempt, whoever makes it and however it was prepared, at probes and at callouts.
//! The clients here send some five hundred names that identity proxies, meshes, browsers and tracers add.

use std::collections::BTreeSet;
use std::rc::Rc;

use catalog::Provider;

use super::{POLICY, Visit};
use crate::host::fake::{FakeHost, Phase};
use crate::per_try_timeout::PerTryTimeoutFilter;
use crate::upstream_filter::UpstreamFilter;
use crate::{Flow, state};

/// Sent with everything else, and everybody gets it.
const EVERYBODYS: [&str; 4] = ["accept", "user-agent", "traceparent", "tracestate"];
/// Written for each attempt.
const WRITTEN: [&str; 7] = [
    ":method",
    ":scheme",
    ":authority",
    ":path",
    "content-type",
    "content-length",
    "accept-encoding",
];

pub(super) fn table() -> Vec<&'static str> {
    let lines = include_str!("../../testdata/client_headers.txt").lines();
    let names: Vec<_> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    assert!(names.len() >= 300, "{}", names.len());
    names
}

fn sent() -> Vec<(&'static str, &'static str)> {
    let own = ["anthropic-version", "anthropic-beta"];
    let all = table().into_iter().chain(EVERYBODYS).chain(own);
    let mut headers: Vec<_> = all.map(|name| (name, "of-the-client")).collect();
    headers.extend([
        ("content-type", "application/json"),
        ("x-tenant-id", "again"),
    ]);
    headers
}

/// `chain` and `mixed` as ever, `hedged`, `claude`; each target gets what `forward` gives it.
fn policy(forward: [&str; 3]) -> String {
    let [first, second, third] = forward;
    let policy = POLICY
        .replacen(
            "health_check",
            &format!("forward_headers: [{first}]\n      health_check"),
            1,
        )
        .replace(
            "secret_key_ref: {env: B}}",
            &format!("secret_key_ref: {{env: B}}}}\n      forward_headers: [{second}]"),
        );
    let third = format!(
        "    - id: third
      provider: {{base_url: 'http://127.0.0.1:3', type: anthropic, secret_key_ref: {{env: C}}}}
      health_check: {{enabled: false}}
      forward_headers: [{third}]
"
    );
    let policy = policy.replace("max_request_bytes", &format!("{third}max_request_bytes"));
    format!(
        "{policy}
  - name: hedged
    hedge_after_ms: 50
    models:
      - {{provider: first, model: one, timeout_ms: 1000}}
      - {{provider: second, model: two, timeout_ms: 1000}}
  - name: claude
    models:
      - {{provider: third, model: claude-sonnet-4, timeout_ms: 1000}}
      - {{provider: first, model: one, timeout_ms: 1000}}
"
    )
}

/// Makes the next attempt, over the hop where it takes that way, and gives what arrives at the provider.
fn arriving(visit: &Visit) -> Vec<(String, String)> {
    let host = &visit.host;
    host.request_body.replace(visit.body.clone());
    // Envoy's router takes its orders out of the head, and writes some of its own.
    let is_order = |name: &str| name.starts_with("x-envoy-");
    host.request_headers
        .borrow_mut()
        .retain(|(name, _)| !is_order(name));
    let attempt = |host: &FakeHost| {
        let mut target = UpstreamFilter::new(Rc::clone(&visit.vm));
        let head = host.in_phase(Phase::RequestHeaders);
        target.on_request_headers(head, host.header_count(), false);
        let size = host.request_body.borrow().len();
        target.on_request_body(host.in_phase(Phase::RequestBody), size, true);
        target.on_end(host.in_phase(Phase::Outside));
        let headers = host.request_headers.borrow();
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        (headers.iter())
            .map(|(name, value)| (name.clone(), text(value)))
            .collect()
    };
    if visit.cluster() != policy::cluster::FIRST_BYTE {
        return attempt(host);
    }
    let mut hop = PerTryTimeoutFilter::new(Rc::clone(&visit.vm));
    hop.on_request_headers(host.in_phase(Phase::RequestHeaders));
    // The inner request: the same head, and what the inner listener adds; filter state of its own.
    let inner = FakeHost::default();
    let mut head = host.request_headers.borrow().clone();
    head.push((String::from("x-forwarded-for"), b"127.0.0.1".to_vec()));
    inner.request_headers.replace(head);
    inner.request_body.replace(visit.body.clone());
    attempt(&inner)
}

fn names(headers: &[(String, String)]) -> BTreeSet<&str> {
    headers.iter().map(|(name, _)| name.as_str()).collect()
}

fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    names.into_iter().collect()
}

#[test]
fn nothing_arrives_but_what_is_named() {
    let policy = policy(["", "", ""]);
    for group in ["chain", "mixed", "hedged", "claude"] {
        for stream in [false, true] {
            let body = format!(
                r#"{{"model": "{group}", "stream": {stream}, "max_tokens": 5, "messages": [{{"role": "user", "content": "x"}}]}}"#
            );
            for path in ["/v1/chat/completions", "/v1/messages"] {
                let mut visit = Visit::new(&policy, "POST", path, &sent(), &body);
                assert_eq!(visit.enter(), Flow::Continue);
                // Whatever the router sees is not for a provider, but then nobody has to take it out.
                let head = visit.host.request_headers.borrow().clone();
                for (name, value) in &head {
                    let is_ours = !value.starts_with(b"of-the-client");
                    let is_fine = is_ours || EVERYBODYS.contains(&name.as_str());
                    assert!(
                        is_fine || name == "x-forwarded-proto",
                        "{name} passes the downstream filter"
                    );
                }
                for attempt in 0..2 {
                    let came = arriving(&visit);
                    let mut expected = set(WRITTEN.into_iter().chain(EVERYBODYS));
                    if names(&came).contains("anthropic-version") {
                        expected.extend(["anthropic-version", "anthropic-beta"]);
                        assert!(
                            came.iter().any(|(_, value)| value == "127.0.0.1:3"),
                            "only Anthropic gets its headers"
                        );
                    }
                    let case = format!("{group} {stream} {path}, attempt {attempt}");
                    assert_eq!(names(&came), expected, "{case}");
                    assert_eq!(came.len(), expected.len(), "each once: {case}");
                }
            }
        }
    }
}

#[test]
fn a_target_gets_what_its_policy_names_and_its_neighbours_do_not() {
    let policy = policy([
        "x-tenant-id, openai-organization, accept",
        "openai-project, X-Tenant-Id",
        "",
    ]);
    let tenants = ["of-the-client", "again"];
    for group in ["chain", "mixed", "hedged"] {
        for stream in [false, true] {
            let body = format!(r#"{{"model": "{group}", "stream": {stream}, "messages": []}}"#);
            let mut visit = Visit::new(&policy, "POST", "/v1/chat/completions", &sent(), &body);
            visit.enter();
            for named in ["openai-organization", "openai-project"] {
                let came = arriving(&visit);
                let usual = WRITTEN.into_iter().chain(EVERYBODYS);
                let expected = set(usual.chain(["x-tenant-id", named]));
                assert_eq!(names(&came), expected, "{group} {stream}");
                let values = came.iter().filter(|(name, _)| name == "x-tenant-id");
                let values: Vec<_> = values.map(|(_, value)| value.as_str()).collect();
                assert_eq!(values, tenants, "{group} {stream}");
            }
        }
    }
}

/// Each target's own words win, and its list does not change what others get after it.
#[test]
fn a_translator_writes_its_own_headers_whatever_is_forwarded() {
    let policy = policy(["", "", "anthropic-beta, accept-encoding, x-tenant-id"]);
    let body =
        r#"{"model": "claude", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}"#;
    let mut visit = Visit::new(&policy, "POST", "/v1/messages", &sent(), body);
    visit.enter();
    let came = arriving(&visit);
    let of = |wanted: &str| came.iter().filter(|(name, _)| name == wanted).count();
    assert_eq!((of("anthropic-beta"), of("anthropic-version")), (1, 1));
    assert_eq!((of("accept-encoding"), of("x-tenant-id")), (1, 2));
    let next = arriving(&visit);
    assert_eq!(names(&next), set(WRITTEN.into_iter().chain(EVERYBODYS)));
}

#[test]
fn a_probe_brings_what_the_monitor_gave_it() {
    let visit = Visit::chat("{}");
    let mut headers = sent();
    headers.retain(|(name, _)| *name != "x-kt-token");
    let probe = FakeHost::with_request("GET", "/v1/models", &headers, b"");
    let mut target = UpstreamFilter::new(Rc::clone(&visit.vm));
    let head = probe.in_phase(Phase::RequestHeaders);
    assert_eq!(
        target.on_request_headers(head, probe.header_count(), true),
        Flow::Continue
    );
    let came = probe.request_headers.borrow();
    let came: BTreeSet<&str> = came.iter().map(|(name, _)| name.as_str()).collect();
    let mut expected = set([":method", ":path", ":authority", ":scheme"]
        .into_iter()
        .chain(EVERYBODYS));
    for provider in Provider::all() {
        expected.extend(
            provider
                .profile()
                .probe_headers
                .iter()
                .map(|(name, _)| *name),
        );
    }
    assert_eq!(came, expected);
}

#[test]
fn a_callout_has_nothing_of_the_client() {
    let policy = format!(
        "{POLICY}
policies:
  - {{name: words, type: content-filter, action: flag, config: {{categories: [pii], moderation: {{provider: second}}}}}}
"
    );
    let body = r#"{"model": "chain", "messages": [{"role": "user", "content": "x"}]}"#;
    let mut visit = Visit::new(&policy, "POST", "/v1/chat/completions", &sent(), body);
    assert_eq!(visit.enter(), Flow::Pause, "it waits for the moderation");
    assert!(visit.host.state(state::TOKEN).is_none());
    let calls = visit.host.calls.borrow();
    let (_, headers) = calls.first().expect("a call");
    let came: BTreeSet<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        ":method",
        ":path",
        ":authority",
        ":scheme",
        "content-type",
        "accept",
        "user-agent",
    ];
    assert_eq!(came, set(expected));
    assert!(!headers.iter().any(|(_, value)| value == b"of-the-client"));
}
