#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::body_edit::applied;

#[test]
fn only_what_anthropic_did_not_sign_is_cut() {
    for (messages, left) in [
        (
            r#"[{"role":"assistant","content":[{"type":"thinking","thinking":"a","signature":""}, {"type":"text","text":"b"}]}]"#,
            r#"[{"role":"assistant","content":[{"type":"text","text":"b"}]}]"#,
        ),
        (
            r#"[{"content":[{"signature":"kt-signature:x","type":"thinking"},{"type":"thinking"},{"type":"text"},{"type":"thinking","signature":null}]}]"#,
            r#"[{"content":[{"type":"text"}]}]"#,
        ),
        // The whole message would become empty.
        (
            r#"[{"role":"user","content":"x"},{"content":[{"type":"thinking","signature":""}]},{"role":"user","content":"y"}]"#,
            r#"[{"role":"user","content":"x"},{"role":"user","content":"y"}]"#,
        ),
    ] {
        let body = format!("{{\"thinking\":{{\"type\":\"enabled\"}},\"messages\":{messages}}}");
        let edited = applied(body.as_bytes(), &removals(body.as_bytes()).unwrap());
        let expected = format!("{{\"thinking\":{{\"type\":\"enabled\"}},\"messages\":{left}}}");
        assert_eq!(String::from_utf8(edited).unwrap(), expected);
    }
}

#[test]
fn all_else_passes_as_it_came() {
    for body in [
        r#"{"messages":[{"content":[{"type":"thinking","thinking":"a","signature":"EqQB"},{"type":"redacted_thinking","data":"x"}]}]}"#,
        r#"{"messages":[{"content":[{"type":"thinking","thinking":"only"}]}]}"#,
        r#"{"messages":[{"content":"\"thinking\""},{"content":"thinking"}],"system":"\"thinking\""}"#,
        r#"{"messages":"thinking","thinking":{"type":"disabled"}}"#,
        r#"{"thinking":1,"messages":[1,[],{"content":[1,"thinking"]}]}"#,
    ] {
        assert_eq!(removals(body.as_bytes()), Ok(Vec::new()), "{body}");
    }
}
