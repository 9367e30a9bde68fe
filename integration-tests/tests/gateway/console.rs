//! The console in a real browser, with real traffic through real Envoy.

use std::path::Path;
use std::process::Stdio;

use harness::{
    Behaviour, Dialect, Gateway, GatewayOptions, PATIENCE, PolicyText, Provider, Upstream,
    chat_body, repository,
};
use serde_json::json;
use tokio::process::Command;

const REQUESTS: usize = 10;
const FAILOVERS: usize = 5;

/// What the test needs beyond Rust, or why it cannot run.
fn tools() -> Result<(String, String), String> {
    let modules = repository().join("console/node_modules");
    if !modules.join("playwright-core").is_dir() {
        return Err(
            "console/node_modules is not there; `scripts/setup console` installs it".to_owned(),
        );
    }
    let named = std::env::var("CHROMIUM_BIN").ok();
    let candidates = ["chromium", "chromium-browser", "google-chrome"].map(str::to_owned);
    let found = named.into_iter().chain(candidates).find(|name| {
        let asked = std::process::Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        asked.is_ok_and(|status| status.success())
    });
    let browser = found.ok_or("there is no Chromium on PATH, and CHROMIUM_BIN names none")?;
    let path = std::process::Command::new("sh")
        .args(["-c", "command -v \"$1\"", "sh", &browser])
        .output()
        .map_err(|error| error.to_string())?;
    let path = String::from_utf8_lossy(&path.stdout).trim().to_owned();
    Ok((path, modules.display().to_string()))
}

/// Waits until the collector has as many requests.
async fn arrived(base: &str, token: &str, requests: usize) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let asked = reqwest::Client::new()
            .get(format!("{base}/v1/events?metrics=request_count"))
            .bearer_auth(token)
            .send()
            .await;
        let numbers: serde_json::Value = asked.unwrap().json().await.unwrap();
        if numbers["data"][0]["request_count"] == json!(requests) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{numbers}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Width and height, as the PNG's first chunk has them.
fn size_of_png(file: &Path) -> Vec<u8> {
    let bytes = std::fs::read(file).unwrap();
    assert!(bytes.starts_with(b"\x89PNG"), "{}", file.display());
    bytes[16..24].to_vec()
}

/// A browser and the folder of what drives it; `None` where a test is to be skipped.
pub(crate) fn browser() -> Option<(String, String)> {
    tools()
        .inspect_err(|why| {
            let must = std::env::var_os("KEEPTRUSTS_TEST_BROWSER").is_some();
            assert!(!must, "{why}");
            println!("skipped: {why}");
        })
        .ok()
}

#[tokio::test]
async fn every_page_shows_what_happened() {
    let Some((chromium, modules)) = browser() else {
        return;
    };
    let first = Provider::start("p0", Dialect::OpenAi).await.unwrap();
    let second = Provider::start("p1", Dialect::OpenAi).await.unwrap();
    let upstreams = [("p0", &first), ("p1", &second)]
        .map(|(id, provider)| Upstream::at(id, provider, Dialect::OpenAi));
    let members = [("p0", "m0", 5_000), ("p1", "m1", 5_000)];
    let mut policy = PolicyText::failover(&upstreams, "chain", &members);
    // Five failures would open the first target's breaker, and then nobody would fail over.
    policy
        .text
        .push_str("circuit_breaker: {failure_threshold: 1000, max_cooldown_seconds: 1ms}\n");
    // One of its own: a gateway that another test had before would show that one's requests as well.
    let gateway = Gateway::start(&policy).await;
    first.behave(Behaviour::status(500));
    let client = gateway.client();
    for number in 0..REQUESTS {
        // Half of them name the second provider's model alone.
        let model = if number < FAILOVERS { "chain" } else { "m1" };
        let answer = client.post("/v1/chat/completions", &chat_body(model)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let base = format!("http://{}", gateway.ports()["collector"].as_str().unwrap());
    // The last line of the start says where it is, and how to get in.
    let place = format!("Console at {base}/ (`kt console --api-url {base} --data-dir ");
    gateway.wait_for_log(&place).await;
    let token = std::fs::read_to_string(gateway.data_folder().join("api-token")).unwrap();
    let token = token.trim();
    arrived(&base, token, REQUESTS).await;
    let screenshots = repository().join("target/console-screenshots");
    std::fs::create_dir_all(&screenshots).unwrap();
    let task = json!({
        "base": base, "token": token, "chromium": chromium, "modules": modules, "screenshots": screenshots,
        "expected": {"requests": REQUESTS, "failovers": FAILOVERS, "first": "p0", "second": "p1"},
    });
    let output = Command::new("node")
        .arg(repository().join("integration-tests/browser/console.mjs"))
        .arg(task.to_string())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    println!("{said}");
}

/// The README's picture is what this test renders, of `make run`'s policy over simulated providers.
/// `UPDATE_CONSOLE_PICTURE=1` takes it over.
#[tokio::test]
async fn the_readme_shows_a_picture_of_it() {
    let Some((chromium, modules)) = browser() else {
        return;
    };
    let policy = PolicyText {
        text: std::fs::read_to_string(repository().join("examples/quickstart/policy-config.yaml"))
            .unwrap(),
        keys: Vec::new(),
    };
    let options = GatewayOptions {
        arguments: vec![String::from("--simulate")],
        ..GatewayOptions::default()
    };
    let gateway = Gateway::start_with(&policy, &options).await;
    let client = gateway.client();
    for number in 0..60 {
        let model = match number % 10 {
            0 => "failover-demo",
            1..5 => "fast-chat",
            _ => "reliable-chat",
        };
        let answer = client.post("/v1/chat/completions", &chat_body(model)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let base = format!("http://{}", gateway.ports()["collector"].as_str().unwrap());
    let token = std::fs::read_to_string(gateway.data_folder().join("api-token")).unwrap();
    arrived(&base, token.trim(), 60).await;
    let rendered = repository().join("target/console-picture.png");
    let task = json!({
        "base": base, "token": token.trim(), "chromium": chromium, "modules": modules, "file": rendered,
    });
    let output = Command::new("node")
        .arg(repository().join("integration-tests/browser/picture.mjs"))
        .arg(task.to_string())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let shown = repository().join("docs/images/console.png");
    if std::env::var_os("UPDATE_CONSOLE_PICTURE").is_some() {
        std::fs::copy(&rendered, &shown).unwrap();
    }
    assert_eq!(size_of_png(&rendered), size_of_png(&shown));
}
