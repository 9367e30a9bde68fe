//! Default responses in Anthropic's protocol.

use serde_json::{Value, json};

use crate::behaviour::{Behaviour, Step};
use crate::openai::{count, last_user_text, sentence};

/// The default response to `POST path` or `GET path`.
pub(crate) fn answer(provider: &str, method: &str, path: &str, body: &Value) -> Behaviour {
    let route = path.split('?').next().unwrap_or_default();
    if method == "GET" && route.ends_with("/models") {
        let model = json!({"id": "simulated", "type": "model", "display_name": "Simulated", "created_at": "2025-10-01T00:00:00Z"});
        return Behaviour::json(
            200,
            &json!({"data": [model], "has_more": false, "first_id": "simulated", "last_id": "simulated"}),
        );
    }
    if route.ends_with("/messages/count_tokens") {
        return Behaviour::json(200, &json!({"input_tokens": count(&last_user_text(body))}));
    }
    if route.ends_with("/messages") {
        return if body["stream"] == true {
            stream(provider, body)
        } else {
            message(provider, body)
        };
    }
    error(
        404,
        "not_found_error",
        &format!("simulated provider has no {method} {route}"),
    )
}

/// An error in Anthropic's shape.
pub(crate) fn error(status: u16, kind: &str, message: &str) -> Behaviour {
    Behaviour::json(
        status,
        &json!({"type": "error", "error": {"type": kind, "message": message}}),
    )
}

fn forced_tool(body: &Value) -> Option<&str> {
    match body["tool_choice"]["type"].as_str()? {
        "tool" => body["tool_choice"]["name"].as_str(),
        "any" => body["tools"][0]["name"].as_str(),
        _ => None,
    }
}

fn message(provider: &str, body: &Value) -> Behaviour {
    let model = body["model"].as_str().unwrap_or("unnamed");
    let prompt = last_user_text(body);
    let text = sentence(provider, model, &prompt);
    let (block, stop_reason) = match forced_tool(body) {
        Some(name) => (
            json!({"type": "tool_use", "id": "toolu_simulated", "name": name, "input": {}}),
            "tool_use",
        ),
        None => (json!({"type": "text", "text": text}), "end_turn"),
    };
    Behaviour::json(
        200,
        &json!({
            "id": "msg_simulated",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [block],
            "stop_reason": stop_reason,
            "stop_sequence": null,
            "usage": {"input_tokens": count(&prompt), "output_tokens": count(&text)},
        }),
    )
}

fn stream(provider: &str, body: &Value) -> Behaviour {
    let model = body["model"].as_str().unwrap_or("unnamed");
    let prompt = last_user_text(body);
    let text = sentence(provider, model, &prompt);
    let event =
        |data: Value| Step::event(data["type"].as_str().unwrap_or_default(), &data.to_string());
    let start = json!({
        "id": "msg_simulated",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": {"input_tokens": count(&prompt), "output_tokens": 1},
    });
    let mut steps = vec![event(json!({"type": "message_start", "message": start}))];
    let stop_reason = match forced_tool(body) {
        Some(name) => {
            let block =
                json!({"type": "tool_use", "id": "toolu_simulated", "name": name, "input": {}});
            steps.push(event(
                json!({"type": "content_block_start", "index": 0, "content_block": block}),
            ));
            let delta = json!({"type": "input_json_delta", "partial_json": "{}"});
            steps.push(event(
                json!({"type": "content_block_delta", "index": 0, "delta": delta}),
            ));
            "tool_use"
        }
        None => {
            steps.push(event(json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})));
            steps.push(event(json!({"type": "ping"})));
            steps.extend(text.split_inclusive(' ').map(|word| {
                event(json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}))
            }));
            "end_turn"
        }
    };
    steps.push(event(json!({"type": "content_block_stop", "index": 0})));
    steps.push(event(json!({
        "type": "message_delta",
        "delta": {"stop_reason": stop_reason, "stop_sequence": null},
        "usage": {"output_tokens": count(&text)},
    })));
    steps.push(event(json!({"type": "message_stop"})));
    Behaviour::Stream(steps)
}
