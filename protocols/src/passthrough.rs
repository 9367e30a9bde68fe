//! Forwards bodies unchanged except for small edits, and observes responses on their way.

pub mod anthropic;
pub mod openai;
mod removed_elements;

use crate::body_edit::Splice;
use crate::error::{ProviderError, RequestError};
use crate::scanner::{Progress, TopLevel};
use crate::sse::{EventTooLong, SseEvent, SseParser};
use crate::translator::{Attempt, StreamState};
pub(crate) use removed_elements::{Elements, removals};

/// What happened to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventAction {
    /// It was written unchanged.
    Forwarded,
    /// It was dropped or replaced.
    Rewritten,
}

/// Observes the events of a forwarded stream.
pub(crate) trait StreamObserver {
    /// Observes an event and writes its replacement.
    fn event(&mut self, event: &SseEvent<'_>, out: &mut Vec<u8>) -> EventAction;

    /// Observes the events at the front of `events` that are forwarded unchanged and need not be parsed. Returns the
    /// bytes after them.
    fn match_prefix<'e>(&mut self, events: &'e [u8]) -> &'e [u8] {
        events
    }
}

/// Forwards a stream by whole events: an incomplete event waits for the rest of it, so that a truncated stream can
/// still end with an error event that clients understand.
#[derive(Debug, Default)]
pub(crate) struct SseFramer {
    parser: SseParser,
}

impl SseFramer {
    /// Shows `observer` each event that `chunk` completes. Returns `true` if `out` would equal `chunk`; nothing is
    /// appended then.
    ///
    /// # Errors
    /// An event is too long.
    pub(crate) fn feed(
        &mut self,
        chunk: &[u8],
        out: &mut Vec<u8>,
        observer: &mut impl StreamObserver,
    ) -> Result<bool, EventTooLong> {
        let before = out.len();
        let mut unchanged = self.parser.is_between_blocks();
        let mut rest = chunk;
        // Forwarded events before `rest`. They are written only once it is certain that the chunk as a whole is not
        // forwarded unchanged.
        let mut passing = self
            .parser
            .pass_over(&mut rest, |events| observer.match_prefix(events));
        let end = loop {
            match self.parser.next_block(&mut rest) {
                Ok(Some(block)) => {
                    out.extend_from_slice(passing);
                    unchanged &= observer.event(&block, out) == EventAction::Forwarded;
                }
                Ok(None) => break Ok(unchanged && self.parser.is_between_blocks()),
                Err(too_long) => break Err(too_long),
            }
            passing = self
                .parser
                .pass_over(&mut rest, |events| observer.match_prefix(events));
        };
        if end == Ok(true) {
            out.truncate(before);
        } else {
            out.extend_from_slice(passing);
        }
        end
    }

    /// Handles the end of the stream. A final event without its blank line gets one if it is forwarded and `is_whole`
    /// accepts its data.
    pub(crate) fn finish(
        &mut self,
        out: &mut Vec<u8>,
        is_whole: impl Fn(&[u8]) -> bool,
        observer: &mut impl StreamObserver,
    ) {
        let Ok(Some(block)) = self.parser.finish_block() else {
            return;
        };
        if block.data.is_empty() || !is_whole(block.data) {
            return;
        }
        if observer.event(&block, out) == EventAction::Forwarded {
            let missing: &[u8] = if block.raw.ends_with(b"\n") {
                b"\n"
            } else {
                b"\n\n"
            };
            out.extend_from_slice(missing);
        }
    }
}

/// The state of a JSON response that is forwarded while `json` observes it.
pub(crate) fn state_of(json: &TopLevel) -> StreamState {
    match json.progress() {
        Progress::Open => StreamState::Content,
        Progress::Closed => StreamState::Complete,
        Progress::NotAnObject => StreamState::Failed(ProviderError::invalid_response(
            "expected a JSON object, found something else",
        )),
    }
}

/// Replaces the client's model name `current` by the upstream's; `None` if they are equal.
///
/// # Errors
/// The body is not the one in which the model was found.
pub(crate) fn model_edit(
    attempt: &Attempt,
    current: &[u8],
) -> Result<Option<Splice>, RequestError> {
    if !current.starts_with(b"\"") || current.len() < 2 {
        return Err(RequestError::new(
            "the request body changed after its model was found",
        ));
    }
    let model = serde_json::to_vec(&attempt.model).unwrap_or_default();
    Ok((current != model).then(|| (attempt.model_span.clone(), model)))
}
