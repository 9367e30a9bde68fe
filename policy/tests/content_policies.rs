//! Content filters: what their settings mean, and what lint says of the wrong ones.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use policy::{
    CONTENT_CATEGORIES, Code, ContentCategory, ContentPolicyKind, Moderation, OnModerationError,
    PolicyAction, TargetId, load,
};

const PROVIDERS: &str = "providers: [{id: a, provider: openai, secret_key_ref: {env: A}}]\n";

fn with(config: &str) -> String {
    format!("{PROVIDERS}policies:\n- {{type: content_filter, config: {config}}}\n")
}

fn content_filter(config: &str) -> (Vec<ContentCategory>, PolicyAction, Option<Moderation>) {
    let loaded = load(&with(config));
    let policy = loaded
        .policy
        .unwrap_or_else(|| panic!("{config}: {:?}", loaded.findings));
    match policy.content_policies.into_iter().next().unwrap().kind {
        ContentPolicyKind::ContentFilter {
            categories,
            action,
            moderation,
        } => (categories, action, moderation),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_category_is_known_by_its_name_in_either_spelling() {
    for category in CONTENT_CATEGORIES {
        for name in [
            category.name().to_owned(),
            category.name().replace('_', "-"),
            category.name().to_uppercase(),
        ] {
            let (categories, action, moderation) =
                content_filter(&format!("{{categories: [{name}]}}"));
            assert_eq!(categories, [category], "{name}");
            assert_eq!((action, moderation), (PolicyAction::Flag, None));
        }
    }
}

#[test]
fn a_moderation_target_has_defaults() {
    let (categories, action, moderation) =
        content_filter("{action: block, moderation: {target: a}}");
    assert!(categories.is_empty());
    assert_eq!(action, PolicyAction::Block);
    let expected = Moderation {
        target: TargetId(0),
        model: None,
        timeout_ms: 2_000,
        on_error: OnModerationError::Allow,
    };
    assert_eq!(moderation, Some(expected.clone()));

    let (_, _, moderation) = content_filter(
        "{moderation: {provider: a, model: omni-moderation-latest, timeout_ms: 1s, on_error: block}}",
    );
    let given = Moderation {
        model: Some("omni-moderation-latest".to_owned()),
        timeout_ms: 1_000,
        on_error: OnModerationError::Block,
        ..expected
    };
    assert_eq!(moderation, Some(given));
}

#[test]
fn what_cannot_be_is_found_where_it_stands() {
    let rows = [
        (
            "{categories: [hate, violense]}",
            "policies[0].config.categories[1]",
            "unknown category `violense`",
            Some("did you mean `violence`?"),
        ),
        (
            "{categories: [spam]}",
            "policies[0].config.categories[0]",
            "unknown category `spam`",
            Some("known are hate, violence"),
        ),
        (
            "{categories: [hate, HATE]}",
            "policies[0].config.categories[1]",
            "`HATE` is listed twice",
            None,
        ),
        (
            "{categories: []}",
            "policies[0].config.categories",
            "at least one category",
            None,
        ),
        (
            "{action: block}",
            "policies[0].config.categories",
            "needs `categories`, or a `moderation` target",
            None,
        ),
        (
            "{moderation: {model: m}}",
            "policies[0].config.moderation.target",
            "`moderation` needs a `target`",
            None,
        ),
        (
            "{moderation: {target: b}}",
            "policies[0].config.moderation.target",
            "no target has the id `b`",
            None,
        ),
        (
            "{categories: [pii], action: redact, moderation: {target: a}}",
            "policies[0].config.moderation",
            "does not say where it found something",
            None,
        ),
        (
            "{moderation: {target: a, on_error: alow}}",
            "policies[0].config.moderation.on_error",
            "`allow` or `block`",
            Some("did you mean `allow`?"),
        ),
    ];
    for (config, path, message, suggestion) in rows {
        let loaded = load(&with(config));
        let [finding] = loaded.findings.as_slice() else {
            panic!("{config}: {:?}", loaded.findings)
        };
        let code = if message.contains("no target") {
            Code::E101
        } else {
            Code::E109
        };
        assert_eq!(
            (finding.code, finding.path.as_str()),
            (code, path),
            "{config}"
        );
        assert!(finding.message.contains(message), "{}", finding.message);
        if let Some(suggestion) = suggestion {
            let found = finding.suggestion.as_deref().unwrap_or_default();
            assert!(found.contains(suggestion), "{found}");
        }
    }
}
