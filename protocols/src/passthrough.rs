//! What pass-through translators share: whole events of a stream, and answers that are watched on their way.

pub mod anthropic;
pub mod openai;
mod removed_elements;

use crate::body_edit::Edit;
use crate::error::{ProviderError, RequestError};
use crate::scanner::{Progress, TopLevel};
use crate::sse::{EventTooLong, SseEvent, SseParser};
use crate::translator::{Attempt, StreamState};
pub(crate) use removed_elements::{Elements, cuts};

/// What becomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    /// It was written as it came.
    Unchanged,
    /// It was left out, or something else was written.
    Altered,
}

/// Who looks at the events of a stream that passes.
pub(crate) trait Watcher {
    /// Takes note of an event, and writes what becomes of it.
    fn event(&mut self, event: &SseEvent<'_>, out: &mut Vec<u8>) -> Passage;

    /// Takes note of the events at the front of `events` that pass as they came and need not be read. Gives what follows
    /// them.
    fn told<'e>(&mut self, events: &'e [u8]) -> &'e [u8] {
        events
    }
}

/// A stream that passes on event by event: a part of an event waits for the rest of it, so that a stream that dies can
/// still end with an error event that clients understand.
#[derive(Debug, Default)]
pub(crate) struct WholeEvents {
    parser: SseParser,
}

impl WholeEvents {
    /// Shows `watcher` each event that `chunk` completes. `true` if `out` would be `chunk`: nothing is appended then.
    ///
    /// # Errors
    /// An event is too long.
    pub(crate) fn feed(
        &mut self,
        chunk: &[u8],
        out: &mut Vec<u8>,
        watcher: &mut impl Watcher,
    ) -> Result<bool, EventTooLong> {
        let before = out.len();
        let mut unchanged = self.parser.is_between_blocks();
        let mut rest = chunk;
        // Events before `rest` that pass. They are written when it is certain that not all of `chunk` does.
        let mut passing = self
            .parser
            .pass_over(&mut rest, |events| watcher.told(events));
        let end = loop {
            match self.parser.next_block(&mut rest) {
                Ok(Some(block)) => {
                    out.extend_from_slice(passing);
                    unchanged &= watcher.event(&block, out) == Passage::Unchanged;
                }
                Ok(None) => break Ok(unchanged && self.parser.is_between_blocks()),
                Err(too_long) => break Err(too_long),
            }
            passing = self
                .parser
                .pass_over(&mut rest, |events| watcher.told(events));
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
        watcher: &mut impl Watcher,
    ) {
        let Ok(Some(block)) = self.parser.finish_block() else {
            return;
        };
        if block.data.is_empty() || !is_whole(block.data) {
            return;
        }
        if watcher.event(&block, out) == Passage::Unchanged {
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
        Progress::NotAnObject => StreamState::Failed(ProviderError::unreadable(
            "expected a JSON object, found something else",
        )),
    }
}

/// The upstream's model name as JSON in place of the client's, which is `current`, or nothing where it is the same.
///
/// # Errors
/// The body is not the one in which the model was found.
pub(crate) fn model_edit(attempt: &Attempt, current: &[u8]) -> Result<Option<Edit>, RequestError> {
    if !current.starts_with(b"\"") || current.len() < 2 {
        return Err(RequestError::new(
            "the request body changed after its model was found",
        ));
    }
    let model = serde_json::to_vec(&attempt.model).unwrap_or_default();
    Ok((current != model).then(|| (attempt.model_span.clone(), model)))
}
