//! `docs/content-policies.md` names every category, list and result.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use guardrails::Outcome;

#[test]
fn the_page_names_every_category_list_and_result() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/content-policies.md")).unwrap();
    for category in policy::CONTENT_CATEGORIES {
        let row = format!("| `{}` |", category.name());
        assert!(page.contains(&row), "{row}");
    }
    for result in [
        Outcome::Recorded,
        Outcome::Passed,
        Outcome::Flagged,
        Outcome::Redacted,
        Outcome::Blocked,
        Outcome::NotJudged,
    ] {
        assert!(page.contains(&format!("`{}`", result.name())), "{result:?}");
    }
    for list in std::fs::read_dir(root.join("guardrails/data")).unwrap() {
        let name = list.unwrap().file_name().into_string().unwrap();
        assert!(
            page.contains(&format!("`guardrails/data/{name}`")),
            "{name}"
        );
    }
}
