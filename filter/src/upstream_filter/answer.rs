//! The answer side of an attempt: what of the provider's answer reaches the client, and when.

use protocols::exchange::{FailoverReason, ResponseAction};

use super::attempt_outcome::{self, AttemptOutcome};
use super::metadata::answer_headers;
use super::open_stream::OpenStream;
use super::{AttemptHandle, Held, Stage, UpstreamFilter, announce_next, same_target};
use crate::headers::{FINAL, RETRY_AFTER_SECONDS};
use crate::host::{HeaderList, Host, Now};
use crate::local_reply::Answer;
use crate::request_context::RequestContext;
use crate::worker::Worker;
use crate::{Flow, context_window};

/// Status that Envoy's router retries; it stands in for whatever the provider said.
const RETRIABLE: &[u8] = b"503";

impl UpstreamFilter {
    /// The head of the answer.
    pub(super) fn meet(
        &mut self,
        host: &impl Host,
        course: AttemptHandle,
        end_of_stream: bool,
    ) -> Flow {
        let headers = host.response_headers().unwrap_or_default();
        let status = (headers.text(":status"))
            .and_then(|status| status.parse().ok())
            .unwrap_or(0);
        let action = {
            let mut context = course.context();
            let Some(attempt) = context.attempts.get_mut(course.index) else {
                return Flow::Continue;
            };
            attempt.status = Some(status);
            let Some(exchange) = attempt.exchange.as_mut() else {
                return self.wait_for_the_end();
            };
            let upstream: Vec<_> = headers.iter().collect();
            exchange.response_head(status, &upstream, end_of_stream)
        };
        match action {
            ResponseAction::Buffer if !end_of_stream => {
                self.stage = Stage::Holding(Box::new(Held {
                    course,
                    upstream_headers: headers,
                    gathered: Vec::new(),
                    seen: 0,
                }));
                Flow::Pause
            }
            ResponseAction::Failover(reason) => self.fail_over(host, &course, reason),
            ResponseAction::Buffer | ResponseAction::Replace | ResponseAction::Forward => {
                let now = host.now();
                release(&self.vm, host, &course, &headers, now);
                self.stream_or_finish(host, course, end_of_stream.then_some(now));
                Flow::Continue
            }
        }
    }

    /// More of an answer whose head is still held.
    pub(super) fn weigh(
        &mut self,
        host: &impl Host,
        mut held: Box<Held>,
        size: usize,
        end_of_stream: bool,
    ) -> Flow {
        let fresh = piece_at(host, held.seen, size);
        let has_paused_before = held.seen > 0;
        held.seen = held.seen.max(size);
        let before = held.gathered.len();
        let (action, is_over) = match held.course.context().exchange(held.course.index) {
            Some(exchange) => {
                let action = exchange.response_body(&fresh, end_of_stream, &mut held.gathered);
                (action, exchange.is_finished() || end_of_stream)
            }
            None => return self.wait_for_the_end(),
        };
        match action {
            ResponseAction::Buffer if !end_of_stream => {
                self.stage = Stage::Holding(held);
                Flow::Pause
            }
            ResponseAction::Failover(reason) => self.fail_over(host, &held.course, reason),
            ResponseAction::Buffer | ResponseAction::Replace | ResponseAction::Forward => {
                if action == ResponseAction::Forward && held.gathered.len() == before {
                    held.gathered.extend_from_slice(&fresh);
                }
                let now = host.now();
                release(&self.vm, host, &held.course, &held.upstream_headers, now);
                held.course.context().keep_answer(&held.gathered);
                if let Err(error) = host.set_response_body(&held.gathered) {
                    log::error!("held answer could not be released: {error}");
                }
                let is_stream = held.course.context().stream;
                if is_over || !is_stream {
                    self.stream_or_finish(host, held.course, is_over.then_some(now));
                    return Flow::Continue;
                }
                let mut stream = OpenStream::new(held.course, has_paused_before, now);
                let flow = stream.let_go(host, held.gathered.len());
                self.stage = Stage::Streaming(stream);
                flow
            }
        }
    }

    /// More of a JSON answer whose head has gone to the client.
    pub(super) fn pass(
        &mut self,
        host: &impl Host,
        course: AttemptHandle,
        size: usize,
        end_of_stream: bool,
    ) -> Flow {
        let piece = piece_at(host, 0, size);
        let mut out = Vec::new();
        let Some(action) = read_on(&course, &piece, end_of_stream, &mut out) else {
            return Flow::Continue;
        };
        if let Some(replacement) = replacement(&course, action, &piece, &out)
            && let Err(error) = host.set_response_body(replacement)
        {
            log::error!("a piece of the answer could not be replaced: {error}");
        }
        self.stream_or_finish(host, course, end_of_stream.then(|| host.now()));
        Flow::Continue
    }

    /// More of a stream whose head has gone to the client.
    pub(super) fn pass_event(
        &mut self,
        host: &impl Host,
        mut stream: OpenStream,
        size: usize,
        end_of_stream: bool,
    ) -> Flow {
        let piece = piece_at(host, stream.unsent, size);
        let mut out = Vec::new();
        let Some(action) = read_on(&stream.course, &piece, end_of_stream, &mut out) else {
            return Flow::Continue;
        };
        if stream.course.context().is_trial(stream.course.index) {
            let mut context = stream.course.context();
            let index = stream.course.index;
            attempt_outcome::tell_first_content(&self.vm, host, &mut context, index, host.now());
        }
        let mut size = size;
        if let Some(replacement) = replacement(&stream.course, action, &piece, &out) {
            size = stream.unsent.saturating_add(replacement.len());
            if let Err(error) = stream.set_fresh(host, replacement) {
                log::error!("a piece of the stream could not be replaced: {error}");
            }
        }
        if end_of_stream {
            self.end_answered(host, &stream.course, host.now());
            return stream.let_end_go(host);
        }
        let flow = stream.let_go(host, size);
        self.stage = Stage::Streaming(stream);
        flow
    }

    /// The last piece has gone; what the translator still owes cannot follow it any more.
    pub(super) fn end_with_trailers(&self, host: &impl Host, course: &AttemptHandle) {
        if let Some(exchange) = course.context().exchange(course.index) {
            exchange.response_body(&[], true, &mut Vec::new());
        }
        self.end_answered(host, course, host.now());
    }

    fn end_answered(&self, host: &impl Host, course: &AttemptHandle, now: Now) {
        let mut context = course.context();
        attempt_outcome::end(
            &self.vm,
            host,
            &mut context,
            course.index,
            AttemptOutcome::Answered,
            now,
        );
    }

    fn stream_or_finish(&mut self, host: &impl Host, course: AttemptHandle, finished: Option<Now>) {
        match finished {
            None => self.stage = Stage::Passing(course),
            Some(now) => self.end_answered(host, &course, now),
        }
    }

    /// The attempt is over, but Envoy has not torn it down yet: another one answered first. Its answer must not get
    /// through.
    pub(super) fn wait_for_the_end(&mut self) -> Flow {
        self.stage = Stage::Superseded;
        Flow::Pause
    }

    /// Makes the router try the next entry; on the last attempt the downstream filter answers instead.
    fn fail_over(
        &mut self,
        host: &impl Host,
        course: &AttemptHandle,
        reason: FailoverReason,
    ) -> Flow {
        let now = host.now();
        let mut context = course.context();
        let repeats = same_target::repeats_request(&mut context, course.index, reason);
        let waits = repeats && same_target::wait_ms(&mut context, course.index).unwrap_or(0) > 0;
        if repeats && let Some(attempt) = context.attempts.get_mut(course.index) {
            attempt.next_entry = Some(attempt.entry);
        }
        let is_last = !repeats && !is_curable(&mut context, course.index, reason);
        let only_answer = is_last
            .then(|| error_answer(&mut context, course.index))
            .flatten();
        let ending = AttemptOutcome::FailedOver(reason);
        attempt_outcome::end(&self.vm, host, &mut context, course.index, ending, now);
        if let Some(answer) = only_answer {
            context.answered_by(course.index, answer.status, now.monotonic_ns);
            context.keep_answer(&answer.body);
            return crate::respond(host, &answer);
        }
        announce_next(host, &context, course.index);
        // Nothing else is left of the head: a provider behind an Envoy may say in it that nobody shall try again
        // (`x-envoy-ratelimited`), which only this filter may.
        let next = context.entry_after(course.index);
        let is_over =
            next >= context.plan.attempts.len() && !context.has_attempt_beside(course.index);
        let wait: &[(&str, &[u8])] = match waits {
            _ if is_over => &[(FINAL, b"true")],
            true => &[(RETRY_AFTER_SECONDS, b"1")],
            false => &[],
        };
        let head = [&[(":status", RETRIABLE)], wait].concat();
        if let Err(error) = host.set_response_headers(&head) {
            log::error!("a failed attempt could not be handed to the next target: {error}");
        }
        Flow::Continue
    }
}

/// The bytes of the answer at hand that have not been seen yet.
fn piece_at(host: &impl Host, start: usize, size: usize) -> Vec<u8> {
    match size.saturating_sub(start) {
        // The end of an answer often comes by itself.
        0 => Vec::new(),
        length => host.response_body(start, length).unwrap_or_default(),
    }
}

/// `None`: the attempt is over.
fn read_on(
    course: &AttemptHandle,
    piece: &[u8],
    end_of_stream: bool,
    out: &mut Vec<u8>,
) -> Option<ResponseAction> {
    let mut context = course.context();
    let exchange = context.exchange(course.index)?;
    Some(exchange.response_body(piece, end_of_stream, out))
}

/// What goes to the client in the place of `piece`; `None` where that is the piece itself.
fn replacement<'a>(
    course: &AttemptHandle,
    action: ResponseAction,
    piece: &[u8],
    out: &'a [u8],
) -> Option<&'a [u8]> {
    match action {
        ResponseAction::Forward => {
            course.context().keep_answer(piece);
            None
        }
        ResponseAction::Buffer | ResponseAction::Replace | ResponseAction::Failover(_) => {
            course.context().keep_answer(out);
            Some(out)
        }
    }
}

/// Sends the head of the answer to the client.
pub(super) fn release(
    vm: &Worker,
    host: &impl Host,
    course: &AttemptHandle,
    upstream: &HeaderList,
    now: Now,
) {
    let mut context = course.context();
    attempt_outcome::cancel_hedged(vm, host, &mut context, course.index, now);
    let Some(exchange) = context.exchange(course.index) else {
        return;
    };
    let upstream: Vec<_> = upstream.iter().collect();
    let (status, headers) = exchange.response_headers(&upstream);
    context.answered_by(course.index, status, now.monotonic_ns);
    attempt_outcome::tell_first_content(vm, host, &mut context, course.index, now);
    let fallback_count = context.fallback_count(course.index).to_string();
    let own = answer_headers(&context, course.index, &fallback_count);
    let status = status.to_string();
    let mut list: Vec<(&str, &[u8])> = Vec::with_capacity(headers.len().saturating_add(8));
    list.push((":status", status.as_bytes()));
    list.extend(headers.iter().map(|(name, value)| (*name, &**value)));
    list.extend(own.iter().map(|(name, value)| (*name, value.as_bytes())));
    if let Err(error) = host.set_response_headers(&list) {
        log::error!("answer headers could not be set: {error}");
    }
}

/// Whether somebody else is left to ask, and says whom. A plan of one target has no other opinion to ask; and what is the
/// client's fault is its answer where nobody is left whom the policy wants to ask about it.
fn is_curable(context: &mut RequestContext, index: usize, reason: FailoverReason) -> bool {
    if context.plan.attempts.len() == 1 {
        return false;
    }
    let Some(entry) = context.attempts.get(index).map(|attempt| attempt.entry) else {
        return true;
    };
    let is_beside_others = context.has_attempt_beside(index);
    let next = match reason {
        // With hedging, another one is asked already.
        _ if is_beside_others => return true,
        FailoverReason::ContextLength => {
            context_window::next(&context.config.policy, &context.plan.attempts, entry)
        }
        FailoverReason::ContentPolicy => {
            Some(entry.saturating_add(1)).filter(|next| *next < context.plan.attempts.len())
        }
        _ => return true,
    };
    if let Some(attempt) = context.attempts.get_mut(index) {
        attempt.next_entry = next;
    }
    next.is_some()
}

/// What the provider says, as the client's answer.
fn error_answer(context: &mut RequestContext, index: usize) -> Option<Answer> {
    let (status, headers, body) = context.exchange(index)?.error_response()?;
    let fallback_count = context.fallback_count(index).to_string();
    let own = answer_headers(context, index, &fallback_count);
    let headers = headers
        .into_iter()
        .filter(|(name, _)| *name != "content-type" && *name != "content-length")
        .filter_map(|(name, value)| Some((name, String::from_utf8(value.into_owned()).ok()?)))
        .chain(own.map(|(name, value)| (name, value.to_owned())))
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Some(Answer {
        status,
        headers,
        body,
        code: None,
    })
}
