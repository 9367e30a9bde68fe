//! What pass-through translators share: whole events of a stream, and answers that are watched on their way.

pub mod anthropic;
pub mod openai;
mod removed_elements;

use crate::body_edit::Splice;
use crate::error::{ProviderError, RequestError};
use crate::scanner::{Progress, TopLevel};
use crate::sse::{EventTooLong, SseEvent, SseParser};
use crate::translator::{Attempt, StreamState};
pub(crate) use removed_elements::{Elements, removals};

/// What becomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventAction {
    /// It was written as it came.
    Forwarded,
    /// It was left out, or something else was written.
    Rewritten,
}

/// Who looks at the events of a stream that passes.
pub(crate) trait StreamObserver {
    /// Takes note of an event, and writes what becomes of it.
    fn event(&mut self, event: &SseEvent<'_>, out: &mut Vec<u8>) -> EventAction;

    /// Takes note of the events at the front of `events` that pass as they came and need not be read. Gives what follows
    /// them.
    fn match_prefix<'e>(&mut self, events: &'e [u8]) -> &'e [u8] {
        events
    }
}

/// A stream that passes on event by event: a part of an event waits for the rest of it, so that a stream that dies can
/// still end with an error event that clients understand.
#[derive(Debug, Default)]
pub(crate) struct SseFramer {
    parser: SseParser,
}

impl SseFramer {
    /// Shows `observer` each event that `chunk` completes. `true` if `out` would be `chunk`: nothing is appended then.
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
        // Events before `rest` that pass. They are written when it is certain that not all of `chunk` does.
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

    /// The stream is over. A last event without its blank line gets one if it passes, and `is_whole` says of its data
    /// that nothing is missing.
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

/// How far a JSON answer has come that passes while `json` watches it.
pub(crate) fn state_of(json: &TopLevel) -> StreamState {
    match json.progress() {
        Progress::Open => StreamState::Content,
        Progress::Closed => StreamState::Complete,
        Progress::NotAnObject => StreamState::Failed(ProviderError::invalid_response(
            "expected a JSON object, found something else",
        )),
    }
}

/// The upstream's model name as JSON in place of the client's, which is `current`, or nothing where it is the same.
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
