#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn a_request_names_model_and_texts() {
    assert_eq!(
        request("text-embedding-3-small", &["a \"b\"", "ü"]),
        r#"{"model":"text-embedding-3-small","input":["a \"b\"","ü"]}"#.as_bytes()
    );
}

#[test]
fn vectors_come_in_the_order_of_the_texts_or_not_at_all() {
    let two = Some(vec![vec![1.0, 2.0], vec![3.0, 4.0]]);
    for (body, expected) in [
        (
            r#"{"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [1, 2]}, {"index": 1, "embedding": [3, 4]}], "usage": {}}"#,
            two.clone(),
        ),
        (
            r#"{"data": [{"index": 1, "embedding": [3, 4]}, {"index": 0, "embedding": [1, 2]}]}"#,
            two.clone(),
        ),
        (
            r#"{"data": [{"embedding": [1, 2]}, {"embedding": [3, 4]}]}"#,
            two,
        ),
        // Missing, surplus, duplicate, from another model, empty.
        (r#"{"data": [{"index": 0, "embedding": [1, 2]}]}"#, None),
        (
            r#"{"data": [{"embedding": [1]}, {"embedding": [1]}, {"embedding": [1]}]}"#,
            None,
        ),
        (
            r#"{"data": [{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [1]}]}"#,
            None,
        ),
        (
            r#"{"data": [{"embedding": [1, 2]}, {"embedding": [1]}]}"#,
            None,
        ),
        (r#"{"data": [{"embedding": []}, {"embedding": []}]}"#, None),
        (
            r#"{"data": [{"embedding": "AACAPw=="}, {"embedding": [1]}]}"#,
            None,
        ),
        (r#"{"error": {"message": "no"}}"#, None),
        ("no JSON", None),
    ] {
        assert_eq!(vectors(body.as_bytes(), 2), expected, "{body}");
    }
}
