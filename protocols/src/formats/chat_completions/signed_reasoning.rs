//! Signed reasoning in the two fields that Chat Completions has for it here: `reasoning_content`, the joined text, and
//! `reasoning_signature`, which says where the blocks of the upstream begin and end.
//!
//! Anthropic and Bedrock take thinking back only as it was: each block with its own signature, blocks that only they can
//! read (`redacted_thinking`) as well, all in their order. A single thinking block at the start has its plain signature.
//! Every further block adds a segment, so that pieces of a stream can be joined:
//!
//! ```text
//! SIGNATURE|t1,42:SIGNATURE|r2:DATA
//! ```
//!
//! `t` is thinking and the length of its text in bytes, `r` is redacted; the number before is the block's place: 0 before
//! everything else, 1 behind the text, 2 behind the first call of a tool, and so on.

use crate::json::Text;

/// The prefix of every signature that this gateway makes. No provider's own has it: `-` is no character of base64.
const OWN: &str = "kt-";

/// The prefix of a thought signature of a tool call, where a client's protocol has room for signed reasoning only.
const THOUGHT: &str = "kt-thought:";

/// The prefix of reasoning that OpenAI has encrypted, one item for each line.
const ENCRYPTED: &str = "kt-encrypted:";

/// Between segments. No character of base64.
const SEPARATOR: char = '|';

/// Stands for reasoning that a client has lost, where a provider demands it with every message that calls tools.
pub const LOST_REASONING: &str = " ";

/// Stands for a thought signature that a client has lost. Source: Google, Gemini API, thought signatures.
pub const LOST_THOUGHT_SIGNATURE: &str = "skip_thought_signature_validator";

/// A block of reasoning that only the upstream that signed it takes back.
#[derive(Debug, Clone, Copy)]
pub enum SignedBlock<'a> {
    /// `thinking`
    Thinking {
        /// The reasoning; may be empty.
        thinking: Text<'a>,
        /// Belongs to exactly this text.
        signature: Text<'a>,
    },
    /// `redacted_thinking`: opaque data.
    Redacted(Text<'a>),
}

/// Writes the signature of one response, piece by piece.
#[derive(Debug, Default)]
pub struct SignatureWriter {
    has_written: bool,
    /// There is reasoning that cannot be replayed, so what follows cannot be either.
    is_broken: bool,
}

impl SignatureWriter {
    /// The piece for a thinking block of `length` bytes of text at `place`. `None` where it cannot be replayed.
    pub fn thinking(&mut self, place: usize, length: u64, signature: &str) -> Option<String> {
        if signature.is_empty() || signature.contains(SEPARATOR) {
            self.is_broken |= length > 0 || !signature.is_empty();
        }
        if self.is_broken || signature.is_empty() {
            return None;
        }
        let is_first = !std::mem::replace(&mut self.has_written, true);
        Some(if is_first && place == 0 {
            signature.to_owned()
        } else {
            format!("{SEPARATOR}t{place},{length}:{signature}")
        })
    }

    /// The piece for a redacted block at `place`.
    pub fn redacted(&mut self, place: usize, data: &str) -> Option<String> {
        if data.contains(SEPARATOR) {
            self.is_broken = true;
        }
        if self.is_broken || data.is_empty() {
            return None;
        }
        self.has_written = true;
        Some(format!("{SEPARATOR}r{place}:{data}"))
    }
}

/// The blocks of a message, each with its place. None if the signature is not from Anthropic or Bedrock, or does not
/// fit the text.
pub fn signed_blocks<'a>(
    reasoning: Text<'a>,
    signature: Text<'a>,
) -> Vec<(usize, SignedBlock<'a>)> {
    if signature.is_empty() || is_own(signature) {
        return Vec::new();
    }
    blocks(reasoning, signature).unwrap_or_default()
}

fn blocks<'a>(reasoning: Text<'a>, signature: Text<'a>) -> Option<Vec<(usize, SignedBlock<'a>)>> {
    let Some((plain, mut rest)) = signature.split_once(SEPARATOR) else {
        let thinking = reasoning;
        return Some(vec![(
            0,
            SignedBlock::Thinking {
                thinking,
                signature,
            },
        )]);
    };
    let mut segments = Vec::new();
    loop {
        let (segment, further) = match rest.split_once(SEPARATOR) {
            Some((segment, further)) => (segment, Some(further)),
            None => (rest, None),
        };
        segments.push(Segment::read(segment)?);
        match further {
            Some(further) => rest = further,
            None => break,
        }
    }
    let mut read = Vec::with_capacity(segments.len().saturating_add(1));
    let mut text = reasoning;
    if !plain.is_empty() {
        let others: usize = segments.iter().filter_map(|segment| segment.length).sum();
        let length = reasoning.decoded_length()?.checked_sub(others)?;
        let (thinking, behind) = text.split_at_decoded(length)?;
        text = behind;
        let signature = plain;
        read.push((
            0,
            SignedBlock::Thinking {
                thinking,
                signature,
            },
        ));
    }
    for Segment {
        place,
        length,
        value,
    } in segments
    {
        read.push((
            place,
            match length {
                None => SignedBlock::Redacted(value),
                Some(length) => {
                    let (thinking, behind) = text.split_at_decoded(length)?;
                    text = behind;
                    SignedBlock::Thinking {
                        thinking,
                        signature: value,
                    }
                }
            },
        ));
    }
    text.is_empty().then_some(read)
}

struct Segment<'a> {
    place: usize,
    /// Of thinking.
    length: Option<usize>,
    value: Text<'a>,
}

impl<'a> Segment<'a> {
    fn read(segment: Text<'a>) -> Option<Self> {
        let (Text::Plain(head) | Text::Escaped(head), value) = segment.split_once(':')?;
        let (place, length) = match head.strip_prefix('r') {
            Some(place) => (place, None),
            None => {
                let (place, length) = head.strip_prefix('t')?.split_once(',')?;
                (place, Some(length.parse().ok()?))
            }
        };
        Some(Self {
            place: place.parse().ok()?,
            length,
            value,
        })
    }
}

/// A signature that this gateway made, so no provider's.
pub fn is_own(signature: Text<'_>) -> bool {
    let (Text::Plain(inside) | Text::Escaped(inside)) = signature;
    inside.starts_with(OWN)
}

/// A thought signature as a signature of reasoning.
pub fn marked_thought(signature: Text<'_>) -> String {
    format!("{THOUGHT}{}", signature.decode().unwrap_or_default())
}

/// The thought signature in a signature of reasoning, if it is one.
pub fn thought(signature: Text<'_>) -> Option<Text<'_>> {
    match signature {
        Text::Plain(inside) => inside.strip_prefix(THOUGHT).map(Text::Plain),
        Text::Escaped(inside) => inside.strip_prefix(THOUGHT).map(Text::Escaped),
    }
}

/// The piece of a signature that holds the encrypted reasoning of one item; `is_first` where it begins the signature.
pub fn encrypted_piece(encrypted: Text<'_>, is_first: bool) -> String {
    let start = if is_first { ENCRYPTED } else { "\n" };
    format!("{start}{}", encrypted.decode().unwrap_or_default())
}

/// The encrypted reasoning in a signature, item by item; none where it is no signature of that kind.
pub fn encrypted(signature: Text<'_>) -> Vec<String> {
    let signature = signature.decode().unwrap_or_default();
    let items = signature.strip_prefix(ENCRYPTED);
    items.map_or_else(Vec::new, |items| {
        items.split('\n').map(str::to_owned).collect()
    })
}

#[cfg(test)]
mod tests;
