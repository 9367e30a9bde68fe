//! The decision event: from a journey, or from a request that never got one.

use std::borrow::Cow;

use events::{Decision, DecisionEvent, FailoverSummary, Few, SkippedTarget, Timestamp, Tokens};
use policy::Policy;
use protocols::usage::Usage;
use routing::cost::BilledTokens;
use routing::{Excluded, PlanError, PlannedAttempt, Random, cost};

use super::{Dossier, Excerpt};
use crate::config::GatewayConfig;
use crate::host::Moment;
use crate::journey::{Attempt, Journey};

/// A request that ended before it had a plan.
#[derive(Debug)]
pub(crate) struct Refused<'a> {
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

impl<'a> Refused<'a> {
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
            PlanError::NothingAvailable { .. }
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
    dossier: &'a Dossier,
    refused: Refused<'a>,
    random: &mut Random,
    now: Moment,
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
        ..begun(config, instance_id, dossier, random, now)
    }
}

/// The event of a planned request that has ended. `client_gone`: it hung up while an attempt was under way.
pub(crate) fn of_journey<'a>(
    journey: &'a Journey,
    instance_id: &'a str,
    client_gone: bool,
    random: &mut Random,
    now: Moment,
) -> DecisionEvent<'a> {
    let config = &journey.config;
    let policy = &config.policy;
    let served = journey
        .attempts
        .iter()
        .rposition(|attempt| attempt.answered);
    let last = served.or_else(|| journey.current_attempt());
    let entry = last.and_then(|index| journey.entry(index));
    let target = entry.and_then(|entry| policy.target(entry.target));
    let attempt = last.and_then(|index| journey.attempts.get(index));
    let served_by = served.and_then(|index| journey.attempts.get(index));
    let tokens = attempt.and_then(|attempt| tokens(attempt, &journey.dossier));
    let since_arrival = |ns: u64| milliseconds(ns, journey.dossier.arrived.monotonic_ns);
    let (first_choice, failover_reason) = journey.first_choice_failed(last.unwrap_or(0)).unzip();
    DecisionEvent {
        request_id: Cow::Borrowed(&journey.request_id),
        model: Cow::Borrowed(&journey.requested_model),
        model_group: journey
            .plan
            .group
            .map(|_| Cow::Borrowed(journey.group_name())),
        resolved_model: entry.map(|entry| Cow::Borrowed(&*entry.model)),
        provider: target.map(|target| Cow::Borrowed(target.id.as_str())),
        vendor: target.map(|target| Cow::Borrowed(target.vendor.name())),
        tag: entry.and_then(|entry| entry.tag.as_deref().map(Cow::Borrowed)),
        region: entry.and_then(|entry| entry.region.as_deref().map(Cow::Borrowed)),
        strategy: Some(Cow::Borrowed(journey.plan.strategy)),
        similarity: journey.plan.similarity,
        stream: journey.stream,
        status_code: journey.client_status.unwrap_or(0),
        client_gone: client_gone || journey.client_status.is_none(),
        upstream_latency_ms: served_by.map(|attempt| latency_ms(attempt, now)),
        time_to_first_token_ms: served_by
            .filter(|_| journey.stream)
            .and_then(|attempt| attempt.first_content_ns)
            .map(since_arrival),
        tokens,
        estimated_cost_usd: (journey.plan.estimated_cost_usd).map(events::whole_nanos),
        actual_cost_usd: tokens.and_then(|tokens| billed_usd(entry?, tokens)),
        fallback_count: last.map_or(0, |index| {
            u32::try_from(journey.fallback_count(index)).unwrap_or(u32::MAX)
        }),
        failover: FailoverSummary {
            triggered: first_choice.is_some(),
            original_provider: first_choice.map(Cow::Borrowed),
            reason: failover_reason.map(Cow::Borrowed),
        },
        attempts: (journey.attempts.iter().enumerate())
            .map(|(index, attempt)| events::AttemptRecord {
                provider: Cow::Borrowed(journey.target_id(index)),
                model: journey
                    .entry(index)
                    .map(|entry| Cow::Borrowed(&*entry.model))
                    .unwrap_or_default(),
                status_code: attempt.status,
                reason: attempt.failure.map(|reason| Cow::Borrowed(reason.as_str())),
                latency_ms: latency_ms(attempt, now),
            })
            .collect(),
        passed_over: passed_over(&journey.plan.excluded, policy),
        ..begun(config, instance_id, &journey.dossier, random, now)
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
pub(crate) fn bills(journey: &Journey) -> Vec<u64> {
    let mut bills = vec![0_u64; journey.plan.attempts.len()];
    for (index, attempt) in journey.attempts.iter().enumerate() {
        let billed = journey.entry(index).and_then(|entry| {
            let usd = billed_usd(entry, tokens(attempt, &journey.dossier)?)?;
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
    dossier: &'a Dossier,
    random: &mut Random,
    now: Moment,
) -> DecisionEvent<'a> {
    let arrived = dossier.arrived;
    DecisionEvent {
        id: super::id(random, arrived.unix_ms),
        timestamp: Timestamp::from_micros(arrived.unix_us()),
        request_id: Cow::Borrowed(""),
        decision: dossier.decision(),
        model: Cow::Borrowed(""),
        model_group: None,
        resolved_model: None,
        provider: None,
        vendor: None,
        tag: None,
        region: None,
        strategy: None,
        similarity: None,
        stream: false,
        status_code: 0,
        error_code: dossier.error_code.as_deref().map(Cow::Borrowed),
        client_gone: false,
        latency_ms: milliseconds(now.monotonic_ns, arrived.monotonic_ns),
        upstream_latency_ms: None,
        time_to_first_token_ms: None,
        tokens: None,
        estimated_cost_usd: None,
        actual_cost_usd: None,
        fallback_count: 0,
        failover: FailoverSummary::default(),
        attempts: Few::new(),
        passed_over: Vec::new(),
        policies_evaluated: Cow::Borrowed(&dossier.policies),
        key_name: dossier
            .key
            .as_ref()
            .map(|key| Cow::Borrowed(key.name.as_str())),
        team: dossier
            .key
            .as_ref()
            .and_then(|key| key.team.as_deref().map(Cow::Borrowed)),
        simulated: config.runtime.simulated,
        conversation_id: dossier
            .conversation
            .as_ref()
            .map(|name| Cow::Borrowed(name.as_str())),
        config_version: Cow::Borrowed(&config.runtime.config_version),
        gateway_id: Cow::Borrowed(&config.runtime.gateway_id),
        instance_id: Cow::Borrowed(instance_id),
        request_body: dossier.request_body.as_ref().map(|body| body.text()),
        response_body: dossier.response_body.as_ref().map(|body| body.text()),
        truncated: cut_bodies(dossier),
    }
}

fn cut_bodies(dossier: &Dossier) -> Vec<Cow<'static, str>> {
    let bodies = [
        ("request_body", &dossier.request_body),
        ("response_body", &dossier.response_body),
    ];
    let is_cut = |body: &Option<Excerpt>| body.as_ref().is_some_and(Excerpt::is_cut);
    let cut = bodies.into_iter().filter(|(_, body)| is_cut(body));
    cut.map(|(name, _)| Cow::Borrowed(name)).collect()
}

/// What the provider billed. Where it answered and did not say, an estimate.
fn tokens(attempt: &Attempt, dossier: &Dossier) -> Option<Tokens> {
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
                prompt: u64::from(dossier.prompt_tokens),
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

fn latency_ms(attempt: &Attempt, now: Moment) -> u64 {
    let ended_ns = attempt.ended_ns.unwrap_or(now.monotonic_ns);
    milliseconds(ended_ns, attempt.started_ns)
}

fn milliseconds(until_ns: u64, since_ns: u64) -> u64 {
    until_ns.saturating_sub(since_ns) / 1_000_000
}
