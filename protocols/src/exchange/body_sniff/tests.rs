#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn errors_in_the_clothes_of_success() {
    let table = [
        ("", BodySniff::Empty),
        (" \n", BodySniff::Empty),
        ("[]", BodySniff::NotAnObject),
        ("<html>", BodySniff::NotAnObject),
        ("{}", BodySniff::Success),
        (r#"{"error":{"message":"x"}}"#, BodySniff::Error),
        (r#"{"error":"x"}"#, BodySniff::Error),
        (r#"{"error": {"message":"#, BodySniff::Error),
        (r#"{"error": "#, BodySniff::Error),
        (r#"{"id":"r","error":{"message":"x"}}"#, BodySniff::Error),
        (r#"{"object":"error","message":"x"}"#, BodySniff::Error),
        (
            r#"{"type":"error","error":{"type":"overloaded_error"}}"#,
            BodySniff::Error,
        ),
        (r#"{"error":null,"choices":[]}"#, BodySniff::Success),
        (
            r#"{"id":"r","object":"response","error":null}"#,
            BodySniff::Success,
        ),
        (
            r#"{"type":"message","content":[{"type":"error"}]}"#,
            BodySniff::Success,
        ),
        (r#"{"choices":[{"error":1}],"mess"#, BodySniff::Success),
        (r#"{"text":"\"error\":1"}"#, BodySniff::Success),
    ];
    for (body, expected) in table {
        assert_eq!(sniff(body.as_bytes()), expected, "{body}");
    }
}

#[test]
fn metadata_goes_first() {
    let table = [
        (
            "{\"a\":1}",
            Some("{\"p\":1}"),
            "{\"keeptrusts_metadata\":{\"p\":1},\"a\":1}",
        ),
        ("{ }", Some("{}"), "{\"keeptrusts_metadata\":{} }"),
        (
            "{\n \"a\":1}",
            Some("{}"),
            "{\"keeptrusts_metadata\":{},\n \"a\":1}",
        ),
        ("{\"a\"", Some("{}"), "{\"keeptrusts_metadata\":{},\"a\""),
        ("{\"a\":1}", None, "{\"a\":1}"),
        ("{}", None, "{}"),
        // Another gateway's metadata is removed, whether or not ours is added.
        (
            "{\"keeptrusts_metadata\":{\"p\":[\"}\"]},\"a\":1}",
            Some("{}"),
            "{\"keeptrusts_metadata\":{},\"a\":1}",
        ),
        (
            "{ \"keeptrusts_metadata\" : {} , \"a\":1}",
            None,
            "{ \"a\":1}",
        ),
        (
            "{\"keeptrusts_metadata\":{\"p\":1}}",
            Some("{\"q\":1}"),
            "{\"keeptrusts_metadata\":{\"q\":1}}",
        ),
        // Only if it is visible in full.
        (
            "{\"keeptrusts_metadata\":{\"p\"",
            None,
            "{\"keeptrusts_metadata\":{\"p\"",
        ),
    ];
    for (response, metadata, expected) in table {
        let mut out = Vec::new();
        write_with_metadata(response.as_bytes(), metadata, &mut out);
        assert_eq!(std::str::from_utf8(&out), Ok(expected));
    }
}
