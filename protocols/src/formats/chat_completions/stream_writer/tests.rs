#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::error::ErrorKind;

const HEAD: &str =
    r#"data: {"id":"i","object":"chat.completion.chunk","created":7,"model":"m","choices":["#;

fn stream(include_usage: bool) -> (ChatStreamWriter, Vec<u8>) {
    let writer = ChatStreamWriter::new("i".into(), 7, "m".into(), include_usage);
    (writer, Vec::new())
}

/// The frames without what is common to all of them.
fn frames(out: &[u8]) -> Vec<&str> {
    let text = std::str::from_utf8(out).unwrap();
    let frames = text.strip_suffix("\n\n").unwrap().split("\n\n");
    frames
        .map(|frame| frame.strip_prefix(HEAD).unwrap_or(frame))
        .collect()
}

fn delta(delta: &str) -> String {
    format!(r#"{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":null}}]}}"#)
}

fn finish(reason: &str) -> String {
    format!(r#"{{"index":0,"delta":{{}},"logprobs":null,"finish_reason":"{reason}"}}]}}"#)
}

#[test]
fn text_has_one_role_and_one_end() {
    let (mut writer, mut out) = stream(false);
    writer.content("Hi".into(), &mut out);
    writer.content("".into(), &mut out);
    writer.content(" you".into(), &mut out);
    writer.finish(FinishReason::Stop, &mut out);
    writer.finish(FinishReason::Length, &mut out);
    writer.content("late".into(), &mut out);
    writer.end(Some(&Usage::default()), &mut out);
    writer.end(None, &mut out);
    assert_eq!(
        frames(&out),
        [
            delta(r#"{"role":"assistant","content":""}"#).as_str(),
            &delta(r#"{"content":"Hi"}"#),
            &delta(r#"{"content":" you"}"#),
            &finish("stop"),
            "data: [DONE]",
        ]
    );
}

#[test]
fn tools_count_from_zero_and_name_themselves_once() {
    let (mut writer, mut out) = stream(false);
    let first = writer.open_tool("a".into(), "f".into(), &mut out);
    let second = writer.open_tool("b".into(), "g".into(), &mut out);
    writer.tool_arguments(first, "{".into(), &mut out);
    writer.tool_arguments(first, "}".into(), &mut out);
    writer.close_tool(first, &mut out);
    writer.close_tool(second, &mut out);
    writer.finish(FinishReason::ToolCalls, &mut out);
    let open = |index, id, name| {
        delta(&format!(
            r#"{{"tool_calls":[{{"index":{index},"id":"{id}","type":"function","function":{{"name":"{name}","arguments":""}}}}]}}"#
        ))
    };
    let more = |index, fragment| {
        delta(&format!(
            r#"{{"tool_calls":[{{"index":{index},"function":{{"arguments":"{fragment}"}}}}]}}"#
        ))
    };
    assert_eq!(
        frames(&out),
        [
            delta(r#"{"role":"assistant","content":null}"#),
            open(0, "a", "f"),
            open(1, "b", "g"),
            more(0, "{"),
            more(0, "}"),
            more(1, "{}"),
            finish("tool_calls"),
        ]
    );
}

#[test]
fn usage_is_null_until_the_last_chunk_if_it_was_asked_for() {
    let (mut writer, mut out) = stream(true);
    writer.finish(FinishReason::ContentFilter, &mut out);
    let usage = Usage {
        prompt: 1,
        completion: 2,
        ..Usage::default()
    };
    writer.end(Some(&usage), &mut out);
    let frames = frames(&out);
    assert!(frames[0].ends_with(r#"],"usage":null}"#), "{}", frames[0]);
    assert!(frames[1].ends_with(r#"],"usage":null}"#), "{}", frames[1]);
    assert_eq!(
        frames[2..],
        [
            concat!(
                r#"],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"#,
                r#""prompt_tokens_details":{"cached_tokens":0}}}"#
            ),
            "data: [DONE]",
        ]
    );
}

#[test]
fn a_failed_stream_ends_with_an_error_and_never_looks_complete() {
    let (mut writer, mut out) = stream(true);
    writer.content("Hi".into(), &mut out);
    writer.fail(
        &ProviderError::new(ErrorKind::Overloaded, "Overloaded"),
        &mut out,
    );
    writer.finish(FinishReason::Stop, &mut out);
    writer.end(Some(&Usage::default()), &mut out);
    assert_eq!(
        frames(&out).last(),
        Some(
            &r#"data: {"error":{"message":"Overloaded","type":"server_error","code":"overloaded","param":null}}"#
        )
    );
}
