//! How an attempt ended: written into its record once, and told to the health machine and the latency window.

use policy::cluster::connect_timeout_ms;
use protocols::error::{ErrorKind, Fault, ProviderError};
use protocols::exchange::{Exchange, FailoverReason, Report};
use routing::health::{Outcome, Signal};
use routing::latency::Sample;

use super::{AttemptHandle, announce_next, same_target};
use crate::host::{Host, Now};
use crate::request_context::{Attempt, RequestContext};
use crate::worker::Worker;

/// How an attempt came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttemptOutcome {
    /// Its answer went to the client as far as it came.
    Answered,
    /// Its answer, or its silence, made room for the next target.
    FailedOver(FailoverReason),
    /// A limit of Envoy's own kept it from the provider: the cluster's circuit breaker was open.
    TurnedAway,
    /// Envoy's configuration lacks the target's cluster.
    NoCluster,
    /// The provider broke off while its answer was on the way to the client.
    BrokenOff,
    /// The gateway gave a stream up in the middle.
    Aborted(FailoverReason),
    /// The gateway could not say the request to this provider.
    Unsent,
    /// Nobody waits for the answer any more.
    ClientGone,
}

impl AttemptOutcome {
    fn failure(self, report: Option<&Report>) -> Option<FailoverReason> {
        match self {
            Self::FailedOver(reason) | Self::Aborted(reason) => Some(reason),
            Self::TurnedAway | Self::NoCluster => Some(FailoverReason::UpstreamConnect),
            Self::BrokenOff => Some(FailoverReason::StreamBroken),
            Self::Answered => report.and_then(failure_in_stream),
            Self::Unsent | Self::ClientGone => None,
        }
    }
}

/// Ends attempt `index` and reports it; does nothing when that has been done. Whoever learns of the end first calls it.
pub(crate) fn end(
    vm: &Worker,
    host: &impl Host,
    context: &mut RequestContext,
    index: usize,
    ending: AttemptOutcome,
    now: Now,
) {
    let stream = context.stream;
    let Some(attempt) = context.attempts.get_mut(index) else {
        return;
    };
    if attempt.ended_ns.is_some() {
        return;
    }
    let report = attempt.exchange.take().map(|exchange| exchange.report());
    let error = report.as_ref().and_then(|report| report.error.as_ref());
    attempt.ended_ns = Some(now.monotonic_ns);
    attempt.retry_after_ms = error.and_then(|error| error.retry_after_ms);
    attempt.failure = ending.failure(report.as_ref());
    attempt.turned_away = ending == AttemptOutcome::TurnedAway;
    attempt.has_no_cluster = ending == AttemptOutcome::NoCluster;
    let latency_ms = latency_ms(attempt, stream, now);
    let outcome = outcome(ending, report.as_ref(), latency_ms);
    let sample = sample(
        outcome,
        report.as_ref(),
        latency_ms,
        waited_ms(attempt, now.monotonic_ns),
    );
    attempt.report = report;
    if let Some(failure) = attempt.failure
        && attempt.answered
    {
        // The client has its status and half of an answer.
        context.log.error_code = Some(failure.as_str().into());
    }
    if (context.attempts.get(index)).is_some_and(|attempt| attempt.connection_repeated) {
        // The attempt that repeats it says how the target is.
        return;
    }
    let skipped_events = (context.attempts.get(index))
        .and_then(|attempt| attempt.report.as_ref())
        .map_or(0, |report| report.skipped_events);
    if skipped_events > 0 {
        let target = context.target_id(index);
        log::warn!(
            "target {target}: {skipped_events} events of a stream are no JSON and were left out"
        );
        vm.metrics.malformed_events(host, target, skipped_events);
    }
    let Some(entry) = context.entry(index) else {
        return;
    };
    let (target, pair) = (entry.target, entry.deployment);
    let has_told = context
        .attempts
        .get(index)
        .is_some_and(|attempt| attempt.has_told_first_content);
    let signal = if has_told {
        Signal::StreamEnd(outcome)
    } else {
        Signal::Attempt(outcome)
    };
    vm.signal_at(host, &context.config, target, signal, now);
    if let Some(sample) = sample {
        vm.sample(pair, sample, now);
    }
}

/// Something of the stream of attempt `index` went to the client. Where the attempt is the trial of a half-open target, its
/// first content is told at once: others must not be turned away until its stream is over.
pub(super) fn tell_first_content(
    vm: &Worker,
    host: &impl Host,
    context: &mut RequestContext,
    index: usize,
    now: Now,
) {
    let stream = context.stream;
    if !stream || !context.is_trial(index) {
        return;
    }
    let Some(attempt) = context.attempts.get_mut(index) else {
        return;
    };
    let has_content = (attempt.exchange.as_ref()).is_some_and(Exchange::has_shown_content);
    if !has_content || attempt.has_told_first_content {
        return;
    }
    attempt.has_told_first_content = true;
    let latency_ms = latency_ms(attempt, stream, now);
    let signal = Signal::FirstContent {
        latency_ms: u32::try_from(latency_ms).unwrap_or(u32::MAX),
    };
    if let Some(entry) = context.entry(index) {
        vm.signal_at(host, &context.config, entry.target, signal, now);
    }
}

/// The request was planned with a trial as its head and ended before any attempt: the trial is given back.
pub(crate) fn give_trial_back(vm: &Worker, host: &impl Host, context: &RequestContext, now: Now) {
    if let Some(head) = context.plan.attempts.first()
        && context.plan.primary_is_half_open
        && context.attempts.is_empty()
    {
        let signal = Signal::Attempt(Outcome::ClientDisconnected);
        vm.signal_at(host, &context.config, head.target, signal, now);
    }
}

/// The attempt is torn down before its answer was let through.
pub(super) fn without_answer(vm: &Worker, host: &impl Host, course: &AttemptHandle) {
    let mut context = course.context();
    let timeout_ms = context
        .entry(course.index)
        .map_or(u64::MAX, |entry| entry.timeout_ms);
    let Some(attempt) = context.attempts.get(course.index) else {
        return;
    };
    if attempt.ended_ns.is_some() {
        return;
    }
    let now = host.now();
    let waited_ms = waited_ms(attempt, now.monotonic_ns);
    let reason = FailoverReason::classify_no_response(waited_ms, timeout_ms, || is_connected(host));
    let is_unconnected = reason == FailoverReason::UpstreamConnect;
    let ending = if is_unconnected && was_turned_away(host, waited_ms, timeout_ms) {
        AttemptOutcome::TurnedAway
    } else {
        AttemptOutcome::FailedOver(reason)
    };
    if is_unconnected && let Some(attempt) = context.attempts.get_mut(course.index) {
        attempt.transport_failure = transport_failure(host);
    }
    if ending == AttemptOutcome::FailedOver(reason)
        && same_target::repeats_connection(&context, course.index, reason)
        && let Some(attempt) = context.attempts.get_mut(course.index)
    {
        attempt.connection_repeated = true;
        attempt.next_entry = Some(attempt.entry);
    }
    end(vm, host, &mut context, course.index, ending, now);
    // Where the router goes was said when the attempt began.
    if (context.attempts.get(course.index)).is_some_and(|attempt| attempt.connection_repeated) {
        announce_next(host, &context, course.index);
    }
}

/// Envoy answers in place of the next attempt, or of the last one, because a pool was full. An attempt that its target
/// filter has not seen is begun and ended here.
pub(crate) fn turned_away(vm: &Worker, host: &impl Host, context: &mut RequestContext, now: Now) {
    let is_known = context.attempts.last().is_some_and(|last| last.turned_away);
    if !is_known && let Some(index) = context.begin_attempt(now.monotonic_ns) {
        end(vm, host, context, index, AttemptOutcome::TurnedAway, now);
    }
}

/// The attempt is torn down while its answer is on the way to the client.
pub(super) fn in_mid_answer(vm: &Worker, host: &impl Host, course: &AttemptHandle) {
    let mut context = course.context();
    let now = host.now();
    // What breaks after a stream's proper end is nobody's loss.
    let is_whole = (context.exchange(course.index)).is_some_and(|exchange| exchange.is_complete());
    let ending = if is_whole {
        AttemptOutcome::Answered
    } else {
        AttemptOutcome::BrokenOff
    };
    end(vm, host, &mut context, course.index, ending, now);
}

/// Attempt `winner` answers the client: Envoy cancels those that are under way beside it.
pub(super) fn cancel_hedged(
    vm: &Worker,
    host: &impl Host,
    context: &mut RequestContext,
    winner: usize,
    now: Now,
) {
    for index in (0..context.attempts.len()).filter(|index| *index != winner) {
        let ending = AttemptOutcome::FailedOver(FailoverReason::Hedged);
        end(vm, host, context, index, ending, now);
    }
}

fn is_connected(host: &impl Host) -> bool {
    host.property(&["upstream", "local_address"])
        .is_ok_and(|address| !address.is_empty())
}

/// Why Envoy could not connect, where it says so.
fn transport_failure(host: &impl Host) -> Option<String> {
    let reason = host
        .property(&["upstream", "transport_failure_reason"])
        .ok()?;
    let reason = String::from_utf8_lossy(&reason);
    let words = crate::text::quote(&reason);
    (!words.is_empty()).then(|| words.into_owned())
}

/// Whether an attempt without a connection was turned away by Envoy itself, when a pool was full after all. A connection
/// that fails leaves its reason; only one that is not there in time leaves none, and that one has waited. Tried with Envoy
/// 1.40.0: the flags of the response are not set yet.
fn was_turned_away(host: &impl Host, waited_ms: u64, timeout_ms: u64) -> bool {
    transport_failure(host).is_none() && waited_ms < connect_timeout_ms(timeout_ms) / 2
}

/// Why a stream that came to its end is none that served: what it said last.
fn failure_in_stream(report: &Report) -> Option<FailoverReason> {
    let error = report.error.as_ref()?;
    if !report.content_sent {
        None
    } else if error.is_truncation() {
        Some(FailoverReason::StreamBroken)
    } else {
        Some(FailoverReason::ErrorInStream)
    }
}

/// What the end means for the target's health.
fn outcome(ending: AttemptOutcome, report: Option<&Report>, latency_ms: u64) -> Outcome {
    let error = report.and_then(|report| report.error.as_ref());
    match ending {
        AttemptOutcome::Answered => match error {
            Some(error) => match error.kind.fault() {
                Fault::Client => Outcome::ClientFault,
                Fault::Unknown => Outcome::Inconclusive,
                Fault::Target => Outcome::StreamBroken,
            },
            None => Outcome::Success {
                latency_ms: u32::try_from(latency_ms).unwrap_or(u32::MAX),
            },
        },
        AttemptOutcome::FailedOver(reason) => match reason {
            FailoverReason::UpstreamTimeout => Outcome::TimedOut,
            FailoverReason::UpstreamConnect => Outcome::ConnectFailed,
            FailoverReason::UpstreamReset => Outcome::Reset,
            FailoverReason::UpstreamRateLimited => Outcome::RateLimited {
                retry_after_ms: error.and_then(|error| error.retry_after_ms),
            },
            FailoverReason::UpstreamAuth => Outcome::AuthFailed,
            // It had nothing to say, and said so properly.
            FailoverReason::EmptyStream if report.is_some_and(|report| report.complete) => {
                Outcome::Inconclusive
            }
            // A stream may begin with an error that is the client's own.
            FailoverReason::Upstream5xx
            | FailoverReason::ErrorInStream
            | FailoverReason::EmptyStream => match error.map(|error| error.kind.fault()) {
                Some(Fault::Client) => Outcome::ClientFault,
                Some(Fault::Unknown) => Outcome::Inconclusive,
                Some(Fault::Target) | None => Outcome::ServerError,
            },
            FailoverReason::ModelNotFound
            | FailoverReason::ContextLength
            | FailoverReason::ContentPolicy => Outcome::ClientFault,
            FailoverReason::StreamBroken | FailoverReason::StreamIdle => Outcome::StreamBroken,
            FailoverReason::UpstreamRefused | FailoverReason::Unhealthy => Outcome::Inconclusive,
            FailoverReason::Hedged => Outcome::Superseded,
        },
        // Neither is the target's fault.
        AttemptOutcome::TurnedAway | AttemptOutcome::NoCluster => Outcome::Overflow,
        AttemptOutcome::Aborted(FailoverReason::UpstreamTimeout) => Outcome::TimedOut,
        AttemptOutcome::BrokenOff | AttemptOutcome::Aborted(_) => Outcome::StreamBroken,
        AttemptOutcome::Unsent => Outcome::Inconclusive,
        AttemptOutcome::ClientGone => Outcome::ClientDisconnected,
    }
}

/// What an error answer means for the health of whoever gave it.
pub(crate) fn outcome_of(error: &ProviderError) -> Outcome {
    match error.kind {
        ErrorKind::InvalidRequest
        | ErrorKind::UnsupportedField
        | ErrorKind::ContextLength
        | ErrorKind::ContentPolicy
        | ErrorKind::ModelNotFound
        | ErrorKind::NotFound
        | ErrorKind::RequestTooLarge => Outcome::ClientFault,
        ErrorKind::Refused | ErrorKind::EndpointNotFound => Outcome::Inconclusive,
        ErrorKind::Authentication | ErrorKind::Permission => Outcome::AuthFailed,
        ErrorKind::RateLimited | ErrorKind::QuotaExhausted | ErrorKind::Overloaded
            if error.status == 429 =>
        {
            Outcome::RateLimited {
                retry_after_ms: error.retry_after_ms,
            }
        }
        ErrorKind::Timeout if error.status < 500 => Outcome::TimedOut,
        ErrorKind::RateLimited
        | ErrorKind::QuotaExhausted
        | ErrorKind::Overloaded
        | ErrorKind::Timeout
        | ErrorKind::Server => Outcome::ServerError,
    }
}

/// What the end means for the target's latency; `None` where it says nothing about it.
fn sample(
    outcome: Outcome,
    report: Option<&Report>,
    latency_ms: u64,
    generation_ms: u64,
) -> Option<Sample> {
    match outcome {
        Outcome::Success { .. } => Some(Sample::Success {
            latency_ms,
            throughput: report
                .and_then(|report| report.usage)
                .map(|usage| (usage.completion, generation_ms.max(1))),
        }),
        Outcome::ServerError
        | Outcome::ConnectFailed
        | Outcome::Reset
        | Outcome::TimedOut
        | Outcome::AuthFailed
        | Outcome::StreamBroken => Some(Sample::Failure {
            waited_ms: latency_ms,
        }),
        Outcome::RateLimited { .. }
        | Outcome::ClientFault
        | Outcome::Inconclusive
        | Outcome::ClientDisconnected
        | Outcome::Overflow
        | Outcome::Superseded
        | Outcome::OneAddressDown => None,
    }
}

/// Whole answer; for streams, to the first content.
fn latency_ms(attempt: &Attempt, stream: bool, now: Now) -> u64 {
    let first_content = attempt.first_content_ns.filter(|_| stream);
    waited_ms(attempt, first_content.unwrap_or(now.monotonic_ns))
}

fn waited_ms(attempt: &Attempt, until_ns: u64) -> u64 {
    until_ns.saturating_sub(attempt.started_ns) / 1_000_000
}
