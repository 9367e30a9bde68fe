//! Default responses in the protocol of Amazon Bedrock: Converse, ConverseStream, and InvokeModel of Titan embeddings.

mod frame;

use serde_json::{Value, json};

use crate::behaviour::{Behaviour, Step};
use crate::openai::{count, sentence, vector};

/// Content type of a stream of frames.
const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";

/// The model in a path, where it is one encoded segment.
pub(crate) fn model(path: &str) -> Option<String> {
    let segment = path.strip_prefix("/model/")?.split('/').next()?;
    let mut bytes = Vec::new();
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        let digits = (byte == b'%').then(|| [rest.next(), rest.next()]);
        let decoded = digits.and_then(|[high, low]| {
            let text = [high?, low?];
            u8::from_str_radix(std::str::from_utf8(&text).ok()?, 16).ok()
        });
        bytes.push(decoded.unwrap_or(byte));
    }
    String::from_utf8(bytes).ok()
}

/// The default response to `POST path`.
pub(crate) fn answer(provider: &str, method: &str, path: &str, body: &Value) -> Behaviour {
    let route = path.split('?').next().unwrap_or_default();
    let model = model(route).unwrap_or_default();
    match route.rsplit('/').next() {
        Some("converse") => converse(provider, &model, body),
        Some("converse-stream") => converse_stream(provider, &model, body),
        Some("invoke") => embedding(body),
        _ => error(
            404,
            "UnknownOperationException",
            &format!("simulated provider has no {method} {route}"),
        ),
    }
}

/// An error in Bedrock's shape: its class is in a header.
pub(crate) fn error(status: u16, class: &str, message: &str) -> Behaviour {
    Behaviour::json(status, &json!({ "message": message })).with_header("x-amzn-errortype", class)
}

impl Step {
    /// One event of ConverseStream.
    pub fn frame(event: &str, payload: &Value) -> Self {
        let headers = [
            (":event-type", event),
            (":content-type", "application/json"),
            (":message-type", "event"),
        ];
        Self::Send(frame::encode(&headers, payload.to_string().as_bytes()).into())
    }

    /// An exception in the middle of ConverseStream.
    pub fn exception(class: &str, message: &str) -> Self {
        let headers = [
            (":exception-type", class),
            (":content-type", "application/json"),
            (":message-type", "exception"),
        ];
        let payload = json!({ "message": message }).to_string();
        Self::Send(frame::encode(&headers, payload.as_bytes()).into())
    }
}

impl Behaviour {
    /// A stream of Bedrock's frames.
    pub fn frames(steps: Vec<Step>) -> Self {
        Self::Body(EVENT_STREAM.to_owned(), steps)
    }
}

fn last_user_text(body: &Value) -> String {
    let messages = body["messages"].as_array().into_iter().flatten();
    let last = messages.rev().find(|message| message["role"] == "user");
    let parts = last.and_then(|message| message["content"].as_array());
    let texts = parts.into_iter().flatten();
    texts
        .filter_map(|part| part["text"].as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The tool that the request forces.
fn forced_tool(body: &Value) -> Option<&str> {
    let config = &body["toolConfig"];
    let choice = config["toolChoice"].as_object()?;
    if choice.contains_key("any") {
        return config["tools"][0]["toolSpec"]["name"].as_str();
    }
    choice.get("tool")?["name"].as_str()
}

fn usage(prompt: &str, completion: &str) -> Value {
    let (input, output) = (count(prompt), count(completion));
    json!({"inputTokens": input, "outputTokens": output, "totalTokens": input + output})
}

fn converse(provider: &str, model: &str, body: &Value) -> Behaviour {
    let prompt = last_user_text(body);
    let text = sentence(provider, model, &prompt);
    let (block, stop_reason) = match forced_tool(body) {
        Some(name) => {
            let call = json!({"toolUseId": "tooluse_simulated", "name": name, "input": {}});
            (json!({ "toolUse": call }), "tool_use")
        }
        None => (json!({ "text": text }), "end_turn"),
    };
    Behaviour::json(
        200,
        &json!({
            "output": {"message": {"role": "assistant", "content": [block]}},
            "stopReason": stop_reason,
            "usage": usage(&prompt, &text),
            "metrics": {"latencyMs": 1},
        }),
    )
}

fn converse_stream(provider: &str, model: &str, body: &Value) -> Behaviour {
    let prompt = last_user_text(body);
    let text = sentence(provider, model, &prompt);
    let delta = |delta: Value| {
        Step::frame(
            "contentBlockDelta",
            &json!({"contentBlockIndex": 0, "delta": delta}),
        )
    };
    let mut steps = vec![Step::frame("messageStart", &json!({"role": "assistant"}))];
    let stop_reason = match forced_tool(body) {
        Some(name) => {
            let start = json!({"toolUse": {"toolUseId": "tooluse_simulated", "name": name}});
            let start = json!({"contentBlockIndex": 0, "start": start});
            steps.push(Step::frame("contentBlockStart", &start));
            steps.push(delta(json!({"toolUse": {"input": "{}"}})));
            "tool_use"
        }
        None => {
            steps.extend(
                text.split_inclusive(' ')
                    .map(|word| delta(json!({ "text": word }))),
            );
            "end_turn"
        }
    };
    steps.push(Step::frame(
        "contentBlockStop",
        &json!({"contentBlockIndex": 0}),
    ));
    steps.push(Step::frame(
        "messageStop",
        &json!({ "stopReason": stop_reason }),
    ));
    let metadata = json!({"usage": usage(&prompt, &text), "metrics": {"latencyMs": 1}});
    steps.push(Step::frame("metadata", &metadata));
    Behaviour::frames(steps)
}

fn embedding(body: &Value) -> Behaviour {
    let text = body["inputText"].as_str().unwrap_or_default();
    Behaviour::json(
        200,
        &json!({"embedding": vector(text), "inputTextTokenCount": count(text)}),
    )
}
