//! Streams: held until they show content, then passed on to their end, whatever end that is.

use super::{Exchange, FailoverReason, Stage, Verdict, failover};
use crate::error::{ErrorKind, ProviderError};
use crate::translator::StreamState;

/// Most of a stream that is held while no content comes, in bytes.
const MAX_HELD_BYTES: usize = 16 * 1024 * 1024;

impl Exchange {
    pub(super) fn open_stream(&mut self, chunk: &[u8], end: bool, out: &mut Vec<u8>) -> Verdict {
        let held_before = !out.is_empty();
        let unchanged = self.translator.stream(chunk, out);
        let is_open = *self.translator.stream_state() == StreamState::Opening;
        if unchanged && !end && !held_before && !is_open {
            return self.release_stream(Verdict::PassUnchanged);
        }
        if unchanged {
            out.extend_from_slice(chunk);
        }
        if end {
            self.translator.stream_end(out);
        }
        match self.translator.stream_state() {
            StreamState::Opening if end || out.len() > MAX_HELD_BYTES => self.empty_stream(),
            StreamState::Opening => {
                self.stage = Stage::StreamOpening;
                Verdict::Hold
            }
            StreamState::Content | StreamState::Complete => self.release_stream(Verdict::Pass),
            // It broke off, and nothing had come.
            StreamState::Failed(error) if end && is_open && *error == ProviderError::cut_off() => {
                self.empty_stream()
            }
            // Content that came before the error was not passed on: another target may answer as if nothing had been.
            StreamState::Failed(error) => {
                let reason = failover::reason_in_stream(error, &self.attempt);
                self.error = Some(error.clone());
                Verdict::FailOver(reason)
            }
        }
    }

    fn empty_stream(&mut self) -> Verdict {
        let message = "the provider's stream ended without content";
        self.error = Some(ProviderError {
            status: 502,
            ..ProviderError::new(ErrorKind::Server, message)
        });
        Verdict::FailOver(FailoverReason::EmptyStream)
    }

    fn release_stream(&mut self, verdict: Verdict) -> Verdict {
        self.stage = Stage::StreamPassing;
        self.is_stream = true;
        self.content_sent = true;
        self.note_stream_state();
        verdict
    }

    pub(super) fn pass_stream(&mut self, chunk: &[u8], end: bool, out: &mut Vec<u8>) -> Verdict {
        self.stage = Stage::StreamPassing;
        let unchanged = self.translator.stream(chunk, out);
        let mut owed = Vec::new();
        if end {
            self.translator.stream_end(&mut owed);
        }
        self.note_stream_state();
        if unchanged && owed.is_empty() {
            return Verdict::PassUnchanged;
        }
        if unchanged {
            out.extend_from_slice(chunk);
        }
        out.append(&mut owed);
        Verdict::Pass
    }

    pub(super) fn note_stream_state(&mut self) {
        match self.translator.stream_state() {
            StreamState::Opening | StreamState::Content => {}
            StreamState::Complete => self.complete = true,
            StreamState::Failed(error) => self.error = Some(error.clone()),
        }
    }
}
