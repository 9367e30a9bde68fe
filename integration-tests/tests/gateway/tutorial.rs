//! The tutorial of the product's documents ("Configuring Multi-Provider Failover"), step by step and with its own words.
//!
//! Beside what the reader types there are only the addresses of simulated providers and shorter intervals of probes.

use std::process::Command;
use std::time::Duration;

use harness::{Dialect, Gateway, PATIENCE, PolicyText, Provider, repository};
use serde_json::{Value, json};

const VALID_OPENAI: &str = "sk-your-real-openai-key";
const INVALID_OPENAI: &str = "sk-invalid-key-for-testing";
const ANTHROPIC: &str = "sk-ant-your-anthropic-key";

const ASK: &str = r#"curl -s http://localhost:41002/v1/chat/completions \
  -H "Content-Type: application/json" \
  -d '{
    "model": "gpt-4o-mini",
    "messages": [
      {"role": "user", "content": "What is the capital of France?"}
    ]
  }' | jq '{model: .model, provider: .keeptrusts_metadata.provider}'"#;
const HEALTH: &str = "curl -s http://localhost:41002/health | jq '.providers'";

struct Tutorial {
    openai: Provider,
    anthropic: Provider,
}

impl Tutorial {
    async fn begin() -> Self {
        let openai = Provider::start("openai", Dialect::OpenAi).await.unwrap();
        openai.accept_keys(&[VALID_OPENAI]);
        let anthropic = Provider::start("anthropic", Dialect::Anthropic)
            .await
            .unwrap();
        anthropic.accept_keys(&[ANTHROPIC]);
        Self { openai, anthropic }
    }

    /// `kt gateway run` with this `OPENAI_API_KEY`.
    async fn run(&self, openai_key: &str) -> Gateway {
        let seed = repository().join("examples/seeds/003-multi-provider-failover.yaml");
        let mut text = std::fs::read_to_string(seed).unwrap();
        for (vendor, provider) in [("openai", &self.openai), ("anthropic", &self.anthropic)] {
            let line = format!("      provider: {vendor}\n");
            assert!(text.contains(&line));
            let and_address = format!("{line}      base_url: {}\n", provider.base_url());
            text = text.replace(&line, &and_address);
        }
        text.push_str("health_check:\n  enabled: true\n  interval_seconds: 1\n");
        let keys = vec![
            ("OPENAI_API_KEY".to_owned(), openai_key.to_owned()),
            ("ANTHROPIC_API_KEY".to_owned(), ANTHROPIC.to_owned()),
        ];
        Gateway::start(&PolicyText { text, keys }).await
    }
}

/// What the reader types and sees.
async fn type_in(gateway: &Gateway, line: &str) -> Value {
    let line = line.replace("http://localhost:41002", &gateway.url());
    let output = tokio::task::spawn_blocking(move || {
        Command::new("timeout")
            .args(["30", "bash", "-o", "pipefail", "-c", &line])
            .output()
            .unwrap()
    });
    let output = output.await.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error} in {output:?}"))
}

/// `/health`, once `so` holds.
async fn health_when(gateway: &Gateway, so: impl Fn(&Value) -> bool) -> Value {
    let told = async {
        loop {
            let health = type_in(gateway, HEALTH).await;
            if so(&health) {
                return health;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, told).await {
        Ok(health) => health,
        Err(_) => panic!("still {}", type_in(gateway, HEALTH).await),
    }
}

/// `2026-04-23T10:25:30Z`
fn is_rfc3339(time: &Value) -> bool {
    let shape: String = time
        .as_str()
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    shape == "0000-00-00T00:00:00Z"
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tutorial_can_be_followed_step_by_step() {
    let tutorial = Tutorial::begin().await;

    // Steps 1 to 3: start.
    let gateway = tutorial.run(VALID_OPENAI).await;
    let log = gateway.log().join("\n");
    for line in [
        "INFO keeptrusts::gateway Loaded 2 provider(s), 1 policy(ies)",
        "INFO keeptrusts::gateway Provider openai-primary: priority=1, health_check=enabled",
        "INFO keeptrusts::gateway Provider anthropic-fallback: priority=2, health_check=enabled",
        "INFO keeptrusts::gateway Failover: strategy=priority, model_mappings=2",
        "INFO keeptrusts::gateway Gateway ready",
    ] {
        assert!(log.contains(line), "{line:?} is not in:\n{log}");
    }

    // Step 4: a request under normal conditions.
    let normal = type_in(&gateway, ASK).await;
    assert_eq!(
        normal,
        json!({"model": "gpt-4o-mini", "provider": "openai-primary"})
    );
    gateway.stop().await;

    // Step 5: the primary provider is down.
    let gateway = tutorial.run(INVALID_OPENAI).await;
    let mapped = json!({"model": "claude-sonnet-4-20250514", "provider": "anthropic-fallback"});
    assert_eq!(type_in(&gateway, ASK).await, mapped);

    // Step 6: health.
    let health = health_when(&gateway, |health| {
        health["openai-primary"]["status"] == "unhealthy"
            && health["anthropic-fallback"]["last_check"].is_string()
    })
    .await;
    let primary = &health["openai-primary"];
    assert!(
        primary["consecutive_failures"].as_u64().unwrap() >= 3,
        "{health}"
    );
    assert!(is_rfc3339(&primary["last_check"]), "{health}");
    let fallback = &health["anthropic-fallback"];
    assert_eq!(
        (&fallback["status"], &fallback["consecutive_failures"]),
        (&json!("healthy"), &json!(0))
    );
    assert!(is_rfc3339(&fallback["last_check"]), "{health}");
    // Out of the plan by now: the failed attempt is spared.
    let asked = tutorial.openai.received().len();
    assert_eq!(type_in(&gateway, ASK).await, mapped);
    assert_eq!(tutorial.openai.received().len(), asked);
    gateway.stop().await;

    // Step 7: the primary provider is restored.
    let gateway = tutorial.run(VALID_OPENAI).await;
    let both_healthy = |health: &Value| {
        ["openai-primary", "anthropic-fallback"].iter().all(|id| {
            let provider = &health[id];
            provider["status"] == "healthy"
                && provider["consecutive_failures"] == 0
                && is_rfc3339(&provider["last_check"])
        })
    };
    health_when(&gateway, both_healthy).await;
    assert_eq!(type_in(&gateway, ASK).await, normal);
    let (status, _, _) = gateway.stop().await;
    assert!(status.success());
}

/// "Once the primary recovers, traffic shifts back", here without a restart.
#[tokio::test(flavor = "multi_thread")]
async fn traffic_shifts_back_when_probes_of_the_primary_succeed_again() {
    let tutorial = Tutorial::begin().await;
    let gateway = tutorial.run(VALID_OPENAI).await;
    tutorial.openai.go_down();
    health_when(&gateway, |health| {
        health["openai-primary"]["status"] == "unhealthy"
    })
    .await;
    assert_eq!(
        type_in(&gateway, ASK).await["provider"],
        "anthropic-fallback"
    );
    tutorial.openai.come_back().await.unwrap();
    health_when(&gateway, |health| {
        health["openai-primary"]["status"] == "healthy"
    })
    .await;
    assert_eq!(type_in(&gateway, ASK).await["provider"], "openai-primary");
}
