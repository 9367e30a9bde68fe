//! Telemetry: where it goes, and that no key stands in it.

use policy::{
    BaseUrl, Code, Credential, HeaderValue, LoadOptions, MetricLabels, Telemetry, load, load_with,
};

use crate::{GOOD, expect};

fn with(telemetry: &str) -> String {
    format!("{GOOD}telemetry:\n{telemetry}")
}

fn telemetry(text: &str) -> Telemetry {
    let loaded = load(&with(text));
    assert!(loaded.findings.is_empty(), "{:#?}", loaded.findings);
    loaded.policy.unwrap().telemetry
}

fn url(text: &str) -> BaseUrl {
    text.parse().unwrap()
}

#[test]
fn one_endpoint_serves_all_signals_unless_one_has_its_own() {
    let telemetry = telemetry(
        "  service_name: llm\n  otlp:\n    endpoint: https://otel.example/base\n    headers:\n      \
         X-Scope: platform\n      Authorization: {secret_key_ref: {env: OTLP_AUTH}, prefix: 'Bearer '}\n  \
         traces: {endpoint: 'https://traces.example/in', headers: {x-scope: traces}}\n  metrics: false\n  logs: true\n  \
         sampling: 0.1\n  labels: [group, team]\n  interval_seconds: 5\n  prometheus: {port: 9464, require_key: true}\n",
    );
    let secret = |name: &str| HeaderValue::Secret {
        prefix: "Bearer ".into(),
        credential: Credential::Env(name.into()),
    };
    let text = |text: &str| HeaderValue::Text(text.into());
    let traces = telemetry.traces.unwrap();
    assert_eq!(traces.url, url("https://traces.example/in"));
    assert_eq!(
        traces.headers,
        [
            ("x-scope".to_owned(), text("traces")),
            ("authorization".to_owned(), secret("OTLP_AUTH"))
        ]
    );
    let logs = telemetry.logs.unwrap();
    assert_eq!(logs.url, url("https://otel.example/base/v1/logs"));
    assert_eq!(logs.headers[0], ("x-scope".to_owned(), text("platform")));
    assert_eq!(telemetry.metrics, None);
    assert_eq!(
        telemetry.labels,
        MetricLabels {
            provider: false,
            model: false,
            group: true,
            key: false,
            team: true
        }
    );
    assert_eq!(
        (
            telemetry.service_name.as_str(),
            telemetry.sampling,
            telemetry.interval_ms
        ),
        ("llm", 0.1, 5_000)
    );
    let prometheus = telemetry.prometheus;
    assert_eq!(
        (prometheus.port, prometheus.require_key, prometheus.enabled),
        (Some(9464), true, true)
    );
}

#[test]
fn without_an_endpoint_nothing_is_exported() {
    let loaded = load(GOOD);
    assert_eq!(loaded.policy.unwrap().telemetry, Telemetry::default());
    let nothing = telemetry("  prometheus: {enabled: false}\n");
    assert_eq!(
        (nothing.traces, nothing.metrics, nothing.logs),
        (None, None, None)
    );
    assert!(!nothing.prometheus.enabled);
}

#[test]
fn one_mistake_one_finding() {
    use Code::*;
    for (text, expected) in [
        (
            "  traces: true\n",
            (
                E109,
                30,
                11,
                "telemetry.traces",
                "`traces` has nowhere to go",
            ),
        ),
        (
            "  otlp: {endpoint: 'http://otel:4317'}\n",
            (
                E109,
                30,
                20,
                "telemetry.otlp.endpoint",
                "port 4317 speaks gRPC",
            ),
        ),
        (
            "  otlp: {endpoint: 'otel:4318'}\n",
            (E109, 30, 20, "telemetry.otlp.endpoint", "bad endpoint"),
        ),
        (
            "  otlp:\n    endpoint: http://10.0.0.1:4318\n    headers: {authorization: Bearer sk-1}\n",
            (
                E109,
                32,
                30,
                "telemetry.otlp.headers.authorization",
                "keys do not belong into a policy",
            ),
        ),
        (
            "  otlp:\n    endpoint: http://10.0.0.1:4318\n    headers: {authorization: {prefix: x}}\n",
            (
                E104,
                32,
                30,
                "telemetry.otlp.headers.authorization",
                "Missing secret_key_ref",
            ),
        ),
        (
            "  otlp:\n    endpoint: http://10.0.0.1:4318\n    headers: {content-type: text/plain}\n",
            (
                E109,
                32,
                15,
                "telemetry.otlp.headers.content-type",
                "expected the name of a header",
            ),
        ),
        (
            "  otlp:\n    endpoint: http://otel.example\n    headers: {x-api-key: {secret_key_ref: {env: A}}}\n",
            (
                W105,
                31,
                15,
                "telemetry.otlp.endpoint",
                "the key travels unencrypted to otel.example",
            ),
        ),
        (
            "  sampling: 2\n",
            (
                E109,
                30,
                13,
                "telemetry.sampling",
                "expected a number from 0 to 1",
            ),
        ),
        (
            "  sampling: 0.5\n",
            (
                W102,
                30,
                13,
                "telemetry.sampling",
                "`sampling` has no effect",
            ),
        ),
        (
            "  labels: [user]\n",
            (
                E109,
                30,
                12,
                "telemetry.labels[0]",
                "expected `provider` or",
            ),
        ),
        (
            "  otpl: {}\n",
            (E002, 30, 3, "telemetry.otpl", "unknown key `otpl`"),
        ),
    ] {
        expect(&with(text), &[expected]);
    }
}

#[test]
fn a_secret_that_is_not_there_is_told() {
    let text = with(
        "  otlp: {endpoint: 'http://127.0.0.1:4318', headers: {authorization: {secret_key_ref: {env: NONE}}}}\n",
    );
    let options = |strict| LoadOptions {
        variable_is_set: Some(&|credential| *credential != Credential::Env("NONE".into())),
        strict,
        ..LoadOptions::default()
    };
    let loaded = load_with(&text, &options(false));
    assert_eq!(loaded.findings.len(), 1);
    assert_eq!(loaded.findings[0].code, Code::W103);
    assert!(loaded.findings[0].message.contains("NONE is not set"));
    assert!(loaded.policy.is_some());
    assert!(load_with(&text, &options(true)).policy.is_none());
}
