#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::format::ClientFormat::ChatCompletions;
use crate::request_info::{self, RequestInfo};

/// Feeds `body` in chunks of these lengths, repeating them. Returns `None` if it must be read whole.
fn elided(body: &[u8], ends: usize, pieces: &[usize]) -> Option<ElidedBody> {
    let mut elided = ElidedBody::keeping(ends);
    let mut lengths = pieces.iter().cycle();
    // A chunk may end inside a character or escape sequence; then the next one is longer.
    let mut left_over = 0;
    while elided.taken() < body.len() {
        let before = elided.taken();
        let length = lengths.next().unwrap() + left_over;
        let piece = &body[before..body.len().min(before + length)];
        if !elided.take(piece) {
            return None;
        }
        let taken = elided.taken() - before;
        left_over = piece.len() - taken;
        if taken == 0 && before + piece.len() == body.len() {
            return None;
        }
    }
    Some(elided)
}

fn shortened(body: &str, ends: usize) -> String {
    let elided = elided(body.as_bytes(), ends, &[body.len()]).unwrap();
    String::from_utf8(elided.body().text().to_vec()).unwrap()
}

#[test]
fn the_ends_of_strings_are_kept() {
    let numbers = "0123456789".repeat(10);
    let accents = "é".repeat(50);
    let unchanged = [
        format!(r#"{{"a":"{}"}}"#, "0123456789".repeat(3)),
        String::from("[1, 2, 3, true, null, -1.5e3]"),
        // The end of a sequence cannot be found from its middle.
        format!("[\"{}\"]", r"\n".repeat(100)),
        format!("[\"{}\"]", r"\u0061".repeat(100)),
    ];
    for body in unchanged {
        assert_eq!(shortened(&body, 16), body);
    }
    // The head is a little longer, to end at a safe position.
    let ends = format!("{}{}", &numbers[..28], &numbers[84..]);
    let table = [
        (
            format!(r#"{{"a":"{numbers}"}}"#),
            format!(r#"{{"a":"{ends}"}}"#),
        ),
        (
            format!(r#"["{numbers}\"\\\n{numbers}"]"#),
            format!(r#"["{ends}"]"#),
        ),
        (
            format!(r#"["{accents}","b"]"#),
            format!(r#"["{}","b"]"#, "é".repeat(14 + 8)),
        ),
    ];
    for (body, expected) in table {
        assert_eq!(shortened(&body, 16), expected);
    }
}

#[test]
fn a_body_of_megabytes_is_kept_in_kilobytes() {
    let picture = "QUJD".repeat(500_000);
    let document = r"A line of it.\nAnother, with \u00fcmlaut.\n".repeat(50_000);
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{picture}")}},
            {"type": "text", "text": "DOCUMENT"},
        ]},
    ]})
    .to_string()
    .replace("DOCUMENT", &document);
    let elided = elided(body.as_bytes(), 2048, &[128 * 1024]).unwrap();
    assert_eq!(elided.taken(), body.len());
    assert!(elided.body().text().len() < 10_000);
    let whole = request_info::scan(ChatCompletions, body.as_bytes()).unwrap();
    let info = request_info::scan(ChatCompletions, elided.body()).unwrap();
    assert_eq!(info.text_bytes, whole.text_bytes);
    assert_eq!(info.required.images, 1);
    assert_eq!(info.last_user_message, None);
}

#[test]
fn what_does_not_become_shorter_is_read_whole() {
    let short = format!("[{}0]", "\"a text\",".repeat(200_000));
    assert!(elided(short.as_bytes(), 2048, &[128 * 1024]).is_none());
    let numbers = format!("[{}0]", "12345,".repeat(300_000));
    assert!(elided(numbers.as_bytes(), 2048, &[128 * 1024]).is_none());
}

#[test]
fn nothing_wrong_hides_in_what_is_left_out() {
    let plain = "x".repeat(100);
    let table: &[&[u8]] = &[
        b"\n",
        b"\x1f",
        b"\\x",
        b"\\u12g4",
        b"\\u12",
        b"\xff",
        b"\xc3",
        b"\xed\xa0\x80",
    ];
    for wrong in table {
        let mut body =
            format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{plain}"#).into_bytes();
        body.extend_from_slice(wrong);
        body.extend_from_slice(plain.as_bytes());
        body.extend_from_slice(b"\"}]}");
        assert!(request_info::scan(ChatCompletions, &body[..]).is_err());
        for piece in [1, 7, body.len()] {
            assert!(elided(&body, 16, &[piece]).is_none(), "{wrong:?}, {piece}");
        }
    }
}

#[test]
fn a_name_is_not_told_from_its_ends() {
    let long = "x".repeat(100);
    for member in [
        r#""metadata":{"session_id":"LONG"},"model":"m""#,
        r#""model":"LONG""#,
    ] {
        let body = format!(r#"{{{member},"messages":[]}}"#).replace("LONG", &long);
        assert!(request_info::scan(ChatCompletions, body.as_bytes()).is_ok());
        let elided = elided(body.as_bytes(), 16, &[40]).unwrap();
        assert!(request_info::scan(ChatCompletions, elided.body()).is_err());
    }
}

// There is no clock on wasm32-unknown-unknown.
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
#[test]
fn time_grows_with_length_and_no_faster() {
    for unit in ["a", r"\\", r"\u0061", "é", r#"","#] {
        crate::translator::assert_linear(
            |length| format!("[\"{}\"]", unit.repeat(length)),
            |text| {
                elided(text.as_bytes(), 2048, &[4096]);
            },
        );
    }
}

/// Strings as JSON spells them: long and short, with and without escapes.
fn text() -> impl Strategy<Value = String> {
    let unit = prop_oneof![
        Just("a"),
        Just("é"),
        Just("😀"),
        Just(r"\n"),
        Just(r"\\"),
        Just(r#"\""#),
        Just(r"\u00e9"),
        Just(r"\ud83d\ude00"),
        Just("All work and no play. "),
    ];
    proptest::collection::vec((unit, 1_usize..40), 0..6).prop_map(|units| {
        units
            .into_iter()
            .map(|(unit, count)| unit.repeat(count))
            .collect()
    })
}

/// A request that has every member that is read.
fn request() -> impl Strategy<Value = String> {
    proptest::collection::vec(text(), 8).prop_map(|texts| {
        let [a, b, c, d, e, f, g, h] = &texts[..] else { unreachable!() };
        format!(
            r#"{{"messages":[{{"role":"system","content":"{a}"}},{{"role":"user","content":[{{"type":"text","text":"{b}"}},
            {{"type":"image_url","image_url":{{"url":"{c}"}}}}]}},{{"role":"assistant","tool_calls":[{{"arguments":"{d}"}}]}},
            {{"role":"user","content":"{e}"}}],"{f}":"{g}", "model" : "gr\u0061nd" ,"tools":[{{"description":"{h}"}}],
            "max_tokens":3,"stream":true}}"#
        )
    })
}

fn ends<'a>(body: Body<'a>, span: &Range<usize>, ends: usize) -> (&'a [u8], &'a [u8]) {
    let text = &body.text()[span.clone()];
    let ends = ends.min(text.len());
    (&text[..ends], &text[text.len() - ends..])
}

proptest! {
    #[test]
    fn facts_are_those_of_the_whole_body(
        body in request(),
        kept in 0_usize..60,
        pieces in proptest::collection::vec(1_usize..200, 1..5),
    ) {
        let elided = elided(body.as_bytes(), kept, &pieces).unwrap();
        prop_assert_eq!(elided.taken(), body.len());
        let (short, whole) = (elided.body(), Body::from(body.as_bytes()));
        let info = request_info::scan(ChatCompletions, short).unwrap();
        let expected = request_info::scan(ChatCompletions, whole).unwrap();
        prop_assert_eq!(short.length(&info.conversation_start_span), expected.conversation_start_span.len());
        prop_assert_eq!(ends(short, &info.conversation_start_span, kept), ends(whole, &expected.conversation_start_span, kept));
        if info.last_user_message.is_some() {
            prop_assert_eq!(&info.last_user_message, &expected.last_user_message);
        }
        let start = short.start();
        prop_assert_eq!(start, &body.as_bytes()[..start.len()]);
        let spans_aside = |info: RequestInfo<'_>| RequestInfo {
            conversation_start_span: 0..0,
            last_user_message: None,
            model: info.model.into_owned().into(),
            conversation_id: None,
            ..info
        };
        prop_assert_eq!(format!("{:?}", spans_aside(info)), format!("{:?}", spans_aside(expected)));
    }

    #[test]
    fn what_is_accepted_abridged_is_accepted_whole(
        middle in r#"["\\u0-9a-f\n{}:, é]{0,120}"#,
        kept in 0_usize..20,
        pieces in proptest::collection::vec(1_usize..40, 1..5),
    ) {
        let body = format!(r#"{{"model":"m","messages":[],"x":"{middle}"}}"#);
        let whole = request_info::scan(ChatCompletions, body.as_bytes());
        match elided(body.as_bytes(), kept, &pieces) {
            Some(elided) => {
                let info = request_info::scan(ChatCompletions, elided.body());
                prop_assert_eq!(info.is_ok(), whole.is_ok(), "{}", body);
            }
            None => prop_assert!(whole.is_err(), "{}", body),
        }
    }
}
