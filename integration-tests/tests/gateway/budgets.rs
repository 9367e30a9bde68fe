//! A provider's budget is a hard ceiling, within the bound that the documentation states.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use harness::{Dialect, Gateway, PATIENCE, PolicyText, Provider, Recorder, Upstream, chat_body};
use serde_json::{Value, json};

/// Dollars for a thousand tokens out; tokens in cost nothing.
const PRICE: f64 = 1.0;
/// What a request may get at most, and by which it is estimated: four cents.
const MAX_TOKENS: u32 = 40;
/// Simulated providers answer with as many words as their sentence has.
const LIMIT_USD: f64 = 1.0;

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

fn state(start_ms: u64, end_ms: u64) -> Value {
    let budget = json!({"provider": "p0", "limit_usd": LIMIT_USD, "period": "daily", "period_start_ms": start_ms,
        "period_end_ms": end_ms, "spent_elsewhere_usd": 0.0});
    json!({"version": start_ms.to_string(), "keys_required": false, "budgets": [budget]})
}

/// What the simulated provider has billed: the words of its answers are their tokens.
fn billed(provider: &Provider) -> f64 {
    let sentence = |model: &str| format!("[simulated] p0 would let {model} answer: Hello");
    let tokens: usize = provider
        .received()
        .iter()
        .map(|request| {
            let model = request.json()["model"].as_str().unwrap().to_owned();
            sentence(&model).split_whitespace().count()
        })
        .sum();
    tokens as f64 / 1_000.0 * PRICE
}

#[tokio::test]
async fn two_hundred_at_once_cannot_overspend_a_dollar() {
    let recorder = Recorder::start().await;
    let start = now_ms() - 1_000;
    let end = start + 3_600_000;
    recorder.control(&state(start, end));
    let provider = Provider::start("p0", Dialect::OpenAi).await.unwrap();
    let upstream = Upstream::at("p0", &provider, Dialect::OpenAi);
    let group = format!(
        "model_groups:
  - name: paid
    models: [{{provider: p0, model: m0, cost_per_1k_input: 0, cost_per_1k_output: {PRICE}}}]
"
    );
    let policy = PolicyText::over(&[upstream], &group);
    let mut options = recorder.options();
    options.concurrency = Some(2);
    let gateway = Gateway::start_with(&policy, &options).await;
    let client = gateway.client();
    let mut body = chat_body("paid");
    body["max_tokens"] = json!(MAX_TOKENS);
    // Workers have heard of the budget when one of them has been asked to spend more than there is.
    let mut huge = chat_body("paid");
    huge["max_tokens"] = json!(1_000_000);
    let mut informed = 0;
    while informed < 20 {
        let answer = client.post("/v1/chat/completions", &huge).await;
        informed = if answer.status == 429 {
            informed + 1
        } else {
            0
        };
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let spent_before = billed(&provider);
    let already = provider.received().len();

    // 200 requests at a time until none of them is served any more.
    let (mut served, mut refused) = (0, 0);
    loop {
        let asked = (0..200).map(|_| client.post("/v1/chat/completions", &body));
        let mut served_now = 0;
        for answer in futures_util::future::join_all(asked).await {
            match answer.status {
                200 => served_now += 1,
                429 => {
                    refused += 1;
                    assert_eq!(answer.json()["error"]["code"], "budget_exceeded");
                    assert_eq!(answer.header("x-should-retry"), "false");
                }
                other => panic!("{other}: {}", String::from_utf8_lossy(&answer.body)),
            }
        }
        served += served_now;
        if served_now == 0 {
            break;
        }
    }
    let spent = billed(&provider);
    println!(
        "served {served}, refused {refused}, billed {spent:.3} of {LIMIT_USD} USD, {spent_before:.3} before the budget"
    );
    // Estimates are above bills here, so that the bound is the limit itself; what was spent before the workers had heard
    // of the limit is not theirs to hold.
    assert!(spent - spent_before <= LIMIT_USD, "{spent}");
    assert!(served > 0 && refused > 0);
    assert_eq!(provider.received().len(), already + served);
    // What is left is less than an estimate.
    assert!(LIMIT_USD - (spent - spent_before) < f64::from(MAX_TOKENS) / 1_000.0 * PRICE);

    // Nothing reaches the provider any more, until the next period has begun.
    let before = provider.received().len();
    assert_eq!(client.post("/v1/chat/completions", &body).await.status, 429);
    assert_eq!(provider.received().len(), before);
    recorder.control(&state(end, end + 3_600_000));
    let opened = async {
        while client.post("/v1/chat/completions", &body).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, opened).await.unwrap();
    let events = recorder.decisions();
    assert!(events.iter().any(|event| event["decision"] == "blocked"));
}
