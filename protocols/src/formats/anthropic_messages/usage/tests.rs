#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn later_counts_replace_earlier_ones() {
    let read = |json| serde_json::from_str::<ReceivedUsage>(json).unwrap();
    let mut usage = read(
        r#"{"input_tokens":43,"cache_read_input_tokens":10,"cache_creation_input_tokens":null,"output_tokens":1}"#,
    );
    usage.update(&read(
            r#"{"input_tokens":61,"output_tokens":9,"output_tokens_details":{"thinking_tokens":4},"server_tool_use":null}"#,
        ));
    usage.update(&read(
        r#"{"output_tokens":"many","output_tokens_details":7}"#,
    ));
    let expected = Usage {
        // 61 uncached + 10 read
        prompt: 71,
        completion: 9,
        cached: 10,
        cache_written: 0,
        reasoning: 4,
    };
    assert_eq!(usage.total(), expected);
}
