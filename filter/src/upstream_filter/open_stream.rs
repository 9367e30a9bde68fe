//! Streams that go to the client, and what the clock has to say about them.
//!
//! Envoy lets a filter add bytes to an answer only while it holds some back. So this filter pauses after each piece of a
//! stream, and lets the piece go in the same breath: [`Host::resume_response`] within the callback empties the buffer that
//! the pause has opened. What is left is an empty buffer that a tick can write into. Tried with Envoy 1.36 to 1.40.
//!
//! The first piece that is paused opens the buffer and goes when the callback is over ([`Host::wake_up`]), some
//! microseconds later.

use protocols::error::ProviderError;
use protocols::exchange::FailoverReason;

use super::answer::release;
use super::attempt_outcome::{self, AttemptOutcome};
use super::{AttemptHandle, Held, Stage, UpstreamFilter};
use crate::Flow;
use crate::host::{Host, HostResult, Now};

/// A stream whose head has gone to the client.
pub(super) struct OpenStream {
    pub(super) course: AttemptHandle,
    /// The proxy keeps a buffer for this filter, which a tick can write into.
    has_buffer: bool,
    /// Bytes of the buffer that wait for the end of the callback.
    pub(super) unsent: usize,
    /// Something came since the last tick.
    heard: bool,
    /// Monotonic nanoseconds of the tick at which something was last known to have come.
    silent_since_ns: u64,
}

impl OpenStream {
    pub(super) fn new(course: AttemptHandle, has_buffer: bool, now: Now) -> Self {
        Self {
            course,
            has_buffer,
            unsent: 0,
            heard: true,
            silent_since_ns: now.monotonic_ns,
        }
    }

    /// Lets all go that the buffer holds, `size` bytes, and keeps the buffer open.
    pub(super) fn let_go(&mut self, host: &impl Host, size: usize) -> Flow {
        self.heard = true;
        let has_gone = if self.has_buffer {
            self.unsent = 0;
            host.resume_response()
        } else {
            self.unsent = size;
            host.wake_up()
        };
        match has_gone {
            Ok(()) => {
                self.has_buffer = true;
                Flow::Pause
            }
            // It goes as it would without this filter, and cannot be added to.
            Err(_) => {
                self.has_buffer = false;
                self.unsent = 0;
                Flow::Continue
            }
        }
    }

    /// Lets all go that the buffer holds, and the end of the stream with it. A callback that only goes on would forget the
    /// buffer where a tick or wake-up was the last to empty it.
    pub(super) fn let_end_go(&self, host: &impl Host) -> Flow {
        if self.has_buffer && host.resume_response().is_ok() {
            Flow::Pause
        } else {
            Flow::Continue
        }
    }

    /// What has waited for the end of a callback goes.
    pub(super) fn send(&mut self, host: &impl Host) {
        if std::mem::take(&mut self.unsent) > 0
            && let Err(error) = host.resume_response()
        {
            log::error!("a piece of a stream waits for the next one: {error}");
        }
    }

    /// Puts `bytes` behind what has not gone yet, in the place of what has just come.
    pub(super) fn set_fresh(&self, host: &impl Host, bytes: &[u8]) -> HostResult<()> {
        if self.unsent == 0 {
            return host.set_response_body(bytes);
        }
        let mut all = host.response_body(0, self.unsent)?;
        all.extend_from_slice(bytes);
        host.set_response_body(&all)
    }

    /// Why the stream has been silent for too long, if it has.
    fn overdue(&mut self, now: Now) -> Option<(FailoverReason, ProviderError)> {
        if std::mem::take(&mut self.heard) {
            self.silent_since_ns = now.monotonic_ns;
        }
        let mut context = self.course.context();
        let has_content = (context.exchange(self.course.index))
            .is_some_and(|exchange| exchange.has_shown_content());
        let idle_timeout_ms = context.target(self.course.index)?.stream_idle_timeout_ms;
        let timeout_ms = context.entry(self.course.index)?.timeout_ms;
        let started_ns = context.attempts.get(self.course.index)?.started_ns;
        let (limit_ms, since_ns, reason, what) = if has_content {
            let idle = FailoverReason::StreamIdle;
            (idle_timeout_ms, self.silent_since_ns, idle, "further event")
        } else {
            let late = FailoverReason::UpstreamTimeout;
            (timeout_ms, started_ns, late, "content")
        };
        let waited_ms = now.monotonic_ns.saturating_sub(since_ns) / 1_000_000;
        (waited_ms >= limit_ms).then(|| (reason, ProviderError::silent(waited_ms, what)))
    }
}

impl UpstreamFilter {
    /// The callback that asked for it is over.
    pub fn on_wake_up(&mut self, host: &impl Host) {
        if let Stage::Streaming(stream) = &mut self.stage {
            stream.send(host);
        }
    }

    /// [`UpstreamFilter::on_tick`] may have something to do.
    pub fn watches_the_clock(&self) -> bool {
        match &self.stage {
            Stage::Streaming(_) | Stage::Aborted => true,
            Stage::Holding(held) => held.course.context().stream,
            Stage::Fresh
            | Stage::Probe
            | Stage::AwaitingBody(..)
            | Stage::AwaitingAnswer(_)
            | Stage::Passing(_)
            | Stage::Superseded
            | Stage::Over => false,
        }
    }

    /// Time has passed: lets a stream go that is alive and has shown no content, and ends one that has been silent for too
    /// long.
    pub fn on_tick(&mut self, host: &impl Host, now: Now) {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Holding(held) => self.commit_when_due(host, held, now),
            Stage::Streaming(mut stream) => {
                stream.send(host);
                match stream.overdue(now) {
                    None => self.stage = Stage::Streaming(stream),
                    Some((reason, error)) => self.abort(host, &stream, reason, error, now),
                }
            }
            Stage::Aborted => break_off(host),
            other => self.stage = other,
        }
    }

    /// Whoever stands between client and gateway must see life in time (`commit_after_ms`). From then on nothing is retried.
    fn commit_when_due(&mut self, host: &impl Host, held: Box<Held>, now: Now) {
        let is_due = {
            let mut context = held.course.context();
            let commit_after_ms = context.config.policy.gateway.commit_after_ms;
            let started_ns = (context.attempts.get(held.course.index))
                .map_or(now.monotonic_ns, |attempt| attempt.started_ns);
            let waited_ms = now.monotonic_ns.saturating_sub(started_ns) / 1_000_000;
            // One that is hedged has company: whoever shows content first is let through.
            let is_alone = !context.has_attempt_beside(held.course.index);
            is_alone
                && waited_ms >= commit_after_ms
                && (context.exchange(held.course.index)).is_some_and(|exchange| exchange.commit())
        };
        if !is_due {
            self.stage = Stage::Holding(held);
            return;
        }
        release(&self.vm, host, &held.course, &held.upstream_headers, now);
        let has_buffer = held.seen > 0;
        if has_buffer {
            held.course.context().keep_answer(&held.gathered);
            if let Err(error) = host.set_response_body(&held.gathered) {
                log::error!("the beginning of a stream could not be let go: {error}");
            }
        }
        if let Err(error) = host.resume_response() {
            log::error!("a stream that is alive could not be let go: {error}");
        }
        self.stage = Stage::Streaming(OpenStream::new(held.course, has_buffer, now));
    }

    fn abort(
        &mut self,
        host: &impl Host,
        stream: &OpenStream,
        reason: FailoverReason,
        error: ProviderError,
        now: Now,
    ) {
        let mut context = stream.course.context();
        let index = stream.course.index;
        let mut last_words = Vec::new();
        if let Some(exchange) = context.exchange(index) {
            exchange.abort(error, &mut last_words);
        }
        context.keep_answer(&last_words);
        let ending = if last_words.is_empty() {
            // The provider only keeps its connection open.
            AttemptOutcome::Answered
        } else {
            AttemptOutcome::Aborted(reason)
        };
        attempt_outcome::end(&self.vm, host, &mut context, index, ending, now);
        let has_spoken = !last_words.is_empty()
            && stream.has_buffer
            && (stream.set_fresh(host, &last_words))
                .and_then(|()| host.resume_response())
                .is_ok();
        if has_spoken {
            self.stage = Stage::Aborted;
        } else {
            break_off(host);
        }
    }
}

fn break_off(host: &impl Host) {
    if let Err(error) = host.reset_response() {
        log::error!("a stream that has ended stays open: {error}");
    }
}
