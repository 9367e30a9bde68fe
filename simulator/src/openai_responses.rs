//! Default responses of OpenAI's Responses API, which Azure has as well.

use serde_json::{Value, json};

use crate::behaviour::{Behaviour, Step};
use crate::openai::{CREATED, count, last_user_text, model_of, sentence};

const ITEM_ID: &str = "msg_simulated";

/// The default response to `POST …/responses`.
pub(crate) fn answer(provider: &str, body: &Value) -> Behaviour {
    let prompt = prompt_of(body);
    let text = sentence(provider, model_of(body), &prompt);
    let usage = usage(count(&prompt), count(&text));
    let whole = response(body, "completed", &json!([message(&text)]), &usage);
    if body["stream"] == true {
        stream(body, &text, &whole)
    } else {
        Behaviour::json(200, &whole)
    }
}

/// The input, or its last item by the user.
fn prompt_of(body: &Value) -> String {
    match &body["input"] {
        Value::String(text) => text.clone(),
        items => last_user_text(&json!({"messages": items})),
    }
}

fn response(body: &Value, status: &str, output: &Value, usage: &Value) -> Value {
    json!({
        "id": "resp_simulated",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": null,
        "instructions": body["instructions"],
        "max_output_tokens": body["max_output_tokens"],
        "metadata": {},
        "model": model_of(body),
        "output": output,
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null},
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage,
    })
}

fn usage(input: usize, output: usize) -> Value {
    json!({
        "input_tokens": input,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": input + output,
    })
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

fn message(text: &str) -> Value {
    json!({"id": ITEM_ID, "type": "message", "role": "assistant", "status": "completed", "content": [part(text)]})
}

/// `whole` as a stream of events.
fn stream(body: &Value, text: &str, whole: &Value) -> Behaviour {
    let begun = response(body, "in_progress", &json!([]), &Value::Null);
    let in_item = |mut event: Value| {
        event["item_id"] = ITEM_ID.into();
        event["output_index"] = 0.into();
        event["content_index"] = 0.into();
        event
    };
    let opened = json!({"id": ITEM_ID, "type": "message", "role": "assistant", "status": "in_progress", "content": []});
    let mut events = vec![
        ("response.created", json!({"response": begun})),
        ("response.in_progress", json!({"response": begun})),
        (
            "response.output_item.added",
            json!({"output_index": 0, "item": opened}),
        ),
        (
            "response.content_part.added",
            in_item(json!({"part": part("")})),
        ),
    ];
    events.extend(text.split_inclusive(' ').map(|word| {
        let delta = in_item(json!({"delta": word, "logprobs": []}));
        ("response.output_text.delta", delta)
    }));
    events.extend([
        (
            "response.output_text.done",
            in_item(json!({"text": text, "logprobs": []})),
        ),
        (
            "response.content_part.done",
            in_item(json!({"part": part(text)})),
        ),
        (
            "response.output_item.done",
            json!({"output_index": 0, "item": message(text)}),
        ),
        ("response.completed", json!({"response": whole})),
    ]);
    let steps = (0..)
        .zip(events)
        .map(|(number, (name, mut event)): (u64, _)| {
            event["type"] = name.into();
            event["sequence_number"] = number.into();
            Step::event(name, &event.to_string())
        });
    Behaviour::Stream(steps.collect())
}
