use serde_json::{Value, json};

use super::RULES;

/// What every vendor with rules takes.
fn plain() -> Value {
    json!({"model": "m", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "x"}]})
}

#[test]
fn each_rule_refuses_what_breaks_it_and_nothing_else() {
    let tool = |name: &str, parameters: Value| json!({"tools": [{"type": "function", "function": {"name": name, "parameters": parameters}}]});
    let messages = |messages: Value| json!({"messages": messages});
    let breaking = [
        tool("a.b", json!({"type": "object", "properties": {}})),
        tool("a", json!({"type": "object"})),
        json!({"stop": ["a", "b", "c", "d", "e"]}),
        json!({"model": "gpt-5.1", "max_tokens": 9}),
        json!({"max_completion_tokens": 9}),
        messages(json!([{"role": "assistant", "content": "x", "reasoning_content": "r"}])),
        messages(json!([{"role": "tool", "tool_call_id": "call_1", "content": "x"}])),
        messages(json!([{"role": "tool", "content": "x"}, {"role": "user", "content": "y"}])),
        messages(json!([{"role": "assistant", "content": "x", "reasoning_content": "r"}])),
        json!({"store": false}),
        messages(json!([{"role": "user", "content": "x"}, {"role": "system", "content": "s"}])),
        json!({"reasoning_effort": "xhigh"}),
    ];
    assert_eq!(breaking.len(), RULES.len());
    for (rule, fields) in RULES.iter().zip(breaking) {
        let mut request = plain();
        assert_eq!((rule.broken)(&request), None, "{}", rule.source);
        for (name, value) in fields.as_object().unwrap() {
            request[name] = value.clone();
        }
        assert!(
            (rule.broken)(&request).is_some(),
            "{}: {request}",
            rule.source
        );
    }
}
