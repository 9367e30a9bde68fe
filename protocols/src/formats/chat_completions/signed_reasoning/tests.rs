use super::*;

fn shown(reasoning: &str, signature: &str) -> Vec<String> {
    let blocks = signed_blocks(Text::Escaped(reasoning), Text::Escaped(signature));
    let blocks = blocks.into_iter();
    let shown = blocks.map(|(place, block)| match block {
        SignedBlock::Thinking {
            thinking,
            signature,
        } => {
            let (thinking, signature) = (thinking.decode().unwrap(), signature.decode().unwrap());
            format!("{place} {thinking:?} {signature}")
        }
        SignedBlock::Redacted(data) => format!("{place} {}", data.decode().unwrap()),
    });
    shown.collect()
}

#[test]
fn one_block_has_its_plain_signature() {
    let signature = SignatureWriter::default().thinking(0, 7, "SIG").unwrap();
    assert_eq!(signature, "SIG");
    assert_eq!(shown("I think", &signature), [r#"0 "I think" SIG"#]);
}

#[test]
fn several_blocks_keep_order_text_and_signatures() {
    let mut writer = SignatureWriter::default();
    let pieces = [
        writer.redacted(0, "RED"),
        writer.thinking(0, 4, "S1"),
        writer.thinking(1, 0, "S2"),
        writer.thinking(2, 6, "S3"),
    ];
    let signature: String = pieces.into_iter().flatten().collect();
    // Escapes of JSON count as the characters that they stand for: \u00e9 is two bytes, the pair four.
    assert_eq!(
        shown("ab\\u00e9\\ud83e\\uddea\\n\\\"", &signature),
        ["0 RED", r#"0 "abé" S1"#, r#"1 "" S2"#, "2 \"🧪\\n\\\"\" S3"]
    );
}

#[test]
fn the_first_block_ends_where_the_others_begin() {
    let mut writer = SignatureWriter::default();
    let pieces = [writer.thinking(0, 3, "S1"), writer.thinking(1, 2, "S2")];
    let signature: String = pieces.into_iter().flatten().collect();
    assert_eq!(
        shown("abcde", &signature),
        [r#"0 "abc" S1"#, r#"1 "de" S2"#]
    );
}

#[test]
fn what_does_not_fit_is_not_replayed() {
    for (text, signature) in [
        ("abc", "|t0,2:S"),
        ("abc", "S|t1,4:S"),
        ("abc", "S|x"),
        ("abc", "kt-thought:S"),
        ("é", "|t0,1:S|t0,1:S"),
        ("abc", ""),
    ] {
        assert_eq!(
            shown(text, signature),
            Vec::<String>::new(),
            "{text} {signature}"
        );
    }
}

#[test]
fn nothing_follows_reasoning_that_cannot_be_replayed() {
    let mut writer = SignatureWriter::default();
    assert_eq!(writer.thinking(0, 3, ""), None);
    assert_eq!(writer.thinking(0, 3, "S"), None);
}

#[test]
fn a_thought_signature_is_found_again() {
    let marked = marked_thought(Text::Plain("SIG"));
    assert_eq!(
        thought(Text::Plain(&marked)).unwrap().decode().unwrap(),
        "SIG"
    );
    assert!(is_own(Text::Plain(&marked)) && thought(Text::Plain("SIG")).is_none());
}
