use catalog::providers::ANTHROPIC;
use serde_json::{Value, json};

use super::edits;
use crate::body_edit::BodyEdit;

fn sent(model: &str, request: &Value) -> Value {
    let body = request.to_string();
    let edits = edits(&ANTHROPIC.dialect(None, model), body.as_bytes(), false).unwrap();
    serde_json::from_slice(&BodyEdit::of(edits).applied(body.as_bytes())).unwrap()
}

#[test]
fn each_version_of_claude_gets_what_it_takes() {
    let user = json!({"role": "user", "content": "x"});
    let call = json!({"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]});
    let result = json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "y"}]});
    let budget = json!({"type": "enabled", "budget_tokens": 1500});
    let adaptive = json!({"type": "adaptive"});
    let high = json!({"effort": "high"});
    let rows = [
        (
            "claude-sonnet-4-5",
            json!({"max_tokens": 3000, "thinking": adaptive, "output_config": high, "messages": [user]}),
            json!({"max_tokens": 3000, "thinking": budget, "messages": [user]}),
        ),
        (
            "claude-sonnet-4-5",
            json!({"max_tokens": 100, "thinking": adaptive, "messages": [user]}),
            json!({"max_tokens": 100, "messages": [user]}),
        ),
        (
            "claude-sonnet-4-5",
            json!({"max_tokens": 3000, "thinking": adaptive, "messages": [user, call, result]}),
            json!({"max_tokens": 3000, "messages": [user, call, result]}),
        ),
        (
            "claude-sonnet-4-5",
            json!({"messages": [user, {"role": "system", "content": "agents"}], "system": "You"}),
            json!({"messages": [user], "system": [{"type": "text", "text": "You"}, {"type": "text", "text": "agents"}]}),
        ),
        (
            "claude-sonnet-4-5",
            json!({"temperature": 1, "top_p": 0.5, "messages": [user]}),
            json!({"temperature": 1, "messages": [user]}),
        ),
        (
            "claude-opus-4-7",
            json!({"temperature": 1, "top_k": 5, "thinking": budget, "messages": [user]}),
            json!({"thinking": adaptive, "messages": [user]}),
        ),
        (
            "claude-3-5-haiku",
            json!({"thinking": {"type": "disabled"}, "output_config": high, "messages": [user]}),
            json!({"messages": [user]}),
        ),
    ];
    for (model, request, expected) in rows {
        assert_eq!(sent(model, &request), expected, "{model}: {request}");
    }
}

#[test]
fn what_the_model_takes_stays_as_it_is() {
    let opus = json!({"max_tokens": 3000, "thinking": {"type": "adaptive"}, "output_config": {"effort": "high"},
        "messages": [{"role": "user", "content": "x"}, {"role": "system", "content": "agents"}], "system": "You"});
    let body = opus.to_string();
    let dialect = ANTHROPIC.dialect(None, "claude-opus-4-8");
    assert_eq!(edits(&dialect, body.as_bytes(), false), Ok(Vec::new()));
}
