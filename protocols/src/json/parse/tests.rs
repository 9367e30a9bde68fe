#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[derive(Debug, PartialEq, Deserialize)]
struct Point {
    x: u32,
    y: Option<u32>,
}

#[test]
fn a_struct_is_an_object_to_its_end() {
    let point = |x, y| Some(Point { x, y });
    for (text, read) in [
        (r#"{"x":1,"y":2}"#, point(1, Some(2))),
        (r#" {"x":1,"z":[]} "#, point(1, None)),
        ("[1,2]", None),
        (r#"{"x":1}}"#, None),
        (r#"{"y":1}"#, None),
    ] {
        assert_eq!(parse(text.as_bytes()).ok(), read, "{text}");
    }
    assert!(parse::<String>(b"\"\xFF\"").is_err());
}
