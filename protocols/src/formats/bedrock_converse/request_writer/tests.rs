#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn white_space_goes_only_between_values() {
    for (json, expected) in [
        ("{ \"a b\" : [ 1 ,\n\t2.50 ] }", "{\"a b\":[1,2.50]}"),
        (
            r#"[ "\\" , "\" \\\" " , " é " ]"#,
            r#"["\\","\" \\\" "," é "]"#,
        ),
    ] {
        assert_eq!(compact(json), expected);
    }
}
