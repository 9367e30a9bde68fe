use catalog::{Dialect, DialectPatch, QuirkValue, ReasoningField, ReasoningHistory};
use serde_json::{Value, json};

use super::*;

/// One quirk, a request, and what is sent.
type Row = (&'static str, QuirkValue<'static>, Value, Value);

use QuirkValue::{Bool, List, Number, Word};

/// Nothing is known of the provider but this.
fn dialect(quirks: &[(&str, QuirkValue<'static>)]) -> Dialect {
    let mut patch = DialectPatch::NONE;
    for (key, value) in quirks {
        patch.set(key, *value).unwrap();
    }
    Dialect::UNKNOWN.with(&patch)
}

/// A whole request with these fields.
fn request(fields: Value) -> Value {
    let mut request = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in fields.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

fn sent(dialect: &Dialect, request: &Value) -> Result<Value, RequestError> {
    let (body, _) = rewrite(dialect, request.to_string().into_bytes())?;
    Ok(serde_json::from_slice(&body).unwrap())
}

fn tool(name: &str, parameters: Value) -> Value {
    json!({"type": "function", "function": {"name": name, "parameters": parameters}})
}

fn messages(messages: &[Value]) -> Value {
    json!({"messages": messages})
}

fn call(id: &str) -> Value {
    json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}]})
}

fn options() -> Vec<Row> {
    let choice = json!({"type": "function", "function": {"name": "f"}});
    let tools = json!([tool("f", json!({"type": "object", "properties": {}}))]);
    let schema =
        json!({"type": "json_schema", "json_schema": {"name": "r", "schema": {"type": "object"}}});
    let asked = |words: &str| json!({"messages": [{"role": "system", "content": words}, {"role": "user", "content": "hi"}]});
    let in_words = r#"Answer with JSON of this schema and with nothing else: {"type":"object"}"#;
    vec![
        (
            "output_limit",
            Word("max_tokens"),
            json!({"max_completion_tokens": 9}),
            json!({"max_tokens": 9}),
        ),
        (
            "output_limit",
            Word("max_tokens"),
            json!({"max_tokens": 5, "max_completion_tokens": 9}),
            json!({"max_tokens": 9}),
        ),
        (
            "output_limit",
            Word("max_completion_tokens"),
            json!({"max_tokens": 9}),
            json!({"max_completion_tokens": 9}),
        ),
        (
            "stream_usage",
            Word("unasked"),
            json!({"stream": true, "stream_options": {"include_usage": true}}),
            json!({"stream": true}),
        ),
        (
            "seed",
            Word("random_seed"),
            json!({"seed": 4}),
            json!({"random_seed": 4}),
        ),
        ("seed", Word("none"), json!({"seed": 4}), json!({})),
        (
            "required_tool_choice",
            Word("any"),
            json!({"tools": tools, "tool_choice": "required"}),
            json!({"tools": tools, "tool_choice": "any"}),
        ),
        (
            "required_tool_choice",
            Word("auto"),
            json!({"tools": tools, "tool_choice": "required"}),
            json!({"tools": tools, "tool_choice": "auto"}),
        ),
        (
            "required_tool_choice",
            Word("omit"),
            json!({"tools": tools, "tool_choice": "required"}),
            json!({"tools": tools}),
        ),
        (
            "named_tool_choice",
            Word("required"),
            json!({"tools": tools, "tool_choice": choice}),
            json!({"tools": tools, "tool_choice": "required"}),
        ),
        (
            "named_tool_choice",
            Word("auto"),
            json!({"tools": tools, "tool_choice": choice}),
            json!({"tools": tools, "tool_choice": "auto"}),
        ),
        (
            "no_tool_choice",
            Word("omit_tools"),
            json!({"tools": tools, "tool_choice": "none", "parallel_tool_calls": true}),
            json!({}),
        ),
        (
            "forced_tools",
            Word("never"),
            json!({"tools": tools, "tool_choice": choice}),
            json!({"tools": tools, "tool_choice": "auto"}),
        ),
        (
            "forced_tools",
            Word("not_thinking"),
            json!({"tools": tools, "tool_choice": "required", "reasoning_effort": "low"}),
            json!({"tools": tools, "tool_choice": "auto", "reasoning_effort": "low"}),
        ),
        (
            "forced_tools",
            Word("not_thinking"),
            json!({"tools": tools, "tool_choice": "required"}),
            json!({"tools": tools, "tool_choice": "required"}),
        ),
        (
            "strict_tools",
            Bool(false),
            json!({"tools": [{"type": "function", "function": {"name": "f", "strict": true}}]}),
            json!({"tools": [{"type": "function", "function": {"name": "f"}}]}),
        ),
        (
            "max_stop",
            Number(2),
            json!({"stop": ["a", "b", "c"]}),
            json!({"stop": ["a", "b"]}),
        ),
        ("max_stop", Number(0), json!({"stop": "a"}), json!({})),
        (
            "max_temperature_percent",
            Number(150),
            json!({"temperature": 2}),
            json!({"temperature": 1.5}),
        ),
        (
            "sampling",
            Word("none"),
            json!({"temperature": 1, "top_p": 0.5}),
            json!({}),
        ),
        (
            "sampling",
            Word("one"),
            json!({"temperature": 1, "top_p": 0.5}),
            json!({"temperature": 1}),
        ),
        (
            "sampling",
            Word("not_thinking"),
            json!({"temperature": 1, "reasoning_effort": "high"}),
            json!({"reasoning_effort": "high"}),
        ),
        (
            "sampling",
            Word("not_thinking"),
            json!({"temperature": 1, "reasoning_effort": "none"}),
            json!({"temperature": 1, "reasoning_effort": "none"}),
        ),
        (
            "json_schema",
            Word("json_object"),
            json!({"response_format": schema}),
            json!({"response_format": {"type": "json_object"}, "messages": asked(in_words)["messages"]}),
        ),
        (
            "json_schema",
            Word("prompt"),
            json!({"response_format": schema}),
            asked(in_words),
        ),
        (
            "json_schema",
            Word("tool"),
            json!({"response_format": schema}),
            asked(in_words),
        ),
        (
            "json_schema",
            Word("without_tools"),
            json!({"response_format": schema}),
            json!({"response_format": schema}),
        ),
        (
            "json_object",
            Word("prompt"),
            json!({"response_format": {"type": "json_object"}}),
            asked("Answer with one JSON object and nothing else."),
        ),
        (
            "json_object",
            Word("json_schema"),
            json!({"response_format": {"type": "json_object"}}),
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "object", "schema": {"type": "object"}}}}),
        ),
        (
            "schema",
            Word("openai"),
            json!({"tools": [tool("f", json!({"type": "object"}))]}),
            json!({"tools": tools}),
        ),
        (
            "schema",
            Word("google"),
            json!({"tools": [tool("f", json!({"type": "object", "properties": {}, "additionalProperties": false}))]}),
            json!({"tools": tools}),
        ),
        (
            "schema",
            Word("anthropic"),
            json!({"response_format": schema}),
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "r", "schema": {"type": "object", "additionalProperties": false}}}}),
        ),
        (
            "reasoning_request",
            Word("none"),
            json!({"reasoning_effort": "low"}),
            json!({}),
        ),
        (
            "reasoning_request",
            Word("thinking"),
            json!({"reasoning_effort": "high"}),
            json!({"reasoning_effort": "high", "thinking": {"type": "enabled"}}),
        ),
        (
            "reasoning_request",
            Word("thinking"),
            json!({"reasoning_effort": "none"}),
            json!({"thinking": {"type": "disabled"}}),
        ),
        (
            "reasoning_request",
            Word("reasoning"),
            json!({"reasoning_effort": "low"}),
            json!({"reasoning": {"effort": "low"}}),
        ),
        (
            "reasoning_request",
            Word("enable_thinking"),
            json!({"reasoning_effort": "none"}),
            json!({"enable_thinking": false}),
        ),
        (
            "reasoning_request",
            Word("chat_template_kwargs"),
            json!({"reasoning_effort": "none"}),
            json!({"chat_template_kwargs": {"enable_thinking": false}}),
        ),
        (
            "efforts",
            List(&["low", "high"]),
            json!({"reasoning_effort": "medium"}),
            json!({"reasoning_effort": "high"}),
        ),
        (
            "efforts",
            List(&[]),
            json!({"reasoning_effort": "medium"}),
            json!({}),
        ),
        (
            "parallel_tool_calls",
            Bool(false),
            json!({"parallel_tool_calls": false}),
            json!({}),
        ),
        (
            "prompt_cache_key",
            Bool(false),
            json!({"prompt_cache_key": "k"}),
            json!({}),
        ),
        (
            "logprobs",
            Bool(false),
            json!({"logprobs": true}),
            json!({}),
        ),
        ("many_choices", Bool(false), json!({"n": 1}), json!({})),
        (
            "dropped_fields",
            List(&["verbosity"]),
            json!({"verbosity": "low", "user": "u"}),
            json!({"user": "u"}),
        ),
    ]
}

fn conversations() -> Vec<Row> {
    let user = json!({"role": "user", "content": "hi"});
    let answer = json!({"role": "tool", "tool_call_id": "call_1", "content": "x"});
    let system = |text: &str| json!({"role": "system", "content": text});
    let parts = json!({"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]});
    let marked = json!({"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]});
    let reasoned = |name: &str| json!({"role": "assistant", "content": "x", name: "r"});
    let plain = json!({"role": "assistant", "content": "x"});
    let named = json!({"role": "user", "name": "Ann", "content": "hi"});
    vec![
        (
            "developer_role",
            Word("system"),
            messages(&[json!({"role": "developer", "content": "a"})]),
            messages(&[system("a")]),
        ),
        (
            "system_messages",
            Word("first"),
            messages(&[system("a"), user.clone(), system("b")]),
            messages(&[system("a\n\nb"), user.clone()]),
        ),
        (
            "system_messages",
            Word("first"),
            messages(&[user.clone(), system("b")]),
            messages(&[system("b"), user.clone()]),
        ),
        (
            "user_after_tool",
            Bool(false),
            messages(&[call("call_1"), answer.clone(), user.clone()]),
            messages(&[
                call("call_1"),
                answer.clone(),
                json!({"role": "assistant", "content": "OK."}),
                user.clone(),
            ]),
        ),
        (
            "message_name",
            Word("nobody"),
            messages(std::slice::from_ref(&named)),
            messages(std::slice::from_ref(&user)),
        ),
        (
            "message_name",
            Word("tools"),
            messages(std::slice::from_ref(&named)),
            messages(std::slice::from_ref(&user)),
        ),
        (
            "message_name",
            Word("users"),
            messages(std::slice::from_ref(&named)),
            messages(&[named]),
        ),
        (
            "tool_call_ids",
            Word("alphanumeric_9"),
            messages(&[call("call_1"), answer.clone()]),
            messages(&[
                call("9gD2Dimct"),
                json!({"role": "tool", "tool_call_id": "9gD2Dimct", "content": "x"}),
            ]),
        ),
        (
            "tool_call_ids",
            Word("safe"),
            messages(&[call("call.1")]),
            messages(&[call("call_958ca8995d7ef1bc")]),
        ),
        (
            "tool_call_ids",
            Word("safe_64"),
            messages(&[call("call.1")]),
            messages(&[call("call.1")]),
        ),
        (
            "text_content",
            Word("string"),
            messages(&[parts]),
            messages(&[json!({"role": "user", "content": "a\nb"})]),
        ),
        (
            "cache_control",
            Bool(false),
            messages(std::slice::from_ref(&marked)),
            messages(&[json!({"role": "user", "content": [{"type": "text", "text": "a"}]})]),
        ),
        (
            "cache_control",
            Bool(true),
            messages(std::slice::from_ref(&marked)),
            messages(&[marked]),
        ),
        (
            "reasoning_field",
            Word("reasoning"),
            messages(&[reasoned("reasoning_content")]),
            messages(&[reasoned("reasoning")]),
        ),
        (
            "reasoning_history",
            Word("refused"),
            messages(&[reasoned("reasoning_content")]),
            messages(std::slice::from_ref(&plain)),
        ),
        (
            "unknown_fields",
            Word("refused"),
            messages(&[reasoned("reasoning_signature")]),
            messages(std::slice::from_ref(&plain)),
        ),
        (
            "unknown_fields",
            Word("refused"),
            messages(&[reasoned("reasoning_content")]),
            messages(&[reasoned("reasoning_content")]),
        ),
    ]
}

#[test]
fn every_quirk_of_a_request_acts() {
    for (key, value, before, after) in options().into_iter().chain(conversations()) {
        let sent = sent(&dialect(&[(key, value)]), &request(before.clone())).unwrap();
        assert_eq!(sent, request(after), "{key}: {value:?} of {before}");
    }
}

/// A request in which nothing is special keeps its bytes, whoever gets it.
#[test]
fn what_everybody_takes_is_not_touched() {
    let body = json!({"model": "m", "stream": true, "messages": [
        {"role": "system", "content": "s"}, {"role": "user", "content": "hi"}, call("a1b2c3d4e"),
        {"role": "tool", "tool_call_id": "a1b2c3d4e", "content": "x"}]})
    .to_string();
    let info = crate::request_info::scan(crate::ClientFormat::ChatCompletions, body.as_bytes());
    let traits = info.unwrap().traits;
    for provider in catalog::Provider::all() {
        let dialect = provider.dialect(None, "some-model");
        let written = write(&dialect, body.as_bytes()).unwrap();
        // The call has lost its reasoning.
        let has_lost = dialect.reasoning_history == ReasoningHistory::Required
            && !matches!(dialect.reasoning_field, ReasoningField::SignedBlocks);
        assert_eq!(written.edits.is_empty(), !has_lost, "{provider:?}");
    }
    assert!(!may_change(
        &catalog::providers::OPENAI.dialect(None, "gpt-6"),
        &traits
    ));
}

#[test]
fn a_long_name_of_a_tool_is_shortened_and_put_back() {
    let name = "mcp__a-server-with-quite-a-long-name__and_a_tool.with_a_name_that_is_longer_still";
    let dialect = dialect(&[("max_tool_name", Number(64))]);
    let mut conversation = request(json!({"tools": [tool(name, json!({}))],
        "tool_choice": {"type": "function", "function": {"name": name}},
        "messages": [call("c")]}));
    conversation["messages"][0]["tool_calls"][0]["function"]["name"] = Value::from(name);
    let (body, names) = rewrite(&dialect, conversation.to_string().into_bytes()).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let short = body["tools"][0]["function"]["name"].as_str().unwrap();
    assert!(
        short.len() <= 64 && crate::request_info::is_plain_name(short),
        "{short}"
    );
    assert_eq!(body["tool_choice"]["function"]["name"], short);
    assert_eq!(
        body["messages"][0]["tool_calls"][0]["function"]["name"],
        short
    );
    let answer = format!("{{\"name\":\"{short}\",\"arguments\":\"{{}}\"}}");
    let restored = String::from_utf8(names.restore(answer.into_bytes())).unwrap();
    assert_eq!(
        restored,
        format!("{{\"name\":\"{name}\",\"arguments\":\"{{}}\"}}")
    );
}

#[test]
fn what_would_change_the_answer_is_refused_by_name() {
    let image = |url: &str| {
        messages(&[
            json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}),
        ])
    };
    let file = messages(&[
        json!({"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}),
    ]);
    let rows: [(&str, QuirkValue<'static>, Value, &str); 6] = [
        ("many_choices", Bool(false), json!({"n": 2}), "n"),
        (
            "images",
            Word("data_url"),
            image("https://a/b.png"),
            "messages[0].content[0].image_url.url",
        ),
        (
            "images",
            Word("none"),
            image("data:image/png;base64,eA=="),
            "messages[0].content[0]",
        ),
        ("files", Bool(false), file, "messages[0].content[0]"),
        (
            "prefill",
            Bool(false),
            messages(&[json!({"role": "assistant", "content": "{"})]),
            "messages",
        ),
        (
            "dropped_fields",
            List(&["tools"]),
            json!({"tools": [tool("f", json!({}))]}),
            "tools",
        ),
    ];
    for (key, value, fields, param) in rows {
        let error = sent(&dialect(&[(key, value)]), &request(fields)).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(param), "{key}");
    }
}

#[test]
fn a_provider_with_fields_of_its_own_gets_no_others() {
    let strict = dialect(&[
        ("unknown_fields", Word("refused")),
        ("dropped_fields", List(&["functions"])),
    ]);
    let given = request(json!({"brand_new": 1, "user": "u"}));
    assert_eq!(
        sent(&strict, &given).unwrap(),
        request(json!({"user": "u"}))
    );
    // OpenAI's own latest fields are not known here, so OpenAI judges them itself.
    let open_ai = dialect(&[("unknown_fields", Word("refused"))]);
    assert_eq!(sent(&open_ai, &given).unwrap(), given);
}

/// A client that has lost reasoning, or a thought signature, calls tools all the same.
#[test]
fn what_a_client_has_lost_has_a_stand_in() {
    let required = ("reasoning_history", Word("required"));
    let with = |field: &str, value: Value| {
        let mut call = call("c");
        call[field] = value;
        call
    };
    let two_calls = |first: Value| {
        let mut message = call("c");
        let second = message["tool_calls"][0].clone();
        message["tool_calls"][0]["extra_content"] = first;
        message["tool_calls"].as_array_mut().unwrap().push(second);
        message
    };
    let lost = json!({"google": {"thought_signature": "skip_thought_signature_validator"}});
    let kept = json!({"google": {"thought_signature": "abc="}});
    let mut unsigned = two_calls(lost.clone());
    unsigned["tool_calls"][0]
        .as_object_mut()
        .unwrap()
        .remove("extra_content");
    let details = json!([{"type": "reasoning.text", "text": " "}]);
    let rows = [
        (
            "reasoning_content",
            call("c"),
            with("reasoning_content", json!(" ")),
        ),
        (
            "reasoning_content",
            with("reasoning_content", json!(null)),
            with("reasoning_content", json!(" ")),
        ),
        (
            "reasoning_content",
            with("reasoning_content", json!("")),
            with("reasoning_content", json!(" ")),
        ),
        (
            "reasoning_content",
            with("reasoning_content", json!("r")),
            with("reasoning_content", json!("r")),
        ),
        (
            "reasoning_content",
            with("reasoning", json!("r")),
            with("reasoning_content", json!("r")),
        ),
        (
            "reasoning_details",
            call("c"),
            with("reasoning_details", details),
        ),
        ("thought_signature", unsigned, two_calls(lost.clone())),
        (
            "thought_signature",
            two_calls(json!({"google": {}})),
            two_calls(lost),
        ),
        (
            "thought_signature",
            two_calls(kept.clone()),
            two_calls(kept),
        ),
    ];
    for (field, before, after) in rows {
        let dialect = dialect(&[required, ("reasoning_field", Word(field))]);
        let body = request(messages(std::slice::from_ref(&before))).to_string();
        let info = crate::request_info::scan(crate::ClientFormat::ChatCompletions, body.as_bytes());
        assert!(may_change(&dialect, &info.unwrap().traits), "{before}");
        let sent = sent(&dialect, &request(messages(std::slice::from_ref(&before)))).unwrap();
        assert_eq!(sent, request(messages(&[after])), "{field}: {before}");
    }
    // Who only accepts reasoning gets none made up, and a message without calls needs none.
    let plain = json!({"role": "assistant", "content": "x"});
    for (dialect, message) in [(Dialect::UNKNOWN, call("c")), (dialect(&[required]), plain)] {
        let given = request(messages(&[message]));
        assert_eq!(sent(&dialect, &given).unwrap(), given);
    }
}
