//! Streams: buffered until they show content, then forwarded to their end.

use super::{Exchange, FailoverReason, ResponseAction, Stage, failover};
use crate::error::{self, ErrorKind, ProviderError};
use crate::translator::StreamState;

/// Longest part of a stream that is buffered before content arrives, in bytes.
const MAX_HELD_BYTES: usize = 16 * 1024 * 1024;

impl Exchange {
    pub(super) fn buffer_stream(
        &mut self,
        chunk: &[u8],
        end: bool,
        out: &mut Vec<u8>,
    ) -> ResponseAction {
        let held_before = !out.is_empty();
        let unchanged = self.translator.stream(chunk, out);
        let (is_open, passes) = match self.translator.stream_state() {
            StreamState::BeforeContent => (true, false),
            StreamState::Content | StreamState::Complete => (false, true),
            // Also if the event that reports the failure was forwarded unchanged.
            StreamState::Empty | StreamState::Failed(_) => (false, false),
        };
        if unchanged && !end && !held_before && passes {
            return self.commit_stream(ResponseAction::Forward);
        }
        if unchanged {
            out.extend_from_slice(chunk);
        }
        if end {
            self.translator.stream_end(out);
        }
        match self.translator.stream_state() {
            StreamState::BeforeContent if self.commits_at_once && !end && !out.is_empty() => {
                self.commit_stream(ResponseAction::Replace)
            }
            StreamState::BeforeContent if end || out.len() > MAX_HELD_BYTES => self.empty_stream(),
            StreamState::BeforeContent => {
                self.stage = Stage::StreamBuffering;
                ResponseAction::Buffer
            }
            StreamState::Content | StreamState::Complete => {
                self.commit_stream(ResponseAction::Replace)
            }
            StreamState::Empty if self.is_last_attempt => {
                self.commit_stream(ResponseAction::Replace)
            }
            StreamState::Empty => {
                self.complete = true;
                self.empty_stream()
            }
            // The stream was truncated before any content.
            StreamState::Failed(error)
                if end && is_open && *error == ProviderError::truncated() =>
            {
                self.empty_stream()
            }
            // Content before the error was not sent, so another target may still respond.
            StreamState::Failed(error) => {
                let reason = failover::reason_in_stream(error, &self.attempt);
                self.error = Some(error.clone());
                ResponseAction::Failover(reason)
            }
        }
    }

    fn empty_stream(&mut self) -> ResponseAction {
        self.error = Some(without_content());
        ResponseAction::Failover(FailoverReason::EmptyStream)
    }

    /// Ends a stream of which something was sent. Appends an error if none of it was content.
    pub(super) fn end_stream(&mut self, out: &mut Vec<u8>) {
        self.translator.stream_end(out);
        if *self.translator.stream_state() == StreamState::BeforeContent {
            let error = without_content();
            error::write_stream_error(out, self.attempt.client, &error);
            self.error = Some(error);
        }
    }

    pub(super) fn commit_stream(&mut self, action: ResponseAction) -> ResponseAction {
        self.stage = Stage::StreamForwarding;
        self.is_stream = true;
        self.content_sent = true;
        self.record_stream_state();
        action
    }

    pub(super) fn forward_stream(
        &mut self,
        chunk: &[u8],
        end: bool,
        out: &mut Vec<u8>,
    ) -> ResponseAction {
        self.stage = Stage::StreamForwarding;
        let was_opening = *self.translator.stream_state() == StreamState::BeforeContent;
        let unchanged = self.translator.stream(chunk, out);
        // Before content, translators leave reporting a failure to the exchange.
        if let StreamState::Failed(error) = self.translator.stream_state()
            && was_opening
            && !unchanged
            && out.is_empty()
        {
            error::write_stream_error(out, self.attempt.client, error);
        }
        let mut owed = Vec::new();
        if end {
            self.end_stream(&mut owed);
        }
        self.record_stream_state();
        if unchanged && owed.is_empty() {
            return ResponseAction::Forward;
        }
        if unchanged {
            out.extend_from_slice(chunk);
        }
        out.append(&mut owed);
        ResponseAction::Replace
    }

    pub(super) fn record_stream_state(&mut self) {
        match self.translator.stream_state() {
            StreamState::BeforeContent | StreamState::Content => {}
            StreamState::Complete | StreamState::Empty => self.complete = true,
            StreamState::Failed(error) => self.error = Some(error.clone()),
        }
    }
}

fn without_content() -> ProviderError {
    let message = "the provider's stream ended without content";
    ProviderError {
        status: 502,
        ..ProviderError::new(ErrorKind::Server, message)
    }
}
