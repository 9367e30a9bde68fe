//! Compares bodies by what they mean, by the rules that each conformance case states.

use serde_json::{Map, Value, json};

/// The two sides of a comparison in one form, so that different ways of saying the same do not count.
pub type Canonical = fn(&Value) -> Value;

/// The form for bodies of `kind` (`request` or `response`) in the protocol that the conformance data calls `protocol`.
pub fn canonical(kind: &str, protocol: &str) -> Canonical {
    match (kind, protocol) {
        ("request", "anthropic") => anthropic_request,
        ("request", "openai" | "azure" | "ollama") => openai_request,
        ("request", "bedrock") => bedrock_request,
        ("response", "openai") => openai_response,
        ("response", "anthropic") => anthropic_response,
        other => panic!("no canonical form for {other:?}"),
    }
}

/// What differs between `actual` and the expected body or one of its alternatives; empty if nothing does. `None` for
/// `actual` means that the request was refused.
pub fn differences(
    form: Canonical,
    is_response: bool,
    expected: &Value,
    actual: Option<&Value>,
    rules: &Value,
) -> Vec<String> {
    let alternatives = rules["alternatives"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let wanted: Vec<&Value> = std::iter::once(expected).chain(&alternatives).collect();
    let refusal = |want: &Value| want.get("$error").is_some();
    let Some(actual) = actual else {
        let allowed = wanted.iter().any(|want| refusal(want)) || rules["error_ok"] == true;
        return if allowed {
            Vec::new()
        } else {
            vec![String::from("$: refused")]
        };
    };
    let mut best: Option<Vec<String>> = None;
    for want in wanted {
        let found = if refusal(want) {
            vec![String::from("$: a refusal was expected")]
        } else {
            compare(form, is_response, want, actual, rules)
        };
        if best.as_ref().is_none_or(|best| found.len() < best.len()) {
            best = Some(found);
        }
    }
    best.unwrap_or_default()
}

fn compare(
    form: Canonical,
    is_response: bool,
    want: &Value,
    actual: &Value,
    rules: &Value,
) -> Vec<String> {
    let (mut want, mut actual) = (form(want), form(actual));
    if is_response {
        for field in ["id", "model"] {
            if !strings(&rules["match"]).any(|name| name == field) {
                remove(&mut want, field);
                remove(&mut actual, field);
            }
        }
    }
    let mut found = Vec::new();
    walk(&want, &actual, "$", rules["mode"] == "subset", &mut found);
    let listed = |list: &str, path: &str| strings(&rules[list]).any(|glob| covers(glob, path));
    found.retain(|difference| {
        let optional = difference.presence && listed("optional", &difference.path);
        !optional && !listed("ignore", &difference.path)
    });
    let mut found: Vec<String> = found
        .into_iter()
        .map(|difference| format!("{}: {}", difference.path, difference.what))
        .collect();
    for path in strings(&rules["absent"]) {
        if at(&actual, path).is_some() {
            found.push(format!("{path}: must be absent"));
        }
    }
    for (path, bounds) in rules["range"].as_object().into_iter().flatten() {
        let value = at(&actual, path).and_then(Value::as_f64);
        let low = bounds[0].as_f64().unwrap_or(f64::NEG_INFINITY);
        let high = bounds[1].as_f64().unwrap_or(f64::INFINITY);
        if !value.is_some_and(|value| value >= low && value <= high) {
            found.push(format!("{path}: {value:?} is not in {bounds}"));
        }
    }
    found
}

struct Difference {
    path: String,
    what: String,
    /// One side has it and the other has not.
    presence: bool,
}

fn walk(want: &Value, actual: &Value, path: &str, subset: bool, found: &mut Vec<Difference>) {
    let mut note = |path: String, what: String, presence| {
        found.push(Difference {
            path,
            what,
            presence,
        });
    };
    match (want, actual) {
        (Value::Object(want), Value::Object(actual)) => {
            for name in actual
                .keys()
                .filter(|name| !subset && !want.contains_key(*name))
            {
                note(
                    format!("{path}.{name}"),
                    format!("not expected ({})", actual[name]),
                    true,
                );
            }
            for (name, value) in want {
                let path = format!("{path}.{name}");
                match actual.get(name) {
                    None => found.push(Difference {
                        path,
                        what: format!("missing, want {value}"),
                        presence: true,
                    }),
                    Some(actual) => walk(value, actual, &path, subset, found),
                }
            }
        }
        (Value::Array(want), Value::Array(actual)) => {
            if want.len() != actual.len() {
                note(
                    path.to_owned(),
                    format!("{} items, want {}", actual.len(), want.len()),
                    false,
                );
            }
            for (index, (want, actual)) in want.iter().zip(actual).enumerate() {
                walk(want, actual, &format!("{path}[{index}]"), subset, found);
            }
        }
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            if (a - b).abs() > 1e-6 * a.abs().max(1.0) {
                note(path.to_owned(), format!("{b}, want {a}"), false);
            }
        }
        (want, actual) if want == actual => {}
        (want, actual) => note(path.to_owned(), format!("{actual}, want {want}"), false),
    }
}

/// Whether `path` is what `glob` names, or below it. `*` stands for anything, `#` for an index in brackets.
fn covers(glob: &str, path: &str) -> bool {
    let mut parts = vec![glob];
    parts = parts.iter().flat_map(|part| part.split('*')).collect();
    if parts.len() == 1 && !glob.contains('#') {
        return path
            .strip_prefix(glob)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    }
    assert!(
        !glob.contains('#'),
        "index globs are not used by any case: {glob}"
    );
    let mut rest = path;
    for (index, part) in parts.iter().enumerate() {
        let Some(start) = rest.find(part) else {
            return false;
        };
        if index == 0 && start != 0 {
            return false;
        }
        rest = &rest[start + part.len()..];
    }
    true
}

fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, step| match value {
        Value::Object(fields) => fields.get(step),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn remove(value: &mut Value, name: &str) {
    if let Some(fields) = value.as_object_mut() {
        fields.remove(name);
    }
}

fn remove_if(value: &mut Value, name: &str, unwanted: impl Fn(&Value) -> bool) {
    if value.get(name).is_some_and(unwanted) {
        remove(value, name);
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

fn items<'v>(value: &'v mut Value, name: &str) -> impl Iterator<Item = &'v mut Value> {
    value
        .get_mut(name)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

fn parsed(text: &Value) -> Value {
    let text = text.as_str().unwrap_or_default();
    if text.trim().is_empty() {
        return json!({});
    }
    serde_json::from_str(text).unwrap_or_else(|_| json!({"$unparsed": text}))
}

fn text_blocks(content: Value) -> Value {
    match content {
        Value::String(text) => json!([{"type": "text", "text": text}]),
        other => other,
    }
}

fn anthropic_request(body: &Value) -> Value {
    let mut body = without_nulls(body);
    remove_if(&mut body, "stream", |stream| stream == false);
    if let Some(system) = body.as_object_mut().unwrap().remove("system") {
        let blocks = text_blocks(system);
        let blocks = blocks.as_array().unwrap();
        if blocks
            .iter()
            .any(|block| block.get("cache_control").is_some())
        {
            body["system"] = json!(blocks);
        } else {
            // One newline, two, or separate blocks are the same prompt.
            let texts = blocks.iter().map(|block| block["text"].as_str().unwrap());
            let lines: Vec<&str> = texts
                .flat_map(|text| text.split('\n'))
                .filter(|line| !line.trim().is_empty())
                .collect();
            if !lines.is_empty() {
                body["system"] = json!(lines);
            }
        }
    }
    let mut merged: Vec<Value> = Vec::new();
    for message in items(&mut body, "messages") {
        message["content"] = text_blocks(message["content"].take());
        for block in items(message, "content") {
            if block["type"] == "tool_result" {
                if block["content"].is_string() {
                    block["content"] = text_blocks(block["content"].take());
                }
                remove_if(block, "content", |content| {
                    *content == json!([]) || content.is_null()
                });
                remove_if(block, "is_error", |flag| flag == false);
            }
        }
        match merged.last_mut() {
            Some(last) if last["role"] == message["role"] => {
                let more = message["content"].as_array().unwrap().clone();
                last["content"].as_array_mut().unwrap().extend(more);
            }
            _ => merged.push(message.clone()),
        }
    }
    body["messages"] = Value::Array(merged);
    if let Some(choice) = body.get_mut("tool_choice") {
        remove_if(choice, "disable_parallel_tool_use", |flag| flag == false);
    }
    remove_if(&mut body, "tool_choice", |choice| {
        *choice == json!({"type": "auto"})
    });
    for tool in items(&mut body, "tools") {
        remove_if(tool, "description", |text| text == "");
        remove_if(tool, "type", |kind| kind == "custom");
        remove_if(tool, "strict", |flag| flag == false);
        if let Some(schema) = tool.get_mut("input_schema") {
            remove_if(schema, "properties", |properties| *properties == json!({}));
        }
    }
    body
}

fn openai_request(body: &Value) -> Value {
    let mut body = without_nulls(body);
    remove_if(&mut body, "stream", |stream| stream == false);
    if let Some(limit) = body
        .as_object_mut()
        .unwrap()
        .remove("max_completion_tokens")
    {
        body["max_tokens"] = limit;
    }
    for message in items(&mut body, "messages") {
        if message["role"] == "developer" {
            message["role"] = json!("system");
        }
        if let Some(parts) = message["content"]
            .as_array()
            .filter(|parts| !parts.is_empty())
            && parts.iter().all(|part| {
                part["type"] == "text" && part.as_object().is_some_and(|part| part.len() == 2)
            })
        {
            let texts: Vec<&str> = parts
                .iter()
                .map(|part| part["text"].as_str().unwrap())
                .collect();
            message["content"] = json!(texts.join("\n"));
        }
        if message.get("tool_calls").is_some() {
            remove_if(message, "content", |content| content == "");
        }
        remove_if(message, "content", Value::is_null);
        for call in items(message, "tool_calls") {
            call["function"]["arguments"] = parsed(&call["function"]["arguments"]);
        }
    }
    remove_if(&mut body, "tool_choice", |choice| choice == "auto");
    remove_if(&mut body, "parallel_tool_calls", |flag| flag == true);
    if body.get("stop").is_some_and(Value::is_string) {
        body["stop"] = json!([body["stop"]]);
    }
    for tool in items(&mut body, "tools") {
        if let Some(function) = tool.get_mut("function") {
            remove_if(function, "strict", |flag| flag == false);
        }
    }
    body
}

fn bedrock_request(body: &Value) -> Value {
    let mut body = without_nulls(body);
    for name in ["inferenceConfig", "additionalModelRequestFields"] {
        remove_if(&mut body, name, |value| *value == json!({}));
    }
    remove_if(&mut body, "system", |value| *value == json!([]));
    if let Some(schema) = body.pointer_mut("/outputConfig/textFormat/structure/jsonSchema/schema")
        && schema.is_string()
    {
        *schema = parsed(schema);
    }
    if let Some(config) = body.get_mut("toolConfig") {
        remove_if(config, "toolChoice", |choice| {
            *choice == json!({"auto": {}})
        });
    }
    for message in items(&mut body, "messages") {
        for block in items(message, "content") {
            if let Some(result) = block.get_mut("toolResult") {
                remove_if(result, "status", |status| status == "success");
            }
        }
    }
    body
}

fn openai_response(body: &Value) -> Value {
    let body = without_nulls(body);
    let choices = body["choices"].as_array().expect("choices").iter().map(|choice| {
        let mut message = choice["message"].clone();
        remove_if(&mut message, "content", |content| content == "");
        remove_if(&mut message, "tool_calls", |calls| *calls == json!([]));
        for call in items(&mut message, "tool_calls") {
            remove(call, "index");
            call["function"]["arguments"] = parsed(&call["function"]["arguments"]);
        }
        let known = ["role", "content", "tool_calls", "reasoning_content", "refusal"];
        let message: Map<String, Value> = message
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| known.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        json!({"index": choice["index"], "finish_reason": choice["finish_reason"], "message": message})
    });
    let mut out = json!({"object": "chat.completion", "choices": choices.collect::<Vec<_>>()});
    if let Some(usage) = body.get("usage") {
        for name in ["prompt_tokens", "completion_tokens", "total_tokens"] {
            if let Some(count) = usage.get(name) {
                out["usage"][name] = count.clone();
            }
        }
        for (details, name) in [
            ("prompt_tokens_details", "cached_tokens"),
            ("completion_tokens_details", "reasoning_tokens"),
        ] {
            let count = &usage[details][name];
            if count.as_u64().is_some_and(|count| count > 0) {
                out["usage"][name] = count.clone();
            }
        }
    }
    for name in ["id", "model"] {
        if let Some(value) = body.get(name) {
            out[name] = value.clone();
        }
    }
    out
}

fn anthropic_response(body: &Value) -> Value {
    let body = without_nulls(body);
    let mut out = json!({});
    for name in [
        "type",
        "role",
        "stop_reason",
        "stop_sequence",
        "id",
        "model",
    ] {
        if let Some(value) = body.get(name) {
            out[name] = value.clone();
        }
    }
    let mut content = body["content"].clone();
    for block in content.as_array_mut().expect("content") {
        remove(block, "citations");
        remove(block, "caller");
        if block["type"] == "thinking" {
            remove_if(block, "signature", |signature| signature == "");
        }
    }
    out["content"] = content;
    out["usage"] = json!({});
    for (name, count) in body["usage"].as_object().into_iter().flatten() {
        let cached = ["cache_read_input_tokens", "cache_creation_input_tokens"];
        let counts = ["input_tokens", "output_tokens"].contains(&name.as_str())
            || (cached.contains(&name.as_str()) && count.as_u64().is_some_and(|count| count > 0));
        if counts {
            out["usage"][name] = count.clone();
        }
    }
    out
}
