#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;

/// Records the calls to the sink, one line each.
#[derive(Default)]
struct Protocol {
    lines: Vec<String>,
    /// Refuses the next text.
    full: bool,
}

fn characters(text: Text<'_>) -> String {
    text.decode().unwrap_or_default().into_owned()
}

impl Protocol {
    fn say(&mut self, what: &str, text: Text<'_>) -> Result<(), ProviderError> {
        assert!(!text.is_empty(), "empty {what}");
        self.lines.push(format!("{what} {}", characters(text)));
        if self.full {
            return Err(ProviderError::invalid_response("full"));
        }
        Ok(())
    }
}

impl StreamSink for Protocol {
    fn start(&mut self, id: Option<Text<'_>>, model: Option<Text<'_>>) {
        let text = |text: Option<Text<'_>>| text.map(characters).unwrap_or_else(|| "-".to_owned());
        self.lines
            .push(format!("start {} {}", text(id), text(model)));
    }

    fn reasoning(&mut self, text: Text<'_>) -> Result<(), ProviderError> {
        self.say("reasoning", text)
    }

    fn signature(&mut self, signature: Text<'_>) -> Result<(), ProviderError> {
        self.say("signature", signature)
    }

    fn text(&mut self, text: Text<'_>) -> Result<(), ProviderError> {
        self.say("text", text)
    }

    fn refusal(&mut self, text: Text<'_>) -> Result<(), ProviderError> {
        self.say("refusal", text)
    }

    fn open_call(
        &mut self,
        call: usize,
        id: Option<Text<'_>>,
        name: Text<'_>,
    ) -> Result<(), ProviderError> {
        let id = id.map(characters).unwrap_or_else(|| "-".to_owned());
        self.say(&format!("call {call} {id}"), name)
    }

    fn arguments(&mut self, call: usize, fragment: Text<'_>) -> Result<(), ProviderError> {
        self.say(&format!("arguments {call}"), fragment)
    }

    fn finish(&mut self, end: &StreamEnd) {
        let usage = end.usage.map_or_else(
            || "-".to_owned(),
            |usage| format!("{}+{}", usage.prompt, usage.completion),
        );
        let sequence = end.stop_sequence.as_deref().unwrap_or("-");
        self.lines
            .push(format!("finish {} {sequence} {usage}", end.reason.as_str()));
    }

    fn fail(&mut self, error: &ProviderError) {
        self.lines.push(format!("fail {:?}", error.kind));
    }
}

/// A name, the data of the frames, and the expected calls to the sink.
type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

/// Reads frames with this data; with `end` the upstream then closes the stream.
fn read(frames: &[&str], end: bool) -> (Vec<String>, StreamState) {
    let mut stream = Vec::new();
    for frame in frames {
        crate::sse::write_data(&mut stream, frame.as_bytes());
    }
    read_bytes(&[&stream], end)
}

fn read_bytes(pieces: &[&[u8]], end: bool) -> (Vec<String>, StreamState) {
    let (mut reader, mut sink) = (ChatStreamReader::new(), Protocol::default());
    for piece in pieces {
        reader.feed(piece, &mut sink);
    }
    if end {
        reader.end(&mut sink);
    }
    (sink.lines, reader.state().clone())
}

fn chunk(delta: &str) -> String {
    format!(
        r#"{{"id":"i","model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#
    )
}

fn last(reason: &str) -> String {
    format!(
        r#"{{"id":"i","model":"m","choices":[{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}]}}"#
    )
}

const USAGE: &str = r#"{"id":"i","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#;

#[test]
fn complete_streams() {
    let table: &[Case<'_>] = &[
        (
            "OpenAI",
            &[
                &chunk(r#"{"role":"assistant","content":""}"#),
                &chunk(r#"{"content":"a"}"#),
                &last("stop"),
                USAGE,
                "[DONE]",
                &chunk(r#"{"content":"late"}"#),
            ],
            &["start i m", "text a", "finish stop - 3+2"],
        ),
        (
            "Azure: filter chunks before, between and after",
            &[
                r#"{"id":"","model":"","object":"","choices":[],"prompt_filter_results":[]}"#,
                &chunk(r#"{"content":"a"}"#),
                r#"{"id":"","model":"","choices":[{"index":0,"finish_reason":null,"content_filter_results":{}}]}"#,
                &last("stop"),
                r#"{"id":"","model":"","choices":[{"index":0,"finish_reason":null,"content_filter_offsets":{}}]}"#,
                "[DONE]",
            ],
            &["start i m", "text a", "finish stop - -"],
        ),
        (
            "usage beside content and twice: the last counts",
            &[
                r#"{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#,
                r#"{"choices":[{"delta":{"content":"b"},"finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
                "[DONE]",
            ],
            &["start - -", "text a", "text b", "finish length - 3+2"],
        ),
        (
            "no [DONE], and no finish_reason",
            &[&chunk(r#"{"content":"a"}"#), &last("stop"), USAGE],
            &["start i m", "text a", "finish stop - 3+2"],
        ),
        (
            "[DONE] without finish_reason",
            &[&chunk(r#"{"content":"a"}"#), " [DONE]"],
            &["start i m", "text a", "finish stop - -"],
        ),
        (
            "reasoning, signature, refusal, and a stop sequence of vLLM",
            &[
                &chunk(r#"{"reasoning":"r"}"#),
                &chunk(r#"{"reasoning_signature":"s"}"#),
                &chunk(r#"{"refusal":"no"}"#),
                r#"{"choices":[{"delta":{},"finish_reason":"stop","stop_reason":"END"}]}"#,
                "[DONE]",
            ],
            &[
                "start i m",
                "reasoning r",
                "signature s",
                "refusal no",
                "finish stop END -",
            ],
        ),
        (
            "tools: index from 1, interleaved, stop instead of tool_calls",
            &[
                &chunk(
                    r#"{"tool_calls":[{"index":1,"id":"a","function":{"name":"f","arguments":""}}]}"#,
                ),
                &chunk(
                    r#"{"tool_calls":[{"index":2,"id":"b","function":{"name":"g","arguments":"{"}}]}"#,
                ),
                &chunk(
                    r#"{"content":"","tool_calls":[{"index":1,"function":{"arguments":"{}"}}]}"#,
                ),
                &chunk(
                    r#"{"tool_calls":[{"index":2,"id":"b","function":{"name":"g","arguments":"}"}}]}"#,
                ),
                &last("stop"),
                "[DONE]",
            ],
            &[
                "start i m",
                "call 0 a f",
                "call 1 b g",
                "arguments 1 {",
                "arguments 0 {}",
                "arguments 1 }",
                "finish tool_calls - -",
            ],
        ),
        (
            "tools: Gemini gives no index, older servers always 0",
            &[
                &chunk(r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]}"#),
                &chunk(r#"{"tool_calls":[{"id":"b","function":{"name":"f","arguments":""}}]}"#),
                &chunk(
                    r#"{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]}"#,
                ),
                &chunk(
                    r#"{"tool_calls":[{"index":0,"id":"d","function":{"name":"f","arguments":"{"}},{"index":0,"function":{"arguments":"}"}}]}"#,
                ),
                "[DONE]",
            ],
            &[
                "start i m",
                "call 0 a f",
                "arguments 0 {}",
                "call 1 b f",
                "call 2 c f",
                "arguments 2 {}",
                "call 3 d f",
                "arguments 3 {",
                "arguments 3 }",
                "finish tool_calls - -",
            ],
        ),
        (
            "tools: a name that comes late, and the form before tools",
            &[
                &chunk(r#"{"tool_calls":[{"index":0,"id":"a\"","function":{"arguments":"{"}}]}"#),
                &chunk(r#"{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"}"}}]}"#),
                &chunk(r#"{"function_call":{"name":"g","arguments":"{"}}"#),
                &chunk(r#"{"function_call":{"arguments":"}"}}"#),
                &last("function_call"),
                "[DONE]",
            ],
            &[
                "start i m",
                "call 0 a\" f",
                "arguments 0 {",
                "arguments 0 }",
                "call 1 - g",
                "arguments 1 {",
                "arguments 1 }",
                "finish tool_calls - -",
            ],
        ),
        (
            "only the first choice",
            &[
                r#"{"choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"delta":{"content":"a"}}]}"#,
                r#"{"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}"#,
                "",
                "[DONE]",
            ],
            &["start - -", "text a", "finish stop - -"],
        ),
    ];
    for (name, frames, want) in table {
        let (lines, state) = read(frames, true);
        assert_eq!(lines, *want, "{name}");
        assert_eq!(state, StreamState::Complete, "{name}");
    }
}

#[test]
fn failed_streams() {
    let hi = chunk(r#"{"content":"a"}"#);
    let table: &[Case<'_>] = &[
        ("nothing came", &[], &["fail Server"]),
        ("broke off", &[&hi], &["start i m", "text a", "fail Server"]),
        (
            "an error frame",
            &[
                &hi,
                r#"{"error":{"message":"x","code":"rate_limit_exceeded"}}"#,
                "[DONE]",
            ],
            &["start i m", "text a", "fail RateLimited"],
        ),
        (
            "an error frame of vLLM",
            &[r#"{"object":"error","message":"x","type":"BadRequestError","code":400}"#],
            &["fail InvalidRequest"],
        ),
        (
            "an error as text",
            &[r#"{"error":"overloaded"}"#],
            &["fail Server"],
        ),
        ("not the protocol", &["<html>"], &["fail Server"]),
        (
            "an end with an error",
            &[&hi, &last("error")],
            &["start i m", "text a", "fail Server"],
        ),
    ];
    for (name, frames, want) in table {
        let (lines, state) = read(frames, true);
        assert_eq!(lines, *want, "{name}");
        assert!(matches!(state, StreamState::Failed(_)), "{name}");
    }
    let (lines, _) = read_bytes(&[b"event: error\ndata: {\"message\":\"x\"}\n\n"], false);
    assert_eq!(lines, ["fail Server"]);
}

#[test]
fn what_breaks_off_in_the_middle_of_an_event() {
    let whole = format!("data: {}\n\n", chunk(r#"{"content":"a"}"#));
    for (tail, want) in [
        ("data: [DONE]", "finish stop - -"),
        ("data: [DONE]\n", "finish stop - -"),
        ("data: [DO", "fail Server"),
        (
            r#"data: {"choices":[{"delta":{},"finish_reason":"length"}]}"#,
            "finish length - -",
        ),
        (r#"data: {"choices":[{"delta":{"content":"b"#, "fail Server"),
    ] {
        let (lines, _) = read_bytes(&[whole.as_bytes(), tail.as_bytes()], true);
        assert_eq!(lines, ["start i m", "text a", want], "{tail}");
    }
}

#[test]
fn states_on_the_way() {
    let opening = [chunk(r#"{"role":"assistant"}"#)];
    let empty = [opening[0].clone(), last("stop"), "[DONE]".to_owned()];
    let filtered = [last("content_filter")];
    let tool = [chunk(
        r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}}]}"#,
    )];
    let nameless = [chunk(
        r#"{"tool_calls":[{"index":0,"id":"a","function":{}}]}"#,
    )];
    for (frames, want) in [
        (&opening[..], StreamState::BeforeContent),
        (&empty[..], StreamState::Empty),
        (&filtered[..], StreamState::Content),
        (&tool[..], StreamState::Content),
        (&nameless[..], StreamState::BeforeContent),
    ] {
        let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
        assert_eq!(read(&frames, false).1, want, "{frames:?}");
    }
}

#[test]
fn a_sink_that_can_take_no_more_ends_the_stream() {
    let (mut reader, mut sink) = (ChatStreamReader::new(), Protocol::default());
    sink.full = true;
    let mut stream = Vec::new();
    for _ in 0..3 {
        crate::sse::write_data(&mut stream, chunk(r#"{"content":"a"}"#).as_bytes());
    }
    reader.feed(&stream, &mut sink);
    reader.end(&mut sink);
    assert_eq!(sink.lines, ["start i m", "text a", "fail Server"]);
}

#[test]
fn memory_is_bounded() {
    let (mut reader, mut sink) = (ChatStreamReader::new(), Protocol::default());
    let endless = vec![b'x'; 1 << 20];
    for _ in 0..64 {
        reader.feed(&endless, &mut sink);
    }
    assert_eq!(sink.lines, ["fail Server"]);

    let many: Vec<String> = (0..2000)
        .map(|id| {
            chunk(&format!(
                r#"{{"tool_calls":[{{"id":"{id}","function":{{"name":"f"}}}}]}}"#
            ))
        })
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let (lines, state) = read(&many, false);
    assert!(lines.len() < 1100, "{}", lines.len());
    let StreamState::Failed(error) = state else {
        panic!("{state:?}");
    };
    assert_eq!(error.kind, ErrorKind::Server);

    let part = chunk(&format!(
        r#"{{"tool_calls":[{{"index":0,"function":{{"arguments":"{}"}}}}]}}"#,
        "x".repeat(100_000)
    ));
    let (_, state) = read(&[part.as_str(); 20], false);
    assert!(matches!(state, StreamState::Failed(_)), "{state:?}");
}

proptest! {
    #[test]
    fn any_split_says_the_same(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let frames = [
            chunk(r#"{"role":"assistant","content":"äöü🧪"}"#),
            chunk(r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"a\":"}}]}"#),
            chunk(r#"{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}"#),
            last("tool_calls"),
            USAGE.to_owned(),
            "[DONE]".to_owned(),
        ];
        let stream: String = frames.iter().map(|frame| format!("data: {frame}\r\n\r\n")).collect();
        let whole = read_bytes(&[stream.as_bytes()], true);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &stream.as_bytes()[cut[0]..cut[1]]).collect();
        prop_assert_eq!(read_bytes(&pieces, true), whole);
    }

    #[test]
    fn any_bytes_are_survived(data in prop::collection::vec(any::<u8>(), 0..200), json in "[{}\\[\\]\":,a-z0-9 ]{0,80}") {
        read_bytes(&[&data], true);
        read(&[&json], true);
        let (lines, _) = read(&[&chunk(&json)], true);
        let ends = lines.iter().filter(|line| line.starts_with("f")).count();
        prop_assert_eq!(ends, 1, "one finish or fail: {:?}", lines);
    }
}
