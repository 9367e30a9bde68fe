#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::sync::Arc;

use policy::TargetId;
use routing::health::HealthTable;
use routing::latency::LatencySnapshot;
use routing::{
    Budgeted, Plan, PlanError, PolicyIndex, Random, Request, StateSnapshot, StrategyState,
};

use super::*;

/// The conversation of a body with these headers.
fn conversation(headers: &[(&str, &str)], body: &str) -> Conversation {
    let header = |name: &str| {
        let found = headers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    };
    let ingress = Ingress::new(&policy("failover"));
    let parsed = ingress.read(
        ClientFormat::ChatCompletions,
        body.as_bytes(),
        header,
        false,
    );
    parsed.unwrap().conversation
}

fn policy(strategy: &str) -> Policy {
    let text = format!(
        "
providers:
  targets:
    - {{id: anthropic, provider: anthropic, secret_key_ref: {{env: A}}}}
    - {{id: openai, provider: openai, secret_key_ref: {{env: O}}}}
model_groups:
  - name: g
    strategy: {strategy}
    models:
      - {{provider: anthropic, model: claude-sonnet-4, cost_per_1k_input: 1, cost_per_1k_output: 1}}
      - {{provider: openai, model: gpt-4o, cost_per_1k_input: 2, cost_per_1k_output: 2}}
"
    );
    ::policy::load(&text).policy.unwrap()
}

const HELLO: &str = r#"{"model": "g", "messages": [{"role": "user", "content": "Hello"}]}"#;

#[test]
fn the_conversation_is_the_first_that_is_named() {
    let with_body = HELLO.replacen('{', r#"{"metadata": {"session_id": "b"}, "#, 1);
    for (headers, body, source) in [
        (
            vec![("x-session-id", "s"), ("x-conversation-id", "c")],
            with_body.as_str(),
            ConversationSource::Header("x-conversation-id"),
        ),
        (
            vec![("x-session-id", "s")],
            &with_body,
            ConversationSource::Header("x-session-id"),
        ),
        (vec![], &with_body, ConversationSource::Body),
        (vec![], HELLO, ConversationSource::ConversationStart),
    ] {
        assert_eq!(conversation(&headers, body).source, source);
    }
    assert_eq!(
        conversation(&[("x-session-id", "b")], HELLO).id,
        conversation(&[], &with_body).id,
        "the name counts, not where it stands"
    );
}

#[test]
fn a_conversation_without_a_name_is_the_same_through_its_turns_and_another_for_another_key() {
    let later = HELLO.replace(
        "}]",
        r#"}, {"role": "assistant", "content": "Hi"}, {"role": "user", "content": "More"}]"#,
    );
    let key = [("authorization", "Bearer one")];
    assert_eq!(conversation(&key, HELLO), conversation(&key, &later));
    assert_ne!(
        conversation(&key, HELLO),
        conversation(&[("authorization", "Bearer two")], HELLO)
    );
    assert_ne!(
        conversation(&key, HELLO),
        conversation(&key, &HELLO.replace("Hello", "Bye"))
    );
}

#[test]
fn a_long_opening_counts_by_its_length_and_both_ends() {
    let asked = |text: &str| {
        let body =
            format!(r#"{{"model": "g", "messages": [{{"role": "user", "content": "{text}"}}]}}"#);
        conversation(&[], &body).id
    };
    let document = "lorem ipsum ".repeat(1_000);
    let base = asked(&format!("a {document} z"));
    assert_eq!(base, asked(&format!("a {document} z")));
    for other in ["b {} z", "a {} y", "a {} z."] {
        assert_ne!(base, asked(&other.replace("{}", &document)), "{other}");
    }
}

fn plan(policy: Policy, body: &str) -> Result<Plan, PlanError> {
    let ingress = Ingress::new(&policy);
    let index = PolicyIndex::new(Arc::new(policy));
    let parsed = ingress
        .read(
            ClientFormat::ChatCompletions,
            body.as_bytes(),
            |_| None,
            false,
        )
        .unwrap();
    let view = StateSnapshot {
        health: &HealthTable::default(),
        latency: &LatencySnapshot::default(),
        over_budget: &[],
        budgeted: Budgeted::None,
    };
    ingress.plan(&parsed, |request: &Request<'_>| {
        routing::plan::make(
            &index,
            &view,
            &mut StrategyState::default(),
            request,
            &mut Random::seeded(1),
            0,
        )
    })
}

#[test]
fn who_can_say_what_is_asked_for_serves_and_when_nobody_can_all_are_asked() {
    let targets = |plan: Plan| -> Vec<usize> {
        let entries = plan.attempts.into_iter();
        entries.map(|entry| entry.target.0).collect()
    };
    assert_eq!(targets(plan(policy("failover"), HELLO).unwrap()), [0, 1]);
    // Anthropic's format has one choice only.
    let several = HELLO.replacen('{', r#"{"n": 2, "#, 1);
    assert_eq!(targets(plan(policy("failover"), &several).unwrap()), [1]);
    let mut anthropic_alone = policy("failover");
    anthropic_alone.groups[0]
        .members
        .retain(|member| member.target == TargetId(0));
    assert_eq!(targets(plan(anthropic_alone, &several).unwrap()), [0]);
}

#[test]
fn tokens_are_counted_closely_where_plans_depend_on_them() {
    // 40 words of one token each, 239 bytes.
    let body = HELLO.replace("Hello", ["hello"; 40].join(" ").as_str());
    let tokens = |strategy| {
        let ingress = Ingress::new(&policy(strategy));
        let parsed = ingress.read(
            ClientFormat::ChatCompletions,
            body.as_bytes(),
            |_| None,
            false,
        );
        parsed.unwrap().prompt_tokens
    };
    let close = tokens("cost");
    assert!((40..55).contains(&close), "{close}");
    assert_ne!(tokens("failover"), close);
}

#[test]
fn a_header_that_names_no_conversation_is_the_clients_fault() {
    let ingress = Ingress::new(&policy("failover"));
    let too_long = "x".repeat(513);
    for (name, value) in [
        ("x-conversation-id", too_long.as_str()),
        ("x-session-id", "a\tb"),
    ] {
        let header = |asked: &str| (asked == name).then_some(value);
        let read = ingress.read(
            ClientFormat::ChatCompletions,
            HELLO.as_bytes(),
            header,
            false,
        );
        let error = read.err().expect("refused");
        assert_eq!(error.param.as_deref(), Some(name));
        assert!(
            error.message.contains("expected a name"),
            "{}",
            error.message
        );
    }
}
