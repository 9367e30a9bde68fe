#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn names_are_clean_and_never_repeat() {
    let mut names = DocumentNames::default();
    let long = "a".repeat(300);
    for (wanted, expected) in [
        (None, "document".to_owned()),
        (Some(""), "document (2)".to_owned()),
        (
            Some("Report_2024.final.pdf"),
            "Report 2024 final pdf".to_owned(),
        ),
        (Some("  a   b/../c\n"), "a b c".to_owned()),
        (Some("x (1) [y]-z"), "x (1) [y]-z".to_owned()),
        (Some("日本語"), "document (3)".to_owned()),
        (Some(&long), "a".repeat(200)),
        (Some(&long), format!("{} (2)", "a".repeat(196))),
    ] {
        assert_eq!(names.next(wanted.map(Text::Plain)), expected, "{wanted:?}");
    }
}
