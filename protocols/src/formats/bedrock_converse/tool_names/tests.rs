#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use proptest::prelude::*;

use super::*;

#[test]
fn names_that_fit_stay_and_others_come_back() {
    let mut names = ToolNames::default();
    for name in ["get_weather", "a-b", &"x".repeat(64)] {
        assert_eq!(names.wire_name(Text::Plain(name)), name);
        assert_eq!(names.client_name(Text::Plain(name)), Text::Plain(name));
    }
    let long = "x".repeat(65);
    let mut seen = Vec::new();
    for name in [
        "mcp.server/tool",
        "mcp_server.tool",
        "wetter_für",
        "",
        &long,
    ] {
        let wire = names.wire_name(Text::Plain(name)).into_owned();
        assert!(wire.len() <= 64, "{wire}");
        assert!(!seen.contains(&wire), "{wire}");
        assert_eq!(names.wire_name(Text::Plain(name)), wire);
        let escaped = Text::Escaped(&wire);
        assert_eq!(names.client_name(escaped), Text::Plain(name));
        seen.push(wire);
    }
    let unknown = Text::Plain("invented_by_the_model");
    assert_eq!(names.client_name(unknown), unknown);
}

/// Values from the algorithm's specification.
#[test]
fn the_hash_is_fnv1a() {
    assert_eq!(fnv1a(""), 0xcbf2_9ce4_8422_2325);
    assert_eq!(fnv1a("a"), 0xaf63_dc4c_8601_ec8c);
    assert_eq!(fnv1a("foobar"), 0x8594_4171_f739_67e8);
}

#[test]
fn ids_that_fit_stay() {
    for id in ["call_1", "toolu_01.a:b-c", "tooluse_kZJMlvQmRJ6eAyJE5GIl7Q"] {
        assert_eq!(tool_use_id(Cow::Borrowed(id)), id);
    }
    assert_ne!(tool_use_id("a|b".into()), tool_use_id("a/b".into()));
}

proptest! {
    #[test]
    fn every_id_becomes_one_that_converse_takes(id in ".{0,100}") {
        let sent = tool_use_id(Cow::Borrowed(&id));
        let fits = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
        prop_assert!((1..=64).contains(&sent.len()), "{sent}");
        prop_assert!(sent.chars().all(fits), "{sent}");
    }
}
