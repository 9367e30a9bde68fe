#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use proptest::prelude::*;

use super::*;

/// `text` as it stands between the quotes when it was written as JSON `times` times.
fn written(text: &str, times: usize) -> String {
    (0..times).fold(text.to_owned(), |text, _| {
        let literal = serde_json::to_string(&text).unwrap();
        literal[1..literal.len() - 1].to_owned()
    })
}

#[test]
fn each_layer_reads_one_more_time() {
    let text = "a\n\"b\\";
    let inside = written(text, 3);
    let layers = Layers::all_of(&inside);
    assert_eq!(layers.text(&inside, 0), inside);
    assert_eq!(layers.text(&inside, 1), written(text, 2));
    assert_eq!(layers.text(&inside, 2), written(text, 1));
    assert_eq!(layers.text(&inside, 3), text);
    assert_eq!(layers.text(&inside, 9), layers.text(&inside, 4));
    let b = text.find('b').unwrap();
    assert_eq!(inside[layers.source(3, b..b + 1)], *"b");
    assert_eq!(inside[layers.source(3, b - 1..b)], *r#"\\\\\\\""#);
}

#[test]
fn the_last_layer_reads_all_that_is_left() {
    for (text, expected) in [
        (r"\\\\\\\\\\\\\\\\\\\\\\n4", "\n4"),
        (r"\u005cu005cu005cu005cu005cu005cu005cn4", "\n4"),
        (r"\\\\\\\\\\\\\\ud83d\\\\\\\\\\\\\\ude00", "😀"),
        (r"\\\\\\\\\\\\\\x\\\\\\\\\", r"\x\"),
        (r"\u005c\u005c", r"\"),
        ("é\\té", "é\té"),
        ("", ""),
        (r"\", r"\"),
    ] {
        let layer = Layer::read_fully(text);
        assert_eq!(layer.text, expected, "{text}");
        let last = expected.char_indices().last();
        if let Some((start, char)) = last {
            let source = layer.map.source(&(start..start + char.len_utf8()));
            assert!(text.ends_with(&text[source]), "{text}");
        }
    }
    let deep = written("\n4", 9);
    let layers = Layers::all_of(&deep);
    assert_eq!(layers.text(&deep, MAX_LAYERS), "\n4");
    assert_eq!(layers.inner(MAX_LAYERS - 1, &(0..1)), None);
}

#[test]
fn half_an_escape_sequence_is_left_out_at_the_front_and_taken_at_the_end() {
    for (inside, span, expected) in [
        (r"\\tjane", "tjane", "jane"),
        (r"\\u0041jane", "u0041jane", "jane"),
        (r"a\\u0041b", "a\\\\u00", r"a\\u0041"),
        (r"a\\\\nb", r"\\nb", "b"),
        (r"a\\\\nb", "nb", "b"),
        (r"a\\n", "n", r"\\n"),
        (r"a\nb", "b", "b"),
        ("abc", "b", "b"),
    ] {
        let start = inside.rfind(span).unwrap();
        let layers = Layers::all_of(inside);
        let aligned = layers.align(start..start + span.len());
        assert_eq!(&inside[aligned], expected, "{span} in {inside}");
    }
}

proptest! {
    /// However often a text was written as JSON, a layer is the text, and each character stands where it was written.
    #[test]
    fn what_was_written_is_read(text in "[a-z\\\\\"\n/é😀\u{7}]{1,8}", times in 1..9_usize) {
        let times = if text.contains('\\') { times.min(MAX_LAYERS - 1) } else { times };
        let inside = written(&text, times);
        let layers = Layers::all_of(&inside);
        let level = times.min(MAX_LAYERS);
        prop_assert_eq!(layers.text(&inside, level), &text);
        let mut at = 0;
        for (start, char) in text.char_indices() {
            let source = layers.source(level, start..start + char.len_utf8());
            prop_assert_eq!(source.start, at);
            prop_assert_eq!(&inside[source.clone()], written(&char.to_string(), times));
            at = source.end;
            // Whole characters stay as they are, except where a deeper layer reads more.
            if !text.contains('\\') {
                prop_assert_eq!(layers.align(source.clone()), source);
            }
        }
        prop_assert_eq!(at, inside.len());
    }

    /// Any text has layers, and any part of it is led back to a part.
    #[test]
    fn any_text_has_layers(text in "[\\\\unbx\"0-9a-fdc8]{1,40}", from: usize, length: usize) {
        let layers = Layers::all_of(&text);
        let from = from % text.len();
        let to = from + 1 + length % (text.len() - from);
        let aligned = layers.align(from..to);
        prop_assert!(aligned.start < aligned.end && aligned.end >= to);
        prop_assert_eq!(layers.align(aligned.clone()), aligned);
    }
}
