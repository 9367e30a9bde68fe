//! `kt tokens`: keys are shown once, and kept as hashes.

use serde_json::json;

use crate::common::{Scratch, files, kt, output, text};
use crate::store::{Sample, Seeded};

#[test]
fn a_key_is_made_before_any_gateway_ran_and_is_nowhere_on_disk() {
    let scratch = Scratch::new();
    let done = output(
        kt().args([
            "tokens",
            "create",
            "--type",
            "gateway",
            "--name",
            "ci",
            "--data-dir",
        ])
        .arg(scratch.path("data")),
    );
    assert!(done.status.success(), "{}", text(&done.stderr));
    let printed = text(&done.stdout);
    let key = printed.trim_end();
    assert!(key.starts_with("kt_gk_") && key.len() == 49, "{key}");
    assert!(text(&done.stderr).contains("not shown again"));
    for (file, content) in files(&scratch.path("data")) {
        assert!(!content.contains(key), "{}", file.display());
    }
}

#[test]
fn keys_have_names_limits_and_an_end() {
    let seeded = Seeded::with([Sample::default()]);
    let created = seeded.json(&[
        "tokens",
        "create",
        "--type",
        "gateway",
        "--name",
        "ci",
        "--models",
        "fast-chat,premium-chat",
        "--expires-in",
        "90d",
        "--rpm",
        "60",
        "--budget",
        "25",
        "--period",
        "daily",
        "--json",
    ]);
    assert_eq!(created["models"], json!(["fast-chat", "premium-chat"]));
    assert_eq!(created["requests_per_minute"], 60);
    assert_eq!(
        created["limit"],
        json!({"limit_usd": 25.0, "period": "daily"})
    );
    let days = (created["expires_at_ms"].as_u64().unwrap()
        - created["created_at_ms"].as_u64().unwrap())
        / 86_400_000;
    assert_eq!(days, 90);
    let taken = seeded.error(&["tokens", "create", "--name", "ci"]);
    assert!(taken.contains("\"ci\""), "{taken}");

    let table = seeded.kt(&["tokens", "list"]);
    for part in [
        "ci",
        "active",
        "fast-chat, premium-chat",
        "60",
        "$0.00 of $25.00 daily",
    ] {
        assert!(table.contains(part), "{part:?} in {table}");
    }
    assert!(!table.contains(created["key"].as_str().unwrap()));
    assert!(seeded.kt(&["tokens", "revoke", "ci"]).contains("revoked"));
    assert_eq!(
        seeded.json(&["tokens", "list", "--json"])[0]["state"],
        "revoked"
    );
    assert!(seeded.error(&["tokens", "revoke", "ci"]).contains("\"ci\""));
}

#[test]
fn what_cannot_be_is_refused_by_the_command_line() {
    let seeded = Seeded::with([]);
    for arguments in [
        &["tokens", "create", "--name", "x", "--type", "admin"][..],
        &["tokens", "create", "--name", "x", "--expires-in", "soon"],
        &["tokens", "create", "--name", "x", "--rpm", "0"],
        &["tokens", "create", "--name", "x", "--budget", "5"],
        &[
            "tokens", "create", "--name", "x", "--budget", "-5", "--period", "daily",
        ],
        &[
            "spend",
            "provider-budget",
            "create",
            "--provider",
            "p",
            "--limit",
            "0",
            "--period",
            "daily",
        ],
        &[
            "spend",
            "provider-budget",
            "create",
            "--provider",
            "p",
            "--limit",
            "1",
            "--period",
            "yearly",
        ],
    ] {
        let done = output(
            kt().args(arguments)
                .arg("--data-dir")
                .arg(seeded.data_dir()),
        );
        assert_eq!(done.status.code(), Some(2), "{arguments:?}");
    }
    assert_eq!(seeded.json(&["tokens", "list", "--json"]), json!([]));
}
