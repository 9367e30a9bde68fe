//! The tutorial dialect (seed 003): `version`, `priority`, `health_check`, and `failover` with model mapping and retry.

use super::{pack, sections, strategy};
use crate::draft::{Draft, FailoverDraft, HealthCheckDraft, TargetDraft};
use crate::section::Key;
use crate::value::{self, Unit};
use crate::yaml::Value;

pub(super) const ROOT: &[Key<Draft>] = &[
    Key::new("version", |draft, node, lint| {
        draft.version.set(value::string(node, lint), lint)
    }),
    Key::new("failover", |draft, node, lint| {
        sections::FAILOVER.read(&mut draft.failover, node, lint)
    }),
    Key::new("health_check", |draft, node, lint| {
        sections::HEALTH_CHECK.read(&mut draft.health_check, node, lint)
    }),
];

pub(super) const PROVIDERS: &[Key<Draft>] = &[
    Key::new("failover", |draft, node, lint| {
        sections::FAILOVER.read(&mut draft.failover, node, lint)
    }),
    Key::new("health_check", |draft, node, lint| {
        sections::HEALTH_CHECK.read(&mut draft.health_check, node, lint)
    }),
];

pub(super) const TARGET: &[Key<TargetDraft>] = &[
    Key::new("priority", |target, node, lint| {
        target.priority.set(pack::priority(node, lint), lint)
    }),
    Key::new("health_check", |target, node, lint| {
        sections::HEALTH_CHECK.read(&mut target.health_check, node, lint)
    }),
];

pub(super) const HEALTH_CHECK: &[Key<HealthCheckDraft>] = &[
    Key::new("enabled", |check, node, lint| {
        check.enabled.set(value::boolean(node, lint), lint)
    }),
    Key::new("interval_seconds", |check, node, lint| {
        check
            .interval_ms
            .set(value::duration(node, Unit::Seconds, lint), lint);
    }),
    Key::new("timeout_seconds", |check, node, lint| {
        check
            .timeout_ms
            .set(value::duration(node, Unit::Seconds, lint), lint);
    }),
    Key::new("unhealthy_threshold", |check, node, lint| {
        check
            .unhealthy_threshold
            .set(value::integer(node, 1..=1_000, lint), lint);
    }),
    Key::new("healthy_threshold", |check, node, lint| {
        check
            .healthy_threshold
            .set(value::integer(node, 1..=1_000, lint), lint);
    }),
];

pub(super) const FAILOVER: &[Key<FailoverDraft>] = &[
    Key::new("enabled", |failover, node, lint| {
        failover.enabled.set(value::boolean(node, lint), lint)
    }),
    Key::new("strategy", |failover, node, lint| {
        failover
            .strategy
            .set(strategy::strategy_name(node, lint), lint);
        if let Value::Scalar(scalar) = &node.value {
            failover.written_strategy = Some(scalar.text.to_string());
        }
    }),
    Key::new("model_mapping", |failover, node, lint| {
        failover
            .model_mapping
            .set(value::name_map(node, lint), lint)
    }),
    Key::new("retry", |failover, node, lint| {
        sections::RETRY.read(failover, node, lint)
    }),
];

pub(super) const RETRY: &[Key<FailoverDraft>] = &[
    Key::new("max_attempts", |failover, node, lint| {
        failover
            .max_attempts
            .set(value::integer(node, 0..=100, lint), lint);
    }),
    Key::new("same_target", |failover, node, lint| {
        failover
            .same_target
            .set(value::integer(node, 0..=5, lint), lint);
    }),
    Key::new("timeout_seconds", |failover, node, lint| {
        failover
            .timeout_ms
            .set(value::duration(node, Unit::Seconds, lint), lint);
    }),
];
