//! The fast path for stream events that differ from an earlier one only in their text.
//!
//! Parsing an event takes half a microsecond or more. If all bytes around the text equal those of an event that was
//! parsed, from its first field to its blank line, the event means the same. Comparing takes a tenth of the time.

use std::ops::Range;

use crate::json::Text;
use crate::scanner::string_inside;
use crate::sse::{MAX_EVENT_BYTES, SseEvent};

/// An event that carried one piece of text and nothing else, with holes where other events may differ.
#[derive(Debug, Default)]
pub(crate) struct DeltaTemplate {
    /// As received, including its blank line.
    event: Vec<u8>,
    /// The inside of the text, and of the padding that some providers add.
    holes: Vec<Range<usize>>,
    /// Index of the text among the holes.
    text: usize,
}

/// An event that matched the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TemplateMatch<'a> {
    /// The inside of the JSON literal; never empty.
    pub(crate) text: &'a str,
    /// The bytes after the event.
    pub(crate) rest: &'a [u8],
}

impl DeltaTemplate {
    /// Makes `event` the template. `text` and `padding` are ranges in its data: the insides of these strings may
    /// differ.
    pub(crate) fn record(
        &mut self,
        event: &SseEvent<'_>,
        text: Range<usize>,
        padding: Option<Range<usize>>,
    ) {
        self.reset();
        let Some(start) = place_of_data(event) else {
            return;
        };
        let in_event =
            |hole: Range<usize>| hole.start.saturating_add(start)..hole.end.saturating_add(start);
        let text = in_event(text);
        let padding = padding.map(in_event);
        let is_behind = (padding.as_ref()).is_some_and(|padding| padding.start < text.start);
        self.text = usize::from(is_behind);
        self.holes.push(text);
        self.holes.extend(padding);
        if is_behind {
            self.holes.reverse();
        }
        self.event.clear();
        self.event.extend_from_slice(event.raw);
    }

    /// [`DeltaTemplate::record`] for `text` and `padding` that borrow from the event's data.
    pub(crate) fn record_parts(
        &mut self,
        event: &SseEvent<'_>,
        text: Text<'_>,
        padding: Option<Text<'_>>,
    ) {
        let place = |text| match text {
            Text::Escaped(inside) => place_in(event.data, inside),
            Text::Plain(_) => None,
        };
        match (place(text), padding.map(place)) {
            (Some(text), None) => self.record(event, text, None),
            (Some(text), Some(Some(padding))) => self.record(event, text, Some(padding)),
            (None, _) | (_, Some(None)) => self.reset(),
        }
    }

    /// Forgets the template; nothing matches until the next one is recorded.
    pub(crate) fn reset(&mut self) {
        self.holes.clear();
    }

    /// Matches the event at the front of `stream`. `None` if it must be parsed or is incomplete. An empty text never
    /// matches, because it means something else.
    ///
    /// `stream` must start at an event boundary.
    #[inline]
    pub(crate) fn match_prefix<'a>(&self, stream: &'a [u8]) -> Option<TemplateMatch<'a>> {
        let mut rest = stream;
        let mut from = 0;
        let mut text = None;
        for (index, hole) in self.holes.iter().enumerate() {
            rest = behind(rest, self.event.get(from..hole.start)?)?;
            let inside = string_inside(rest)?;
            if index == self.text {
                text = Some(inside).filter(|text| !text.is_empty());
            }
            rest = rest.get(inside.len()..)?;
            from = hole.end;
        }
        let text = text?;
        let rest = behind(rest, self.event.get(from..)?)?;
        let length = stream.len().saturating_sub(rest.len());
        (length <= MAX_EVENT_BYTES).then_some(TemplateMatch { text, rest })
    }
}

/// Offset of the data in an event. `None` if the data is not contiguous, or if the same bytes could mean something else
/// later in the stream.
fn place_of_data(event: &SseEvent<'_>) -> Option<usize> {
    const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
    let fields = [&b"\n\n"[..], b"\r\n\r\n"]
        .iter()
        .find_map(|end| event.raw.strip_suffix(*end))?;
    let before = fields.strip_suffix(event.data)?;
    (!before.starts_with(BYTE_ORDER_MARK)).then_some(before.len())
}

/// Range of `part` in `whole`, from which it borrows.
fn place_in(whole: &[u8], part: &str) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let place = start..start.checked_add(part.len())?;
    (whole.get(place.clone())? == part.as_bytes()).then_some(place)
}

/// The bytes after `prefix`, if `bytes` starts with it. Compares eight bytes at a time, because the standard library
/// compares byte by byte in wasm.
#[inline(always)]
fn behind<'a>(bytes: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (front, behind) = bytes.split_at_checked(prefix.len())?;
    let (Some(last), Some(last_wanted)) = (front.last_chunk(), prefix.last_chunk()) else {
        return (front == prefix).then_some(behind);
    };
    // The last word may overlap the one before it.
    let mut difference = u64::from_le_bytes(*last) ^ u64::from_le_bytes(*last_wanted);
    let (words, _) = front.as_chunks::<8>();
    let (wanted, _) = prefix.as_chunks::<8>();
    for (word, wanted) in words.iter().zip(wanted) {
        difference |= u64::from_le_bytes(*word) ^ u64::from_le_bytes(*wanted);
    }
    (difference == 0).then_some(behind)
}

#[cfg(test)]
mod tests;
