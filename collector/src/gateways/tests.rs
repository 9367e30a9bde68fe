use std::borrow::Cow;

use super::*;

fn report(
    gateway: &str,
    version: &str,
    requests: u64,
    policy: Option<&'static str>,
) -> GatewayReport<'static> {
    let provider = |id: &'static str, status: &'static str| ProviderReport {
        id: Cow::Borrowed(id),
        vendor: Cow::Borrowed("openai"),
        status: Cow::Borrowed(status),
        breaker: Cow::Borrowed("closed"),
        reason: None,
        consecutive_failures: 0,
        retry_at_ms: None,
        last_check_ms: None,
        probe_latency_ms: None,
    };
    GatewayReport {
        gateway_id: Cow::Owned(gateway.to_owned()),
        version: Cow::Borrowed("0.1.0"),
        config_version: Cow::Owned(version.to_owned()),
        started_ms: 1_000,
        requests_total: requests,
        groups: vec![Cow::Borrowed("chat")],
        providers: vec![
            provider("openai", "healthy"),
            provider("azure", "unhealthy"),
        ],
        policy: policy.map(Cow::Borrowed),
    }
}

#[test]
fn a_gateway_is_shown_as_it_reported_last() {
    let gateways = Gateways::default();
    assert!(
        gateways.record("i-1", report("eu", "v1", 10, None), 5_000),
        "its policy is unknown"
    );
    assert!(!gateways.record("i-1", report("eu", "v1", 15, Some("groups: []")), 6_000));
    let list = gateways.list(7_000);
    let [eu] = list.as_slice() else {
        panic!("{list:?}")
    };
    assert_eq!(
        (eu.gateway_id.as_str(), eu.state, eu.uptime_seconds),
        ("eu", Liveness::Live, 6)
    );
    assert_eq!(
        (
            eu.providers["healthy"],
            eu.providers["degraded"],
            eu.providers["unhealthy"]
        ),
        (1, 0, 1)
    );
    assert!(eu.requests_per_second.is_some_and(|rate| rate > 0.0));
    assert_eq!(
        gateways.policy("eu").map(|policy| policy.yaml),
        Some("groups: []".to_owned())
    );
    assert_eq!(gateways.providers("eu").map(|all| all.len()), Some(2));
    assert_eq!(
        (gateways.providers("us"), gateways.policy("us")),
        (None, None)
    );
}

#[test]
fn a_process_that_started_anew_has_no_rate_yet() {
    let gateways = Gateways::default();
    gateways.record("i-1", report("eu", "v1", 10, None), 5_000);
    gateways.record("i-1", report("eu", "v1", 3, None), 6_000);
    assert_eq!(gateways.list(6_000)[0].requests_per_second, None);
}

#[test]
fn processes_and_policies_are_bounded() {
    let gateways = Gateways::default();
    for number in 0..MAX_INSTANCES + 5 {
        gateways.record(
            &format!("i-{number}"),
            report("eu", &format!("v{number}"), 0, Some("x")),
            0,
        );
    }
    let inner = gateways.lock();
    assert_eq!(inner.instances.len(), MAX_INSTANCES);
    assert!(inner.policies.len() <= MAX_INSTANCES + 1);
    assert!(
        inner
            .instances
            .contains_key(&format!("i-{}", MAX_INSTANCES + 4))
    );
}

#[test]
fn the_policy_is_shown_as_its_author_wrote_it() {
    let rendered =
        serde_json::json!({"role": "gateway", "runtime": {"a": 1}, "policy": "pack:\n  name: p\n"});
    assert_eq!(&*policy_text(&rendered.to_string()), "pack:\n  name: p\n");
    // Written by hand, it stands for itself.
    for own in ["pack: {name: p}", r#"{"pack": {"name": "p"}}"#] {
        assert_eq!(&*policy_text(own), own);
    }
}
