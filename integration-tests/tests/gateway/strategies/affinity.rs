//! Session affinity: conversations stay where they are, on every worker, after a restart and at other gateways.

use std::collections::BTreeMap;

use harness::{Gateway, PATIENCE};
use serde_json::{Value, json};

use super::{Bench, serve, with_workers};

const CONVERSATIONS: usize = 1_000;
const TURNS: usize = 5;
/// Out at the first failure, and asked again a second later.
const BREAKER: &str =
    "circuit_breaker: {failure_threshold: 1, cooldown_seconds: 1, half_open_requests: 1}";

const GROUP: &str = "
  - name: g
    strategy: weighted_round_robin
    session_affinity: true
    models:
      - {provider: p0, model: m0, weight: 5}
      - {provider: p1, model: m1, weight: 3}
      - {provider: p2, model: m2, weight: 2}
";

/// The request of one turn: what was said before comes along, as clients do it. Half of the conversations have a name.
fn turn(conversation: usize, turn: usize) -> Value {
    let mut messages = vec![
        json!({"role": "system", "content": "Be brief."}),
        json!({"role": "user", "content": format!("This is conversation {conversation}.")}),
    ];
    for earlier in 0..turn {
        messages.push(json!({"role": "assistant", "content": "I see."}));
        messages.push(json!({"role": "user", "content": format!("Point {earlier}")}));
    }
    let mut body = json!({"model": "g", "messages": messages});
    if conversation.is_multiple_of(2) {
        body["metadata"] = json!({"conversation_id": format!("c-{conversation}")});
        // Even where the client rewrites the beginning.
        body["messages"][1]["content"] = json!(format!("Turn {turn}"));
    }
    body
}

/// Where each conversation is at its turn number `number`.
async fn homes(gateway: &Gateway, conversations: usize, number: usize) -> Vec<String> {
    let bodies = (0..conversations).map(|one| turn(one, number)).collect();
    serve(&gateway.client(), bodies, 16).await
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_stay_through_turns_restarts_other_gateways_and_the_loss_of_a_target() {
    let bench = Bench::start(3, 2, BREAKER, GROUP).await;
    let home = homes(&bench.gateway, CONVERSATIONS, 0).await;
    for number in 1..TURNS {
        assert_eq!(homes(&bench.gateway, CONVERSATIONS, number).await, home);
    }
    let mut shares: BTreeMap<&str, usize> = BTreeMap::new();
    for who in &home {
        *shares.entry(who).or_default() += 1;
    }
    for (id, share) in [("p0", 0.5), ("p1", 0.3), ("p2", 0.2)] {
        let expected = CONVERSATIONS as f64 * share;
        let deviation = (expected * (1.0 - share)).sqrt();
        assert!(
            (shares[id] as f64 - expected).abs() <= 4.0 * deviation,
            "{shares:?}"
        );
    }

    let second = Gateway::serving_with(&bench.policy, &with_workers(1)).await;
    assert_eq!(
        homes(&second, CONVERSATIONS, 1).await,
        home,
        "another gateway"
    );
    drop(second);

    // p1 is taken out of the policy: only its conversations move.
    let without = bench
        .policy
        .text
        .replace("      - {provider: p1, model: m1, weight: 3}\n", "");
    bench.gateway.change_policy(&without).await;
    let moved = homes(&bench.gateway, CONVERSATIONS, 2).await;
    for (before, after) in home.iter().zip(&moved) {
        assert_ne!(after, "p1");
        assert!(
            before == "p1" || before == after,
            "{before} moved to {after}"
        );
    }
    let heirs: std::collections::BTreeSet<_> = home
        .iter()
        .zip(&moved)
        .filter(|(before, _)| *before == "p1")
        .map(|(_, after)| after.as_str())
        .collect();
    assert_eq!(heirs.len(), 2, "both others take some");

    bench.gateway.change_policy(&bench.policy.text).await;
    assert_eq!(homes(&bench.gateway, CONVERSATIONS, 3).await, home, "back");

    let Bench {
        gateway,
        providers: _providers,
        policy,
    } = bench;
    gateway.stop().await;
    let restarted = Gateway::start_with(&policy, &with_workers(1)).await;
    assert_eq!(homes(&restarted, CONVERSATIONS, 4).await, home, "restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_of_a_target_that_fails_move_and_come_back_when_it_has_recovered() {
    let bench = Bench::start(3, 1, BREAKER, GROUP).await;
    let conversations = 60;
    let home = homes(&bench.gateway, conversations, 0).await;
    let lost = &home[0];
    let index = usize::from(lost.as_bytes()[1] - b'0');
    bench.providers[index].go_down();
    // The first of its conversations to come opens the circuit; from then on they are elsewhere at once.
    homes(&bench.gateway, 1, 1).await;
    let moved = homes(&bench.gateway, conversations, 1).await;
    for (before, after) in home.iter().zip(&moved) {
        assert!(after != lost, "{after} is down");
        assert!(
            before == lost || before == after,
            "{before} moved to {after}"
        );
    }
    bench.providers[index].come_back().await.unwrap();
    let all_home = async { while homes(&bench.gateway, conversations, 2).await != home {} };
    tokio::time::timeout(PATIENCE, all_home)
        .await
        .expect("all come back");
}
