//! Default responses in OpenAI's protocol.

use serde_json::{Value, json};

use crate::behaviour::{Behaviour, Step};
use crate::openai_responses;

/// Fixed, so that responses are reproducible.
pub(crate) const CREATED: u64 = 1_760_000_000;
const EMBEDDING_DIMENSIONS: usize = 8;

/// The default response to `POST path` or `GET path`.
pub(crate) fn answer(provider: &str, method: &str, path: &str, body: &Value) -> Behaviour {
    let route = path.split('?').next().unwrap_or_default();
    if method == "GET" && (route.ends_with("/models") || route.ends_with("/api/tags")) {
        let models = json!([{"id": "simulated", "object": "model", "created": CREATED, "owned_by": "simulator"}]);
        return Behaviour::json(200, &json!({"object": "list", "data": models}));
    }
    if route.ends_with("/chat/completions") {
        return if body["stream"] == true {
            chat_stream(provider, body)
        } else {
            chat(provider, body)
        };
    }
    if route.ends_with("/responses") {
        return openai_responses::answer(provider, body);
    }
    if route.ends_with("/embeddings") {
        return embeddings(body);
    }
    if route.ends_with("/completions") {
        return completion(provider, body);
    }
    Behaviour::error(
        404,
        "invalid_request_error",
        "not_found",
        &format!("simulated provider has no {method} {route}"),
    )
}

/// The text of a simulated response.
pub(crate) fn sentence(provider: &str, model: &str, prompt: &str) -> String {
    let asked: String = prompt.chars().take(60).collect();
    format!("[simulated] {provider} would let {model} answer: {asked}")
}

/// Counts words instead of tokens.
pub(crate) fn count(text: &str) -> usize {
    text.split_whitespace().count()
}

/// The text of the last message with role `user`.
pub(crate) fn last_user_text(body: &Value) -> String {
    let messages = body["messages"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let last = messages
        .iter()
        .rev()
        .find(|message| message["role"] == "user");
    match last.map(|message| &message["content"]) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect::<Vec<_>>()
            .join(" "),
        _ => String::new(),
    }
}

pub(crate) fn model_of(body: &Value) -> &str {
    body["model"].as_str().unwrap_or("unnamed")
}

fn usage(prompt: &str, completion: &str) -> Value {
    let (prompt, completion) = (count(prompt), count(completion));
    json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion})
}

/// The tool that the request forces.
fn forced_tool(body: &Value) -> Option<&str> {
    let named = body["tool_choice"]["function"]["name"].as_str();
    let required = body["tool_choice"] == "required";
    named.or_else(|| {
        body["tools"][0]["function"]["name"]
            .as_str()
            .filter(|_| required)
    })
}

fn chat(provider: &str, body: &Value) -> Behaviour {
    let model = model_of(body);
    let prompt = last_user_text(body);
    let text = sentence(provider, model, &prompt);
    let (message, finish_reason) = match forced_tool(body) {
        Some(name) => {
            let call = json!({"id": "call_simulated", "type": "function", "function": {"name": name, "arguments": "{}"}});
            (
                json!({"role": "assistant", "content": null, "tool_calls": [call]}),
                "tool_calls",
            )
        }
        None => (json!({"role": "assistant", "content": text}), "stop"),
    };
    Behaviour::json(
        200,
        &json!({
            "id": "chatcmpl-simulated",
            "object": "chat.completion",
            "created": CREATED,
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": null}],
            "usage": usage(&prompt, &text),
        }),
    )
}

fn chat_stream(provider: &str, body: &Value) -> Behaviour {
    let model = model_of(body);
    let prompt = last_user_text(body);
    let text = sentence(provider, model, &prompt);
    let chunk = |delta: Value, finish_reason: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish_reason});
        let chunk = json!({
            "id": "chatcmpl-simulated",
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": model,
            "choices": [choice],
        });
        Step::data(&chunk.to_string())
    };
    let mut steps = vec![chunk(
        json!({"role": "assistant", "content": ""}),
        Value::Null,
    )];
    match forced_tool(body) {
        Some(name) => {
            let call = json!({"index": 0, "id": "call_simulated", "type": "function", "function": {"name": name, "arguments": "{}"}});
            steps.push(chunk(json!({"tool_calls": [call]}), Value::Null));
            steps.push(chunk(json!({}), json!("tool_calls")));
        }
        None => {
            steps.extend(
                text.split_inclusive(' ')
                    .map(|word| chunk(json!({"content": word}), Value::Null)),
            );
            steps.push(chunk(json!({}), json!("stop")));
        }
    }
    if body["stream_options"]["include_usage"] == true {
        let last = json!({
            "id": "chatcmpl-simulated",
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": model,
            "choices": [],
            "usage": usage(&prompt, &text),
        });
        steps.push(Step::data(&last.to_string()));
    }
    steps.push(Step::data("[DONE]"));
    Behaviour::Stream(steps)
}

fn completion(provider: &str, body: &Value) -> Behaviour {
    let model = model_of(body);
    let prompt = body["prompt"].as_str().unwrap_or_default();
    let text = sentence(provider, model, prompt);
    Behaviour::json(
        200,
        &json!({
            "id": "cmpl-simulated",
            "object": "text_completion",
            "created": CREATED,
            "model": model,
            "choices": [{"index": 0, "text": text, "finish_reason": "stop", "logprobs": null}],
            "usage": usage(prompt, &text),
        }),
    )
}

/// Depends only on the text: equal texts have equal vectors, others do not.
pub(crate) fn vector(text: &str) -> [f64; EMBEDDING_DIMENSIONS] {
    let mut vector = [0.0_f64; EMBEDDING_DIMENSIONS];
    for (position, byte) in text.bytes().enumerate() {
        vector[position % EMBEDDING_DIMENSIONS] += f64::from(byte) / 255.0;
    }
    vector
}

fn embeddings(body: &Value) -> Behaviour {
    let inputs: Vec<&str> = match &body["input"] {
        Value::String(text) => vec![text.as_str()],
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let data: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(index, text)| {
            json!({"object": "embedding", "index": index, "embedding": vector(text)})
        })
        .collect();
    let tokens: usize = inputs.iter().map(|text| count(text)).sum();
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    Behaviour::json(
        200,
        &json!({"object": "list", "data": data, "model": model_of(body), "usage": usage}),
    )
}
