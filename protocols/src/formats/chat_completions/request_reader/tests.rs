#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::formats::chat_completions::request_reader::content::PartKind;

fn error(body: &str) -> (String, Option<&'static str>) {
    let error = ChatRequest::read(body.as_bytes()).expect_err(body);
    (error.param.unwrap_or_default(), error.code)
}

#[test]
fn errors_name_the_field_and_what_is_wrong() {
    let with = |field: &str| format!(r#"{{"messages":[{{"role":"user","content":"x"}}],{field}}}"#);
    let message = |message: &str| format!(r#"{{"messages":[{message}]}}"#);
    for (body, param, code) in [
        ("[]".to_owned(), "", None),
        ("{".to_owned(), "", None),
        (
            "{}".to_owned(),
            "messages",
            Some("missing_required_parameter"),
        ),
        (
            r#"{"messages":[]}"#.to_owned(),
            "messages",
            Some("invalid_value"),
        ),
        (
            r#"{"messages":{}}"#.to_owned(),
            "messages",
            Some("invalid_type"),
        ),
        (
            with(r#""temperature":2.5"#),
            "temperature",
            Some("invalid_value"),
        ),
        (
            with(r#""temperature":"1""#),
            "temperature",
            Some("invalid_type"),
        ),
        (with(r#""top_p":1.5"#), "top_p", Some("invalid_value")),
        (
            with(r#""max_tokens":0"#),
            "max_tokens",
            Some("invalid_value"),
        ),
        (
            with(r#""max_tokens":1.5"#),
            "max_tokens",
            Some("invalid_type"),
        ),
        (with(r#""stop":7"#), "stop", Some("invalid_type")),
        (
            with(r#""reasoning_effort":"much""#),
            "reasoning_effort",
            Some("invalid_value"),
        ),
        (
            with(r#""response_format":{"type":"xml"}"#),
            "response_format.type",
            Some("invalid_value"),
        ),
        (
            with(r#""response_format":{"type":"json_schema","json_schema":{"schema":[]}}"#),
            "response_format.json_schema.schema",
            Some("invalid_type"),
        ),
        (
            with(r#""tools":[{"type":"custom","custom":{"name":"x"}}]"#),
            "tools[0].type",
            Some("unsupported_value"),
        ),
        (
            with(r#""tools":[{"type":"function","function":{}}]"#),
            "tools[0].function.name",
            Some("missing_required_parameter"),
        ),
        (
            with(r#""tool_choice":"any""#),
            "tool_choice",
            Some("invalid_value"),
        ),
        (
            message(r#"{"content":"x"}"#),
            "messages[0].role",
            Some("missing_required_parameter"),
        ),
        (
            message(r#"{"role":"robot","content":"x"}"#),
            "messages[0].role",
            Some("invalid_value"),
        ),
        (
            message(r#"{"role":"user"}"#),
            "messages[0].content",
            Some("missing_required_parameter"),
        ),
        (
            message(r#"{"role":"user","content":7}"#),
            "messages[0].content",
            Some("invalid_type"),
        ),
        (
            message(r#"{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}"#),
            "messages[0].content[0].type",
            Some("unsupported_value"),
        ),
        (
            message(r#"{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}"#),
            "messages[0].content[0].file.file_id",
            Some("unsupported_parameter"),
        ),
        (
            message(
                r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"ftp://x"}}]}"#,
            ),
            "messages[0].content[0].image_url.url",
            Some("invalid_value"),
        ),
        (
            message(r#"{"role":"user","content":[{"type":"text","text":"x","bold":true}]}"#),
            "messages[0].content[0].bold",
            Some("unknown_parameter"),
        ),
        (
            message(r#"{"role":"assistant","content":"x","audio":{"id":"a"}}"#),
            "messages[0].audio",
            Some("unsupported_parameter"),
        ),
        (
            message(
                r#"{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{\"a\":"}}]}"#,
            ),
            "messages[0].tool_calls[0].function.arguments",
            Some("invalid_value"),
        ),
        (
            message(r#"{"role":"tool","content":"x"}"#),
            "messages[0].tool_call_id",
            Some("missing_required_parameter"),
        ),
        (
            message(
                r#"{"role":"system","content":[{"type":"image_url","image_url":{"url":"https://x"}}]}"#,
            ),
            "messages[0].content[0]",
            Some("unsupported_value"),
        ),
    ] {
        assert_eq!(error(&body), (param.to_owned(), code), "{body}");
    }
}

#[test]
fn data_urls_are_split_without_touching_their_data() {
    for (url, media_type, data) in [
        ("data:image/png;base64,AA==", "image/png", "AA=="),
        (r"data:image\/jpeg;base64,\/9j\/", "image/jpeg", "/9j/"),
        ("DATA:Image/PNG;name=a.png;BASE64,AA", "image/png", "AA"),
    ] {
        let body = format!(
            r#"{{"messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"{url}","detail":"low"}}}}]}}]}}"#
        );
        let request = ChatRequest::read(body.as_bytes()).unwrap();
        let Message::User(parts) = &request.messages[0] else {
            panic!("{request:?}")
        };
        let PartKind::Media { media, name: None } = &parts[0].kind else {
            panic!("{parts:?}")
        };
        let expected = Media::Inline {
            media_type: media_type.to_owned(),
            base64: Text::Plain(data),
        };
        assert_eq!(*media, expected, "{url}");
    }
}

#[test]
fn other_urls_are_refused() {
    for url in [
        "data:image/png,AA",
        "data:image/png;base64,",
        "data:;base64,AA",
        "data:x",
        "AA==",
    ] {
        let body = format!(
            r#"{{"messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"{url}"}}}}]}}]}}"#
        );
        let expected = (
            "messages[0].content[0].image_url.url".to_owned(),
            Some("invalid_value"),
        );
        assert_eq!(error(&body), expected, "{url}");
    }
}

#[test]
fn the_older_function_form_becomes_a_tool_call_with_an_id() {
    let body = br#"{"messages":[
        {"role":"assistant","content":null,"function_call":{"name":"f","arguments":""}},
        {"role":"function","name":"f","content":"1"},
        {"role":"assistant","function_call":{"name":"g","arguments":"{\"a\": 1}"}},
        {"role":"function","name":"g","content":"2"}
    ]}"#;
    let request = ChatRequest::read(body).unwrap();
    let mut calls = Vec::new();
    for message in &request.messages {
        match message {
            Message::Assistant(message) => {
                let call = &message.tool_calls[0];
                calls.push((call.id.as_ref(), call.arguments.as_ref()));
            }
            Message::Tool(message) => calls.push((message.call_id.as_ref(), "")),
            Message::System(_) | Message::User(_) => panic!("{message:?}"),
        }
    }
    assert_eq!(
        calls,
        [
            ("function_call_1", "{}"),
            ("function_call_1", ""),
            ("function_call_2", r#"{"a": 1}"#),
            ("function_call_2", ""),
        ]
    );
}

#[test]
fn null_counts_as_absent_and_unread_fields_are_kept() {
    let body =
        br#"{"model":"m","messages":[{"role":"user","content":"x"}],"stop":null,"seed":1,"n":null,
        "max_completion_tokens":7,"max_tokens":5,"safety_identifier":"s","user":"u"}"#;
    let request = ChatRequest::read(body).unwrap();
    let rest: Vec<_> = request
        .rest
        .iter()
        .map(|(name, value)| (name.as_ref(), value.get()))
        .collect();
    assert_eq!(rest, [("seed", "1")]);
    assert_eq!(request.max_tokens, Some(7));
    assert_eq!(request.user, Some(Text::Plain("u")));
    assert!(request.stop.is_empty());
}

#[test]
fn arguments_that_are_encoded_twice_are_read() {
    let body = r#"{"messages":[{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"\"{\\\"a\\\": 1}\""}}]}]}"#;
    let request = ChatRequest::read(body.as_bytes()).unwrap();
    let Some(Message::Assistant(message)) = request.messages.first() else {
        panic!("{body}");
    };
    assert_eq!(message.tool_calls[0].arguments, r#"{"a": 1}"#);
}
