//! Requests through real Envoy while something happens to the gateway or to a provider's name.

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use common::{Gateway, POLICY, Scratch, chat, eventually};
use serde_json::Value;
use simulator::{Behaviour, Dialect, Provider};
use tokio::runtime::Runtime;

/// Failover over OpenAI-compatible targets at these base URLs, in this order: `p0`, `p1`, ...
fn policy(base_urls: &[String]) -> String {
    let targets = base_urls.iter().enumerate().map(|(index, url)| {
        format!("    - {{ id: p{index}, provider: {{ base_url: \"{url}\", secret_key_ref: {{ env: OPENAI_API_KEY }} }} }}\n")
    });
    let members = (0..base_urls.len()).map(|index| {
        format!("      - {{ provider: p{index}, model: m{index}, timeout_ms: 20000 }}\n")
    });
    let (targets, members) = (targets.collect::<String>(), members.collect::<String>());
    format!(
        "providers:\n  targets:\n{targets}model_groups:\n  - name: chat\n    strategy: failover\n    models:\n{members}"
    )
}

fn provider(runtime: &Runtime, name: &str) -> Provider {
    runtime
        .block_on(Provider::start(name, Dialect::OpenAi))
        .unwrap()
}

fn gateway(scratch: &Scratch, base_urls: &[String]) -> Gateway {
    scratch.write("policy-config.yaml", &policy(base_urls));
    Gateway::start(scratch, |_| {})
}

#[test]
fn a_name_that_does_not_resolve_is_the_next_targets_turn() {
    let runtime = Runtime::new().unwrap();
    let there = provider(&runtime, "there");
    let scratch = Scratch::new();
    // RFC 6761: `.invalid` never resolves.
    let gateway = gateway(
        &scratch,
        &[
            "https://api.provider.invalid/v1".to_owned(),
            there.base_url(),
        ],
    );
    let (status, answer) = chat(gateway.address(), "chat").unwrap();
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["keeptrusts_metadata"]["provider"], "p1");
    assert_eq!(answer["keeptrusts_metadata"]["fallback_count"], 1);
}

#[test]
fn no_request_is_lost_while_policies_change() {
    let runtime = Runtime::new().unwrap();
    let (one, other) = (provider(&runtime, "one"), provider(&runtime, "other"));
    let policies = [
        policy(&[one.base_url(), other.base_url()]),
        policy(&[other.base_url(), one.base_url()]),
    ];
    let scratch = Scratch::new();
    let gateway = gateway(&scratch, &[one.base_url(), other.base_url()]);
    let (done, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    let address = gateway.address();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let answer = chat(address, "chat");
                    assert!(
                        answer.as_ref().is_some_and(|(status, _)| *status == 200),
                        "{answer:?}"
                    );
                    served.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for round in 1..=6 {
            scratch.write("policy-config.yaml", &policies[round % 2]);
            let changes = || {
                gateway
                    .log()
                    .iter()
                    .filter(|line| line.contains("Policy changed"))
                    .count()
            };
            eventually("the change", || changes() == round);
            let before = served.load(Ordering::Relaxed);
            eventually("requests under it", || {
                served.load(Ordering::Relaxed) > before + 10
            });
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(!one.received().is_empty() && !other.received().is_empty());
}

#[test]
fn a_request_in_flight_ends_before_the_gateway_does() {
    let runtime = Runtime::new().unwrap();
    let slow = provider(&runtime, "slow");
    slow.behave(Behaviour::AnswerAfter(Duration::from_millis(1500)));
    let scratch = Scratch::new();
    let mut gateway = gateway(&scratch, &[slow.base_url()]);
    let address = gateway.address().to_owned();
    let client = thread::spawn(move || chat(&address, "chat"));
    eventually("the request at the provider", || {
        !slow.received().is_empty()
    });
    gateway.signal("TERM");
    let (status, answer) = client.join().unwrap().expect("an answer");
    assert_eq!(
        (status, &answer["keeptrusts_metadata"]["provider"]),
        (200, &"p0".into()),
        "{answer}"
    );
    assert_eq!(gateway.ended().code(), Some(0));
}

#[test]
fn a_second_signal_ends_the_wait() {
    let runtime = Runtime::new().unwrap();
    let stuck = provider(&runtime, "stuck");
    stuck.behave(Behaviour::Stall);
    let scratch = Scratch::new();
    let mut gateway = gateway(&scratch, &[stuck.base_url()]);
    let address = gateway.address().to_owned();
    let client = thread::spawn(move || chat(&address, "chat"));
    eventually("the request at the provider", || {
        !stuck.received().is_empty()
    });
    gateway.signal("INT");
    gateway.wait_for("Draining");
    gateway.signal("INT");
    assert_eq!(gateway.ended().code(), Some(0));
    gateway.wait_for("not waiting any longer");
    assert_eq!(client.join().unwrap(), None);
}

#[test]
fn what_envoy_answers_itself_has_the_error_shape_too() {
    let scratch = Scratch::new();
    let gateway = gateway(&scratch, &["http://127.0.0.1:9/v1".to_owned()]);
    let too_large = "x".repeat(100 * 1024);
    let (status, body) = gateway.get_with("/v1/models", &[("x-large", &too_large)]);
    let error: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 431);
    assert_eq!(error["error"]["type"], "invalid_request_error");
    assert_eq!(error["error"]["code"], "http1.headers_too_large");
    assert!(error["error"]["message"].is_string() && error["error"]["param"].is_null());
    // The filter's own errors pass as they are.
    let (status, body) = gateway.get("/no/such/path");
    let error: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, &error["error"]["code"]),
        (404, &"not_found".into()),
        "{body}"
    );
}

#[test]
fn simulated_providers_answer_without_any_key_and_say_so() {
    let scratch = Scratch::new();
    scratch.write("policy-config.yaml", POLICY);
    let gateway = Gateway::start(&scratch, |command| {
        command
            .arg("--simulate")
            .env_remove("OPENAI_API_KEY")
            .env_remove("ANTHROPIC_API_KEY");
    });
    let content = |provider: &str| {
        let (status, answer) = chat(gateway.address(), "gpt-4o-mini").unwrap();
        assert_eq!(
            (status, &answer["keeptrusts_metadata"]["provider"]),
            (200, &provider.into()),
            "{answer}"
        );
        answer["choices"][0]["message"]["content"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(content("openai-primary").contains("simulated"));
    assert!(
        !gateway.log().iter().any(|line| line.contains("WARN")),
        "{:#?}",
        gateway.log()
    );
    // A provider that comes with a change is simulated too.
    scratch.write(
        "policy-config.yaml",
        &POLICY.replace("openai-primary", "openai-new"),
    );
    gateway.wait_for("Policy changed");
    assert!(content("openai-new").contains("simulated"));
}
