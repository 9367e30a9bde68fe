use super::*;

#[test]
fn only_our_own_mark_is_a_signature() {
    for (content, want) in [
        ("kt-signature:s=", Some("s=")),
        ("gAAAAA", None),
        ("kt-signature:", None),
    ] {
        let found = signature(Text::Escaped(content)).and_then(Text::decode);
        assert_eq!(found.as_deref(), want, "{content}");
    }
}
