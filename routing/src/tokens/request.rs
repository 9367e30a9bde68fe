//! Tokens of a whole request body, read as JSON in one pass without building anything.
//!
//! Counted are the parts that reach the model: messages, prompts, instructions, tools and schemas. Counted apart are
//! images (by their size), token ids (one each) and what a chat template adds for each message and tool. What is not
//! JSON is read as far as it goes.

use super::image::{image_tokens, size_of_base64};
use super::text::TextTokens;

/// What the template adds for the answer's beginning, each message, and each tool.
const ANSWER: u32 = 3;
const MESSAGE: u32 = 4;
const TOOL: u32 = 8;

/// Fields of messages that are structure, not text.
const STRUCTURE: &[&[u8]] = &[
    b"arguments",
    b"cache_control",
    b"call_id",
    b"content",
    b"data",
    b"detail",
    b"encrypted_content",
    b"file_data",
    b"file_id",
    b"format",
    b"function",
    b"id",
    b"image_url",
    b"input",
    b"input_audio",
    b"media_type",
    b"name",
    b"role",
    b"signature",
    b"source",
    b"status",
    b"text",
    b"thinking",
    b"tool_call_id",
    b"tool_calls",
    b"tool_use_id",
    b"type",
    b"url",
];
/// Of these, the ones whose values do not reach the model as text.
const SILENT: &[&[u8]] = &[
    b"call_id",
    b"encrypted_content",
    b"file_data",
    b"file_id",
    b"format",
    b"id",
    b"media_type",
    b"role",
    b"signature",
    b"status",
    b"tool_call_id",
    b"tool_use_id",
    b"type",
];

/// Which part of the request the reader is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Parameters that the model does not see.
    Other,
    /// `messages`, `input`, `prompt`, `system`, `instructions`
    Prompt,
    /// `tools`, `functions`, `response_format`
    Schema,
}

/// Estimated prompt tokens of a request to any of the gateway's endpoints.
pub fn of_request(body: &[u8]) -> u32 {
    let mut reader = Reader {
        rest: body,
        depth: 0,
        part: Part::Other,
        key: b"",
        image: None,
        low_detail_at: None,
        tokens: TextTokens::default(),
    };
    reader.tokens.add(ANSWER);
    reader.read();
    reader.tokens.finish()
}

struct Reader<'a> {
    rest: &'a [u8],
    depth: usize,
    part: Part,
    /// The last key, as it is written.
    key: &'a [u8],
    /// Depth and base64 of the image that was met last and may still turn out to be of low detail.
    image: Option<(usize, u32)>,
    /// Depth at which low detail was asked for before the image came.
    low_detail_at: Option<usize>,
    tokens: TextTokens,
}

impl<'a> Reader<'a> {
    fn read(&mut self) {
        while let Some((&byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            match byte {
                b'"' => self.string(),
                b'{' => self.object(),
                b'[' => self.depth = self.depth.saturating_add(1),
                b'}' | b']' => self.close(),
                b'-' | b'0'..=b'9' => self.number(),
                _ => {}
            }
        }
        self.settle_image();
    }

    fn object(&mut self) {
        self.depth = self.depth.saturating_add(1);
        // {"messages": [{
        if self.depth == 3 {
            match self.part {
                Part::Prompt => self.tokens.add(MESSAGE),
                Part::Schema => self.tokens.add(TOOL),
                Part::Other => {}
            }
        }
    }

    fn close(&mut self) {
        if self.image.is_some_and(|(depth, _)| depth == self.depth) {
            self.settle_image();
        }
        if self.low_detail_at == Some(self.depth) {
            self.low_detail_at = None;
        }
        self.depth = self.depth.saturating_sub(1);
    }

    /// A number in a prompt is a token id; elsewhere numbers belong to schemas and parameters.
    fn number(&mut self) {
        let end = self
            .rest
            .iter()
            .position(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
        self.rest = end.and_then(|end| self.rest.get(end..)).unwrap_or(b"");
        if self.part == Part::Prompt && matches!(self.key, b"prompt" | b"input") {
            self.tokens.add(1);
        }
    }

    fn string(&mut self) {
        let (content, rest) = split_string(self.rest);
        self.rest = rest;
        let follows = rest
            .iter()
            .find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        if follows == Some(&b':') {
            self.key(content);
        } else {
            self.value(content);
        }
    }

    fn key(&mut self, key: &'a [u8]) {
        self.key = key;
        if self.depth == 1 {
            self.part = match key {
                b"messages" | b"input" | b"prompt" | b"system" | b"instructions" => Part::Prompt,
                b"tools" | b"functions" | b"response_format" | b"text" => Part::Schema,
                _ => Part::Other,
            };
            return;
        }
        let counts = match self.part {
            Part::Other => false,
            Part::Prompt => !STRUCTURE.contains(&key),
            Part::Schema => true,
        };
        if counts {
            self.text(key);
        }
    }

    fn value(&mut self, value: &'a [u8]) {
        match (self.part, self.key) {
            (Part::Other, _) => {}
            (Part::Schema, _) => self.text(value),
            (Part::Prompt, b"url" | b"image_url") => self.image_url(value),
            (Part::Prompt, b"data") => {
                // Anthropic's images; audio and documents have no size, and no formula.
                if let Some(size) = size_of_base64(value) {
                    self.image(image_tokens(Some(size), false));
                }
            }
            (Part::Prompt, b"detail") => self.detail(value),
            (Part::Prompt, key) if SILENT.contains(&key) => {}
            (Part::Prompt, _) => self.text(value),
        }
    }

    fn image_url(&mut self, url: &[u8]) {
        let size = match url.strip_prefix(b"data:") {
            Some(data) => data
                .iter()
                .position(|&byte| byte == b',')
                .and_then(|comma| data.get(comma.saturating_add(1)..))
                .and_then(size_of_base64),
            None => None,
        };
        self.image(image_tokens(size, false));
    }

    fn image(&mut self, tokens: u32) {
        self.settle_image();
        let low = self.low_detail_at.take() == Some(self.depth);
        let tokens = if low {
            image_tokens(None, true)
        } else {
            tokens
        };
        self.image = Some((self.depth, tokens));
    }

    /// `detail` stands beside the URL, before or after it.
    fn detail(&mut self, detail: &[u8]) {
        if detail != b"low" {
            return;
        }
        match &mut self.image {
            Some((depth, tokens)) if *depth == self.depth => *tokens = image_tokens(None, true),
            _ => self.low_detail_at = Some(self.depth),
        }
    }

    fn settle_image(&mut self) {
        if let Some((_, tokens)) = self.image.take() {
            self.tokens.add(tokens);
        }
    }

    /// Counts the content of a JSON string.
    fn text(&mut self, mut raw: &[u8]) {
        while let Some(escape) = raw.iter().position(|&byte| byte == b'\\') {
            let (plain, rest) = raw.split_at_checked(escape).unwrap_or((raw, b""));
            self.plain(plain);
            raw = self.escape(rest);
        }
        self.plain(raw);
        self.tokens.end_text();
    }

    fn plain(&mut self, bytes: &[u8]) {
        for chunk in bytes.utf8_chunks() {
            self.tokens.push(chunk.valid());
        }
    }

    /// Counts the escape that `raw` begins with; returns what follows it.
    fn escape<'r>(&mut self, raw: &'r [u8]) -> &'r [u8] {
        let character = match raw.get(1) {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b' | b'f') => ' ',
            Some(b'u') => return self.unicode_escape(raw),
            Some(&other) => char::from(other),
            None => return b"",
        };
        self.tokens.push_char(character);
        raw.get(2..).unwrap_or(b"")
    }

    /// `\uXXXX`, perhaps the first half of a pair.
    fn unicode_escape<'r>(&mut self, raw: &'r [u8]) -> &'r [u8] {
        let unit = |at: usize| -> Option<u32> {
            let digits = raw.get(at.saturating_add(2)..at.saturating_add(6))?;
            let prefix = raw.get(at..at.saturating_add(2))?;
            let digits = std::str::from_utf8(digits).ok()?;
            (prefix == b"\\u").then(|| u32::from_str_radix(digits, 16).ok())?
        };
        let first = unit(0);
        let pair = match (first, unit(6)) {
            (Some(high @ 0xd800..=0xdbff), Some(low @ 0xdc00..=0xdfff)) => Some(
                0x1_0000_u32
                    .saturating_add(high.saturating_sub(0xd800) << 10)
                    .saturating_add(low.saturating_sub(0xdc00)),
            ),
            _ => None,
        };
        if let Some(character) = pair.or(first).and_then(char::from_u32) {
            self.tokens.push_char(character);
        }
        let length = if pair.is_some() { 12 } else { 6 };
        raw.get(length..).unwrap_or(b"")
    }
}

/// Splits behind the closing quote; the content has its escapes still in it.
fn split_string(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut position = 0_usize;
    loop {
        let rest = bytes.get(position..).unwrap_or(b"");
        let Some(found) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) else {
            return (bytes, b"");
        };
        let at = position.saturating_add(found);
        if bytes.get(at) == Some(&b'"') {
            let (content, rest) = bytes.split_at_checked(at).unwrap_or((bytes, b""));
            return (content, rest.get(1..).unwrap_or(b""));
        }
        position = at.saturating_add(2);
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use proptest::prelude::proptest;

    use super::super::of_text;
    use super::*;

    fn chat(content: &str) -> u32 {
        of_request(
            format!(r#"{{"model":"gpt-4o","messages":[{{"role":"user","content":{content}}}]}}"#)
                .as_bytes(),
        )
    }

    #[test]
    fn text_counts_wherever_it_stands() {
        let question = "What is the capital of France?";
        let text = of_text(question);
        for body in [
            format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{question}"}}]}}"#),
            format!(
                r#"{{"messages":[{{"content":[{{"text":"{question}","type":"text"}}],"role":"user"}}],"max_tokens":5}}"#
            ),
            format!(r#"{{"input":[{{"role":"user","content":"{question}"}}],"user":"someone"}}"#),
        ] {
            assert_eq!(of_request(body.as_bytes()), text + 7, "{body}");
        }
        for body in [
            format!(r#"{{"prompt":"{question}"}}"#),
            format!(r#"{{"input":["{question}"],"metadata":{{"note":"not a prompt"}}}}"#),
            format!(r#"{{"system" : "{question}", "messages":[]}}"#),
        ] {
            assert_eq!(of_request(body.as_bytes()), text + 3, "{body}");
        }
    }

    #[test]
    fn escapes_count_as_what_they_stand_for() {
        assert_eq!(
            chat(r#""first\nsecond \"quoted\" \u4f60\u597d \ud83d\ude00""#),
            chat("\"x\"") - of_text("x") + of_text("first\nsecond \"quoted\" 你好 😀")
        );
    }

    #[test]
    fn tools_count_with_their_schemas() {
        let without = chat("\"hi\"");
        let body = br#"{"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"get_weather",
            "description":"Current weather of a city","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]}"#;
        let with = of_request(body);
        // 40 to 60 in OpenAI's own count.
        assert!((30..=70).contains(&(with - without)), "{}", with - without);
    }

    #[test]
    fn images_count_by_size_and_detail_not_by_bytes() {
        let gif = "R0lGODlhLAHIAPcAAA==";
        let nothing = chat("[]");
        for (part, expected) in [
            (r#"{"type":"image_url","image_url":{"url":"https://example.com/cat.png"}}"#.to_owned(), 765),
            (format!(r#"{{"type":"image_url","image_url":{{"url":"data:image/gif;base64,{gif}"}}}}"#), 255),
            (format!(r#"{{"type":"image_url","image_url":{{"url":"data:image/gif;base64,{gif}","detail":"low"}}}}"#), 85),
            (format!(r#"{{"type":"image_url","image_url":{{"detail":"low","url":"data:image/gif;base64,{gif}"}}}}"#), 85),
            (format!(r#"{{"type":"input_image","image_url":"data:image/gif;base64,{gif}"}}"#), 255),
            (format!(r#"{{"type":"image","source":{{"type":"base64","media_type":"image/gif","data":"{gif}"}}}}"#), 255),
            (r#"{"type":"input_audio","input_audio":{"data":"UklGRgAAAABXQVZF","format":"wav"}}"#.to_owned(), 0),
        ] {
            assert_eq!(chat(&format!("[{part}]")) - nothing, expected, "{part}");
        }
        let two = r#"[{"image_url":{"url":"https://a"}},{"image_url":{"url":"https://b","detail":"low"}}]"#;
        assert_eq!(chat(two) - nothing, 765 + 85);
    }

    #[test]
    fn token_ids_count_one_each() {
        assert_eq!(of_request(br#"{"prompt":[1,22,333],"n":2}"#), 6);
        assert_eq!(of_request(br#"{"input":[[1,2],[3]],"dimensions":256}"#), 6);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_read_without_a_crash(bytes: Vec<u8>, text in r#"[\{\}\[\]",:\\u0-9a-f ]{0,80}"#) {
            of_request(&bytes);
            of_request(text.as_bytes());
            of_request(format!("{{\"messages\":[{text}").as_bytes());
        }
    }
}
