//! Strips the Markdown fence from a response that should be JSON.
//!
//! `response_format: json_object` promises output that parses. Models of other vendors, which only have the prompt to
//! go by, often wrap their JSON in a fence. JSON never starts with a backtick, so nothing else can be affected.

use crate::json::Text;

/// Longest opening fence, in bytes; anything longer is text.
const MAX_OPENING_BYTES: usize = 32;

/// Longest run of white space and backticks held back at the end, in bytes.
const MAX_CLOSING_BYTES: usize = 256;

/// Filters the text of one response, piece by piece.
#[derive(Debug, Clone)]
pub struct MarkdownFence {
    place: Place,
    /// Text received but not decided yet.
    held: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first significant character.
    Start,
    /// In text without a fence.
    Open,
    /// After an opening fence.
    Fenced,
}

impl Default for MarkdownFence {
    fn default() -> Self {
        Self {
            place: Place::Start,
            held: String::new(),
        }
    }
}

impl MarkdownFence {
    /// Strips the fence from a complete response given in pieces; `None` if there is no text, or no valid one.
    pub fn strip_code_fence(content: &[Text<'_>]) -> Option<String> {
        let mut fence = Self::default();
        let mut out = String::new();
        for text in content {
            out.push_str(&fence.push(&text.decode()?));
        }
        out.push_str(&fence.finish());
        (!content.is_empty()).then_some(out)
    }

    /// Takes the next piece and returns the text that is certain to be part of the response.
    pub fn push(&mut self, text: &str) -> String {
        self.held.push_str(text);
        if self.place == Place::Start {
            self.begin();
        }
        match self.place {
            Place::Start => String::new(),
            Place::Open => std::mem::take(&mut self.held),
            Place::Fenced => {
                let closing = |c: char| c == '`' || c.is_whitespace();
                let certain = self.held.trim_end_matches(closing).len();
                if self.held.len().saturating_sub(certain) > MAX_CLOSING_BYTES {
                    return std::mem::take(&mut self.held);
                }
                let kept = self.held.split_off(certain);
                std::mem::replace(&mut self.held, kept)
            }
        }
    }

    /// Ends the text: returns what was held back, unless it closes the fence.
    pub fn finish(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        match self.place {
            Place::Fenced if held.trim() == "```" => String::new(),
            Place::Start | Place::Open | Place::Fenced => held,
        }
    }

    /// Decides whether the response starts with a fence, once enough of it has arrived.
    fn begin(&mut self) {
        let text = self.held.trim_start();
        let undecided = self.held.len() <= MAX_OPENING_BYTES;
        match text.strip_prefix("```").map(|line| line.split_once('\n')) {
            Some(Some((language, rest))) if is_json(language) => {
                self.held = rest.to_owned();
                self.place = Place::Fenced;
            }
            Some(None) if undecided => {}
            None if undecided && "```".starts_with(text) => {}
            Some(_) | None => self.place = Place::Open,
        }
    }
}

fn is_json(language: &str) -> bool {
    let language = language.trim();
    language.is_empty() || language.eq_ignore_ascii_case("json")
}

#[cfg(test)]
mod tests;
