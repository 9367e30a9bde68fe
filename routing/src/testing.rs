//! Builds policies for tests and benchmarks.

use std::collections::BTreeMap;

use catalog::{DialectPatch, Provider};
use policy::{
    BaseUrl, CircuitBreaker, Credential, Failover, GatewaySettings, HealthCheck, Member,
    ModelGroup, Policy, Strategy, Target, TargetId,
};

/// A target of `vendor` that differs from others only by its id.
pub(crate) fn target(id: &str, vendor: Provider) -> Target {
    Target {
        id: id.to_owned(),
        vendor,
        base_url: BaseUrl {
            tls: true,
            host: format!("{id}.example"),
            port: 443,
            path: String::from("/v1"),
        },
        endpoint_variable: None,
        model: None,
        credential: Credential::Env(String::from("KEY")),
        priority: None,
        weight: None,
        region: None,
        timeout_ms: 30_000,
        model_mapping: BTreeMap::new(),
        health_check: HealthCheck::default(),
        circuit_breaker: CircuitBreaker::default(),
        api_version: None,
        default_max_tokens: None,
        price: None,
        aws_sigv4_region: None,
        forward_headers: Vec::new(),
        stream_idle_timeout_ms: policy::DEFAULT_STREAM_IDLE_TIMEOUT_MS,
        quirks: DialectPatch::NONE,
        endpoints: None,
    }
}

/// A member that sends `model` to the target at position `target`.
pub(crate) fn member(target: usize, model: &str) -> Member {
    Member {
        target: TargetId(target),
        model: (!model.is_empty()).then(|| model.to_owned()),
        weight: None,
        priority: None,
        timeout_ms: 10_000,
        tag: None,
        region: None,
        price: None,
        context_window: None,
        description: None,
        examples: Vec::new(),
    }
}

/// [`member`] with a weight.
pub(crate) fn weighted(target: usize, model: &str, weight: u32) -> Member {
    Member {
        weight: Some(weight),
        ..member(target, model)
    }
}

/// A group in the order of `members`.
pub(crate) fn group(name: &str, strategy: Strategy, members: Vec<Member>) -> ModelGroup {
    ModelGroup {
        name: name.to_owned(),
        aliases: Vec::new(),
        strategy,
        members,
        fallback_group: None,
        session_affinity: false,
        fail_open: false,
        hedge_after_ms: None,
    }
}

/// A policy of `targets`, in document order, and `groups`.
pub(crate) fn policy(targets: Vec<Target>, groups: Vec<ModelGroup>) -> Policy {
    Policy {
        name: String::from("test"),
        version: String::from("1"),
        default_order: (0..targets.len()).map(TargetId).collect(),
        targets,
        groups,
        default_strategy: Strategy::Failover,
        failover: Failover::default(),
        content_policies: Vec::new(),
        gateway: GatewaySettings::default(),
        telemetry: policy::Telemetry::default(),
    }
}

/// `count` targets `t0`, `t1`, … and one group `g` over all of them, each with its own model.
pub(crate) fn one_group(count: usize, strategy: Strategy) -> Policy {
    let targets = (0..count)
        .map(|number| target(&format!("t{number}"), Provider::COMPATIBLE))
        .collect();
    let members = (0..count)
        .map(|number| weighted(number, &format!("m{number}"), 1))
        .collect();
    policy(targets, vec![group("g", strategy, members)])
}
