//! What strategies did, as the decision events tell it.

use std::collections::BTreeMap;
use std::time::Duration;

use harness::{Gateway, PATIENCE};
use serde_json::{Value, json};

use super::Bench;

const GROUPS: &str = "
  - name: experiment
    strategy: weighted_round_robin
    models:
      - {provider: p0, model: m0, weight: 3, tag: control, region: us-east}
      - {provider: p1, model: m1, weight: 1, tag: candidate}
  - name: topics
    strategy: semantic
    models:
      - {provider: p0, model: m0, description: everyday questions}
      - {provider: p1, model: m1, description: programming, examples: [Why does this function not compile?]}
  - name: cheap
    strategy: cost
    models:
      - {provider: p1, model: m1, cost_per_1k_input: 1, cost_per_1k_output: 2}
      - {provider: p0, model: m0, cost_per_1k_input: 3, cost_per_1k_output: 4}
";

/// The collector's decision events, once there are `count`.
async fn events(gateway: &Gateway, count: usize) -> Vec<Value> {
    let address = gateway.ports()["collector"].as_str().unwrap().to_owned();
    let token = std::fs::read_to_string(gateway.data_folder().join("api-token")).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let all = async {
        loop {
            let answer = http
                .get(format!("http://{address}/v1/events?limit=1000"))
                .bearer_auth(token.trim())
                .send();
            let body: Value = answer.await.unwrap().json().await.unwrap();
            let decisions: Vec<Value> = body["data"]
                .as_array()
                .unwrap_or_else(|| panic!("{body}"))
                .iter()
                .filter(|event| event["event_type"] == "decision")
                .cloned()
                .collect();
            if decisions.len() >= count {
                return decisions;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all)
        .await
        .expect("the events arrive")
}

#[tokio::test(flavor = "multi_thread")]
async fn events_name_strategy_tag_region_similarity_and_estimate() {
    let bench = Bench::start_alone(2, 1, "", GROUPS).await;
    bench.counts("experiment", 8, 1).await;
    let client = bench.gateway.client();
    let question = json!({"model": "topics", "messages": [{"role": "user", "content": "Why does this not compile?"}]});
    assert_eq!(super::served(&client, &question).await, "p1");
    let cheap = json!({"model": "cheap", "max_tokens": 500, "messages": [{"role": "user", "content": "Hello"}]});
    assert_eq!(super::served(&client, &cheap).await, "p1");

    let events = events(&bench.gateway, 10).await;
    let of = |group: &str| {
        let group = group.to_owned();
        events
            .iter()
            .filter(move |event| event["model_group"] == *group)
    };
    let mut arms: BTreeMap<&str, usize> = BTreeMap::new();
    for event in of("experiment") {
        assert_eq!(event["strategy"], "weighted_round_robin");
        let (tag, region) = (&event["tag"], &event["region"]);
        let expected = match event["provider"].as_str().unwrap() {
            "p0" => (json!("control"), json!("us-east")),
            _ => (json!("candidate"), Value::Null),
        };
        assert_eq!((tag, region), (&expected.0, &expected.1));
        *arms.entry(tag.as_str().unwrap()).or_default() += 1;
    }
    assert_eq!(arms, [("candidate", 2), ("control", 6)].into());

    let topic = of("topics").next().unwrap();
    assert_eq!(topic["strategy"], "semantic");
    let similarity = topic["similarity"].as_f64().unwrap();
    assert!((0.2..=1.0).contains(&similarity), "{topic}");

    let cost = of("cheap").next().unwrap();
    // 500 completion tokens at 2 USD for a thousand, and a handful of prompt tokens at 1 USD.
    let estimate = cost["estimated_cost_usd"].as_f64().unwrap();
    assert!((1.0..1.05).contains(&estimate), "{cost}");
}
