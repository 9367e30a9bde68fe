#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn names_are_bounded_and_printable() {
    let longest = "é".repeat(MAX_NAME_BYTES / 2);
    for name in ["", "gpt-4o", "org/model:free", "a b", "modèle", &longest] {
        assert_eq!(check_name(name), Ok(()), "{name}");
    }
    let too_long = format!("{longest}x");
    assert_eq!(check_name(&too_long), Err(InvalidName::TooLong(513)));
    for control in ('\0'..='\u{1f}').chain('\u{7f}'..='\u{9f}') {
        let found = check_name(&format!("gpt{control}"));
        assert_eq!(found, Err(InvalidName::ControlCharacter(control)));
    }
    let message = InvalidName::ControlCharacter('\r').to_string();
    assert!(message.ends_with("found U+000D"), "{message}");
}
