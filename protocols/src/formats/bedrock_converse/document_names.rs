//! Formats and names of images and documents in Converse's terms.

use std::collections::HashMap;

use crate::json::Text;

/// Longest document name, in characters.
const MAX_CHARS: usize = 200;

/// Converse's name for an image format; `None` if unsupported.
pub fn image_format(media_type: &str) -> Option<&'static str> {
    Some(match media_type {
        "image/png" => "png",
        "image/jpeg" | "image/jpg" => "jpeg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        _ => return None,
    })
}

/// Converse's name for a document format; `None` if unsupported.
pub fn document_format(media_type: &str) -> Option<&'static str> {
    Some(match media_type {
        "application/pdf" => "pdf",
        "text/csv" => "csv",
        "application/msword" => "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        "application/vnd.ms-excel" => "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        "text/html" => "html",
        "text/plain" => "txt",
        "text/markdown" => "md",
        _ => return None,
    })
}

/// The names of a request's documents. Each document needs a unique name.
#[derive(Debug, Clone, Default)]
pub(super) struct DocumentNames {
    /// For each name, the number that the next document with that name gets.
    numbers: HashMap<String, usize>,
}

impl DocumentNames {
    /// A unique name for the next document, close to the client's.
    pub(super) fn next(&mut self, wanted: Option<Text<'_>>) -> String {
        let wanted = wanted.and_then(Text::decode).unwrap_or_default();
        let base = cleaned(&wanted);
        let base = if base.is_empty() {
            String::from("document")
        } else {
            base
        };
        let mut name = base.clone();
        while self.numbers.contains_key(&name) {
            let number = self.numbers.entry(base.clone()).or_insert(2);
            let suffix = format!(" ({number})");
            let room = MAX_CHARS.saturating_sub(suffix.len());
            name = base.chars().take(room).chain(suffix.chars()).collect();
            *number = number.saturating_add(1);
        }
        self.numbers.insert(name.clone(), 2);
        name
    }
}

/// Keeps letters, digits, single spaces, `-`, `(`, `)`, `[` and `]`; replaces everything else by a space.
fn cleaned(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-()[]".contains(c);
    let words = name
        .split(|c: char| !fits(c))
        .filter(|word| !word.is_empty());
    let joined: Vec<&str> = words.collect();
    let joined: String = joined.join(" ").chars().take(MAX_CHARS).collect();
    joined.trim_end().to_owned()
}

#[cfg(test)]
mod tests;
