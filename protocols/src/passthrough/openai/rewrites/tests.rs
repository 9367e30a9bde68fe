#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use proptest::prelude::*;

use catalog::ResponseExtras;

use super::*;
use crate::format::ClientFormat::ChatCompletions;

fn event(delta: &str, rest: &str) -> String {
    format!(
        r#"{{"id":"c","model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]{rest}}}"#
    )
}

fn after(first: &str) -> RewriteTemplate {
    let mut template = RewriteTemplate::default();
    let chunk = Chunk::read(ChatCompletions, first.as_bytes()).unwrap();
    let raw = framed(first.as_bytes());
    let event = SseEvent {
        name: "",
        data: first.as_bytes(),
        raw: &raw,
    };
    let normalizer = ResponseNormalizer::new(ResponseExtras::None, ChatCompletions);
    template.record(&event, &chunk, &normalizer, EventAction::Forwarded, &raw);
    template
}

fn framed(data: &[u8]) -> Vec<u8> {
    [b"data: ", data, b"\n\n"].concat()
}

fn length(template: &RewriteTemplate, data: &[u8]) -> Option<u64> {
    let event = framed(data);
    let matched = template.match_prefix(&event)?;
    assert!(matched.rest.is_empty());
    Some(matched.text.len() as u64)
}

#[test]
fn an_event_that_says_more_or_less_is_read() {
    let first = event(r#"{"content":"Hello"}"#, "");
    let padded = event(r#"{"content":"Hello"}"#, r#","obfuscation":"xyz""#);
    let table = [
        (&first, event(r#"{"content":"you "}"#, ""), Some(4)),
        (&first, event(r#"{"content":"Grüße"}"#, ""), Some(7)),
        (&first, event(r#"{"content":""}"#, ""), None),
        (
            &first,
            event(r#"{"content":"a\n\"\u00e9\ud800"}"#, ""),
            Some(17),
        ),
        (&first, event(r#"{"content":"a\x"}"#, ""), None),
        (&first, event(r#"{"content":"a\u12"}"#, ""), None),
        (&first, event(r#"{"content":null}"#, ""), None),
        (&first, event(r#"{"reasoning":"Hello"}"#, ""), None),
        (&first, event(r#"{"content":"a","role":"x"}"#, ""), None),
        (&first, event(r#"{"content":"a"}"#, r#","usage":{}"#), None),
        (&first, first.replace("null", r#""stop""#), None),
        (&first, first.replace("\"index\":0", "\"index\":1"), None),
        (&first, first[..first.len() - 1].to_owned(), None),
        (
            &padded,
            padded.replace("Hello", "a").replace("xyz", "uvwxyz0"),
            Some(1),
        ),
        (&padded, padded.replace("xyz", ""), Some(5)),
        (&padded, first.clone(), None),
    ];
    for (first, event, expected) in table {
        assert_eq!(length(&after(first), event.as_bytes()), expected, "{event}");
    }
}

#[test]
fn what_is_around_a_text_is_told_from_two() {
    let table: [(_, _, Option<(&str, &str)>); 6] = [
        (("a", "<a\">"), ("b", "<b\">"), Some(("<", "\">"))),
        (("a", "<a\">"), ("ab", "<ab\">"), Some(("<", "\">"))),
        (("ab", "ab<ab\">"), ("b", "ab<b\">"), Some(("ab<", "\">"))),
        (("a", "<a\">"), ("a", "<a\">"), None),
        (("a", "<a\">"), ("b", "<<b\">"), None),
        (("a", ""), ("b", ""), None),
    ];
    for (one, other, expected) in table {
        let bytes =
            |(text, written): (&'static str, &'static str)| (text.as_bytes(), written.as_bytes());
        let expected = expected.map(|(before, behind)| (before.as_bytes(), behind.as_bytes()));
        assert_eq!(
            around(bytes(one), bytes(other)),
            expected,
            "{one:?} {other:?}"
        );
    }
}

#[test]
fn only_an_event_with_one_text_is_learned() {
    let calls = r#"{"tool_calls":[{"index":0,"function":{"arguments":"a"}}]}"#;
    for delta in [
        calls,
        r#"{"content":"a","reasoning":"b"}"#,
        r#"{"role":"assistant"}"#,
    ] {
        let event = event(delta, "");
        assert_eq!(length(&after(&event), event.as_bytes()), None, "{delta}");
    }
    let finished = event(r#"{"content":"a"}"#, "").replace("null", r#""stop""#);
    assert_eq!(length(&after(&finished), finished.as_bytes()), None);
}

proptest! {
    /// An event on the fast path would have been parsed to the same result.
    #[test]
    fn nothing_is_overlooked(
        texts in ("[a-zé\"\\\\]{0,4}", "[a-zé]{0,4}"),
        kinds in (0_usize..4, 0_usize..4),
        spot in (any::<prop::sample::Index>(), any::<u8>(), any::<bool>()),
    ) {
        let written = |kind: usize, text: &str| {
            let text = serde_json::to_string(text).unwrap();
            match kind {
                0 => event(&format!(r#"{{"content":{text}}}"#), ""),
                1 => event(&format!(r#"{{"content":{text}}}"#), r#","obfuscation":"abc""#),
                2 => event(&format!(r#"{{"reasoning":{text}}}"#), ""),
                _ => event(&format!(r#"{{"role":"assistant","content":{text}}}"#), ""),
            }
        };
        let (first, mut second) = (written(kinds.0, &texts.0), written(kinds.1, &texts.1).into_bytes());
        if spot.2 {
            let place = spot.0.index(second.len());
            second[place] = spot.1;
        }
        let known = Chunk::read(ChatCompletions, first.as_bytes()).unwrap();
        if let Some(bytes) = length(&after(&first), &second) {
            let read = Chunk::read(ChatCompletions, &second).unwrap();
            prop_assert!(sole_text(&read).is_some());
            prop_assert_eq!(bytes, read.text_bytes);
            prop_assert_eq!((read.choices, read.model), (known.choices, known.model));
        }
    }
}
