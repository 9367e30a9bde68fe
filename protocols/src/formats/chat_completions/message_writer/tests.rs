#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn written(message: &OutgoingMessage<'_>) -> String {
    let mut out = Vec::new();
    message.write(&mut Writer::new(&mut out));
    String::from_utf8(out).unwrap()
}

#[test]
fn text_alone_is_one_string() {
    let lines = vec![vec!["a".into(), "b".into()], vec![Text::Escaped("\\u00e9")]];
    for (message, want) in [
        (
            OutgoingMessage::System(lines.clone()),
            r#"{"role":"system","content":"ab\n\u00e9"}"#,
        ),
        (
            OutgoingMessage::User(lines.iter().cloned().map(OutgoingPart::Text).collect()),
            r#"{"role":"user","content":"ab\n\u00e9"}"#,
        ),
        (
            OutgoingMessage::Tool {
                call_id: "t".into(),
                content: lines,
            },
            r#"{"role":"tool","tool_call_id":"t","content":"ab\n\u00e9"}"#,
        ),
        (
            OutgoingMessage::User(Vec::new()),
            r#"{"role":"user","content":""}"#,
        ),
    ] {
        assert_eq!(written(&message), want);
    }
}

#[test]
fn media_make_parts() {
    let message = OutgoingMessage::User(vec![
        OutgoingPart::Text(vec!["a".into()]),
        OutgoingPart::Image {
            url: vec!["data:,".into(), "x".into()],
            detail: Some("low".into()),
        },
        OutgoingPart::File {
            name: None,
            data: vec!["data:".into()],
        },
    ]);
    assert_eq!(
        written(&message),
        concat!(
            r#"{"role":"user","content":[{"type":"text","text":"a"},"#,
            r#"{"type":"image_url","image_url":{"url":"data:,x","detail":"low"}},"#,
            r#"{"type":"file","file":{"file_data":"data:"}}]}"#
        )
    );
}

#[test]
fn an_assistant_message_has_what_was_said_and_nothing_else() {
    let call = OutgoingCall {
        id: "t".into(),
        name: vec!["f".into()],
        arguments: vec![Text::Plain(r#"{"a":1}"#)],
    };
    for (text, reasoning, calls, want) in [
        (
            vec![],
            None,
            vec![call],
            r#""tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]"#,
        ),
        (
            vec!["a".into()],
            Some(("r".into(), "s".into())),
            vec![],
            r#""content":"a","reasoning_content":"r","reasoning_signature":"s""#,
        ),
        (
            vec!["a".into(), "b".into()],
            None,
            vec![],
            r#""content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]"#,
        ),
    ] {
        let message = OutgoingMessage::Assistant {
            text,
            reasoning,
            calls,
        };
        assert_eq!(
            written(&message),
            format!(r#"{{"role":"assistant",{want}}}"#)
        );
    }
}
