#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use proptest::prelude::*;

use super::super::of_text;
use super::*;

fn chat(content: &str) -> u32 {
    of_request(
        format!(r#"{{"model":"gpt-4o","messages":[{{"role":"user","content":{content}}}]}}"#)
            .as_bytes(),
    )
}

#[test]
fn text_counts_wherever_it_stands() {
    let question = "What is the capital of France?";
    let text = of_text(question);
    for body in [
        format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{question}"}}]}}"#),
        format!(
            r#"{{"messages":[{{"content":[{{"text":"{question}","type":"text"}}],"role":"user"}}],"max_tokens":5}}"#
        ),
        format!(r#"{{"input":[{{"role":"user","content":"{question}"}}],"user":"someone"}}"#),
    ] {
        assert_eq!(of_request(body.as_bytes()), text + 7, "{body}");
    }
    for body in [
        format!(r#"{{"prompt":"{question}"}}"#),
        format!(r#"{{"input":["{question}"],"metadata":{{"note":"not a prompt"}}}}"#),
        format!(r#"{{"system" : "{question}", "messages":[]}}"#),
    ] {
        assert_eq!(of_request(body.as_bytes()), text + 3, "{body}");
    }
}

#[test]
fn escapes_count_as_what_they_stand_for() {
    assert_eq!(
        chat(r#""first\nsecond \"quoted\" \u4f60\u597d \ud83d\ude00""#),
        chat("\"x\"") - of_text("x") + of_text("first\nsecond \"quoted\" 你好 😀")
    );
}

#[test]
fn tools_count_with_their_schemas() {
    let without = chat("\"hi\"");
    let body = br#"{"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"get_weather",
        "description":"Current weather of a city","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]}"#;
    let with = of_request(body);
    // 40 to 60 in OpenAI's own count.
    assert!((30..=70).contains(&(with - without)), "{}", with - without);
}

#[test]
fn images_count_by_size_and_detail_not_by_bytes() {
    let gif = "R0lGODlhLAHIAPcAAA==";
    let nothing = chat("[]");
    for (part, expected) in [
        (
            r#"{"type":"image_url","image_url":{"url":"https://example.com/cat.png"}}"#.to_owned(),
            765,
        ),
        (
            format!(
                r#"{{"type":"image_url","image_url":{{"url":"data:image/gif;base64,{gif}"}}}}"#
            ),
            255,
        ),
        (
            format!(
                r#"{{"type":"image_url","image_url":{{"url":"data:image/gif;base64,{gif}","detail":"low"}}}}"#
            ),
            85,
        ),
        (
            format!(
                r#"{{"type":"image_url","image_url":{{"detail":"low","url":"data:image/gif;base64,{gif}"}}}}"#
            ),
            85,
        ),
        (
            format!(r#"{{"type":"input_image","image_url":"data:image/gif;base64,{gif}"}}"#),
            255,
        ),
        (
            format!(
                r#"{{"type":"image","source":{{"type":"base64","media_type":"image/gif","data":"{gif}"}}}}"#
            ),
            255,
        ),
        (
            r#"{"type":"input_audio","input_audio":{"data":"UklGRgAAAABXQVZF","format":"wav"}}"#
                .to_owned(),
            0,
        ),
    ] {
        assert_eq!(chat(&format!("[{part}]")) - nothing, expected, "{part}");
    }
    let two =
        r#"[{"image_url":{"url":"https://a"}},{"image_url":{"url":"https://b","detail":"low"}}]"#;
    assert_eq!(chat(two) - nothing, 765 + 85);
}

#[test]
fn token_ids_count_one_each() {
    assert_eq!(of_request(br#"{"prompt":[1,22,333],"n":2}"#), 6);
    assert_eq!(of_request(br#"{"input":[[1,2],[3]],"dimensions":256}"#), 6);
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_without_a_crash(bytes: Vec<u8>, text in r#"[\{\}\[\]",:\\u0-9a-f ]{0,80}"#) {
        of_request(&bytes);
        of_request(text.as_bytes());
        of_request(format!("{{\"messages\":[{text}").as_bytes());
    }

    #[test]
    fn pieces_count_what_the_whole_counts(
        body in request(),
        sizes in prop::collection::vec(1_usize..200, 1..20),
        longest_name in 90_usize..400,
    ) {
        let mut tokens = RequestTokens { longest_name, ..RequestTokens::default() };
        let mut rest = body.as_bytes();
        for size in sizes.iter().cycle() {
            let (piece, behind) = rest.split_at(rest.len().min(*size));
            tokens.push(piece);
            // The end of a name, an escape sequence or a character; never a text.
            prop_assert!(tokens.waiting.len() <= longest_name + size);
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(tokens.finish(), of_request(body.as_bytes()), "{}", body);
    }
}

/// JSON as clients write it, with everything that is counted and other values.
fn request() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-zA-Z0-9 ,.!?{}:]{0,60}",
        "[é你\u{1f600}ß€]{0,40}",
        Just(r#"\n\t\"quoted\" \\ \u4f60\u597d \ud83d\ude00 \ud83dx"#.to_owned()),
    ];
    let text = prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    let blank = prop_oneof![Just(""), Just(" "), Just("\n   ")];
    let image = "[A-Za-z0-9]{0,600}".prop_map(|rest| format!("R0lGODlhLAHIAPcAAA{rest}"));
    let part = prop_oneof![
        text.clone()
            .prop_map(|text| format!(r#"{{"type":"text","text":"{text}"}}"#)),
        image.clone().prop_map(|image| format!(
            r#"{{"image_url":{{"url":"data:image/gif;base64,{image}","detail":"low"}}}}"#
        )),
        image.prop_map(|image| format!(r#"{{"source":{{"data":"{image}","type":"base64"}}}}"#)),
        text.clone()
            .prop_map(|text| format!(r#"{{"name":"f","arguments":"{text}","id":"{text}"}}"#)),
    ];
    let parts = prop::collection::vec(part, 0..4).prop_map(|parts| parts.join(","));
    (parts, text.clone(), text, blank, prop::collection::vec(any::<u32>(), 0..9)).prop_map(
        |(parts, text, note, blank, ids)| {
            format!(
                r#"{{"model"{blank}:"m","metadata":{{"note":"{note}"}},"messages"{blank}:{blank}[{{"content"{blank}:[{parts}]}}],
                "tools":[{{"function":{{"description":"{text}","parameters":{{"x"{blank}:"{note}"}}}}}}],"prompt":{ids:?}}}"#
            )
        },
    )
}
