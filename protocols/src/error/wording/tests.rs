#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::collections::HashSet;

use super::*;
use crate::error::{Fault, classify, classify_in_stream};

/// An OpenAI-shaped body that contains what the row matches.
fn body_of(row: &Wording) -> String {
    let (code, message) = match row.pattern {
        Pattern::Name(name) => (name, String::from("x")),
        Pattern::Is(text) => ("", format!("{text}.")),
        Pattern::Begins(texts) | Pattern::Contains(texts) => ("", texts.join(" … ").to_uppercase()),
        Pattern::Member(pointer) => {
            let member = pointer.rsplit('/').next().unwrap_or_default();
            return serde_json::json!({"error": {"message": "x", "metadata": {member: ["y"]}}})
                .to_string();
        }
    };
    serde_json::json!({"error": {"message": message, "code": code}}).to_string()
}

#[test]
fn every_row_is_reached_and_names_its_source() {
    for row in WORDINGS {
        assert!(row.source.len() > 3, "{row:?}");
        let body = body_of(row);
        if row.rank == Rank::VagueName {
            assert_eq!(
                classify_in_stream("", body.as_bytes()).kind,
                row.kind,
                "{row:?}"
            );
            continue;
        }
        let statuses = if row.statuses.is_empty() {
            &[400, 403, 404, 422][..]
        } else {
            row.statuses
        };
        for status in statuses {
            let kind = classify(*status, &[], body.as_bytes()).kind;
            assert_eq!(kind, row.kind, "{status} {row:?}");
        }
    }
}

#[test]
fn no_row_stands_twice_and_sentences_are_lower_case() {
    let mut seen = HashSet::new();
    for row in WORDINGS {
        let pattern = format!("{:?}", row.pattern).to_ascii_lowercase();
        assert!(seen.insert(pattern), "{row:?}");
        let texts = match row.pattern {
            Pattern::Name(_) | Pattern::Member(_) => continue,
            Pattern::Is(text) => vec![text],
            Pattern::Begins(texts) | Pattern::Contains(texts) => texts.to_vec(),
        };
        for text in texts {
            assert_eq!(text, text.to_ascii_lowercase());
        }
    }
}

#[test]
fn nobody_can_blame_a_target_by_words_that_are_quoted_back() {
    for row in WORDINGS {
        let (Pattern::Begins(texts) | Pattern::Contains(texts)) = row.pattern else {
            continue;
        };
        let words = texts.join(" ");
        for message in [
            format!("'{words}' is not one of ['low', 'high']"),
            format!("Invalid value: {words}"),
        ] {
            let body =
                serde_json::json!({"error": {"message": message, "type": "invalid_request_error"}});
            for status in [400, 403, 404, 422] {
                let error = classify(status, &[], body.to_string().as_bytes());
                assert_ne!(error.kind.fault(), Fault::Target, "{status} {message}");
            }
        }
    }
}
