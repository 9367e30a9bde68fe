//! The target filter: one attempt at one provider, in the upstream filter chain of its cluster.
//!
//! It turns the client's request into the provider's and the answer back, lets an attempt fail that another target may
//! cure, and reports how it ended. What it must decide, [`protocols::exchange::Exchange`] decides.

use std::cell::RefCell;
use std::rc::Rc;

use intake::{has_native_responses, upstream_format};
use protocols::exchange::{Exchange, FailoverReason, Verdict};
use protocols::{BodyEdit, OutgoingRequest};
use routing::health::{Outcome, Signal};
use routing::latency::Sample;

use crate::answers::Answer;
use crate::headers::crosses_to_upstream;
use crate::host::{Headers, Host};
use crate::journey::{Journey, is_client_fault};
use crate::vm::Vm;
use crate::{Flow, state};

/// Header by which the first-byte hop hands a journey to the inner attempt. Clients cannot send it.
pub const TOKEN_HEADER: &str = "x-kt-token";
/// Header that marks a probe of the monitor.
pub const PROBE_HEADER: &str = "x-kt-probe";
/// Sent where the wire format requires a limit and neither client nor policy gives one.
const DEFAULT_MAX_TOKENS: u32 = 4096;
/// An attempt that lived this share of its timeout, in percent, died of it.
const TIMEOUT_SHARE_PERCENT: u64 = 97;
/// Status that Envoy's router retries; it stands in for whatever the provider said.
const RETRIABLE: &[u8] = b"503";

/// One attempt.
pub struct Target {
    vm: Rc<Vm>,
    stage: Stage,
}

enum Stage {
    Fresh,
    /// Not an attempt of a client's request: a probe, which passes as it is.
    Probe,
    AwaitingBody(Box<Try>, Headers),
    AwaitingAnswer(Box<Try>),
    /// The head of the answer is held until its body shows what it is.
    Holding(Box<Held>),
    Streaming(Box<Try>),
    /// The attempt is over and reported.
    Over,
}

/// What an attempt carries from callback to callback.
struct Try {
    journey: Rc<RefCell<Journey>>,
    index: usize,
    exchange: Exchange,
}

struct Held {
    attempt: Try,
    upstream_headers: Headers,
    gathered: Vec<u8>,
    seen: usize,
}

impl Target {
    /// For one attempt.
    pub fn new(vm: Rc<Vm>) -> Self {
        Self {
            vm,
            stage: Stage::Fresh,
        }
    }

    /// The head of the request, as the gateway filter or the attempt before left it.
    pub fn on_request_headers(&mut self, host: &impl Host, end_of_stream: bool) -> Flow {
        let headers = host.request_headers().unwrap_or_default();
        let Some((journey, inner)) = self.find_journey(host, &headers) else {
            return self.let_probe_pass(host, &headers);
        };
        let Some(index) = begin(host, &journey, inner) else {
            let client = journey.borrow().client;
            return self.refuse(
                host,
                &Answer::internal(client, "the plan has no further entry"),
            );
        };
        let is_only_choice = journey.borrow().plan.entries.len() == 1;
        let exchange = Exchange::new(attempt_of(&journey.borrow(), index, host.now_ms() / 1000))
            .map(|exchange| {
                if is_only_choice {
                    exchange.as_only_choice()
                } else {
                    exchange
                }
            });
        match exchange {
            Ok(exchange) => {
                self.stage = Stage::AwaitingBody(
                    Box::new(Try {
                        journey,
                        index,
                        exchange,
                    }),
                    headers,
                );
                if end_of_stream {
                    self.send(host, 0)
                } else {
                    Flow::Pause
                }
            }
            Err(error) => {
                let client = journey.borrow().client;
                answered(&journey, index);
                self.refuse(host, &Answer::bad_request(client, &error))
            }
        }
    }

    /// The request's body, whole once `end_of_stream` is set.
    pub fn on_request_body(&mut self, host: &impl Host, size: usize, end_of_stream: bool) -> Flow {
        match self.stage {
            Stage::AwaitingBody(..) if end_of_stream => self.send(host, size),
            Stage::AwaitingBody(..) => Flow::Pause,
            _ => Flow::Continue,
        }
    }

    /// The request ended with trailers.
    pub fn on_request_trailers(&mut self, host: &impl Host) -> Flow {
        if matches!(self.stage, Stage::AwaitingBody(..)) {
            self.send(host, usize::MAX)
        } else {
            Flow::Continue
        }
    }

    /// The head of the provider's answer.
    pub fn on_response_headers(&mut self, host: &impl Host, end_of_stream: bool) -> Flow {
        let Stage::AwaitingAnswer(mut attempt) = std::mem::replace(&mut self.stage, Stage::Over)
        else {
            return Flow::Continue;
        };
        let headers = host.response_headers().unwrap_or_default();
        let status = crate::headers::text(&headers, ":status")
            .and_then(|status| status.parse().ok())
            .unwrap_or(0);
        attempt.note(|record| record.status = Some(status));
        match attempt
            .exchange
            .response_head(status, &headers, end_of_stream)
        {
            Verdict::Hold if !end_of_stream => {
                self.stage = Stage::Holding(Box::new(Held {
                    attempt: *attempt,
                    upstream_headers: headers,
                    gathered: Vec::new(),
                    seen: 0,
                }));
                Flow::Pause
            }
            Verdict::FailOver(reason) => self.fail_over(host, &attempt, reason),
            Verdict::Hold | Verdict::Pass | Verdict::PassUnchanged => {
                self.release(host, &attempt, &headers);
                self.stream_or_finish(host, *attempt, end_of_stream);
                Flow::Continue
            }
        }
    }

    /// A piece of the provider's answer; `size` bytes are at hand.
    pub fn on_response_body(&mut self, host: &impl Host, size: usize, end_of_stream: bool) -> Flow {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Holding(held) => self.weigh(host, *held, size, end_of_stream),
            Stage::Streaming(attempt) => self.pass(host, *attempt, size, end_of_stream),
            other => {
                self.stage = other;
                Flow::Continue
            }
        }
    }

    /// The provider's answer ended with trailers instead of a last piece of body.
    pub fn on_response_trailers(&mut self, host: &impl Host) -> Flow {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Holding(held) => {
                let size = held.seen;
                self.weigh(host, *held, size, true)
            }
            Stage::Streaming(mut attempt) => {
                // The last piece has gone; what the translator still owes cannot follow it any more.
                attempt.exchange.response_body(&[], true, &mut Vec::new());
                self.finish(host, &attempt);
                Flow::Continue
            }
            other => {
                self.stage = other;
                Flow::Continue
            }
        }
    }

    /// The attempt is torn down: after its end, by a timeout or broken connection, or because the client left.
    pub fn on_end(&mut self, host: &impl Host) {
        let attempt = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::AwaitingBody(attempt, _) | Stage::AwaitingAnswer(attempt) => *attempt,
            Stage::Holding(held) => held.attempt,
            Stage::Streaming(attempt) => return self.stream_torn(host, &attempt),
            Stage::Fresh | Stage::Probe | Stage::Over => return,
        };
        if attempt.journey.borrow().closed {
            self.report(host, &attempt, Outcome::ClientGone);
            return;
        }
        let (reason, outcome) = match self.why_no_answer(host, &attempt) {
            reason @ FailoverReason::UpstreamTimeout => (reason, Outcome::TimedOut),
            reason @ FailoverReason::UpstreamConnect => (reason, Outcome::ConnectFailed),
            reason => (reason, Outcome::Reset),
        };
        attempt.note(|record| record.failure = Some(reason));
        self.report(host, &attempt, outcome);
    }

    /// By filter state for an attempt that the router made; by header for one behind the first-byte hop, whose inner
    /// request has no filter state. In this order: after a hop the header stays in the outer request's map.
    fn find_journey(
        &self,
        host: &impl Host,
        headers: &Headers,
    ) -> Option<(Rc<RefCell<Journey>>, bool)> {
        if let Ok(token) = host.property(&[state::TOKEN]) {
            let token = u64::from_le_bytes(token.as_slice().try_into().ok()?);
            return Some((self.vm.journeys.find(token)?, false));
        }
        let token = crate::headers::text(headers, TOKEN_HEADER)?.parse().ok()?;
        Some((self.vm.journeys.find(token)?, true))
    }

    /// A probe brings its own complete request; only our marks are taken off. Anything else without a journey
    /// belongs to a VM that is gone and must not reach a provider half-made.
    fn let_probe_pass(&mut self, host: &impl Host, headers: &Headers) -> Flow {
        if crate::headers::text(headers, PROBE_HEADER).is_none() {
            let client = protocols::ClientFormat::ChatCompletions;
            return self.refuse(
                host,
                &Answer::internal(client, "the gateway restarted during this request"),
            );
        }
        self.stage = Stage::Probe;
        let kept: Vec<(&str, &[u8])> = headers
            .iter()
            .filter(|(name, _)| {
                !["x-kt-", "x-envoy-", "x-forwarded-"]
                    .iter()
                    .any(|prefix| name.starts_with(prefix))
            })
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect();
        if let Err(error) = host.set_request_headers(&kept) {
            log::warn!("a probe keeps its marks: {error}");
        }
        Flow::Continue
    }

    /// The body is complete: the provider's request goes out.
    fn send(&mut self, host: &impl Host, size: usize) -> Flow {
        let Stage::AwaitingBody(mut attempt, headers) =
            std::mem::replace(&mut self.stage, Stage::Over)
        else {
            return Flow::Continue;
        };
        let body = if size == 0 {
            Vec::new()
        } else {
            host.request_body(0, size).unwrap_or_default()
        };
        let outgoing = match attempt.exchange.request(&body) {
            Ok(outgoing) => outgoing,
            Err(error) => {
                let client = attempt.journey.borrow().client;
                answered(&attempt.journey, attempt.index);
                return self.refuse(host, &Answer::bad_request(client, &error));
            }
        };
        let edited = edit(&body, &outgoing.body);
        let sent = set_upstream_headers(
            host,
            &attempt,
            &headers,
            &outgoing,
            edited.as_deref().unwrap_or(&body).len(),
        )
        .and_then(|()| {
            edited
                .as_deref()
                .map_or(Ok(()), |body| host.set_request_body(body))
        });
        if let Err(error) = sent {
            let client = attempt.journey.borrow().client;
            log::error!("attempt could not be sent: {error}");
            return self.refuse(
                host,
                &Answer::internal(client, "the gateway could not send this request"),
            );
        }
        self.stage = Stage::AwaitingAnswer(attempt);
        Flow::Continue
    }

    /// More of an answer whose head is still held.
    fn weigh(
        &mut self,
        host: &impl Host,
        mut held: Held,
        size: usize,
        end_of_stream: bool,
    ) -> Flow {
        let fresh = host
            .response_body(held.seen, size.saturating_sub(held.seen))
            .unwrap_or_default();
        held.seen = held.seen.max(size);
        let before = held.gathered.len();
        match held
            .attempt
            .exchange
            .response_body(&fresh, end_of_stream, &mut held.gathered)
        {
            Verdict::Hold if !end_of_stream => {
                self.stage = Stage::Holding(Box::new(held));
                Flow::Pause
            }
            Verdict::FailOver(reason) => self.fail_over(host, &held.attempt, reason),
            verdict @ (Verdict::Hold | Verdict::Pass | Verdict::PassUnchanged) => {
                if verdict == Verdict::PassUnchanged && held.gathered.len() == before {
                    held.gathered.extend_from_slice(&fresh);
                }
                self.release(host, &held.attempt, &held.upstream_headers);
                if let Err(error) = host.set_response_body(&held.gathered) {
                    log::error!("held answer could not be released: {error}");
                }
                self.stream_or_finish(host, held.attempt, end_of_stream);
                Flow::Continue
            }
        }
    }

    /// More of an answer whose head has gone to the client.
    fn pass(
        &mut self,
        host: &impl Host,
        mut attempt: Try,
        size: usize,
        end_of_stream: bool,
    ) -> Flow {
        let piece = if size == 0 {
            Vec::new()
        } else {
            host.response_body(0, size).unwrap_or_default()
        };
        let mut out = Vec::new();
        match attempt
            .exchange
            .response_body(&piece, end_of_stream, &mut out)
        {
            Verdict::PassUnchanged => {}
            Verdict::Hold | Verdict::Pass | Verdict::FailOver(_) => {
                if let Err(error) = host.set_response_body(&out) {
                    log::error!("a piece of the answer could not be replaced: {error}");
                }
            }
        }
        self.stream_or_finish(host, attempt, end_of_stream);
        Flow::Continue
    }

    /// Sends the head of the answer to the client.
    fn release(&self, host: &impl Host, attempt: &Try, upstream: &Headers) {
        attempt.note(|record| {
            record.first_content_ns = Some(host.monotonic_ns());
            record.answered = true;
        });
        let (status, mut headers) = attempt.exchange.response_headers(upstream);
        headers.retain(|(name, _)| name != ":status");
        let journey = attempt.journey.borrow();
        let own = answer_headers(&journey, attempt.index);
        let status = status.to_string();
        let mut list: Vec<(&str, &[u8])> = vec![(":status", status.as_bytes())];
        list.extend(
            headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_slice())),
        );
        list.extend(own.iter().map(|(name, value)| (*name, value.as_bytes())));
        if let Err(error) = host.set_response_headers(&list) {
            log::error!("answer headers could not be set: {error}");
        }
    }

    fn stream_or_finish(&mut self, host: &impl Host, attempt: Try, end_of_stream: bool) {
        if end_of_stream {
            self.finish(host, &attempt);
        } else {
            self.stage = Stage::Streaming(Box::new(attempt));
        }
    }

    /// Makes the router try the next entry; on the last attempt the gateway filter answers instead.
    fn fail_over(&mut self, host: &impl Host, attempt: &Try, reason: FailoverReason) -> Flow {
        let report = attempt.exchange.report();
        let retry_after_ms = report.error.as_ref().and_then(|error| error.retry_after_ms);
        attempt.note(|record| {
            record.failure = Some(reason);
            record.retry_after_ms = retry_after_ms;
        });
        self.report(host, attempt, outcome_of(reason, retry_after_ms));
        if let Some(answer) = attempt.only_answer() {
            attempt.note(|record| record.answered = true);
            return crate::respond(host, &answer);
        }
        if let Err(error) = host.set_response_header(":status", RETRIABLE) {
            log::error!("a failed attempt could not be handed to the next target: {error}");
        }
        Flow::Continue
    }

    /// The answer went to the client, to its end.
    fn finish(&self, host: &impl Host, attempt: &Try) {
        let report = attempt.exchange.report();
        let latency_ms = u32::try_from(attempt.latency_ms(host)).unwrap_or(u32::MAX);
        let outcome = match &report.error {
            Some(error) if is_client_fault(error.kind) => Outcome::ClientFault,
            Some(_) => Outcome::StreamBroken,
            None => Outcome::Success { latency_ms },
        };
        self.report(host, attempt, outcome);
    }

    /// The attempt ended while its answer was on the way to the client.
    fn stream_torn(&self, host: &impl Host, attempt: &Try) {
        let gone = attempt.journey.borrow().closed;
        self.report(
            host,
            attempt,
            if gone {
                Outcome::ClientGone
            } else {
                Outcome::StreamBroken
            },
        );
    }

    /// Tells the journey, the health machine and the latency window how the attempt ended.
    fn report(&self, host: &impl Host, attempt: &Try, outcome: Outcome) {
        let now_ns = host.monotonic_ns();
        let report = attempt.exchange.report();
        let latency_ms = attempt.latency_ms(host);
        let generation_ms = attempt.generation_ms(now_ns);
        let tokens = report.usage.map(|usage| usage.completion);
        attempt.note(|record| {
            record.ended_ns = Some(now_ns);
            record.report = Some(report);
        });
        let journey = attempt.journey.borrow();
        let Some(entry) = journey.entry(attempt.index) else {
            return;
        };
        let applied = self.vm.signal(
            host,
            &journey.config,
            entry.target,
            Signal::Attempt(outcome),
        );
        if let Some(change) = applied.transition {
            crate::vm::log_transition(journey.target_id(attempt.index), &change);
        }
        let sample = match outcome {
            Outcome::Success { .. } => Some(Sample::Success {
                latency_ms,
                throughput: tokens.map(|tokens| (tokens, generation_ms)),
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
            | Outcome::ClientGone
            | Outcome::Overflow => None,
        };
        if let Some(sample) = sample {
            self.vm.sample(entry.pair, sample, host.now_ms());
        }
    }

    /// Envoy does not say why an attempt got no answer; its age and its connection do.
    fn why_no_answer(&self, host: &impl Host, attempt: &Try) -> FailoverReason {
        let timeout_ms = attempt
            .journey
            .borrow()
            .entry(attempt.index)
            .map_or(u64::MAX, |entry| entry.timeout_ms);
        let waited_ms = attempt.waited_ms(host.monotonic_ns());
        if waited_ms.saturating_mul(100) >= timeout_ms.saturating_mul(TIMEOUT_SHARE_PERCENT) {
            FailoverReason::UpstreamTimeout
        } else if host
            .property(&["upstream", "local_address"])
            .is_ok_and(|address| !address.is_empty())
        {
            FailoverReason::UpstreamReset
        } else {
            FailoverReason::UpstreamConnect
        }
    }

    fn refuse(&mut self, host: &impl Host, answer: &Answer) -> Flow {
        self.stage = Stage::Over;
        crate::respond(host, answer)
    }
}

impl Try {
    fn note(&self, change: impl FnOnce(&mut crate::journey::Attempt)) {
        if let Some(record) = self.journey.borrow_mut().attempts.get_mut(self.index) {
            change(record);
        }
    }

    /// A plan of one target has no other opinion to ask: what its provider says is the client's answer.
    fn only_answer(&self) -> Option<Answer> {
        if self.journey.borrow().plan.entries.len() > 1 {
            return None;
        }
        let (status, headers, body) = self.exchange.error_answer()?;
        let own = answer_headers(&self.journey.borrow(), self.index);
        let headers = headers
            .into_iter()
            .filter(|(name, _)| name != "content-type" && name != "content-length")
            .filter_map(|(name, value)| Some((name, String::from_utf8(value).ok()?)))
            .chain(own.map(|(name, value)| (name.to_owned(), value)))
            .collect();
        Some(Answer {
            status,
            headers,
            body,
        })
    }

    fn waited_ms(&self, now_ns: u64) -> u64 {
        let started = self
            .journey
            .borrow()
            .attempts
            .get(self.index)
            .map_or(now_ns, |record| record.started_ns);
        now_ns.saturating_sub(started) / 1_000_000
    }

    /// Whole answer; for streams, to the first content.
    fn latency_ms(&self, host: &impl Host) -> u64 {
        let journey = self.journey.borrow();
        let first_content = journey
            .attempts
            .get(self.index)
            .filter(|_| journey.stream)
            .and_then(|record| record.first_content_ns);
        drop(journey);
        self.waited_ms(first_content.unwrap_or_else(|| host.monotonic_ns()))
    }

    /// Milliseconds over which the completion's tokens came.
    fn generation_ms(&self, now_ns: u64) -> u64 {
        self.waited_ms(now_ns).max(1)
    }
}

/// Continues the journey with its next entry and tells Envoy's router where the one after that goes. Behind the
/// first-byte hop the attempt has already begun.
fn begin(host: &impl Host, journey: &Rc<RefCell<Journey>>, inner: bool) -> Option<usize> {
    if inner {
        return journey.borrow().current_attempt();
    }
    let mut journey = journey.borrow_mut();
    let index = journey.begin_attempt(host.monotonic_ns())?;
    if let Some(next) = journey.cluster(index + 1)
        && let Err(error) = host.set_state(state::CLUSTER, next.as_bytes())
    {
        log::error!("the next attempt will go to the same cluster: {error}");
    }
    Some(index)
}

/// Begins an attempt for the first-byte hop.
pub(crate) fn begin_for_hop(host: &impl Host, journey: &Rc<RefCell<Journey>>) -> Option<usize> {
    begin(host, journey, false)
}

fn attempt_of(journey: &Journey, index: usize, now_s: u64) -> protocols::Attempt {
    let policy = &journey.config.policy;
    let entry = journey.entry(index);
    let target = entry.and_then(|entry| policy.target(entry.target));
    protocols::Attempt {
        client: journey.client,
        upstream: target.map_or(protocols::UpstreamFormat::OpenAi, |target| {
            upstream_format(target.vendor.profile().wire)
        }),
        base_path: target
            .map(|target| target.base_url.path.clone())
            .unwrap_or_default(),
        api_version: target.and_then(|target| target.api_version.clone()),
        model: entry
            .map(|entry| entry.model.to_string())
            .unwrap_or_default(),
        native_responses: target.is_some_and(has_native_responses),
        stream: journey.stream,
        include_usage: journey.include_usage,
        model_span: journey.model_span.clone(),
        default_max_tokens: target
            .and_then(|target| target.default_max_tokens)
            .unwrap_or(DEFAULT_MAX_TOKENS),
        request_id: journey.request_id.clone(),
        created: now_s,
        anthropic_version: journey.anthropic.0.clone(),
        anthropic_beta: journey.anthropic.1.clone(),
        metadata: journey
            .with_metadata
            .then(|| journey.metadata(index).to_string()),
        fail_over_on_context_length: policy.failover.on_context_length,
        fail_over_on_content_policy: policy.failover.on_content_policy,
    }
}

/// All headers of the provider's request, in one call.
fn set_upstream_headers(
    host: &impl Host,
    attempt: &Try,
    current: &Headers,
    outgoing: &OutgoingRequest,
    body_length: usize,
) -> crate::host::HostResult<()> {
    let journey = attempt.journey.borrow();
    let base_url = journey
        .entry(attempt.index)
        .and_then(|entry| journey.config.policy.target(entry.target))
        .map(|target| &target.base_url);
    let authority = base_url.map(|url| url.authority()).unwrap_or_default();
    let scheme: &[u8] = if base_url.is_some_and(|url| url.tls) {
        b"https"
    } else {
        b"http"
    };
    let length = body_length.to_string();
    let mut list: Vec<(&str, &[u8])> = vec![
        (":method", b"POST"),
        (":scheme", scheme),
        (":authority", authority.as_bytes()),
        (":path", outgoing.path.as_bytes()),
        ("content-type", b"application/json"),
        ("content-length", length.as_bytes()),
    ];
    list.extend(
        current
            .iter()
            .filter(|(name, _)| {
                crosses_to_upstream(name) && !outgoing.headers.iter().any(|(own, _)| own == name)
            })
            .map(|(name, value)| (name.as_str(), value.as_slice())),
    );
    list.extend(
        outgoing
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_bytes())),
    );
    host.set_request_headers(&list)
}

/// The edited body; `None` when it goes out as it came.
fn edit(body: &[u8], edit: &BodyEdit) -> Option<Vec<u8>> {
    match edit {
        BodyEdit::Unchanged => None,
        BodyEdit::Replace(body) => Some(body.clone()),
        BodyEdit::Splice(range, replacement) => {
            let head = body.get(..range.start)?;
            let tail = body.get(range.end..)?;
            Some([head, replacement, tail].concat())
        }
    }
}

fn answer_headers(journey: &Journey, index: usize) -> [(&'static str, String); 5] {
    [
        ("x-keeptrusts-provider", journey.target_id(index).to_owned()),
        (
            "x-keeptrusts-model",
            journey
                .entry(index)
                .map(|entry| entry.model.to_string())
                .unwrap_or_default(),
        ),
        ("x-keeptrusts-model-group", journey.group_name().to_owned()),
        (
            "x-keeptrusts-fallback-count",
            journey.fallback_count(index).to_string(),
        ),
        ("x-keeptrusts-request-id", journey.request_id.clone()),
    ]
}

/// The answer to this attempt is ours and final: the gateway filter must not replace it.
fn answered(journey: &Rc<RefCell<Journey>>, index: usize) {
    if let Some(record) = journey.borrow_mut().attempts.get_mut(index) {
        record.answered = true;
    }
}

/// What a failed attempt means for the target's health.
fn outcome_of(reason: FailoverReason, retry_after_ms: Option<u64>) -> Outcome {
    match reason {
        FailoverReason::UpstreamTimeout => Outcome::TimedOut,
        FailoverReason::UpstreamConnect => Outcome::ConnectFailed,
        FailoverReason::UpstreamReset => Outcome::Reset,
        FailoverReason::UpstreamRateLimited => Outcome::RateLimited { retry_after_ms },
        FailoverReason::UpstreamAuth => Outcome::AuthFailed,
        FailoverReason::Upstream5xx
        | FailoverReason::ErrorInStream
        | FailoverReason::EmptyStream => Outcome::ServerError,
        FailoverReason::ModelNotFound
        | FailoverReason::ContextLength
        | FailoverReason::ContentPolicy
        | FailoverReason::Unhealthy => Outcome::ClientFault,
    }
}
