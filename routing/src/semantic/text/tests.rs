#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn stop_words_are_sorted_for_the_search() {
    assert!(STOP_WORDS.is_sorted());
}

#[test]
fn forms_of_a_word_have_one_stem() {
    for forms in [
        ["order", "orders", "ordered"],
        ["translate", "translating", "translation"],
        ["query", "queries", "query"],
        ["class", "class", "class"],
    ] {
        assert!(
            forms.iter().all(|form| stem(form) == stem(forms[0])),
            "{forms:?}"
        );
    }
}

#[test]
fn words_of_scripts_without_blanks_are_their_signs() {
    let found: Vec<String> = words("写一个Python函数, d'accord").collect();
    assert_eq!(
        found,
        ["写", "一", "个", "python", "函", "数", "d", "accord"]
    );
}
