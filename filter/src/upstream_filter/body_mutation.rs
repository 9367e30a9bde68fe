//! What of a request's body has to be given back to the proxy.

use protocols::{BodyEdit, Splice};

use crate::host::{Host, HostError, HostResult, PIECE_BYTES};

/// Where the model is named first, what follows it need not be written again, however long it is.
pub(crate) const LONGEST_START: usize = 4096;

/// How a body that the proxy holds is changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BodyMutation {
    Nothing,
    Whole(Vec<u8>),
    /// In the place of so many bytes at the beginning.
    Start(usize, Vec<u8>),
    /// In the places of these bytes, in ascending order.
    Within(Vec<Splice>),
}

impl BodyMutation {
    /// `start` is where the body begins: all of it, or [`LONGEST_START`] bytes.
    pub(super) fn of(start: &[u8], edit: BodyEdit) -> Self {
        let edits = match edit {
            BodyEdit::Unchanged => return Self::Nothing,
            BodyEdit::Replace(body) => return Self::Whole(body),
            BodyEdit::Splice(edits) => edits,
        };
        let end = edits.last().map_or(0, |(range, _)| range.end);
        match start.get(..end) {
            Some(start) if end <= LONGEST_START => {
                let written = BodyEdit::Splice(edits).applied(start);
                Self::Start(end, written.into_owned())
            }
            _ => Self::Within(edits),
        }
    }

    /// Bytes of what becomes of a body of `size` bytes.
    pub(super) fn length(&self, size: usize) -> usize {
        match self {
            Self::Nothing => size,
            Self::Whole(body) => body.len(),
            Self::Start(replaced, start) => {
                let kept = size.saturating_sub(*replaced);
                kept.saturating_add(start.len())
            }
            Self::Within(edits) => edits.iter().fold(size, |size, (range, replacement)| {
                let kept = size.saturating_sub(range.len());
                kept.saturating_add(replacement.len())
            }),
        }
    }

    /// Gives it back in the place of a body of `size` bytes. `held` is that body, where we have it.
    pub(super) fn give_back(
        &self,
        host: &impl Host,
        size: usize,
        held: Option<&[u8]>,
    ) -> HostResult<()> {
        match (self, held) {
            (Self::Nothing, _) => Ok(()),
            (Self::Whole(body), _) => host.set_request_body(body),
            (Self::Start(replaced, start), _) => host.replace_request_body_start(*replaced, start),
            (Self::Within(edits), Some(body)) if size <= PIECE_BYTES => {
                host.set_request_body(&BodyEdit::Splice(edits.clone()).applied(body))
            }
            (Self::Within(edits), Some(body)) => from_memory(host, body, edits),
            (Self::Within(edits), None) => in_place(host, size, edits),
        }
    }
}

/// Writes `body` with `edits` from where it is, so that there is no second copy of it.
fn from_memory(host: &impl Host, body: &[u8], edits: &[Splice]) -> HostResult<()> {
    host.set_request_body(&[])?;
    let mut from = 0;
    for (range, replacement) in edits {
        host.append_request_body(body.get(from..range.start).unwrap_or_default())?;
        host.append_request_body(replacement)?;
        from = range.end;
    }
    host.append_request_body(body.get(from..).unwrap_or_default())
}

/// Edits a body of `size` bytes where the proxy has it. Only the beginning can be taken out there, and things be put behind the
/// end: so all of it goes from the beginning to the end once, a piece at a time.
fn in_place(host: &impl Host, size: usize, edits: &[Splice]) -> HostResult<()> {
    let mut from = 0;
    for (range, replacement) in edits {
        put_behind(host, range.start.saturating_sub(from))?;
        host.replace_request_body_start(range.len(), &[])?;
        host.append_request_body(replacement)?;
        from = range.end;
    }
    put_behind(host, size.saturating_sub(from))
}

/// Puts the first `length` bytes of the body behind its end.
fn put_behind(host: &impl Host, length: usize) -> HostResult<()> {
    let mut left = length;
    while left > 0 {
        let piece = host.request_body(0, left.min(PIECE_BYTES))?;
        if piece.is_empty() {
            return Err(HostError::NotFound);
        }
        // First out, so that the body is never longer than the proxy lets it be.
        host.replace_request_body_start(piece.len(), &[])?;
        host.append_request_body(&piece)?;
        left = left.saturating_sub(piece.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::host::fake::{FakeHost, Phase};

    const SIZES: [usize; 6] = [
        0,
        1,
        LONGEST_START,
        PIECE_BYTES,
        PIECE_BYTES + 1,
        3 * PIECE_BYTES,
    ];

    fn edits_within(size: usize) -> impl Strategy<Value = Vec<Splice>> {
        let places = prop::collection::btree_set(0..=size, 0..6);
        let replacements = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 3);
        (places, replacements).prop_map(|(places, replacements)| {
            let places: Vec<usize> = places.into_iter().collect();
            let ranges = places.chunks_exact(2).map(|pair| pair[0]..pair[1]);
            ranges.zip(replacements).collect()
        })
    }

    proptest! {
        #[test]
        fn whatever_is_edited_goes_back_with_the_length_that_was_said(
            (size, edits) in prop::sample::select(&SIZES[..])
                .prop_flat_map(|size| (Just(size), edits_within(size))),
            at_hand: bool,
            filler: u8,
        ) {
            let body: Vec<u8> = (0..size).map(|at| filler.wrapping_add(at as u8)).collect();
            let edit = if edits.is_empty() { BodyEdit::Unchanged } else { BodyEdit::Splice(edits) };
            let expected = edit.clone().applied(&body).into_owned();
            let host = FakeHost::with_request("POST", "/", &[], &body);
            let start = body.get(..LONGEST_START).unwrap_or(&body);
            let written = BodyMutation::of(if at_hand { &body } else { start }, edit);
            let held = at_hand.then_some(body.as_slice());
            written.give_back(host.in_phase(Phase::RequestBody), size, held).unwrap();
            prop_assert_eq!(written.length(size), expected.len());
            prop_assert!(*host.request_body.borrow() == expected);
        }
    }
}
