//! `kt spend`: the cost table, and ceilings.

use serde_json::json;

use crate::store::{Sample, Seeded};

fn two_providers() -> Seeded {
    Seeded::with([
        Sample {
            provider: "openai",
            tokens: (2_000, 400),
            cost_usd: 0.009,
            ..Sample::default()
        },
        Sample {
            provider: "openai",
            tokens: (2_000, 400),
            cost_usd: 0.009,
            minutes_ago: 2,
            ..Sample::default()
        },
        Sample {
            provider: "anthropic",
            tokens: (1_000, 100),
            cost_usd: 0.014,
            minutes_ago: 3,
            ..Sample::default()
        },
    ])
}

#[test]
fn the_report_is_the_documents_table_with_a_total() {
    let report = two_providers().kt(&["spend", "report"]);
    let rows: Vec<String> = report
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        rows,
        [
            "PROVIDER REQUESTS INPUT TOKENS OUTPUT TOKENS TOTAL COST COST/REQUEST",
            "openai 2 4,000 800 $0.018 $0.009",
            "anthropic 1 1,000 100 $0.014 $0.014",
            // (0.018 + 0.014) / 3
            "total 3 5,000 900 $0.032 $0.0107",
        ]
    );
}

#[test]
fn the_report_is_exact_for_programs() {
    let seeded = two_providers();
    let rows = seeded.json(&["spend", "report", "--since", "1d", "--json"]);
    assert_eq!(
        rows[1],
        json!({
            "provider": "anthropic", "request_count": 1, "total_input_tokens": 1000, "total_output_tokens": 100,
            "total_cost": 0.014, "cost_per_request": 0.014, "unpriced_count": 0,
        })
    );
    let csv = seeded.kt(&[
        "spend",
        "report",
        "--by",
        "resolved_model",
        "--format",
        "csv",
    ]);
    assert_eq!(
        csv.lines().next().unwrap(),
        "resolved_model,request_count,total_input_tokens,total_output_tokens,total_cost,cost_per_request,unpriced_count"
    );
    assert_eq!(
        seeded.json(&["spend", "report", "--until", "1d", "--json"]),
        json!([])
    );
    assert!(
        seeded
            .error(&["spend", "report", "--by", "colour"])
            .contains("\"colour\"")
    );
    assert!(
        seeded
            .error(&["spend", "report", "--since", "soon"])
            .contains("--since")
    );
}

#[test]
fn a_budget_is_made_shown_changed_and_taken_away() {
    let seeded = Seeded::with([Sample {
        cost_usd: 1.5,
        minutes_ago: 0,
        ..Sample::default()
    }]);
    let create = |limit, period| {
        seeded.json(&[
            "spend",
            "provider-budget",
            "create",
            "--provider",
            "openai",
            "--limit",
            limit,
            "--period",
            period,
            "--json",
        ])
    };
    let first = create("5000", "monthly");
    assert_eq!(
        (
            &first["limit_usd"],
            &first["spent_usd"],
            &first["remaining_usd"]
        ),
        (&json!(5000.0), &json!(1.5), &json!(4998.5))
    );
    let changed = create("$1", "monthly");
    assert_eq!(changed["id"], first["id"]);
    create("0.5", "daily");
    let list = seeded.json(&["spend", "provider-budget", "list", "--json"]);
    assert_eq!(list.as_array().unwrap().len(), 2);
    let table = seeded.kt(&["spend", "provider-budget", "list"]);
    assert!(
        table.contains("monthly  $1.00  $1.50      $0.00"),
        "{table}"
    );

    let two = seeded.error(&["spend", "provider-budget", "delete", "--provider", "openai"]);
    assert!(two.contains("--period"), "{two}");
    seeded.kt(&[
        "spend",
        "provider-budget",
        "delete",
        "--provider",
        "openai",
        "--period",
        "daily",
    ]);
    seeded.kt(&[
        "spend",
        "provider-budget",
        "delete",
        first["id"].as_str().unwrap(),
    ]);
    assert_eq!(
        seeded.json(&["spend", "provider-budget", "list", "--json"]),
        json!([])
    );
    let gone = seeded.error(&[
        "spend",
        "provider-budget",
        "delete",
        first["id"].as_str().unwrap(),
    ]);
    assert!(gone.contains("there is no budget"), "{gone}");
}
