//! Keys of this gateway's own, in no seed document.

use super::{pack, quirks};
use crate::draft::{
    CircuitBreakerDraft, Draft, GroupDraft, HealthCheckDraft, MemberDraft, TargetDraft,
};
use crate::forward_headers;
use crate::lint::{Lint, Spanned};
use crate::model::Unpriced;
use crate::section::Key;
use crate::value::{self, Unit};
use crate::yaml::{Node, Value};

pub(super) const ROOT: &[Key<Draft>] = &[
    Key::new("max_request_bytes", |draft, node, lint| {
        draft
            .max_request_bytes
            .set(value::long_integer(node, 1_024..=1_073_741_824, lint), lint);
    }),
    Key::new("log_bodies", |draft, node, lint| {
        draft.log_bodies.set(value::boolean(node, lint), lint)
    }),
    Key::new("commit_after_ms", |draft, node, lint| {
        draft
            .commit_after_ms
            .set(value::duration(node, Unit::Milliseconds, lint), lint);
    }),
    Key::new("unpriced", |draft, node, lint| {
        let choices = [
            ("refuse", Unpriced::Refuse),
            ("worst_known", Unpriced::WorstKnown),
            ("ignore", Unpriced::Ignore),
        ];
        draft
            .unpriced
            .set(value::choice(node, &choices, lint), lint)
    }),
];

pub(super) const TARGET: &[Key<TargetDraft>] = &[
    Key::new("timeout_ms", |target, node, lint| {
        target
            .timeout_ms
            .set(value::duration(node, Unit::Milliseconds, lint), lint);
    }),
    Key::new("timeout_seconds", |target, node, lint| {
        target
            .timeout_ms
            .set(value::duration(node, Unit::Seconds, lint), lint);
    }),
    Key::new("stream_idle_timeout_ms", |target, node, lint| {
        target
            .stream_idle_timeout_ms
            .set(value::duration(node, Unit::Milliseconds, lint), lint);
    }),
    Key::new("model_mapping", |target, node, lint| {
        target.model_mapping.set(value::name_map(node, lint), lint)
    }),
    Key::new("cost_per_1k_input", |target, node, lint| {
        pack::read_price_input(&mut target.price, node, lint)
    }),
    Key::new("cost_per_1k_output", |target, node, lint| {
        pack::read_price_output(&mut target.price, node, lint)
    }),
    Key::new("cost_per_1k_cached_input", |target, node, lint| {
        target.price.cached_input.set(pack::usd(node, lint), lint);
    }),
    Key::new("region", read_region),
    Key::new("api_version", read_api_version),
    Key::new("default_max_tokens", read_default_max_tokens),
    Key::new("aws_sigv4_region", read_aws_sigv4_region),
    Key::new("forward_headers", |target, node, lint| {
        target
            .forward_headers
            .set(forward_headers::read(node, lint), lint);
    }),
    Key::new("quirks", quirks::read_quirks),
    Key::new("endpoints", quirks::read_endpoints),
];

pub(super) const PROVIDER: &[Key<TargetDraft>] = &[
    Key::new("region", read_region),
    Key::new("api_version", read_api_version),
    Key::new("default_max_tokens", read_default_max_tokens),
    Key::new("aws_sigv4_region", read_aws_sigv4_region),
];

pub(super) const GROUP: &[Key<GroupDraft>] = &[
    Key::new("fail_open", |group, node, lint| {
        group.fail_open.set(value::boolean(node, lint), lint)
    }),
    Key::new("hedge_after_ms", |group, node, lint| {
        group
            .hedge_after_ms
            .set(value::duration(node, Unit::Milliseconds, lint), lint);
    }),
];

pub(super) const MEMBER: &[Key<MemberDraft>] = &[
    Key::new("timeout_seconds", |member, node, lint| {
        member
            .timeout_ms
            .set(value::duration(node, Unit::Seconds, lint), lint);
    }),
    Key::new("cost_per_1k_cached_input", |member, node, lint| {
        member.price.cached_input.set(pack::usd(node, lint), lint);
    }),
    Key::new("context_window", |member, node, lint| {
        member
            .context_window
            .set(value::integer(node, 1..=1_000_000_000, lint), lint);
    }),
    Key::new("description", |member, node, lint| {
        member.description.set(value::string(node, lint), lint)
    }),
    Key::new("examples", |member, node, lint| {
        member.examples.put(value::strings(node, "sentences", lint))
    }),
];

pub(super) const HEALTH_CHECK: &[Key<HealthCheckDraft>] = &[
    Key::new("path", |check, node, lint| {
        check.path.set(probe_path(node, lint), lint)
    }),
    Key::new("expected_status", |check, node, lint| {
        check.expected_statuses.put(statuses(node, lint))
    }),
];

pub(super) const CIRCUIT_BREAKER: &[Key<CircuitBreakerDraft>] =
    &[Key::new("max_cooldown_seconds", |breaker, node, lint| {
        breaker
            .max_cooldown_ms
            .set(value::duration(node, Unit::Seconds, lint), lint);
    })];

fn read_region(target: &mut TargetDraft, node: &Node, lint: &mut Lint) {
    target.region.set(value::name(node, lint), lint);
}

fn read_api_version(target: &mut TargetDraft, node: &Node, lint: &mut Lint) {
    // It goes into a query string as it is.
    target.api_version.set(value::identifier(node, lint), lint);
}

fn read_default_max_tokens(target: &mut TargetDraft, node: &Node, lint: &mut Lint) {
    target
        .default_max_tokens
        .set(value::integer(node, 1..=10_000_000, lint), lint);
}

fn read_aws_sigv4_region(target: &mut TargetDraft, node: &Node, lint: &mut Lint) {
    target
        .aws_sigv4_region
        .set(value::identifier(node, lint), lint);
}

/// Begins with `/`, and may have a query.
fn probe_path(node: &Node, lint: &mut Lint) -> Option<Spanned<String>> {
    let path = value::string(node, lint)?;
    if path.value.starts_with('/') && path.value.chars().all(|c| c.is_ascii_graphic() && c != '#') {
        return Some(path);
    }
    lint.add(value::mismatch(
        node,
        "a path below the base URL, such as `/models`",
    ));
    None
}

/// One status or a list of them.
fn statuses(node: &Node, lint: &mut Lint) -> Option<Spanned<Vec<u16>>> {
    let items = match &node.value {
        Value::Sequence(items) => items.as_ref(),
        Value::Scalar(_) | Value::Mapping(_) => std::slice::from_ref(node),
    };
    let value = items
        .iter()
        .filter_map(|item| u16::try_from(value::integer(item, 100..=599, lint)?.value).ok())
        .collect();
    Some(Spanned { value, at: node.at })
}
