#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn only_white_space_between_tokens_goes() {
    for (json, want) in [
        (
            "{ \"a b\" :\n [1,\r\n 2 ],\t\"c\": null }",
            "{\"a b\":[1,2],\"c\":null}",
        ),
        (r#"{"a\\" : "\" b\\\" "}"#, r#"{"a\\":"\" b\\\" "}"#),
        ("\"\u{2028} é\"", "\"\u{2028} é\""),
    ] {
        assert_eq!(on_one_line(json), want);
        let read = serde_json::from_str::<serde_json::Value>;
        assert_eq!(read(json).unwrap(), read(want).unwrap());
    }
}

#[test]
fn a_field_that_comes_twice_counts_once_and_others_have_their_defaults() {
    let mut echo = EchoedFields::default();
    for (name, value) in [("user", "\"a\""), ("user", "\"b\""), ("input", "\"x\"")] {
        echo.keep_json(name, value);
    }
    let mut out = Vec::new();
    Writer::new(&mut out).object(|w| echo.write(w));
    let out = String::from_utf8(out).unwrap();
    assert!(
        out.contains("\"user\":\"b\"") && out.contains("\"tools\":[]"),
        "{out}"
    );
    assert!(!out.contains("input\":\"x"), "{out}");
}
