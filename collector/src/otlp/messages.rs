//! Prompt and answer as the conventions write them. They are there only where the policy has `log_bodies: true`.
//!
//! Source: `gen-ai-input-messages.json` and `gen-ai-output-messages.json` of the GenAI conventions: a list of messages with
//! `role` and `parts`. What is no whole Chat Completions body, or was cut, is told as it is.

use events::DecisionEvent;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use serde_json::{Value, json};

use super::attributes::text;

/// Of the span of the attempt that served.
pub(super) fn attributes(decision: &DecisionEvent<'_>) -> Vec<KeyValue> {
    let request = decision.request_body.as_deref().map(|body| {
        input(body).map_or_else(
            || text("keeptrusts.request.body", body),
            |messages| text("gen_ai.input.messages", &messages.to_string()),
        )
    });
    let response = decision.response_body.as_deref().map(|body| {
        output(body).map_or_else(
            || text("keeptrusts.response.body", body),
            |messages| text("gen_ai.output.messages", &messages.to_string()),
        )
    });
    request.into_iter().chain(response).collect()
}

fn input(body: &str) -> Option<Value> {
    let body: Value = serde_json::from_str(body).ok()?;
    let messages = body.get("messages")?.as_array()?;
    Some(messages.iter().map(message).collect())
}

fn output(body: &str) -> Option<Value> {
    let body: Value = serde_json::from_str(body).ok()?;
    let choices = body.get("choices")?.as_array()?;
    let answers = choices.iter().map(|choice| {
        let mut answer = message(&choice["message"]);
        answer["finish_reason"] = choice["finish_reason"].clone();
        answer
    });
    Some(answers.collect())
}

fn message(message: &Value) -> Value {
    let mut parts = Vec::new();
    match &message["content"] {
        Value::String(content) => parts.push(json!({"type": "text", "content": content})),
        Value::Array(content) => {
            parts.extend(content.iter().map(|part| match part["text"].as_str() {
                Some(content) => json!({"type": "text", "content": content}),
                None => part.clone(),
            }))
        }
        _ => {}
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
        parts.push(json!({
            "type": "tool_call",
            "id": call["id"],
            "name": call["function"]["name"],
            "arguments": serde_json::from_str::<Value>(arguments).unwrap_or_else(|_| json!(arguments)),
        }));
    }
    if message["role"] == "tool" {
        let answer = std::mem::take(&mut parts);
        let content = answer
            .first()
            .map_or(Value::Null, |part| part["content"].clone());
        parts.push(json!({"type": "tool_call_response", "id": message["tool_call_id"], "response": content}));
    }
    json!({"role": message["role"], "parts": parts})
}
