#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::*;

#[test]
fn short_texts_are_about_right() {
    // Real counts in o200k_base.
    for (text, real) in [
        ("", 0),
        ("Hello", 1),
        ("Hello, world!", 4),
        ("The quick brown fox jumps over the lazy dog.", 10),
        ("1234567890", 4),
    ] {
        let estimate = of_text(text);
        assert!(
            estimate.abs_diff(real) <= 1 + real / 5,
            "{text:?}: {estimate} for {real}"
        );
    }
}

proptest! {
    #[test]
    fn pieces_add_up_to_the_whole(text: String, cut in 0_usize..40) {
        let cut = text.char_indices().nth(cut).map_or(text.len(), |(position, _)| position);
        let (head, tail) = text.split_at(cut);
        let mut tokens = TextTokens::default();
        tokens.push(head);
        tokens.push(tail);
        prop_assert_eq!(tokens.finish(), of_text(&text));
    }

    #[test]
    fn more_text_is_never_fewer_tokens_by_much(text: String, more: String) {
        // A mark may change from a run of its own to one that leads a word.
        prop_assert!(of_text(&(text.clone() + &more)) + 2 >= of_text(&text));
    }
}
