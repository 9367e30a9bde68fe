//! Health checks and circuit breakers: the target's own settings, then the document's, then the defaults.

use crate::draft::{CircuitBreakerDraft, HealthCheckDraft};
use crate::model::{CircuitBreaker, HealthCheck};
use crate::section::Slot;
use crate::vendor::Vendor;

/// Probes are sent unless switched off, or unless the vendor has no free probe and the user names none.
pub(super) fn check(
    own: &HealthCheckDraft,
    document: &HealthCheckDraft,
    vendor: Vendor,
) -> HealthCheck {
    let default = HealthCheck::default();
    let path = nearest(&own.path, &document.path);
    let can_probe = path.is_some() || vendor.profile().probe.is_some();
    HealthCheck {
        enabled: can_probe && nearest(&own.enabled, &document.enabled).unwrap_or(default.enabled),
        interval_ms: nearest(&own.interval_ms, &document.interval_ms)
            .unwrap_or(default.interval_ms),
        timeout_ms: nearest(&own.timeout_ms, &document.timeout_ms).unwrap_or(default.timeout_ms),
        unhealthy_threshold: nearest(&own.unhealthy_threshold, &document.unhealthy_threshold)
            .unwrap_or(default.unhealthy_threshold),
        healthy_threshold: nearest(&own.healthy_threshold, &document.healthy_threshold)
            .unwrap_or(default.healthy_threshold),
        path,
        expected_statuses: nearest(&own.expected_statuses, &document.expected_statuses)
            .unwrap_or_default(),
    }
}

pub(super) fn breaker(own: &CircuitBreakerDraft, document: &CircuitBreakerDraft) -> CircuitBreaker {
    let default = CircuitBreaker::default();
    CircuitBreaker {
        enabled: nearest(&own.enabled, &document.enabled).unwrap_or(default.enabled),
        failure_threshold: nearest(&own.failure_threshold, &document.failure_threshold)
            .unwrap_or(default.failure_threshold),
        cooldown_ms: nearest(&own.cooldown_ms, &document.cooldown_ms)
            .unwrap_or(default.cooldown_ms),
        half_open_requests: nearest(&own.half_open_requests, &document.half_open_requests)
            .unwrap_or(default.half_open_requests),
        max_cooldown_ms: nearest(&own.max_cooldown_ms, &document.max_cooldown_ms)
            .unwrap_or(default.max_cooldown_ms),
    }
}

fn nearest<T: Clone>(own: &Slot<T>, document: &Slot<T>) -> Option<T> {
    own.get().or(document.get()).cloned()
}
