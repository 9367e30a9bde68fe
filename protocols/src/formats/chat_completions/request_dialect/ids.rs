//! Names of tools and ids of calls in the characters that a provider takes.

use std::borrow::Cow;

use catalog::{Dialect, ToolCallIds};

use crate::formats::chat_completions::members::string;
use crate::request_info::is_plain_name;

/// Characters of a hash in a name.
const HASH_CHARS: usize = 17;

/// The client's names of tools that were sent under others: those sent are put back where an answer has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RestoredNames {
    /// What was sent, and the client's own name, both as JSON strings.
    changed: Vec<(Vec<u8>, Vec<u8>)>,
}

impl RestoredNames {
    /// No name was changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    /// The name to send: at most as long as the provider takes, of letters, digits, `_` and `-`.
    pub(super) fn sent<'n>(&mut self, dialect: &Dialect, name: &'n str) -> Cow<'n, str> {
        let longest = usize::from(dialect.max_tool_name);
        if longest == 0 || (is_plain_name(name) && name.len() <= longest) {
            return Cow::Borrowed(name);
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let kept = name
            .chars()
            .take(longest.saturating_sub(HASH_CHARS))
            .map(|c| if fits(c) { c } else { '_' });
        let sent: String = kept
            .chain(format!("_{:016x}", fnv1a(name)).chars())
            .collect();
        let pair = (string(&sent), string(name));
        if !self.changed.contains(&pair) {
            self.changed.push(pair);
        }
        Cow::Owned(sent)
    }

    /// `answer`, bytes for the client, with the client's names. A name is one string of JSON, which no text can hold
    /// by chance: it ends in a hash.
    pub(crate) fn restore(&self, answer: Vec<u8>) -> Vec<u8> {
        self.changed.iter().fold(answer, |answer, (sent, own)| {
            let mut found = memchr::memmem::find_iter(&answer, sent).peekable();
            if found.peek().is_none() {
                return answer;
            }
            let mut restored = Vec::with_capacity(answer.len().saturating_add(own.len()));
            let mut from = 0_usize;
            for at in found {
                restored.extend_from_slice(answer.get(from..at).unwrap_or_default());
                restored.extend_from_slice(own);
                from = at.saturating_add(sent.len());
            }
            restored.extend_from_slice(answer.get(from..).unwrap_or_default());
            restored
        })
    }
}

/// The id to send for the client's id of a call: the same for the call and for what the tool answered.
pub(super) fn call_id<'i>(ids: ToolCallIds, id: &'i str) -> Cow<'i, str> {
    let is_word = |c: char| c.is_ascii_alphanumeric();
    let fits = match ids {
        ToolCallIds::Any => true,
        ToolCallIds::Safe => !id.is_empty() && id.chars().all(|c| is_word(c) || "_-".contains(c)),
        ToolCallIds::Safe64 => {
            (1..=64).contains(&id.len()) && id.chars().all(|c| is_word(c) || "_-.:".contains(c))
        }
        ToolCallIds::Alphanumeric9 => id.len() == 9 && id.chars().all(is_word),
    };
    if fits {
        return Cow::Borrowed(id);
    }
    let hash = fnv1a(id);
    Cow::Owned(match ids {
        ToolCallIds::Alphanumeric9 => nine_characters(hash),
        ToolCallIds::Any | ToolCallIds::Safe | ToolCallIds::Safe64 => format!("call_{hash:016x}"),
    })
}

/// Nine letters and digits.
fn nine_characters(hash: u64) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = hash;
    let mut next = || {
        let digit = usize::try_from(rest % 62).unwrap_or_default();
        rest /= 62;
        char::from(DIGITS.get(digit).copied().unwrap_or(b'0'))
    };
    (0..9).map(|_| next()).collect()
}

/// FNV-1a: stable across releases and machines, because names are part of what a model caches.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
