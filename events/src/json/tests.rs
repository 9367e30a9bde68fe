#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn written(text: &str) -> String {
    let mut out = Vec::new();
    string(&mut out, text);
    String::from_utf8(out).unwrap()
}

#[test]
fn every_character_stands_as_serde_writes_it_wherever_in_a_word_it_is() {
    for character in (0..0x180).filter_map(char::from_u32).chain(['€', '😀']) {
        for before in 0..9 {
            let text = format!("{}{character}{character}tail", "x".repeat(before));
            assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
        }
    }
}
