//! Health checks and circuit breakers: the target's own settings, then the document's, then the defaults.
//!
//! Both count consecutive failures until a target is out. Who gives only one of the two limits means both.

use catalog::Provider;

use crate::draft::{Draft, TargetDraft};
use crate::model::{CircuitBreaker, HealthCheck};
use crate::section::Slot;

/// Probes are sent unless switched off, or unless the vendor has no free probe and the user names none.
pub(super) fn check(document: &Draft, target: &TargetDraft, vendor: Provider) -> HealthCheck {
    let default = HealthCheck::default();
    let (own, shared) = (&target.health_check, &document.health_check);
    let path = nearest(&own.path, &shared.path);
    let can_probe = path.is_some() || vendor.profile().probe.is_some();
    HealthCheck {
        enabled: can_probe && nearest(&own.enabled, &shared.enabled).unwrap_or(default.enabled),
        interval_ms: nearest(&own.interval_ms, &shared.interval_ms).unwrap_or(default.interval_ms),
        timeout_ms: nearest(&own.timeout_ms, &shared.timeout_ms).unwrap_or(default.timeout_ms),
        unhealthy_threshold: unhealthy_threshold(document, target)
            .or_else(|| failure_threshold(document, target))
            .unwrap_or(default.unhealthy_threshold),
        healthy_threshold: nearest(&own.healthy_threshold, &shared.healthy_threshold)
            .unwrap_or(default.healthy_threshold),
        path,
        expected_statuses: nearest(&own.expected_statuses, &shared.expected_statuses)
            .unwrap_or_default(),
    }
}

pub(super) fn breaker(document: &Draft, target: &TargetDraft) -> CircuitBreaker {
    let default = CircuitBreaker::default();
    let (own, shared) = (&target.circuit_breaker, &document.circuit_breaker);
    CircuitBreaker {
        enabled: nearest(&own.enabled, &shared.enabled).unwrap_or(default.enabled),
        failure_threshold: failure_threshold(document, target)
            .or_else(|| unhealthy_threshold(document, target))
            .unwrap_or(default.failure_threshold),
        cooldown_ms: nearest(&own.cooldown_ms, &shared.cooldown_ms).unwrap_or(default.cooldown_ms),
        half_open_requests: nearest(&own.half_open_requests, &shared.half_open_requests)
            .unwrap_or(default.half_open_requests),
        max_cooldown_ms: nearest(&own.max_cooldown_ms, &shared.max_cooldown_ms)
            .unwrap_or(default.max_cooldown_ms),
    }
}

fn unhealthy_threshold(document: &Draft, target: &TargetDraft) -> Option<u32> {
    nearest(
        &target.health_check.unhealthy_threshold,
        &document.health_check.unhealthy_threshold,
    )
}

fn failure_threshold(document: &Draft, target: &TargetDraft) -> Option<u32> {
    nearest(
        &target.circuit_breaker.failure_threshold,
        &document.circuit_breaker.failure_threshold,
    )
}

fn nearest<T: Clone>(own: &Slot<T>, document: &Slot<T>) -> Option<T> {
    own.get().or(document.get()).cloned()
}
