#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use unicode_normalization::UnicodeNormalization;

use super::*;

fn read(char: char) -> Option<String> {
    Some(match ascii(char)? {
        Lookalike::One(ascii) => ascii.to_string(),
        Lookalike::Several(text) => text.to_owned(),
    })
}

#[test]
fn compatible_characters_are_read_as_unicode_says() {
    let mut checked = 0;
    for char in '\u{80}'..=char::MAX {
        let once: String = char.nfkc().flat_map(char::to_lowercase).collect();
        let folded: String = once.nfkc().collect();
        let stays = char.to_lowercase().eq(folded.chars());
        let has_letters = folded.chars().any(|char| char.is_ascii_alphanumeric());
        if stays
            || char.is_whitespace()
            || !folded.is_ascii()
            || folded.contains(' ')
            || !has_letters
        {
            continue;
        }
        assert_eq!(read(char), Some(folded), "U+{:04X}", u32::from(char));
        checked += 1;
    }
    assert!(checked > 1_200, "{checked}");
}

#[test]
fn other_styles_and_scripts_are_read_too() {
    for (disguised, plain) in [
        ("ｋｉｌｌ＠４．", "kill@4."),
        ("𝐤𝑖𝓵𝕝𝔎𝕶𝖐𝗸𝘬𝙠𝚔", "killkkkkkkk"),
        ("ℂℍ𝔥ⅈⅦ℡", "chhiviitel"),
        ("ⓀⓘⓁⓛ⑷⒏⑫", "kill(4)8.12"),
        ("🄺🅺🅚🇰⒦", "kkkk(k)"),
        ("⁴²₁¹⓿❹➃➍", "42110444"),
        ("ᴋɪʟʟᵏⁱˡˡ", "killkill"),
        ("٤١١١۴१৪４", "41114144"),
    ] {
        let read: String = disguised.chars().map(|char| read(char).unwrap()).collect();
        assert_eq!(read, plain, "{disguised}");
    }
    for char in "éßЖ中あ한😀–“…".chars() {
        assert_eq!(read(char), None, "{char}");
    }
}

#[test]
fn tables_are_in_order() {
    assert!(RUNS.is_sorted_by(|a, b| a.0 + u32::from(a.1) <= b.0));
    assert!(SEVERAL.is_sorted_by(|a, b| a.0 < b.0));
}
