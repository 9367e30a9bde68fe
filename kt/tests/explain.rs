//! `kt policy explain`: who would serve, and why.

mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use common::{Scratch, kt, output, text};
use serde_json::Value;

const POLICY: &str = "
providers:
  targets:
    - {id: openai, provider: openai, secret_key_ref: {env: O}}
    - {id: anthropic, provider: anthropic, secret_key_ref: {env: A}}
model_groups:
  - name: reliable
    strategy: failover
    fallback_group: cheap
    models:
      - {provider: openai, model: gpt-4o, timeout_ms: 5000}
      - {provider: anthropic, model: claude-sonnet-4, timeout_ms: 10000}
  - name: cheap
    strategy: cost
    budget_per_request_usd: 0.001
    models:
      - {provider: openai, model: gpt-4o-mini, cost_per_1k_input: 0.00015, cost_per_1k_output: 0.0006, context_window: 1000}
      - {provider: openai, model: gpt-4o, cost_per_1k_input: 0.0025, cost_per_1k_output: 0.01}
  - name: split
    strategy: weighted
    session_affinity: true
    models:
      - {provider: openai, model: gpt-4o-mini, weight: 50, tag: control}
      - {provider: anthropic, model: claude-sonnet-4, weight: 50, tag: experiment}
  - name: fast
    strategy: latency
    max_latency_ms: 3000
    models:
      - {provider: openai, model: gpt-4o}
      - {provider: anthropic, model: claude-sonnet-4}
  - name: topics
    strategy: semantic
    models:
      - {provider: openai, model: gpt-4o, description: everything else}
      - {provider: anthropic, model: claude-sonnet-4, description: programming, examples: [Fix this Rust function, Why does my code not compile?]}
";

struct Case {
    scratch: Scratch,
}

impl Case {
    fn new() -> Self {
        let scratch = Scratch::new();
        scratch.write("policy.yaml", POLICY);
        Self { scratch }
    }

    /// `message` to `model`, with further arguments.
    fn command(&self, model: &str, message: &str, arguments: &[&str]) -> Command {
        let body =
            serde_json::json!({"model": model, "messages": [{"role": "user", "content": message}]});
        let request = self.scratch.write("request.json", &body.to_string());
        let mut explain = kt();
        explain
            .args(["policy", "explain", "--policy-config"])
            .arg(self.scratch.path("policy.yaml"))
            .arg("--request")
            .arg(request)
            .args(arguments);
        explain
    }

    fn json(&self, model: &str, message: &str, arguments: &[&str]) -> Value {
        let done = output(self.command(model, message, arguments).arg("--json"));
        assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
        serde_json::from_slice(&done.stdout).unwrap()
    }
}

/// `provider/model` of each step.
fn plan(explanation: &Value) -> Vec<String> {
    let steps = explanation["plan"].as_array().unwrap().iter();
    steps
        .map(|step| {
            let word = |key: &str| step[key].as_str().unwrap().to_owned();
            format!("{}/{}", word("provider"), word("model"))
        })
        .collect()
}

/// `provider/model` of each member with its place or the reason why it has none.
fn members(explanation: &Value) -> Vec<String> {
    let members = explanation["members"].as_array().unwrap().iter();
    members
        .map(|member| {
            let place = match (&member["position"], &member["reason"]) {
                (Value::Number(position), Value::Null) => position.to_string(),
                (Value::Null, Value::String(reason)) => reason.clone(),
                other => panic!("{other:?}"),
            };
            let word = |key: &str| member[key].as_str().unwrap();
            format!("{}/{} {place}", word("provider"), word("model"))
        })
        .collect()
}

#[test]
fn every_member_of_the_chain_is_in_the_plan_or_has_a_reason() {
    let case = Case::new();
    let well = case.json("reliable", "Hello", &[]);
    assert_eq!(
        members(&well),
        [
            "openai/gpt-4o 1",
            "anthropic/claude-sonnet-4 2",
            "openai/gpt-4o-mini 3",
            // Whoever was tried with this model is not tried with it again.
            "openai/gpt-4o same_as_another_member",
        ]
    );
    let limited = POLICY.replace(
        "model_groups:",
        "failover: {retry: {max_attempts: 1}}\nmodel_groups:",
    );
    case.scratch.write("policy.yaml", &limited);
    assert_eq!(
        members(&case.json("reliable", "Hello", &[]))[1..3],
        [
            "anthropic/claude-sonnet-4 2",
            "openai/gpt-4o-mini beyond_max_attempts"
        ]
    );
    case.scratch.write("policy.yaml", POLICY);
    let down = case.json("reliable", "Hello", &["--health", "openai=unhealthy"]);
    assert_eq!(plan(&down), ["anthropic/claude-sonnet-4"]);
    assert_eq!(
        down["notes"][0],
        "the first would be openai with gpt-4o, if it were not unhealthy"
    );
    assert_eq!(
        members(&down)[..2],
        ["openai/gpt-4o unhealthy", "anthropic/claude-sonnet-4 1"]
    );
    let none = case.json(
        "reliable",
        "Hello",
        &[
            "--health",
            "openai=cooling_down",
            "--health",
            "anthropic=credential_missing",
        ],
    );
    // Who has no key does not come back by itself; the other one does.
    assert_eq!(none["refusal"]["status"], 429);
    assert_eq!(none["refusal"]["code"], "rate_limit_exceeded");
    assert_eq!(
        members(&none)[..2],
        [
            "openai/gpt-4o cooling_down",
            "anthropic/claude-sonnet-4 credential_missing"
        ]
    );
}

#[test]
fn cost_shows_estimates_prices_and_who_does_not_fit() {
    let case = Case::new();
    let short = case.json("cheap", "Hello", &[]);
    assert_eq!(plan(&short), ["openai/gpt-4o-mini"]);
    assert_eq!(
        members(&short),
        ["openai/gpt-4o-mini 1", "openai/gpt-4o request_budget"]
    );
    let cheap = &short["members"][0];
    assert_eq!(cheap["price"]["source"], "policy");
    let prompt = short["request"]["prompt_tokens"].as_f64().unwrap();
    // 500 completion tokens are assumed.
    let expected = prompt / 1_000.0 * 0.000_15 + 0.5 * 0.000_6;
    assert!((cheap["estimated_cost_usd"].as_f64().unwrap() - expected).abs() < 1e-9);

    // Longer than the cheap one's context, dearer on the other than the budget.
    let long = case.json("cheap", &"word ".repeat(2_000), &[]);
    assert_eq!(plan(&long), Vec::<String>::new());
    assert_eq!(
        (&long["refusal"]["status"], &long["refusal"]["code"]),
        (&429.into(), &"budget_exceeded".into())
    );
    assert_eq!(
        members(&long),
        [
            "openai/gpt-4o-mini context_window",
            "openai/gpt-4o request_budget"
        ]
    );
}

#[test]
fn a_conversation_decides_where_affinity_is_on_and_the_seed_where_lots_are_drawn() {
    let case = Case::new();
    let named = ["--header", "X-Conversation-Id: 7"];
    let first = case.json("split", "Hello", &named);
    assert_eq!(
        first["request"]["conversation"]["source"],
        "x-conversation-id"
    );
    assert!(
        first["why"].as_str().unwrap().contains("x-conversation-id"),
        "{}",
        first["why"]
    );
    assert_eq!(first["members"][0]["tag"], "control");
    for seed in ["1", "2", "3"] {
        let mut arguments = named.to_vec();
        arguments.extend(["--seed", seed]);
        assert_eq!(
            plan(&case.json("split", "Another turn", &arguments)),
            plan(&first)
        );
    }

    let without = POLICY.replace("session_affinity: true", "session_affinity: false");
    case.scratch.write("policy.yaml", &without);
    let drawn: std::collections::BTreeSet<_> = (0..20)
        .map(|seed| plan(&case.json("split", "Hello", &["--seed", &seed.to_string()])))
        .collect();
    assert_eq!(drawn.len(), 2, "both are drawn sooner or later");
}

#[test]
fn latency_is_assumed_and_the_slow_are_out() {
    let case = Case::new();
    let fast = |arguments: &[&str]| case.json("fast", "Hello", arguments);
    let measured = fast(&["--latency", "openai=1.2s", "--latency", "anthropic=800ms"]);
    assert_eq!(plan(&measured)[0], "anthropic/claude-sonnet-4");
    assert_eq!(measured["members"][0]["latency"]["average_ms"], 1_200.0);
    let slow = fast(&["--latency", "openai=3500", "--latency", "anthropic=2900"]);
    assert_eq!(
        members(&slow),
        ["openai/gpt-4o too_slow", "anthropic/claude-sonnet-4 1"]
    );
    let cold = fast(&["--latency", "openai=200ms"]);
    assert_eq!(plan(&cold)[0], "anthropic/claude-sonnet-4");
    assert_eq!(cold["why"], "0 of 5 samples: it is measured first");
}

#[test]
fn semantic_shows_how_near_each_member_is() {
    let case = Case::new();
    let code = case.json("topics", "Why does this Rust function not compile?", &[]);
    assert_eq!(plan(&code)[0], "anthropic/claude-sonnet-4");
    let near = |member: usize| code["members"][member]["similarity"].as_f64().unwrap();
    assert!(near(1) > near(0), "{code}");
    assert_eq!(code["similarity"], code["members"][1]["similarity"]);
}

#[test]
fn people_read_a_table() {
    let case = Case::new();
    let said = text(&output(&mut case.command("cheap", "Hello", &[])).stdout);
    for part in [
        "group    cheap: cost (budget_per_request_usd 0.001, assumed_output_tokens 500, on_over_budget refuse)",
        "  1  openai  gpt-4o-mini  about 0.00030",
        "(0.00015 in, 0.0006 out per 1,000 tokens, by the policy)",
        "  -  openai  gpt-4o       request_budget, about 0.005",
        "first    the cheapest that fits",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
}

#[test]
fn the_request_may_come_by_standard_input_and_for_any_endpoint() {
    let case = Case::new();
    let mut explain = kt()
        .args(["policy", "explain", "--json", "--request", "-"])
        .args(["--path", "/v1/messages", "--policy-config"])
        .arg(case.scratch.path("policy.yaml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    explain
        .stdin
        .take()
        .unwrap()
        .write_all(br#"{"model": "reliable", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}"#)
        .unwrap();
    let done = explain.wait_with_output().unwrap();
    let said: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(said["request"]["endpoint"], "/v1/messages");
    assert_eq!(said["request"]["output_tokens"], 9);
    assert_eq!(said["request"]["output_tokens_assumed"], false);
}

#[test]
fn what_cannot_be_explained_is_an_error_that_says_why() {
    let case = Case::new();
    let unknown = output(&mut case.command("cheap", "Hello", &["--health", "openia=unhealthy"]));
    assert_eq!(unknown.status.code(), Some(1));
    assert_eq!(
        text(&unknown.stderr),
        "error: no target \"openia\" in this policy: known are openai, anthropic\n"
    );
    let mut no_model = case.command("cheap", "Hello", &[]);
    case.scratch.write("request.json", "{}");
    let done = output(&mut no_model);
    assert_eq!(done.status.code(), Some(1));
    assert!(
        text(&done.stderr).starts_with("error: the gateway would answer 400: "),
        "{}",
        text(&done.stderr)
    );
    case.scratch.write("policy.yaml", "providers: {}");
    let invalid = output(&mut case.command("cheap", "Hello", &[]));
    assert_eq!(invalid.status.code(), Some(2));
    assert!(text(&invalid.stdout).contains("error[E109]"));
}
