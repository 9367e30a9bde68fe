#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::json;

use super::*;

#[test]
fn openais_names() {
    let table = [
        (
            json!({"prompt_tokens": 15, "completion_tokens": 78, "total_tokens": 93,
                    "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 2},
                    "completion_tokens_details": {"reasoning_tokens": 64}}),
            Some(Usage {
                prompt: 15,
                completion: 78,
                cached: 5,
                cache_written: 2,
                reasoning: 64,
            }),
        ),
        (
            json!({"input_tokens": 15, "output_tokens": 78, "input_tokens_details": {"cached_tokens": 5},
                    "output_tokens_details": {"reasoning_tokens": 64}}),
            Some(Usage {
                prompt: 15,
                completion: 78,
                cached: 5,
                cache_written: 0,
                reasoning: 64,
            }),
        ),
        (
            json!({"prompt_tokens": 8, "total_tokens": 8}),
            Some(Usage {
                prompt: 8,
                ..Usage::default()
            }),
        ),
        (
            json!({"prompt_tokens": 8.0, "completion_tokens": null, "prompt_tokens_details": null}),
            Some(Usage {
                prompt: 8,
                ..Usage::default()
            }),
        ),
        (
            json!({"prompt_tokens": 8, "completion_tokens": 1, "prompt_cache_hit_tokens": 3}),
            Some(Usage {
                prompt: 8,
                completion: 1,
                cached: 3,
                ..Usage::default()
            }),
        ),
        (
            json!({"prompt_tokens": 8, "total_tokens": 37, "completion_tokens_details": {"reasoning_tokens": 29}}),
            Some(Usage {
                prompt: 8,
                completion: 29,
                reasoning: 29,
                ..Usage::default()
            }),
        ),
        (json!({"prompt_tokens": -1}), None),
        (json!({}), None),
        (json!(null), None),
    ];
    for (value, expected) in table {
        assert_eq!(
            Usage::from_openai(value.to_string().as_bytes()),
            expected,
            "{value}"
        );
    }
}

#[test]
fn anthropics_counts_are_set_and_never_added() {
    let mut counts = AnthropicUsage::default();
    assert_eq!(counts.usage(), None);
    counts.update(&json!({"input_tokens": 9, "cache_read_input_tokens": 1, "output_tokens": 1}));
    counts.update(&json!({"output_tokens": 20, "cache_creation_input_tokens": 4}));
    counts.update(&json!({"output_tokens": 42, "input_tokens": null}));
    // 9 uncached + 1 read + 4 written
    assert_eq!(
        counts.usage(),
        Some(Usage {
            prompt: 14,
            completion: 42,
            cached: 1,
            cache_written: 4,
            reasoning: 0
        })
    );
}
