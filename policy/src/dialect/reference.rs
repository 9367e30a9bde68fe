//! What the vendor's public reference has beside the seeds: `provider_fallback`, `circuit_breaker`, flat targets.

use super::{pack, sections, strategy};
use crate::draft::{CircuitBreakerDraft, Draft, ProviderFallbackDraft, TargetDraft};
use crate::lint::{Lint, Spanned};
use crate::section::Key;
use crate::value::{self, Unit};
use crate::yaml::Node;

pub(super) const TRIGGERS_ARE_FIXED: &str = "what fails over is fixed: timeouts, connect failures, resets, 401, 403, 408, 429, 5xx, unknown models and broken streams";

pub(super) const ROOT: &[Key<Draft>] = &[
    Key::new("routing", strategy::read_routing),
    Key::new("provider_routing", strategy::read_routing),
    Key::new("provider_fallback", |draft, node, lint| {
        sections::PROVIDER_FALLBACK.read(&mut draft.provider_fallback, node, lint);
    }),
    Key::new("circuit_breaker", |draft, node, lint| {
        sections::CIRCUIT_BREAKER.read(&mut draft.circuit_breaker, node, lint);
    }),
];

pub(super) const PROVIDERS: &[Key<Draft>] = &[
    Key::new("circuit_breaker", |draft, node, lint| {
        sections::CIRCUIT_BREAKER.read(&mut draft.circuit_breaker, node, lint);
    }),
    Key::without_effect(
        "ab_test",
        "use a model group with `strategy: weighted`, `tag` and `session_affinity`",
    ),
];

pub(super) const TARGET: &[Key<TargetDraft>] = &[
    Key::new("base_url", |target, node, lint| {
        target.base_url.set(pack::base_url(node, lint), lint)
    }),
    Key::new("model", |target, node, lint| {
        target.model.set(value::name(node, lint), lint)
    }),
    Key::new("circuit_breaker", |target, node, lint| {
        sections::CIRCUIT_BREAKER.read(&mut target.circuit_breaker, node, lint);
    }),
];

pub(super) const PROVIDER_FALLBACK: &[Key<ProviderFallbackDraft>] = &[
    Key::new("enabled", |fallback, node, lint| {
        fallback.enabled.set(value::boolean(node, lint), lint)
    }),
    Key::without_effect("triggers", TRIGGERS_ARE_FIXED),
    Key::new("max_fallback_attempts", |fallback, node, lint| {
        fallback
            .max_attempts
            .set(value::integer(node, 0..=100, lint), lint);
    }),
    Key::new("content_policy", |fallback, node, lint| {
        fallback.on_content_policy.set(falls_back(node, lint), lint);
    }),
    Key::new("context_window", |fallback, node, lint| {
        fallback.on_context_length.set(falls_back(node, lint), lint);
    }),
];

pub(super) const CIRCUIT_BREAKER: &[Key<CircuitBreakerDraft>] = &[
    Key::new("enabled", |breaker, node, lint| {
        breaker.enabled.set(value::boolean(node, lint), lint)
    }),
    Key::new("failure_threshold", |breaker, node, lint| {
        breaker
            .failure_threshold
            .set(value::integer(node, 1..=1_000, lint), lint);
    }),
    Key::new("cooldown_seconds", |breaker, node, lint| {
        breaker
            .cooldown_ms
            .set(value::duration(node, Unit::Seconds, lint), lint);
    }),
    Key::new("recovery_timeout", |breaker, node, lint| {
        breaker
            .cooldown_ms
            .set(value::duration(node, Unit::Unnamed, lint), lint);
    }),
    Key::new("half_open_requests", |breaker, node, lint| {
        breaker
            .half_open_requests
            .set(value::integer(node, 1..=1_000, lint), lint);
    }),
];

/// `fallback`, or one of the reference's words for giving the error to the client.
fn falls_back(node: &Node, lint: &mut Lint) -> Option<Spanned<bool>> {
    value::choice(
        node,
        &[
            ("fallback", true),
            ("stop", false),
            ("abort", false),
            ("error", false),
        ],
        lint,
    )
}
