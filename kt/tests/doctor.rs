//! `kt doctor`: what is good, what is not, and what to do.

mod common;

use std::net::TcpListener;
use std::process::Command;

use common::{Scratch, kt, output, text};
use serde_json::Value;
use simulator::{Dialect, Provider};

const KEY: &str = "sk-the-real-key";

async fn provider() -> Provider {
    let provider = Provider::start("simulated", Dialect::OpenAi).await.unwrap();
    provider.accept_keys(&[KEY]);
    provider
}

/// A folder with a policy of these targets: id, base URL, further lines.
fn scratch(targets: &[(&str, &str, &str)]) -> Scratch {
    let scratch = Scratch::new();
    let mut policy = "providers:\n  targets:\n".to_owned();
    for (id, base_url, more) in targets {
        policy.push_str(&format!(
            "    - id: {id}\n      provider: openai\n      base_url: {base_url}\n      secret_key_ref: {{ env: {}_KEY }}\n{more}",
            id.to_uppercase()
        ));
    }
    scratch.write("policy-config.yaml", &policy);
    scratch
}

fn doctor(scratch: &Scratch, adjust: impl FnOnce(&mut Command)) -> (Option<i32>, Value) {
    let mut command = kt();
    command
        .args(["doctor", "--json", "--port", "0", "--collector-url"])
        // Nobody listens on tcpmux.
        .arg("http://127.0.0.1:1")
        .arg("--policy-config")
        .arg(scratch.path("policy-config.yaml"))
        .arg("--data-dir")
        .arg(scratch.path("data"));
    adjust(&mut command);
    let done = output(&mut command);
    let printed = text(&done.stdout);
    assert!(!printed.contains(KEY), "{printed}");
    let report =
        serde_json::from_str(&printed).unwrap_or_else(|_| panic!("{}", text(&done.stderr)));
    (done.status.code(), report)
}

fn finding<'a>(report: &'a Value, check: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|found| found["check"] == check);
    found.unwrap_or_else(|| panic!("no {check} in {report}"))
}

fn assert_found(report: &Value, check: &str, status: &str, part: &str) {
    let found = finding(report, check);
    assert_eq!(found["status"], status, "{found}");
    assert!(found["message"].as_str().unwrap().contains(part), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_provider_is_asked_with_its_key_and_timed() {
    let (good, wrong_key, custom, gone) = (
        provider().await,
        provider().await,
        provider().await,
        provider().await,
    );
    gone.go_down();
    let scratch = scratch(&[
        ("good", &good.base_url(), ""),
        ("wrong", &wrong_key.base_url(), ""),
        (
            "custom",
            &custom.base_url(),
            "      health_check: { enabled: true, path: /no-such-page }\n",
        ),
        ("gone", &gone.base_url(), ""),
        ("keyless", &good.base_url(), ""),
    ]);
    let (code, report) = tokio::task::spawn_blocking(move || {
        doctor(&scratch, |command| {
            command
                .env("GOOD_KEY", KEY)
                .env("WRONG_KEY", "sk-wrong")
                .env("CUSTOM_KEY", KEY)
                .env("GONE_KEY", KEY);
        })
    })
    .await
    .unwrap();
    assert_eq!((code, &report["ok"]), (Some(1), &Value::Bool(false)));
    assert_found(&report, "configuration", "warning", "5 provider(s)");
    assert_found(&report, "key of good", "ok", "GOOD_KEY");
    assert_found(
        &report,
        "key of keyless",
        "failed",
        "KEYLESS_KEY is not set",
    );
    assert_found(&report, "provider good", "ok", "200 OK");
    assert!(finding(&report, "provider good")["latency_ms"].is_u64());
    assert_found(
        &report,
        "provider wrong",
        "failed",
        "401 Unauthorized: it does not take the key",
    );
    assert_found(&report, "provider custom", "failed", "/no-such-page: 404");
    assert_found(&report, "provider gone", "failed", "refused");
    assert_found(
        &report,
        "collector",
        "failed",
        "http://127.0.0.1:1 does not answer",
    );
    let asked = good.all_received();
    assert!(
        asked.iter().all(|request| request.method == "GET"),
        "nothing that costs money is sent"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_compared_with_what_the_provider_lists() {
    let provider = provider().await;
    let scratch = scratch(&[
        ("good", &provider.base_url(), "      model: simulated\n"),
        ("other", &provider.base_url(), "      model: simulatd\n"),
    ]);
    let (_, report) = tokio::task::spawn_blocking(move || {
        doctor(&scratch, |command| {
            command.env("GOOD_KEY", KEY).env("OTHER_KEY", KEY);
        })
    })
    .await
    .unwrap();
    assert_found(
        &report,
        "models of other",
        "warning",
        "`simulatd` is not in the provider's list, which has `simulated`",
    );
    let checks = report["checks"].as_array().unwrap();
    let of_good = checks
        .iter()
        .any(|found| found["check"] == "models of good");
    assert!(!of_good, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well() {
    let provider = provider().await;
    let scratch = scratch(&[("good", &provider.base_url(), "")]);
    let done = tokio::task::spawn_blocking(move || {
        output(
            kt().args(["doctor", "--port", "0", "--policy-config"])
                .arg(scratch.path("policy-config.yaml"))
                .arg("--data-dir")
                .arg(scratch.path("data"))
                .env("GOOD_KEY", KEY),
        )
    })
    .await
    .unwrap();
    let table = text(&done.stdout);
    assert_eq!(done.status.code(), Some(0), "{table}");
    for check in [
        "configuration",
        "key of good",
        "provider good",
        "envoy",
        "filter module",
        "port ",
        "collector",
    ] {
        let line = table.lines().find(|line| line.contains(check));
        assert!(
            line.is_some_and(|line| line.starts_with("ok ")),
            "{check}: {table}"
        );
    }
}

#[test]
fn what_is_missing_is_named_with_what_to_do() {
    let scratch = scratch(&[("gone", "http://127.0.0.1:1/v1", "")]);
    let no_wasm = scratch.write("filter.wasm", "text");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    scratch.write("policy-config.yaml", "providers: [");
    let done = output(
        kt().args(["doctor", "--json", "--port", &port, "--policy-config"])
            .arg(scratch.path("policy-config.yaml"))
            .arg("--filter-wasm")
            .arg(no_wasm)
            .env("ENVOY_BIN", "/bin/true"),
    );
    assert_eq!(done.status.code(), Some(1));
    let report: Value = serde_json::from_str(&text(&done.stdout)).unwrap();
    assert_found(&report, "configuration", "failed", "error[E111]");
    assert_found(&report, "envoy", "failed", "does not say a version");
    assert_found(&report, "filter module", "failed", "is no wasm module");
    assert_found(
        &report,
        &format!("port 127.0.0.1:{port}"),
        "failed",
        "choose another with --port",
    );
}
