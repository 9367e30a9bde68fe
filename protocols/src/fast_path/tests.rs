#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::sse::SseParser;

/// The template recorded from the first event of `stream`, whose data is `text`.
fn after(mut stream: &[u8]) -> DeltaTemplate {
    let mut parser = SseParser::new();
    let event = parser.next(&mut stream).unwrap().unwrap();
    let mut template = DeltaTemplate::default();
    template.record(&event, 0..event.data.len(), None);
    template
}

#[test]
fn only_an_event_in_one_piece_is_learned() {
    for (event, is_learned) in [
        ("data: text\n\n", true),
        ("event: e\ndata: text\n\n", true),
        ("event: e\r\ndata:text\r\n\r\n", true),
        ("data: te\ndata: xt\n\n", false),
        ("data: text\nevent: e\n\n", false),
        ("data: text\r\r", false),
        ("data: text\n\r\n", false),
        ("\u{feff}data: text\n\n", false),
    ] {
        let told = after(event.as_bytes()).match_prefix(event.as_bytes());
        assert_eq!(told.is_some(), is_learned, "{event:?}");
    }
}

#[test]
fn events_are_told_one_after_the_other() {
    let template = after(b"data: a\n\n");
    let mut rest = "data: b\n\ndata: \u{e9}\\\"\n\ndata: c\n".as_bytes();
    let mut texts = Vec::new();
    while let Some(matched) = template.match_prefix(rest) {
        texts.push(matched.text);
        rest = matched.rest;
    }
    assert_eq!(texts, ["b", "\u{e9}\\\""]);
    assert_eq!(rest, b"data: c\n");
}

#[test]
fn every_byte_of_what_is_around_the_text_counts() {
    let prefix: Vec<u8> = (0..30).collect();
    for length in 0..prefix.len() {
        let prefix = &prefix[..length];
        let bytes = [prefix, b"behind"].concat();
        assert_eq!(behind(&bytes, prefix), Some(&b"behind"[..]));
        for at in 0..length {
            let mut other = bytes.clone();
            other[at] ^= 0x80;
            assert_eq!(behind(&other, prefix), None, "byte {at} of {length}");
            assert_eq!(behind(&bytes[..at], prefix), None, "{at} of {length}");
        }
    }
}
