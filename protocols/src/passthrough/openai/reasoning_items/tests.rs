#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::body_edit::applied;

#[test]
fn only_items_with_our_mark_are_cut() {
    for (input, left) in [
        (
            r#"[{"role":"user","content":"x"},{"type":"reasoning","summary":[],"encrypted_content":"kt-signature:s"},{"type":"message"}]"#,
            r#"[{"role":"user","content":"x"},{"type":"message"}]"#,
        ),
        (
            r#"[{"type":"reasoning","encrypted_content":"gAAAA"},{"role":"user","content":"kt-signature:"}]"#,
            r#"[{"type":"reasoning","encrypted_content":"gAAAA"},{"role":"user","content":"kt-signature:"}]"#,
        ),
        (r#""kt-signature:""#, r#""kt-signature:""#),
    ] {
        let body = format!("{{\"model\":\"m\",\"input\":{input}}}");
        let edited = applied(body.as_bytes(), &removals(body.as_bytes()).unwrap());
        let expected = format!("{{\"model\":\"m\",\"input\":{left}}}");
        assert_eq!(String::from_utf8(edited).unwrap(), expected);
    }
}
