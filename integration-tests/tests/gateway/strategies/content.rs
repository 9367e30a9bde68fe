//! `cost` and `semantic`: strategies that look at what the request says.

use harness::{Gateway, GatewayOptions, PolicyText, repository};
use serde_json::{Value, json};

use super::{Bench, served};

/// The large model has room, at 0.01 USD for a thousand tokens: 2,000 words cost about 0.02, 8,000 about 0.08.
const GROUPS: &str = "
  - name: by-cost
    strategy: cost
    budget_per_request_usd: 0.05
    models:
      - {provider: p0, model: large, cost_per_1k_input: 0.01, cost_per_1k_output: 0.01}
      - {provider: p1, model: small, cost_per_1k_input: 0.001, cost_per_1k_output: 0.001, context_window: 1000}
  - name: by-topic
    strategy: semantic
    models:
      - {provider: p0, model: m0, description: everyday questions and small talk}
      - provider: p1
        model: m1
        description: programming
        examples: [Fix this Rust function, Why does my SQL query time out?, Write a unit test for this class]
      - provider: p2
        model: m2
        description: contracts and law
        examples: [Is this clause enforceable?, Summarise the liability section of the contract]
";

/// A prompt of about so many tokens: a common word is one.
fn prompt(words: usize, max_tokens: u32) -> Value {
    json!({
        "model": "by-cost",
        "messages": [{"role": "user", "content": "word ".repeat(words)}],
        "max_tokens": max_tokens,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_prompt_goes_up_what_fits_nowhere_is_429_and_the_last_message_decides_the_topic() {
    let bench = Bench::start(3, 1, "", GROUPS).await;
    let client = bench.gateway.client();
    assert_eq!(served(&client, &prompt(50, 100)).await, "p1");
    assert_eq!(served(&client, &prompt(2_000, 100)).await, "p0");
    // Too dear everywhere, by what is asked or by what may be answered.
    for body in [prompt(8_000, 100), prompt(50, 6_000)] {
        let refused = client.post("/v1/chat/completions", &body).await;
        assert_eq!(
            refused.error(),
            (429, "budget_exceeded".into(), "budget_exceeded".into())
        );
        assert_eq!(refused.header("x-should-retry"), "false");
    }
    let received: usize = bench.providers.iter().map(|one| one.received().len()).sum();
    assert_eq!(received, 2, "what is refused reaches nobody");

    for (message, expected) in [
        ("Why does this function not compile?", "p1"),
        ("Which clause of the contract limits our liability?", "p2"),
        ("qqq zzz", "p0"),
    ] {
        let body = json!({"model": "by-topic", "messages": [
            {"role": "user", "content": "Write a unit test"},
            {"role": "assistant", "content": "Is this clause enforceable?"},
            {"role": "user", "content": message},
        ]});
        assert_eq!(served(&client, &body).await, expected, "{message:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_example_goes_to_the_small_model() {
    let file = repository().join("examples/seeds/001-cost-routing.yaml");
    let policy = PolicyText {
        text: std::fs::read_to_string(file).unwrap(),
        keys: Vec::new(),
    };
    let options = GatewayOptions {
        arguments: vec!["--simulate".into()],
        ..GatewayOptions::default()
    };
    let gateway = Gateway::serving_with(&policy, &options).await;
    let answer = gateway.client().chat("cost-optimized").await;
    assert_eq!(answer.header("x-keeptrusts-model"), "gpt-4o-mini");
    assert_eq!(answer.provider(), "openai");
}
