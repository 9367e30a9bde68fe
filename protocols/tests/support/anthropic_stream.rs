//! Reads an Anthropic Messages stream as strictly as the strictest client, and adds it up to one message.

use serde_json::{Value, json};

use super::chat_stream::frames;

/// The `error` event at the end of a failed stream.
pub fn failure(raw: &[u8]) -> Option<Value> {
    let frames = frames(raw);
    let (name, data) = frames.last()?;
    let data: Value = serde_json::from_str(data).ok()?;
    (name == "error").then(|| data["error"].clone())
}

/// Adds a complete stream up to a `message`.
///
/// # Panics
/// It breaks one of the rules that clients rely on.
pub fn accumulate(raw: &[u8]) -> Value {
    assert!(raw.ends_with(b"\n\n"), "no blank line at the end");
    let mut message = Value::Null;
    let mut open: Option<(usize, String)> = None;
    let mut ended = false;
    for (name, data) in frames(raw) {
        let event: Value = serde_json::from_str(&data).expect("JSON");
        assert_eq!(event["type"], name.as_str(), "{data}");
        assert!(!ended, "after message_stop: {data}");
        match name.as_str() {
            "ping" => {}
            "message_start" => {
                assert!(message.is_null(), "second message_start");
                message = event["message"].clone();
                assert_eq!(message["content"], json!([]));
                assert!(message["stop_reason"].is_null());
                assert!(message["usage"]["output_tokens"].is_u64(), "{data}");
            }
            "content_block_start" => {
                assert!(open.is_none(), "two open blocks: {data}");
                let content = message["content"].as_array_mut().expect("message_start");
                assert_eq!(event["index"], content.len(), "{data}");
                let block = event["content_block"].clone();
                if block["type"] == "tool_use" {
                    assert_eq!(block["input"], json!({}), "{data}");
                }
                content.push(block);
                open = Some((content.len() - 1, String::new()));
            }
            "content_block_delta" => {
                let (index, arguments) = open.as_mut().expect("an open block");
                assert_eq!(event["index"], *index, "{data}");
                let block = &mut message["content"][*index];
                add_delta(block, &event["delta"], arguments);
            }
            "content_block_stop" => {
                let (index, arguments) = open.take().expect("an open block");
                assert_eq!(event["index"], index, "{data}");
                if !arguments.is_empty() {
                    let input: Value = serde_json::from_str(&arguments).expect("JSON");
                    assert!(input.is_object(), "{arguments}");
                    message["content"][index]["input"] = input;
                }
            }
            "message_delta" => {
                assert!(open.is_none(), "a block is open: {data}");
                for field in ["stop_reason", "stop_sequence"] {
                    message[field] = event["delta"][field].clone();
                }
                assert!(event["usage"]["output_tokens"].is_u64(), "{data}");
                let usage = event["usage"].as_object().expect("usage");
                for (name, count) in usage.iter().filter(|(_, count)| !count.is_null()) {
                    message["usage"][name] = count.clone();
                }
            }
            "message_stop" => ended = true,
            _ => panic!("unexpected event: {data}"),
        }
    }
    assert!(ended, "no message_stop");
    assert!(message["stop_reason"].is_string(), "no stop_reason");
    message
}

fn add_delta(block: &mut Value, delta: &Value, arguments: &mut String) {
    let kind = block["type"].as_str().expect("type").to_owned();
    let field = match (kind.as_str(), delta["type"].as_str().expect("type")) {
        ("text", "text_delta") => "text",
        ("thinking", "thinking_delta") => "thinking",
        ("thinking", "signature_delta") => "signature",
        ("tool_use", "input_json_delta") => {
            arguments.push_str(delta["partial_json"].as_str().expect("partial_json"));
            return;
        }
        unfit => panic!("{unfit:?}"),
    };
    let before = block[field].as_str().unwrap_or_default();
    block[field] = json!(format!("{before}{}", delta[field].as_str().expect("text")));
}
