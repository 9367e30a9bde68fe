//! A request that is too long for a member goes to one that takes more, and to no other.

use serde_json::json;

use super::Visit;
use super::upstream_filter::{answered, attempt};
use crate::host::fake::Phase;

const TOO_LONG: &str = r#"{"error":{"message":"This model's maximum context length is 8000 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#;
const SERVED: &str = r#"{"id":"x","choices":[{"message":{"content":"a"}}]}"#;
const JSON: &str = "application/json";

/// Members with these models and windows, at targets of their own.
fn policy(members: &[(&str, &str)], more: &str) -> String {
    let targets: String = (0..members.len())
        .map(|index| {
            format!(
                "    - id: t{index}\n      provider: {{base_url: 'http://127.0.0.1:{}/v1', type: openai-compatible, secret_key_ref: {{env: A}}}}\n      health_check: {{enabled: false}}\n",
                index + 1
            )
        })
        .collect();
    let members: String = members
        .iter()
        .enumerate()
        .map(|(index, (model, window))| {
            format!("      - {{provider: t{index}, model: {model}, timeout_ms: 1000{window}}}\n")
        })
        .collect();
    format!(
        "providers:\n  targets:\n{targets}{more}model_groups:\n  - name: chain\n    models:\n{members}"
    )
}

/// A visit whose first attempt was refused for its length.
fn refused(policy: &str, stream: bool) -> Visit {
    let body = json!({"model": "chain", "stream": stream, "messages": []}).to_string();
    let path = "/v1/chat/completions";
    let mut visit = Visit::new(policy, "POST", path, &[("content-type", JSON)], &body);
    visit.enter();
    assert!(visit.cluster().starts_with("kt/t0/"));
    let mut first = attempt(&visit);
    answered(&visit.host, &mut first, "400", JSON, TOO_LONG);
    first.on_end(visit.host.in_phase(Phase::Outside));
    visit
}

/// Whether the client was given the provider's own word.
fn is_told(visit: &Visit) -> bool {
    let context = visit.vm.registry.any().unwrap();
    context.borrow().client_status == Some(400)
        && visit.answer_json()["error"]["code"] == "context_length_exceeded"
}

#[test]
fn the_next_member_with_a_larger_window_serves() {
    let members = [
        ("a", ", context_window: 8000"),
        ("b", ", context_window: 8000"),
        ("c", ", context_window: 100000"),
        ("d", ", context_window: 200000"),
    ];
    for stream in [false, true] {
        let visit = refused(&policy(&members, ""), stream);
        assert_eq!(visit.cluster(), "kt/t2/1000ms");
        let mut next = attempt(&visit);
        assert_eq!(
            visit.host.request_header(":authority").as_deref(),
            Some("127.0.0.1:3")
        );
        if !stream {
            answered(&visit.host, &mut next, "200", JSON, SERVED);
        }
        let context = visit.vm.registry.any().unwrap();
        let context = context.borrow();
        assert_eq!(context.fallback_count(1), 1, "nobody else was tried");
        assert_eq!(
            context.first_choice_failed(1),
            Some(("t0", "context_length"))
        );
    }
}

#[test]
fn where_nobody_takes_more_it_is_the_clients_answer() {
    let smaller = [
        ("a", ", context_window: 8000"),
        ("b", ", context_window: 4000"),
    ];
    let visit = refused(&policy(&smaller, ""), false);
    assert!(is_told(&visit));
    // Nothing is known, but that it is the same model.
    let visit = refused(&policy(&[("a", ""), ("a", "")], ""), false);
    assert!(is_told(&visit));
}

#[test]
fn another_model_of_which_nothing_is_known_may_take_more() {
    for members in [
        [("a", ""), ("b", "")],
        [("a", ", context_window: 8000"), ("b", "")],
        [("a", ""), ("b", ", context_window: 8000")],
    ] {
        let visit = refused(&policy(&members, ""), false);
        assert_eq!(visit.cluster(), "kt/t1/1000ms", "{members:?}");
    }
}

#[test]
fn windows_of_known_models_are_known() {
    // Of vendors' own servers; a model on a user's own is cut to its memory.
    let known = |policy: String| policy.replace("type: openai-compatible", "type: openai");
    let (small, large) = (("gpt-4o", ""), ("gpt-4.1", ""));
    let visit = refused(&known(policy(&[large, small], "")), false);
    assert!(is_told(&visit));
    let visit = refused(&known(policy(&[small, large], "")), false);
    assert_eq!(visit.cluster(), "kt/t1/1000ms");
    let visit = refused(&policy(&[large, small], ""), false);
    assert_eq!(visit.cluster(), "kt/t1/1000ms");
}

#[test]
fn the_policy_may_want_any_member_or_none() {
    let members = [
        ("a", ", context_window: 8000"),
        ("b", ", context_window: 4000"),
    ];
    let fallback = "provider_fallback: {context_window: fallback}\n";
    let visit = refused(&policy(&members, fallback), false);
    assert_eq!(visit.cluster(), "kt/t1/1000ms");
    // Nobody is left after it: what the provider says is the client's.
    let mut last = attempt(&visit);
    answered(&visit.host, &mut last, "400", JSON, TOO_LONG);
    assert!(is_told(&visit));

    let larger = [
        ("a", ", context_window: 8000"),
        ("b", ", context_window: 9000"),
    ];
    let stop = "provider_fallback: {context_window: stop}\n";
    let visit = refused(&policy(&larger, stop), false);
    let context = visit.vm.registry.any().unwrap();
    assert_eq!(context.borrow().client_status, Some(400));
}
