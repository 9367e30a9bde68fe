#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn only_a_fence_around_the_whole_answer_is_taken_off() {
    for (text, expected) in [
        ("```json\n{\"a\": 1}\n```", "{\"a\": 1}"),
        (" \n```JSON \r\n{\"a\":\n 1}\n``` \n", "{\"a\":\n 1}"),
        ("```\n{}\n```\n", "{}"),
        ("```json\n{\"a\": \"```\"}\n```", "{\"a\": \"```\"}"),
        // Truncated inside the fence.
        ("```json\n{\"a\": ", "{\"a\": "),
        ("{\"a\": 1}\n", "{\"a\": 1}\n"),
        ("  {}", "  {}"),
        ("```python\nprint()\n```", "```python\nprint()\n```"),
        ("``", "``"),
        ("", ""),
        (
            "```json\n{}\n```\nThere you are.",
            "{}\n```\nThere you are.",
        ),
    ] {
        for size in [1, 2, 3, 100] {
            let mut fence = MarkdownFence::default();
            let characters: Vec<char> = text.chars().collect();
            let mut out = String::new();
            for piece in characters.chunks(size) {
                out.push_str(&fence.push(&piece.iter().collect::<String>()));
            }
            out.push_str(&fence.finish());
            assert_eq!(out, expected, "{text:?} in pieces of {size}");
        }
    }
}

#[test]
fn what_is_kept_back_is_bounded() {
    for opening in ["", "```json\n"] {
        let mut fence = MarkdownFence::default();
        fence.push(opening);
        for _ in 0..1000 {
            fence.push(" \n");
            assert!(fence.held.len() <= MAX_CLOSING_BYTES + 2);
        }
    }
}
