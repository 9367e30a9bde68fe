//! What is known by its shape, not by a word: a trigger in the text says where to look, the shape says whether it is one.
//!
//! Every look is bounded, or passes bytes that no second look will pass again, so that the cost grows with the text only.

mod card;
mod email;
mod iban;
mod phone;
mod private_key;
mod ssn;
mod token;

use std::ops::Range;

use policy::ContentCategory;

use crate::categories::Categories;
pub(crate) use token::Shape;

/// What is looked for at a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detector {
    /// At an `@`.
    Email,
    /// At a digit: what is made of digits.
    Digits,
    /// At a `+` or `(`.
    Phone,
    /// At the beginning of a PEM block.
    PrivateKey,
    /// At a prefix of keys and tokens.
    Token(Shape),
}

/// One thing found in a folded text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) category: ContentCategory,
    pub(crate) span: Range<usize>,
}

impl Detector {
    /// What starts a look. Prefixes of tokens are in a list of their own.
    pub(crate) const TRIGGERS: &[(&str, Self)] = &[
        ("@", Self::Email),
        ("0", Self::Digits),
        ("1", Self::Digits),
        ("2", Self::Digits),
        ("3", Self::Digits),
        ("4", Self::Digits),
        ("5", Self::Digits),
        ("6", Self::Digits),
        ("7", Self::Digits),
        ("8", Self::Digits),
        ("9", Self::Digits),
        ("+", Self::Phone),
        ("(", Self::Phone),
        ("-----begin ", Self::PrivateKey),
    ];

    /// What a look may find.
    pub(crate) fn categories(self) -> Categories {
        use ContentCategory::{CreditCard, Email, Iban, Phone, Secrets, UsSsn};
        let categories: &[ContentCategory] = match self {
            Self::Email => &[Email],
            Self::Digits => &[Iban, CreditCard, UsSsn, Phone],
            Self::Phone => &[Phone],
            Self::PrivateKey | Self::Token(_) => &[Secrets],
        };
        Categories::of(categories)
    }

    /// Looks at the trigger that stands at `trigger` in `text`, for `wanted` categories.
    pub(crate) fn look(
        self,
        text: &str,
        trigger: Range<usize>,
        wanted: Categories,
    ) -> Option<Finding> {
        let bytes = text.as_bytes();
        let at = trigger.start;
        let found = |category, span: Option<Range<usize>>| {
            Some(Finding {
                category,
                span: span?,
            })
        };
        match self {
            Self::Email => found(ContentCategory::Email, email::around(text, at)),
            Self::Digits => {
                let before = at.checked_sub(1).and_then(|before| bytes.get(before));
                if before.is_some_and(u8::is_ascii_digit) {
                    return None;
                }
                // The more a shape proves, the earlier it is tried.
                let tries: [(ContentCategory, Look); 4] = [
                    (ContentCategory::Iban, iban::around),
                    (ContentCategory::CreditCard, card::from),
                    (ContentCategory::UsSsn, ssn::from),
                    (ContentCategory::Phone, phone::national),
                ];
                tries
                    .into_iter()
                    .filter(|(category, _)| wanted.contains(*category))
                    .find_map(|(category, look)| found(category, look(bytes, at)))
            }
            Self::Phone => {
                let look = if bytes.get(at) == Some(&b'+') {
                    phone::international
                } else {
                    phone::national
                };
                found(ContentCategory::Phone, look(bytes, at))
            }
            Self::PrivateKey => found(
                ContentCategory::Secrets,
                private_key::from(text, at, trigger.end),
            ),
            Self::Token(shape) => {
                found(ContentCategory::Secrets, shape.from(bytes, at, trigger.end))
            }
        }
    }
}

/// From the place of the trigger to what was found.
type Look = fn(&[u8], usize) -> Option<Range<usize>>;

/// The byte before `at` is no letter, digit or `_` of ASCII.
fn begins_word(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    before.is_none_or(|byte| !is_word(*byte))
}

/// The byte at `at` is no letter, digit or `_` of ASCII.
fn ends_word(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_none_or(|byte| !is_word(*byte))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// How many bytes from `at` on are `of` a kind, at most `limit`.
fn run(bytes: &[u8], at: usize, limit: usize, of: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter()
        .take(limit)
        .take_while(|byte| of(**byte))
        .count()
}

#[cfg(test)]
mod tests;
