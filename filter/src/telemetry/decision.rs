//! The decision event: from a request, or from a request that never got one.

use std::borrow::Cow;

use events::{Decision, DecisionEvent, FailoverSummary, Few, SkippedTarget, Timestamp, Tokens};
use policy::Policy;
use protocols::usage::Usage;
use routing::cost::BilledTokens;
use routing::{Excluded, PlanError, PlannedAttempt, Random, cost};

use super::{Excerpt, RequestLog};
use crate::config::GatewayConfig;
use crate::host::Now;
use crate::request_context::{Attempt, RequestContext};

/// A request that ended before it had a plan.
#[derive(Debug)]
pub(crate) struct RejectedRequest<'a> {
    /// Envoy's.
    pub(crate) request_id: &'a str,
    /// As the client wrote it; empty where it could not be read.
    pub(crate) model: &'a str,
    /// The group that the model names.
    pub(crate) group: Option<&'a str>,
    /// The client asked for a stream.
    pub(crate) stream: bool,
    /// What the client got; `None` when it left before.
    pub(crate) status: Option<u16>,
    /// Whether a key, budget or content policy said no.
    pub(crate) decision: Decision,
    /// Who could have served, and why not.
    pub(crate) passed_over: Vec<SkippedTarget<'a>>,
}

impl<'a> RejectedRequest<'a> {
    /// Its body was not read.
    pub(crate) fn unread(request_id: &'a str) -> Self {
        Self {
            request_id,
            model: "",
            group: None,
            stream: false,
            status: None,
            decision: Decision::Allowed,
            passed_over: Vec::new(),
        }
    }

    /// Its key was not good, before its body was read.
    pub(crate) fn blocked(request_id: &'a str) -> Self {
        Self {
            decision: Decision::Blocked,
            ..Self::unread(request_id)
        }
    }

    /// There was no plan for it.
    pub(crate) fn unplanned(
        request_id: &'a str,
        model: &'a str,
        config: &'a GatewayConfig,
        refusal: &PlanError,
    ) -> Self {
        let policy = &config.policy;
        let group = config.index.group_named(model);
        let decision = match refusal {
            PlanError::NotAllowed { .. } | PlanError::BudgetExceeded { .. } => Decision::Blocked,
            PlanError::RateLimited { .. }
            | PlanError::NothingAvailable { .. }
            | PlanError::UnknownModel { .. }
            | PlanError::Unsupported { .. } => Decision::Allowed,
        };
        Self {
            model,
            group: group
                .and_then(|group| policy.group(group))
                .map(|group| group.name.as_str()),
            decision,
            passed_over: passed_over(refusal.excluded(), policy),
            ..Self::unread(request_id)
        }
    }
}

/// The event of a request that ended before it had a plan.
pub(crate) fn of_refusal<'a>(
    config: &'a GatewayConfig,
    instance_id: &'a str,
    log: &'a RequestLog,
    refused: RejectedRequest<'a>,
    random: &mut Random,
    now: Now,
) -> DecisionEvent<'a> {
    DecisionEvent {
        request_id: Cow::Borrowed(refused.request_id),
        decision: refused.decision,
        model: Cow::Borrowed(refused.model),
        model_group: refused.group.map(Cow::Borrowed),
        stream: refused.stream,
        status_code: refused.status.unwrap_or(0),
        client_gone: refused.status.is_none(),
        passed_over: refused.passed_over,
        ..begun(config, instance_id, log, random, now)
    }
}

/// The event of a planned request that has ended. `client_gone`: it hung up while an attempt was under way.
pub(crate) fn of_context<'a>(
    context: &'a RequestContext,
    instance_id: &'a str,
    client_gone: bool,
    random: &mut Random,
    now: Now,
) -> DecisionEvent<'a> {
    let config = &context.config;
    let policy = &config.policy;
    let served = context
        .attempts
        .iter()
        .rposition(|attempt| attempt.answered);
    let last = served.or_else(|| context.current_attempt());
    let entry = last.and_then(|index| context.entry(index));
    let target = entry.and_then(|entry| policy.target(entry.target));
    let attempt = last.and_then(|index| context.attempts.get(index));
    let served_by = served.and_then(|index| context.attempts.get(index));
    let tokens = attempt.and_then(|attempt| tokens(attempt, &context.log));
    let since_arrival = |ns: u64| milliseconds(ns, context.log.arrived.monotonic_ns);
    let (first_choice, failover_reason) = context.first_choice_failed(last.unwrap_or(0)).unzip();
    DecisionEvent {
        request_id: Cow::Borrowed(&context.request_id),
        model: Cow::Borrowed(&context.requested_model),
        model_group: context
            .plan
            .group
            .map(|_| Cow::Borrowed(context.group_name())),
        resolved_model: entry.map(|entry| Cow::Borrowed(&*entry.model)),
        provider: target.map(|target| Cow::Borrowed(target.id.as_str())),
        vendor: target.map(|target| Cow::Borrowed(target.vendor.name())),
        tag: entry.and_then(|entry| entry.tag.as_deref().map(Cow::Borrowed)),
        region: entry.and_then(|entry| entry.region.as_deref().map(Cow::Borrowed)),
        strategy: Some(Cow::Borrowed(context.plan.strategy)),
        similarity: context.plan.similarity,
        stream: context.stream,
        status_code: context.client_status.unwrap_or(0),
        client_gone: client_gone || context.client_status.is_none(),
        upstream_latency_ms: served_by.map(|attempt| latency_ms(attempt, now)),
        time_to_first_token_ms: served_by
            .filter(|_| context.stream)
            .and_then(|attempt| attempt.first_content_ns)
            .map(since_arrival),
        tokens,
        estimated_cost_usd: (context.plan.estimated_cost_usd).map(events::whole_nanos),
        actual_cost_usd: tokens.and_then(|tokens| billed_usd(entry?, tokens)),
        fallback_count: last.map_or(0, |index| {
            u32::try_from(context.fallback_count(index)).unwrap_or(u32::MAX)
        }),
        failover: FailoverSummary {
            triggered: first_choice.is_some(),
            original_provider: first_choice.map(Cow::Borrowed),
            reason: failover_reason.map(Cow::Borrowed),
        },
        attempts: (context.attempts.iter().enumerate())
            .map(|(index, attempt)| events::AttemptRecord {
                started_after_ms: (context.log.trace).map(|_| since_arrival(attempt.started_ns)),
                span_id: context.span_of(index),
                provider: Cow::Borrowed(context.target_id(index)),
                model: context
                    .entry(index)
                    .map(|entry| Cow::Borrowed(&*entry.model))
                    .unwrap_or_default(),
                status_code: attempt.status,
                reason: attempt.failure.map(|reason| Cow::Borrowed(reason.as_str())),
                latency_ms: latency_ms(attempt, now),
            })
            .collect(),
        passed_over: passed_over(&context.plan.excluded, policy),
        ..begun(config, instance_id, &context.log, random, now)
    }
}

fn passed_over<'a>(excluded: &[Excluded], policy: &'a Policy) -> Vec<SkippedTarget<'a>> {
    let named = |excluded: &Excluded| {
        Some(SkippedTarget {
            provider: Cow::Borrowed(policy.target(excluded.target)?.id.as_str()),
            reason: Cow::Borrowed(excluded.reason.name()),
        })
    };
    excluded.iter().filter_map(named).collect()
}

/// What each entry of the plan has cost, in nano US dollars.
pub(crate) fn bills(context: &RequestContext) -> Vec<u64> {
    let mut bills = vec![0_u64; context.plan.attempts.len()];
    for (index, attempt) in context.attempts.iter().enumerate() {
        let billed = context.entry(index).and_then(|entry| {
            let usd = billed_usd(entry, tokens(attempt, &context.log)?)?;
            Some(events::nanos(usd))
        });
        if let (Some(billed), Some(bill)) = (billed, bills.get_mut(attempt.entry)) {
            *bill = bill.saturating_add(billed);
        }
    }
    bills
}

/// What every event says, and nothing else yet.
fn begun<'a>(
    config: &'a GatewayConfig,
    instance_id: &'a str,
    log: &'a RequestLog,
    random: &mut Random,
    now: Now,
) -> DecisionEvent<'a> {
    let arrived = log.arrived;
    DecisionEvent {
        id: super::id(random, arrived.unix_ms),
        timestamp: Timestamp::from_micros(arrived.unix_us()),
        request_id: Cow::Borrowed(""),
        decision: log.decision(),
        model: Cow::Borrowed(""),
        model_group: None,
        resolved_model: None,
        provider: None,
        vendor: None,
        tag: None,
        region: None,
        strategy: None,
        similarity: None,
        endpoint: Some(Cow::Borrowed(log.endpoint)),
        stream: false,
        status_code: 0,
        error_code: log.error_code.as_deref().map(Cow::Borrowed),
        client_gone: false,
        latency_ms: milliseconds(now.monotonic_ns, arrived.monotonic_ns),
        upstream_latency_ms: None,
        time_to_first_token_ms: None,
        finish_reason: None,
        tokens: None,
        estimated_cost_usd: None,
        actual_cost_usd: None,
        fallback_count: 0,
        failover: FailoverSummary::default(),
        attempts: Few::new(),
        passed_over: Vec::new(),
        policies_evaluated: Cow::Borrowed(&log.policies),
        key_name: log.key.as_ref().map(|key| Cow::Borrowed(key.name.as_str())),
        team: log
            .key
            .as_ref()
            .and_then(|key| key.team.as_deref().map(Cow::Borrowed)),
        simulated: config.runtime.simulated,
        conversation_id: log
            .conversation
            .as_ref()
            .map(|name| Cow::Borrowed(name.as_str())),
        trace: log.trace,
        config_version: Cow::Borrowed(&config.runtime.config_version),
        gateway_id: Cow::Borrowed(&config.runtime.gateway_id),
        instance_id: Cow::Borrowed(instance_id),
        request_body: log.request_body.as_ref().map(|body| body.text()),
        response_body: log.response_body.as_ref().map(|body| body.text()),
        truncated: cut_bodies(log),
    }
}

fn cut_bodies(log: &RequestLog) -> Vec<Cow<'static, str>> {
    let bodies = [
        ("request_body", &log.request_body),
        ("response_body", &log.response_body),
    ];
    let is_cut = |body: &Option<Excerpt>| body.as_ref().is_some_and(Excerpt::is_cut);
    let cut = bodies.into_iter().filter(|(_, body)| is_cut(body));
    cut.map(|(name, _)| Cow::Borrowed(name)).collect()
}

/// What the provider billed. Where it answered and did not say, an estimate.
fn tokens(attempt: &Attempt, log: &RequestLog) -> Option<Tokens> {
    let report = attempt.report.as_ref()?;
    // A stream that was cut off has come without its last word on usage, which some begin with a first one.
    let is_cut_off = report.content_sent && !report.complete;
    let seen = report.text_bytes.div_ceil(BYTES_PER_TOKEN);
    let (usage, estimated) = match report.usage {
        Some(usage) if is_cut_off && seen > usage.completion => {
            let completion = seen;
            (
                Usage {
                    completion,
                    ..usage
                },
                true,
            )
        }
        Some(usage) => (usage, false),
        None if attempt.answered && report.content_sent => {
            let usage = Usage {
                prompt: u64::from(log.prompt_tokens),
                completion: seen,
                ..Usage::default()
            };
            (usage, true)
        }
        None => return None,
    };
    Some(Tokens {
        prompt: usage.prompt,
        completion: usage.completion,
        cached: usage.cached,
        cache_written: usage.cache_written,
        reasoning: usage.reasoning,
        total: usage.total(),
        estimated,
    })
}

/// Of text in a provider's answer.
const BYTES_PER_TOKEN: u64 = 4;

fn billed_usd(entry: &PlannedAttempt, tokens: Tokens) -> Option<f64> {
    let price = entry.price?;
    let billed = BilledTokens {
        prompt: tokens.prompt,
        cached: tokens.cached,
        cache_written: tokens.cache_written,
        completion: tokens.completion,
    };
    Some(events::whole_nanos(cost::billed_usd(price, billed)))
}

fn latency_ms(attempt: &Attempt, now: Now) -> u64 {
    let ended_ns = attempt.ended_ns.unwrap_or(now.monotonic_ns);
    milliseconds(ended_ns, attempt.started_ns)
}

fn milliseconds(until_ns: u64, since_ns: u64) -> u64 {
    until_ns.saturating_sub(since_ns) / 1_000_000
}
