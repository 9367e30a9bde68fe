use super::*;

fn item(kind: ToolKind, arguments: &str) -> Option<String> {
    let arguments = Text::Plain(arguments);
    let mut out = Vec::new();
    Writer::new(&mut out).object(|w| kind.write_arguments(arguments, w));
    kind.fits(arguments)
        .then(|| String::from_utf8(out).unwrap())
}

#[test]
fn custom_input_survives_the_way_to_the_model_and_back() {
    let literal = r#""a \"quoted\" line\n\té \ud83e\uddea""#;
    let raw: Box<serde_json::value::RawValue> = serde_json::from_str(literal).unwrap();
    let mut json = Vec::new();
    Writer::new(&mut json).joined(custom_arguments(Text::of(&raw).unwrap()));
    let arguments: String = serde_json::from_slice(&json).unwrap();
    let input: String = serde_json::from_str(literal).unwrap();
    assert_eq!(custom_input(Text::Plain(&arguments)), Some(input));
}

#[test]
fn text_in_place_of_arguments_is_the_input_of_a_custom_tool() {
    let patch = "*** Begin Patch";
    assert_eq!(
        item(ToolKind::Custom, patch).unwrap(),
        r#"{"input":"*** Begin Patch"}"#
    );
}

#[test]
fn arguments_become_the_object_that_the_client_runs() {
    assert_eq!(
        item(ToolKind::LocalShell, r#"{"command":["ls"],"timeout_ms":9}"#).unwrap(),
        r#"{"action":{"type":"exec","env":{},"command":["ls"],"timeout_ms":9}}"#
    );
    assert_eq!(
        item(ToolKind::ToolSearch, r#"{"query":"mail"}"#).unwrap(),
        r#"{"execution":"client","arguments":{"query":"mail"}}"#
    );
}

#[test]
fn arguments_that_are_no_object_are_never_an_empty_one() {
    for kind in [ToolKind::LocalShell, ToolKind::Shell, ToolKind::ApplyPatch] {
        assert_eq!(item(kind, "{\"command\": "), None);
    }
}

#[test]
fn names_of_a_family_have_one_separator() {
    let joined = |namespace| {
        let mut out = Vec::new();
        let pieces = name_in_namespace(namespace, Text::Plain("close"));
        Writer::new(&mut out).joined(pieces);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(joined(None), "\"close\"");
    assert_eq!(joined(Some(Text::Plain("agents"))), "\"agents__close\"");
    assert_eq!(joined(Some(Text::Plain("mcp__x__"))), "\"mcp__x__close\"");
}
