#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::error::ErrorKind;

/// Events without `event` lines (which must repeat the type) and without what is common to all events of a kind.
fn events(out: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(out).unwrap();
    let frames = text.strip_suffix("\n\n").unwrap().split("\n\n");
    frames
        .map(|frame| {
            let (name, data) = frame
                .strip_prefix("event: ")
                .unwrap()
                .split_once("\ndata: ")
                .unwrap();
            let rest = data
                .strip_prefix(&format!("{{\"type\":\"{name}\""))
                .unwrap_or_else(|| panic!("{name} is not the type of {data}"))
                .strip_suffix('}')
                .unwrap();
            format!("{name} {}", rest.trim_start_matches(','))
        })
        .collect()
}

fn started() -> (MessageStreamWriter, Vec<u8>) {
    let (mut writer, mut out) = (MessageStreamWriter::new(), Vec::new());
    writer.start("i".into(), "m".into(), &Usage::default(), &mut out);
    out.clear();
    (writer, out)
}

const END: [&str; 2] = [
    r#"message_delta "delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":3,"output_tokens":2}"#,
    "message_stop ",
];

fn finish(writer: &mut MessageStreamWriter, out: &mut Vec<u8>) {
    let usage = Usage {
        prompt: 3,
        completion: 2,
        ..Usage::default()
    };
    writer.finish(StopReason::EndTurn, None, &usage, out);
}

fn want(events: &[&str]) -> Vec<String> {
    events.iter().chain(&END).map(ToString::to_string).collect()
}

#[test]
fn the_first_event_has_all_that_clients_require() {
    let (mut writer, mut out) = (MessageStreamWriter::new(), Vec::new());
    writer.start("i".into(), "m".into(), &Usage::default(), &mut out);
    writer.start("j".into(), "n".into(), &Usage::default(), &mut out);
    assert_eq!(
        events(&out),
        [concat!(
            r#"message_start "message":{"id":"i","type":"message","role":"assistant","model":"m","content":[],"#,
            r#""stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"output_tokens":0}}"#
        )]
    );
}

#[test]
fn blocks_count_up_and_one_is_open_at_a_time() {
    let (mut writer, mut out) = started();
    writer.thinking("h".into(), &mut out).unwrap();
    writer.thinking("m".into(), &mut out).unwrap();
    writer.signature("s=".into(), &mut out).unwrap();
    writer.text("".into(), &mut out).unwrap();
    writer.text("a".into(), &mut out).unwrap();
    writer.close_block(&mut out);
    writer.text("b".into(), &mut out).unwrap();
    writer.redacted_thinking("r=".into(), &mut out).unwrap();
    finish(&mut writer, &mut out);
    writer.text("late".into(), &mut out).unwrap();
    finish(&mut writer, &mut out);
    assert_eq!(
        events(&out),
        want(&[
            r#"content_block_start "index":0,"content_block":{"type":"thinking","thinking":"","signature":""}"#,
            r#"content_block_delta "index":0,"delta":{"type":"thinking_delta","thinking":"h"}"#,
            r#"content_block_delta "index":0,"delta":{"type":"thinking_delta","thinking":"m"}"#,
            r#"content_block_delta "index":0,"delta":{"type":"signature_delta","signature":"s="}"#,
            r#"content_block_stop "index":0"#,
            r#"content_block_start "index":1,"content_block":{"type":"text","text":""}"#,
            r#"content_block_delta "index":1,"delta":{"type":"text_delta","text":"a"}"#,
            r#"content_block_stop "index":1"#,
            r#"content_block_start "index":2,"content_block":{"type":"text","text":""}"#,
            r#"content_block_delta "index":2,"delta":{"type":"text_delta","text":"b"}"#,
            r#"content_block_stop "index":2"#,
            r#"content_block_start "index":3,"content_block":{"type":"redacted_thinking","data":"r="}"#,
            r#"content_block_stop "index":3"#,
        ])
    );
}

#[test]
fn interleaved_tools_and_text_come_out_one_after_the_other() {
    let (mut writer, mut out) = started();
    let first = writer.open_tool("a".into(), "f".into(), &mut out).unwrap();
    let second = writer
        .open_tool("b".into(), "g\"".into(), &mut out)
        .unwrap();
    writer
        .tool_arguments(first, "{\"x\":".into(), &mut out)
        .unwrap();
    writer
        .tool_arguments(second, "{\"y\"".into(), &mut out)
        .unwrap();
    writer.text("between".into(), &mut out).unwrap();
    writer.thinking("hm".into(), &mut out).unwrap();
    writer
        .tool_arguments(second, ":2}".into(), &mut out)
        .unwrap();
    let before = out.len();
    writer.tool_arguments(first, "1}".into(), &mut out).unwrap();
    assert!(
        out.len() > before,
        "the complete tool releases the others at once"
    );
    writer.tool_arguments(first, "}".into(), &mut out).unwrap();
    finish(&mut writer, &mut out);
    assert_eq!(
        events(&out),
        want(&[
            r#"content_block_start "index":0,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}"#,
            r#"content_block_delta "index":0,"delta":{"type":"input_json_delta","partial_json":"{\"x\":"}"#,
            r#"content_block_delta "index":0,"delta":{"type":"input_json_delta","partial_json":"1}"}"#,
            r#"content_block_stop "index":0"#,
            r#"content_block_start "index":1,"content_block":{"type":"tool_use","id":"b","name":"g\"","input":{}}"#,
            r#"content_block_delta "index":1,"delta":{"type":"input_json_delta","partial_json":"{\"y\":2}"}"#,
            r#"content_block_stop "index":1"#,
            r#"content_block_start "index":2,"content_block":{"type":"text","text":""}"#,
            r#"content_block_delta "index":2,"delta":{"type":"text_delta","text":"between"}"#,
            r#"content_block_stop "index":2"#,
            r#"content_block_start "index":3,"content_block":{"type":"thinking","thinking":"","signature":""}"#,
            r#"content_block_delta "index":3,"delta":{"type":"thinking_delta","thinking":"hm"}"#,
            r#"content_block_stop "index":3"#,
        ])
    );
}

#[test]
fn tools_without_usable_arguments_have_none_and_hold_nothing_up_at_the_end() {
    let (mut writer, mut out) = started();
    let empty = writer.open_tool("a".into(), "f".into(), &mut out).unwrap();
    let null = writer.open_tool("b".into(), "f".into(), &mut out).unwrap();
    let cut = writer.open_tool("c".into(), "f".into(), &mut out).unwrap();
    writer
        .tool_arguments(null, "null".into(), &mut out)
        .unwrap();
    writer
        .tool_arguments(cut, "{\"x\":\"Par".into(), &mut out)
        .unwrap();
    writer.tool_arguments(empty, "".into(), &mut out).unwrap();
    writer.close_tool(null, &mut out);
    finish(&mut writer, &mut out);
    let start = |index, id| {
        format!(
            r#"content_block_start "index":{index},"content_block":{{"type":"tool_use","id":"{id}","name":"f","input":{{}}}}"#
        )
    };
    assert_eq!(
        events(&out),
        want(&[
            &start(0, "a"),
            r#"content_block_stop "index":0"#,
            &start(1, "b"),
            r#"content_block_stop "index":1"#,
            &start(2, "c"),
            r#"content_block_delta "index":2,"delta":{"type":"input_json_delta","partial_json":"{\"x\":\"Par"}"#,
            r#"content_block_stop "index":2"#,
        ])
    );
}

#[test]
fn a_closed_tool_lets_the_next_one_stream() {
    let (mut writer, mut out) = started();
    let first = writer.open_tool("a".into(), "f".into(), &mut out).unwrap();
    writer.close_tool(first, &mut out);
    let second = writer.open_tool("b".into(), "g".into(), &mut out).unwrap();
    writer.tool_arguments(second, "{".into(), &mut out).unwrap();
    assert_eq!(
        events(&out).last().unwrap(),
        r#"content_block_delta "index":1,"delta":{"type":"input_json_delta","partial_json":"{"}"#
    );
}

#[test]
fn what_waits_is_bounded() {
    let (mut writer, mut out) = started();
    writer.open_tool("a".into(), "f".into(), &mut out).unwrap();
    let piece = "x".repeat(1 << 20);
    let refused = (0..17).find(|_| writer.text(Text::Plain(&piece), &mut out).is_err());
    assert_eq!(refused, Some(15), "16 MiB and one block are too much");

    let (mut writer, mut out) = started();
    let many = (0..1_000_000).find(|_| writer.open_tool("a".into(), "f".into(), &mut out).is_err());
    assert!(many.is_some(), "tools without arguments count too");
}

#[test]
fn a_failed_stream_ends_with_an_error() {
    let (mut writer, mut out) = started();
    writer.text("Hi".into(), &mut out).unwrap();
    out.clear();
    writer.fail(
        &ProviderError::new(ErrorKind::Overloaded, "Overloaded"),
        &mut out,
    );
    finish(&mut writer, &mut out);
    writer.ping(&mut out);
    assert_eq!(
        events(&out),
        [r#"error "error":{"type":"overloaded_error","message":"Overloaded"}"#]
    );
}
