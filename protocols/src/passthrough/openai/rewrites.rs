//! The fast path of a forwarded stream: events that need not be parsed, see [`crate::fast_path`].

use std::ops::Range;

use super::chunk::{Chunk, Ending};
use super::response_normalizer::ResponseNormalizer;
use crate::fast_path::{DeltaTemplate, TemplateMatch};
use crate::passthrough::EventAction;
use crate::sse::SseEvent;

/// A template for events with only text, and how they are rewritten.
#[derive(Debug, Default)]
pub(super) struct RewriteTemplate {
    template: DeltaTemplate,
    rewrite: Rewrite,
}

/// How an event is rewritten.
#[derive(Debug, Default)]
pub(super) enum Rewrite {
    /// It is forwarded unchanged.
    #[default]
    Unchanged,
    /// The text between these bytes.
    Wrap(Vec<u8>, Vec<u8>),
    /// Unknown until another event is rewritten: the last text, and what its event became.
    Sample(Vec<u8>, Vec<u8>),
}

impl RewriteTemplate {
    /// Records the event as template, if it has only text. `written` is what was written for it.
    pub(super) fn record(
        &mut self,
        event: &SseEvent<'_>,
        chunk: &Chunk<'_>,
        normalizer: &ResponseNormalizer,
        action: EventAction,
        written: &[u8],
    ) {
        self.template.reset();
        let Some(text) = sole_text(chunk) else { return };
        self.rewrite = match action {
            EventAction::Forwarded if normalizer.is_stateless() => Rewrite::Unchanged,
            // What remains of the padding would be the sample's.
            _ if chunk.padding.is_some() && !normalizer.drops_padding() => return,
            EventAction::Forwarded | EventAction::Rewritten => {
                let inside = event.data.get(text.clone()).unwrap_or_default();
                Rewrite::Sample(inside.to_vec(), written.to_vec())
            }
        };
        self.template.record(event, text, chunk.padding.clone());
    }

    /// Matches the event at the front of `stream`, see [`DeltaTemplate::match_prefix`].
    #[inline]
    pub(super) fn match_prefix<'a>(&self, stream: &'a [u8]) -> Option<TemplateMatch<'a>> {
        self.template.match_prefix(stream)
    }

    /// How matching events are rewritten.
    #[inline]
    pub(super) fn rewrite(&self) -> &Rewrite {
        &self.rewrite
    }

    /// Records the rewrite of another event, whose text is `text`.
    pub(super) fn record_rewrite(&mut self, text: &str, action: EventAction, written: &[u8]) {
        let Rewrite::Sample(last_text, last) = &self.rewrite else {
            return;
        };
        let around = around((last_text, last), (text.as_bytes(), written));
        self.rewrite = match (around, action) {
            (Some(_), EventAction::Forwarded) => Rewrite::Unchanged,
            (Some((before, behind)), EventAction::Rewritten) => {
                Rewrite::Wrap(before.to_vec(), behind.to_vec())
            }
            (None, _) => Rewrite::Sample(text.as_bytes().to_vec(), written.to_vec()),
        };
    }
}

/// The bytes before and after both texts in what their events became; `None` if they differ, or cannot be determined
/// because the texts are equal.
fn around<'a>(one: (&[u8], &[u8]), other: (&[u8], &'a [u8])) -> Option<(&'a [u8], &'a [u8])> {
    // A quote follows both texts, and only there: inside, it is escaped.
    let in_texts = in_common([one.0, b"\""].concat(), [other.0, b"\""].concat());
    let start = in_common(one.1, other.1).checked_sub(in_texts)?;
    let (before, rest) = other.1.split_at_checked(start)?;
    let behind = rest.strip_prefix(other.0)?;
    ([before, one.0, behind].concat() == one.1).then_some((before, behind))
}

/// Length of the common prefix.
fn in_common(one: impl AsRef<[u8]>, other: impl AsRef<[u8]>) -> usize {
    let pairs = one.as_ref().iter().zip(other.as_ref());
    pairs.take_while(|(one, other)| one == other).count()
}

/// The text of a chunk that has nothing else.
fn sole_text(chunk: &Chunk<'_>) -> Option<Range<usize>> {
    let (text, 1) = (chunk.text.clone()?, chunk.contents) else {
        return None;
    };
    let says_more = chunk.usage.is_some()
        || chunk.ending != Ending::None
        || chunk.filtered
        || !matches!(*chunk.choices, [(_, false)]);
    (!says_more).then_some(text)
}

#[cfg(test)]
mod tests;
