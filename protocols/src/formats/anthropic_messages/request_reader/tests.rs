#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn characters(text: Text<'_>) -> String {
    text.decode().unwrap().into_owned()
}

#[test]
fn everything_that_is_known_is_read() {
    let body = r#"{"model":"m","max_tokens":0,"stream":true,"system":[{"type":"text","text":"s","cache_control":{}}],
        "messages":[
            {"role":"user","content":"hi"},
            {"role":"assistant","content":[
                {"type":"thinking","thinking":"h","signature":"s="},
                {"type":"redacted_thinking","data":"r"},
                {"type":"text","text":"a","citations":[]},
                {"type":"tool_use","id":"t","name":"f","input":{"a":1},"caller":{"type":"direct"}},
                {"type":"server_tool_use","id":"s","name":"web_search","input":{}}]},
            {"role":"user","content":[
                {"type":"tool_result","tool_use_id":"t","is_error":true,"content":[
                    {"type":"text","text":"x"},
                    {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}}]},
                {"type":"document","title":"T","context":null,"citations":{"enabled":true},
                    "source":{"type":"content","content":[{"type":"text","text":"d"}]}},
                {"type":"search_result","source":"u","title":"t","content":[{"type":"text","text":"c"}]}]},
            {"role":"system","content":"now"}],
        "tools":[{"name":"f","input_schema":{},"strict":true,"defer_loading":true,"description":null},
            {"type":"web_search_20250305","name":"web_search","max_uses":5}],
        "tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},
        "stop_sequences":["a"],"temperature":1,"top_p":0.5,"top_k":3,"metadata":{"user_id":"u","session_id":"x"},
        "thinking":{"type":"enabled","budget_tokens":2000},
        "output_config":{"effort":"max","format":{"type":"json_schema","schema":{"type":"object"}}},
        "service_tier":"auto","container":null}"#;
    let request = MessagesRequest::read(body.as_bytes()).unwrap();
    assert!(request.system[0].cache_control.is_some());
    assert_eq!(request.max_tokens, Some(0));
    let kinds: Vec<&str> = request
        .messages
        .iter()
        .flat_map(|turn| &turn.content)
        .map(|block| match block {
            Block::Text(_) => "text",
            Block::Image(_) => "image",
            Block::Document(_) => "document",
            Block::SearchResult { .. } => "search_result",
            Block::Thinking { .. } => "thinking",
            Block::RedactedThinking { .. } => "redacted_thinking",
            Block::ToolUse(_) => "tool_use",
            Block::ToolResult(result) => {
                assert!(result.is_error);
                assert!(matches!(
                    result.content[..],
                    [
                        Block::Text(_),
                        Block::Image(Image {
                            source: Source::Base64 { .. },
                            ..
                        })
                    ]
                ));
                "tool_result"
            }
            Block::Other { kind, .. } => kind,
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "text",
            "thinking",
            "redacted_thinking",
            "text",
            "tool_use",
            "server_tool_use",
            "tool_result",
            "document",
            "search_result",
            "text"
        ]
    );
    let [Tool::Function(function), Tool::Provider { kind, .. }] = &request.tools[..] else {
        panic!("{:?}", request.tools);
    };
    assert_eq!((function.strict, function.rest.len()), (Some(true), 1));
    assert_eq!(kind, "web_search_20250305");
    let choice = request.tool_choice.unwrap();
    assert_eq!(choice.kind, ToolChoiceKind::Tool("f".into()));
    assert!(choice.disable_parallel_tool_use);
    assert_eq!(request.user_id.map(characters).as_deref(), Some("u"));
    assert_eq!(request.thinking.unwrap().budget_tokens, Some(2000));
    assert!(request.output_config.schema.is_some());
    let rest: Vec<&str> = request.rest.iter().map(|(name, _)| name.as_ref()).collect();
    assert_eq!(rest, ["service_tier"]);
}

#[test]
fn the_older_name_of_the_output_format_is_read_where_it_is_an_object() {
    let read = |format: &str| {
        let body =
            format!(r#"{{"messages":[{{"role":"user","content":""}}],"output_format":{format}}}"#);
        let request = MessagesRequest::read(body.as_bytes()).map_err(|error| error.param)?;
        Ok((request.output_config.schema.is_some(), request.rest.len()))
    };
    assert_eq!(read(r#"{"type":"json_schema","schema":{}}"#), Ok((true, 0)));
    assert_eq!(read(r#""markdown""#), Ok((false, 1)));
    assert_eq!(
        read(r#"{"type":"xml"}"#),
        Err(Some("output_format.type".to_owned()))
    );
}

#[test]
fn errors_name_the_field_and_what_is_wrong() {
    let block = |block: &str| format!(r#"{{"messages":[{{"role":"user","content":[{block}]}}]}}"#);
    let with =
        |fields: &str| format!(r#"{{"messages":[{{"role":"user","content":"x"}}],{fields}}}"#);
    for (body, param, code) in [
        ("[]".to_owned(), None, None),
        ("{".to_owned(), None, None),
        (
            "{}".to_owned(),
            Some("messages"),
            Some("missing_required_parameter"),
        ),
        (
            r#"{"messages":[]}"#.to_owned(),
            Some("messages"),
            Some("invalid_value"),
        ),
        (
            r#"{"messages":{}}"#.to_owned(),
            Some("messages"),
            Some("invalid_type"),
        ),
        (
            r#"{"messages":[{"content":""}]}"#.to_owned(),
            Some("messages[0].role"),
            Some("missing_required_parameter"),
        ),
        (
            r#"{"messages":[{"role":"tool","content":""}]}"#.to_owned(),
            Some("messages[0].role"),
            Some("invalid_value"),
        ),
        (
            r#"{"messages":[{"role":"user","content":"","name":"x"}]}"#.to_owned(),
            Some("messages[0].name"),
            Some("unknown_parameter"),
        ),
        (
            r#"{"messages":[{"role":"user","content":7}]}"#.to_owned(),
            Some("messages[0].content"),
            Some("invalid_type"),
        ),
        (
            block("7"),
            Some("messages[0].content[0]"),
            Some("invalid_type"),
        ),
        (
            block("{}"),
            Some("messages[0].content[0].type"),
            Some("missing_required_parameter"),
        ),
        (
            block(r#"{"type":"text","text":"","x":1}"#),
            Some("messages[0].content[0].x"),
            Some("unknown_parameter"),
        ),
        (
            block(r#"{"type":"image","source":{"type":"base64","media_type":"image/png"}}"#),
            Some("messages[0].content[0].source.data"),
            Some("missing_required_parameter"),
        ),
        (
            block(r#"{"type":"image","source":{"type":"ftp"}}"#),
            Some("messages[0].content[0].source.type"),
            Some("invalid_value"),
        ),
        (
            block(r#"{"type":"tool_use","id":"a","name":"f","input":"{}"}"#),
            Some("messages[0].content[0].input"),
            Some("invalid_type"),
        ),
        (
            block(r#"{"type":"tool_result","tool_use_id":"a","content":[{"type":"text"}]}"#),
            Some("messages[0].content[0].content[0].text"),
            Some("missing_required_parameter"),
        ),
        (
            with(r#""system":[{"type":"image","source":{"type":"url","url":"u"}}]"#),
            Some("system[0].type"),
            Some("invalid_value"),
        ),
        (
            with(r#""max_tokens":-1"#),
            Some("max_tokens"),
            Some("invalid_type"),
        ),
        (
            with(r#""temperature":1.5"#),
            Some("temperature"),
            Some("invalid_value"),
        ),
        (
            with(r#""tools":[{"name":"f"}]"#),
            Some("tools[0].input_schema"),
            Some("missing_required_parameter"),
        ),
        (
            with(r#""tools":[{"input_schema":{}}]"#),
            Some("tools[0].name"),
            Some("missing_required_parameter"),
        ),
        (
            with(r#""tool_choice":"auto""#),
            Some("tool_choice"),
            Some("invalid_type"),
        ),
        (
            with(r#""tool_choice":{"type":"some"}"#),
            Some("tool_choice.type"),
            Some("invalid_value"),
        ),
        (
            with(r#""tool_choice":{"type":"tool"}"#),
            Some("tool_choice.name"),
            Some("missing_required_parameter"),
        ),
        (
            with(r#""thinking":{}"#),
            Some("thinking.type"),
            Some("missing_required_parameter"),
        ),
        (
            with(r#""output_config":{"effort":"huge"}"#),
            Some("output_config.effort"),
            Some("invalid_value"),
        ),
        (
            with(r#""output_config":{"task":1}"#),
            Some("output_config.task"),
            Some("unknown_parameter"),
        ),
        (
            with(r#""metadata":{"user_id":7}"#),
            Some("metadata.user_id"),
            Some("invalid_type"),
        ),
        (
            with(r#""stop_sequences":"x""#),
            Some("stop_sequences"),
            Some("invalid_type"),
        ),
    ] {
        let error = MessagesRequest::read(body.as_bytes()).unwrap_err();
        assert_eq!(error.param.as_deref(), param, "{body}: {error}");
        assert_eq!(error.code, code, "{body}: {error}");
        if let Some(param) = param {
            assert!(error.message.contains(param), "{body}: {error}");
        }
    }
}
