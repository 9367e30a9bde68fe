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
        thought_signature: None,
    };
    let signed = OutgoingReasoning {
        text: vec!["r".into()],
        signature: vec!["s".into()],
        ..OutgoingReasoning::default()
    };
    for (text, reasoning, calls, want) in [
        (
            vec![],
            OutgoingReasoning::default(),
            vec![call],
            r#""tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]"#,
        ),
        (
            vec!["a".into()],
            signed,
            vec![],
            r#""content":"a","reasoning_content":"r","reasoning_signature":"s""#,
        ),
        (
            vec!["a".into(), "b".into()],
            OutgoingReasoning::default(),
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

/// One message that calls a tool twice, as a provider of this dialect gets it.
fn with_reasoning(
    dialect: &Dialect,
    text: Vec<Text<'static>>,
    signature: Option<&'static str>,
) -> String {
    let call = |thought_signature| OutgoingCall {
        id: "t".into(),
        name: vec!["f".into()],
        arguments: vec![Text::Plain("{}")],
        thought_signature,
    };
    let mut calls = vec![call(signature.map(Text::Plain)), call(None)];
    let reasoning = OutgoingReasoning::for_dialect(dialect, text, None, &mut calls);
    written(&OutgoingMessage::Assistant {
        text: Vec::new(),
        reasoning,
        calls,
    })
}

#[test]
fn reasoning_goes_back_where_and_as_it_is_demanded() {
    let demands = |reasoning_field| Dialect {
        reasoning_field,
        reasoning_history: ReasoningHistory::Required,
        ..Dialect::UNKNOWN
    };
    for (field, want) in [
        (
            ReasoningField::ReasoningContent,
            r#""reasoning_content":"r""#,
        ),
        (ReasoningField::Reasoning, r#""reasoning":"r""#),
        (
            ReasoningField::ReasoningDetails,
            r#""reasoning_details":[{"type":"reasoning.text","text":"r"}]"#,
        ),
    ] {
        let got = with_reasoning(&demands(field), vec!["r".into()], Some("SIG"));
        assert!(got.contains(want) && !got.contains("SIG"), "{got}");
    }
    let lost = with_reasoning(&demands(ReasoningField::ReasoningContent), vec![], None);
    assert!(lost.contains(r#""reasoning_content":" ""#), "{lost}");
    let unasked = with_reasoning(&Dialect::UNKNOWN, vec!["r".into()], Some("SIG"));
    assert!(
        !unasked.contains("reasoning") && !unasked.contains("SIG"),
        "{unasked}"
    );
}

#[test]
fn the_first_call_has_its_thought_signature_or_what_stands_for_it() {
    let dialect = Dialect {
        reasoning_field: ReasoningField::ThoughtSignature,
        reasoning_history: ReasoningHistory::Required,
        ..Dialect::UNKNOWN
    };
    for (given, want) in [(Some("SIG"), "SIG"), (None, LOST_THOUGHT_SIGNATURE)] {
        let got = with_reasoning(&dialect, vec!["r".into()], given);
        let extra = format!(r#""extra_content":{{"google":{{"thought_signature":"{want}"}}}}"#);
        assert_eq!(got.matches(&extra).count(), 1, "{got}");
        assert!(!got.contains("reasoning"), "{got}");
    }
}
