//! Reads a Chat Completions stream as strictly as the strictest client, and adds it up to one answer.

use serde_json::{Map, Value, json};

/// The frames of a stream: name and data.
pub fn frames(raw: &[u8]) -> Vec<(String, String)> {
    let text = std::str::from_utf8(raw).expect("a stream is UTF-8");
    let mut frames = Vec::new();
    for block in text.split("\n\n").filter(|block| !block.is_empty()) {
        let (mut name, mut data) = (String::new(), Vec::new());
        for line in block.lines() {
            if let Some(value) = line.strip_prefix("event: ") {
                name = value.to_owned();
            } else if let Some(value) = line.strip_prefix("data: ") {
                data.push(value);
            } else {
                assert!(line.starts_with(':'), "unexpected line {line:?}");
            }
        }
        frames.push((name, data.join("\n")));
    }
    frames
}

/// The error frame at the end of a failed stream, after a check of all that came before it.
pub fn failure(raw: &[u8]) -> Option<Value> {
    let frames = frames(raw);
    let (_, last) = frames.last()?;
    let last: Value = serde_json::from_str(last).ok()?;
    let error = last.get("error")?.clone();
    for (name, data) in &frames[..frames.len() - 1] {
        let chunk: Value = serde_json::from_str(data).expect("JSON");
        assert!(name.is_empty() && chunk.get("error").is_none(), "{data}");
        assert!(
            chunk["choices"][0]["finish_reason"].is_null(),
            "a failed stream must not look finished: {data}"
        );
    }
    Some(error)
}

/// Adds a complete stream up to a `chat.completion`.
///
/// # Panics
/// It breaks one of the rules that clients rely on.
pub fn accumulate(raw: &[u8], include_usage: bool) -> Value {
    assert!(raw.ends_with(b"\n\n"), "no blank line at the end");
    let mut frames = frames(raw);
    let (_, done) = frames.pop().expect("an empty stream");
    assert_eq!(done, "[DONE]", "last frame");
    let mut same = Map::new();
    let mut message = Map::new();
    let mut tools: Vec<Value> = Vec::new();
    let mut finish_reason = Value::Null;
    let mut usage = Value::Null;
    let count = frames.len();
    for (index, (name, data)) in frames.into_iter().enumerate() {
        assert!(name.is_empty(), "a chunk with a name: {name}");
        let chunk: Value = serde_json::from_str(&data).expect("JSON");
        assert!(chunk.get("error").is_none(), "{data}");
        assert_eq!(chunk["object"], "chat.completion.chunk");
        for field in ["id", "created", "model"] {
            let first = same.entry(field).or_insert_with(|| chunk[field].clone());
            assert_eq!(*first, chunk[field], "{field} changes in {data}");
            assert!(!chunk[field].is_null() && chunk[field] != "", "{data}");
        }
        assert_eq!(chunk.get("usage").is_some(), include_usage, "{data}");
        let choices = chunk["choices"].as_array().expect("choices");
        if !chunk["usage"].is_null() {
            assert!(choices.is_empty() && index + 1 == count, "{data}");
            usage = chunk["usage"].clone();
            continue;
        }
        let [choice] = choices.as_slice() else {
            panic!("one choice expected: {data}")
        };
        assert_eq!(choice["index"], 0);
        let delta = choice["delta"].as_object().expect("delta");
        if choice.get("finish_reason").is_some_and(Value::is_string) {
            assert!(finish_reason.is_null(), "second finish_reason: {data}");
            finish_reason = choice["finish_reason"].clone();
        } else {
            assert!(finish_reason.is_null(), "a delta after the end: {data}");
        }
        for (field, value) in delta {
            match field.as_str() {
                "role" => {
                    let before = message.insert(field.clone(), value.clone());
                    assert!(before.is_none(), "second role: {data}");
                }
                "content" | "refusal" | "reasoning_content" | "reasoning_signature" => {
                    assert!(message.contains_key("role"), "before the role: {data}");
                    let Some(piece) = value.as_str() else {
                        continue;
                    };
                    let whole = message.entry(field.clone()).or_insert_with(|| json!(""));
                    *whole = json!(format!("{}{piece}", whole.as_str().unwrap()));
                }
                "tool_calls" => {
                    assert!(message.contains_key("role"), "before the role: {data}");
                    for fragment in value.as_array().expect("tool_calls") {
                        add_tool(&mut tools, fragment);
                    }
                }
                _ => panic!("unknown delta {field}: {data}"),
            }
        }
    }
    assert!(finish_reason.is_string(), "no finish_reason");
    for tool in &tools {
        let arguments = tool["function"]["arguments"].as_str().unwrap();
        if finish_reason == "tool_calls" {
            let parsed: Result<Value, _> = serde_json::from_str(arguments);
            assert!(parsed.is_ok_and(|value| value.is_object()), "{arguments}");
        }
    }
    if !tools.is_empty() {
        assert_ne!(
            finish_reason, "stop",
            "tool calls need their own finish_reason"
        );
        message.insert(String::from("tool_calls"), Value::Array(tools));
    }
    let mut answer = json!({
        "id": same["id"], "object": "chat.completion", "created": same["created"], "model": same["model"],
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason}],
    });
    if !usage.is_null() {
        answer["usage"] = usage;
    }
    answer
}

fn add_tool(tools: &mut Vec<Value>, fragment: &Value) {
    let index = usize::try_from(fragment["index"].as_u64().expect("index")).unwrap();
    let function = &fragment["function"];
    if index == tools.len() {
        assert!(fragment["id"].as_str().is_some_and(|id| !id.is_empty()));
        assert_eq!(fragment["type"], "function");
        assert!(
            function["name"]
                .as_str()
                .is_some_and(|name| !name.is_empty())
        );
        tools.push(json!({"id": fragment["id"], "type": "function", "function": function}));
        return;
    }
    let tool = tools.get_mut(index).expect("tools count 0, 1, 2 …");
    for repeated in ["id", "type"] {
        assert!(
            fragment.get(repeated).is_none(),
            "repeated {repeated}: {fragment}"
        );
    }
    assert!(function.get("name").is_none(), "repeated name: {fragment}");
    let more = function["arguments"].as_str().expect("arguments");
    let arguments = &mut tool["function"]["arguments"];
    *arguments = json!(format!("{}{more}", arguments.as_str().unwrap()));
}
