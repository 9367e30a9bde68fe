//! The commands of the product's documents, letter by letter.

use serde_json::{Value, json};

use crate::store::{Sample, Seeded};
use events::Decision;

/// The lines with jq need it; where it is missing this says so.
fn jq_is_there() -> bool {
    let found = std::process::Command::new("jq").arg("--version").output();
    let there = found.is_ok_and(|found| found.status.success());
    if !there {
        eprintln!("skipped: there is no jq on PATH");
    }
    there
}

/// Several JSON values in a row, as jq prints them.
fn values(text: &str) -> Vec<Value> {
    serde_json::Deserializer::from_str(text)
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

#[test]
fn which_model_served_and_after_how_many_fallbacks() {
    if !jq_is_there() {
        return;
    }
    let seeded = Seeded::with([
        Sample {
            minutes_ago: 3,
            ..Sample::default()
        },
        Sample {
            minutes_ago: 2,
            provider: "anthropic",
            resolved_model: "claude-sonnet-4",
            failover: Some(("openai", "upstream_timeout")),
            ..Sample::default()
        },
        Sample {
            model: "fast-chat",
            ..Sample::default()
        },
    ]);
    let printed = seeded.shell(
        r#"kt events tail --filter "model=reliable-chat" --limit 5 --output json | \
  jq '.[] | {actual_model: .resolved_model, fallbacks: .fallback_count}'"#,
    );
    assert_eq!(
        values(&printed),
        [
            json!({"actual_model": "gpt-4o", "fallbacks": 0}),
            json!({"actual_model": "claude-sonnet-4", "fallbacks": 1}),
        ]
    );
}

#[test]
fn estimated_and_actual_cost() {
    if !jq_is_there() {
        return;
    }
    let seeded = Seeded::with([Sample {
        cost_usd: 0.0015,
        ..Sample::default()
    }]);
    let printed = seeded.shell(
        r#"kt events tail --limit 20 --output json | \
  jq '.[] | {model: .resolved_model, estimated_cost: .estimated_cost_usd, actual_cost: .actual_cost_usd}'"#,
    );
    assert_eq!(
        values(&printed),
        [json!({"model": "gpt-4o", "estimated_cost": 0.003, "actual_cost": 0.0015})]
    );
}

/// The documents' line divides the number of blocked requests by itself: it gives 100 where there is one, and jq stops
/// where there is none. It is the line that is there, so each arm has a blocked request here.
#[test]
fn numbers_of_an_arm_of_an_experiment() {
    if !jq_is_there() {
        return;
    }
    let arm = |minutes_ago, tag, latency_ms, decision| Sample {
        minutes_ago,
        model: "chat-experiment",
        tag: Some(tag),
        latency_ms,
        decision,
        ..Sample::default()
    };
    let seeded = Seeded::with([
        arm(1, "control", 100, Decision::Allowed),
        arm(2, "control", 300, Decision::Blocked),
        arm(3, "experiment", 50, Decision::Blocked),
    ]);
    for (tag, expected) in [
        (
            "control",
            json!({"avg_latency": 200, "avg_tokens": 120, "block_rate": 100}),
        ),
        (
            "experiment",
            json!({"avg_latency": 50, "avg_tokens": 120, "block_rate": 100}),
        ),
    ] {
        let printed = seeded.shell(&format!(
            r#"kt events tail --filter "tag={tag}" --limit 100 --output json | \
  jq '{{
    avg_latency: ([.[].latency_ms] | add / length),
    avg_tokens: ([.[].tokens.total] | add / length),
    block_rate: ([.[].decision] | map(select(. == "blocked")) | length / length * 100)
  }}'"#
        ));
        assert_eq!(values(&printed), [expected]);
    }
}

#[test]
fn failover_latency() {
    if !jq_is_there() {
        return;
    }
    let seeded = Seeded::with([Sample {
        provider: "anthropic-fallback",
        latency_ms: 1850,
        failover: Some(("openai-primary", "upstream_timeout")),
        ..Sample::default()
    }]);
    let printed = seeded.shell(
        "kt events tail --last 5 --format json | jq '.[] | {id, provider: .provider, latency_ms, failover: .failover}'",
    );
    let [event] = values(&printed).try_into().unwrap();
    assert!(event["id"].as_str().unwrap().starts_with("evt_"));
    assert_eq!(event["provider"], "anthropic-fallback");
    assert_eq!(event["latency_ms"], 1850);
    assert_eq!(
        event["failover"],
        json!({"triggered": true, "original_provider": "openai-primary", "reason": "upstream_timeout"})
    );
}

#[test]
fn cost_comparison_of_providers() {
    let seeded = Seeded::with((0..3).map(|number| Sample {
        minutes_ago: number,
        provider: if number == 0 { "anthropic" } else { "openai" },
        tokens: (1_000_000, 200_000),
        cost_usd: 0.009,
        ..Sample::default()
    }));
    let printed = seeded.shell(
        "kt events list \\\n  --since 30d \\\n  --group-by provider \\\n  \
         --fields provider,request_count,total_input_tokens,total_output_tokens,total_cost \\\n  --format table",
    );
    let rows: Vec<Vec<&str>> = printed
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows,
        [
            [
                "provider",
                "request_count",
                "total_input_tokens",
                "total_output_tokens",
                "total_cost"
            ],
            ["openai", "2", "2,000,000", "400,000", "$0.018"],
            ["anthropic", "1", "1,000,000", "200,000", "$0.009"],
        ]
    );
}

#[test]
fn budgets_and_the_file_for_procurement() {
    let seeded = Seeded::with([Sample::default()]);
    let printed = seeded.shell(
        "kt spend provider-budget create --provider openai --limit 5000 --period monthly\n\
         kt spend provider-budget create --provider anthropic --limit 3000 --period monthly\n\
         kt events export --since 30d --format csv --output provider-mix.csv",
    );
    assert!(
        printed.contains("$5,000.00 monthly for openai"),
        "{printed}"
    );
    assert!(
        printed.contains("$3,000.00 monthly for anthropic"),
        "{printed}"
    );
    let file = std::fs::read_to_string(seeded.scratch.path("home/provider-mix.csv")).unwrap();
    let lines: Vec<&str> = file.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("id,event_type,timestamp,"));
    assert!(lines[1].starts_with("evt_") && lines[1].contains(",reliable-chat,"));
}
