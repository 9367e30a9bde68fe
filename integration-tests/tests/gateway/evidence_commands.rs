//! The commands of the product's documents, letter by letter, on real traffic: Envoy, filter, collector and `kt`.
//!
//! Beside what the reader types there are only the addresses of simulated providers, and where `kt` finds the collector.

use std::process::Command;
use std::time::{Duration, Instant};

use harness::{
    Behaviour, Dialect, Gateway, GatewayOptions, PATIENCE, PolicyText, Provider, chat_body,
    repository, tool,
};
use reqwest::Method;
use serde_json::{Value, json};

/// "A revoked key stops working within 5 s."
const FELT_WITHIN: Duration = Duration::from_secs(5);

/// The gateway of the documents, with the groups of three of them.
struct Scene {
    gateway: Gateway,
    openai: Provider,
    anthropic: Provider,
}

fn seed(name: &str) -> String {
    std::fs::read_to_string(repository().join("examples/seeds").join(name)).unwrap()
}

/// The only group of a seed.
fn group(name: &str) -> String {
    let text = seed(name);
    let (_, groups) = text.split_once("model_groups:\n").unwrap();
    groups.to_owned()
}

impl Scene {
    async fn begin() -> Self {
        let openai = Provider::start("openai", Dialect::OpenAi).await.unwrap();
        let anthropic = Provider::start("anthropic", Dialect::Anthropic)
            .await
            .unwrap();
        let mut text = seed("001-fallback-chain.yaml");
        text.push_str(&group("001-cost-routing.yaml"));
        text.push_str(&group("001-ab-test.yaml"));
        for (url, provider) in [
            ("https://api.openai.com/v1", &openai),
            ("https://api.anthropic.com/v1", &anthropic),
        ] {
            // The address no longer tells the vendor.
            let line = format!("base_url: {url}\n");
            let (indent, kind) = (
                "        ",
                if url.contains("openai") {
                    "openai"
                } else {
                    "anthropic"
                },
            );
            assert!(text.contains(&line), "{url}");
            text = text.replace(
                &line,
                &format!("base_url: {}\n{indent}type: {kind}\n", provider.base_url()),
            );
        }
        let key = |name: &str| (name.to_owned(), format!("sk-{name}"));
        let keys = [
            "OPENAI_API_KEY",
            "ANTHROPIC_API_KEY",
            "AZURE_OPENAI_API_KEY",
            "OLLAMA_DUMMY_KEY",
        ];
        let policy = PolicyText {
            text,
            keys: keys.map(key).to_vec(),
        };
        let options = GatewayOptions {
            concurrency: Some(2),
            ..GatewayOptions::default()
        };
        Self {
            gateway: Gateway::start_with(&policy, &options).await,
            openai,
            anthropic,
        }
    }

    async fn ask(&self, model: &str) -> Value {
        let answer = self.gateway.client().chat(model).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.json()
    }

    async fn status_with_key(&self, key: &str) -> u16 {
        let bearer = format!("Bearer {key}");
        let body = chat_body("reliable-chat").to_string().into_bytes();
        let client = self.gateway.client();
        let answer = client
            .send(
                Method::POST,
                "/v1/chat/completions",
                &[("authorization", &bearer)],
                body,
            )
            .await;
        answer.status
    }

    /// What the reader types, and sees.
    async fn type_in(&self, line: &str) -> String {
        let collector = self.gateway.ports()["collector"].as_str().unwrap();
        let token = std::fs::read_to_string(self.gateway.data_folder().join("api-token")).unwrap();
        let binaries = tool("kt").parent().unwrap().to_owned();
        let path = std::env::join_paths(
            std::iter::once(binaries)
                .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        let mut command = Command::new("timeout");
        command
            .args(["30", "bash", "-euo", "pipefail", "-c", line])
            .env("PATH", path.unwrap())
            .env("KEEPTRUSTS_API_URL", format!("http://{collector}"))
            .env("KEEPTRUSTS_API_TOKEN", token.trim())
            .current_dir(self.gateway.data_folder());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        assert!(
            output.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Several JSON values in a row, as jq prints them.
    async fn values(&self, line: &str) -> Vec<Value> {
        let printed = self.type_in(line).await;
        serde_json::Deserializer::from_str(&printed)
            .into_iter()
            .map(Result::unwrap)
            .collect()
    }

    /// Waits until the collector has `count` events.
    async fn collected(&self, count: usize) {
        let begin = Instant::now();
        loop {
            let events = self.values("kt events tail --limit 1000 --json").await;
            let found = events[0].as_array().unwrap().len();
            if found == count {
                return;
            }
            assert!(found < count, "{found} events of {count} requests");
            assert!(begin.elapsed() < PATIENCE, "{found} of {count} events came");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// How long it takes until requests with `key` are answered with `status`.
    async fn until(&self, status: u16, key: &str) -> Duration {
        let begin = Instant::now();
        // Each worker learns it on a tick of its own.
        let mut in_a_row = 0;
        while in_a_row < 20 {
            if self.status_with_key(key).await == status {
                in_a_row += 1;
                continue;
            }
            in_a_row = 0;
            assert!(begin.elapsed() < PATIENCE, "still not {status}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        begin.elapsed()
    }
}

/// What a provider billed at the prices of the seed, in US dollars.
fn cost(answer: &Value, input_per_1k: f64, output_per_1k: f64) -> f64 {
    let tokens = |name: &str| answer["usage"][name].as_f64().unwrap();
    (tokens("prompt_tokens") * input_per_1k + tokens("completion_tokens") * output_per_1k) / 1000.0
}

fn close(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap();
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_commands_show_what_happened() {
    let scene = Scene::begin().await;

    // "Testing Fallback Behavior": one request as it should be, and one whose first provider fails.
    scene.ask("reliable-chat").await;
    scene.openai.next([Behaviour::status(503)]);
    let fallback = scene.ask("reliable-chat").await;
    assert_eq!(fallback["model"], "claude-sonnet-4");
    scene.collected(2).await;
    assert_eq!(
        scene
            .values(
                r#"kt events tail --filter "model=reliable-chat" --limit 5 --output json | \
  jq '.[] | {actual_model: .resolved_model, fallbacks: .fallback_count}'"#
            )
            .await,
        [
            json!({"actual_model": "gpt-4o", "fallbacks": 0}),
            json!({"actual_model": "claude-sonnet-4", "fallbacks": 1}),
        ]
    );

    // "Monitor Failover Latency".
    let tail = scene
        .values("kt events tail --last 5 --format json | jq '.[] | {id, provider: .provider, latency_ms, failover: .failover}'")
        .await;
    let last = tail.last().unwrap();
    assert!(last["id"].as_str().unwrap().starts_with("evt_"));
    assert!(last["latency_ms"].is_u64());
    assert_eq!(last["provider"], "anthropic");
    assert_eq!(
        last["failover"],
        json!({"triggered": true, "original_provider": "openai", "reason": "upstream_5xx"})
    );

    // "Monitoring Cost Routing".
    let cheap = scene.ask("cost-optimized").await;
    scene.collected(3).await;
    let costs = scene
        .values(
            r#"kt events tail --limit 20 --output json | \
  jq '.[] | {model: .resolved_model, estimated_cost: .estimated_cost_usd, actual_cost: .actual_cost_usd}'"#,
        )
        .await;
    assert_eq!(costs[2]["model"], "gpt-4o-mini");
    close(&costs[2]["actual_cost"], cost(&cheap, 0.00015, 0.0006));
    assert!(costs[2]["estimated_cost"].as_f64().unwrap() > 0.0);

    // "Analyzing A/B Results". The documents' third line divides the number of blocked requests by itself, so jq stops
    // where nothing was blocked; the other two are theirs.
    const ASKED: usize = 30;
    let mut arms = [0_usize; 2];
    for _ in 0..ASKED {
        let model = scene.ask("chat-experiment").await["model"].clone();
        arms[usize::from(model == "claude-sonnet-4")] += 1;
    }
    scene.collected(3 + ASKED).await;
    for (tag, expected) in [("control", arms[0]), ("experiment", arms[1])] {
        let found = scene
            .values(&format!(
                r#"kt events tail --filter "tag={tag}" --limit 100 --output json | \
  jq '{{
    avg_latency: ([.[].latency_ms] | add / length),
    avg_tokens: ([.[].tokens.total] | add / length),
    requests: length
  }}'"#
            ))
            .await;
        assert_eq!(found[0]["requests"], expected);
        assert!(found[0]["avg_latency"].as_f64().unwrap() >= 0.0);
        assert!(found[0]["avg_tokens"].as_f64().unwrap() > 0.0);
    }
    let comparison = scene
        .type_in("kt events compare --group chat-experiment --since 7d --by tag")
        .await;
    assert!(comparison.contains("No difference proved"), "{comparison}");

    // "Cost Comparison Across Providers": the providers' own books.
    let billed = |provider: &Provider| provider.received().len();
    let table = scene
        .type_in(
            "kt events list \\\n  --since 30d \\\n  --group-by provider \\\n  \
             --fields provider,request_count,total_input_tokens,total_output_tokens,total_cost \\\n  --format table",
        )
        .await;
    let row = |name: &str| -> Vec<&str> {
        let line = table.lines().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("no {name} in {table}"))
            .split_whitespace()
            .collect()
    };
    assert_eq!(
        row("provider"),
        [
            "provider",
            "request_count",
            "total_input_tokens",
            "total_output_tokens",
            "total_cost"
        ]
    );
    // The failed attempt is in the provider's book, but it served nobody.
    assert_eq!(row("openai")[1], (billed(&scene.openai) - 1).to_string());
    assert_eq!(row("anthropic")[1], billed(&scene.anthropic).to_string());

    // The review file.
    scene
        .type_in("kt events export --since 30d --format csv --output provider-mix.csv")
        .await;
    let file =
        std::fs::read_to_string(scene.gateway.data_folder().join("provider-mix.csv")).unwrap();
    assert_eq!(file.split_terminator("\r\n").count(), 1 + 3 + ASKED);

    // Whatever ended just before the gateway does is not lost, and the audit trail has everything.
    scene.ask("reliable-chat").await;
    let (status, log, folder) = scene.gateway.stop().await;
    assert!(status.success(), "{}", log.join("\n"));
    let data = folder.path().join("data");
    let output = Command::new(tool("kt"))
        .args(["audit", "verify", "--json", "--data-dir"])
        .arg(&data)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(
        report,
        json!({"intact": true, "records": 3 + ASKED + 1, "first": 1, "damage": null})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_made_by_command_is_a_ceiling_at_the_gateway() {
    let scene = Scene::begin().await;
    let made = scene
        .type_in(
            "kt spend provider-budget create --provider openai --limit 5000 --period monthly\n\
             kt spend provider-budget create --provider anthropic --limit 3000 --period monthly",
        )
        .await;
    assert!(made.contains("$5,000.00 monthly for openai"), "{made}");
    let model = |answer: Value| answer["model"].as_str().unwrap().to_owned();
    assert_eq!(model(scene.ask("reliable-chat").await), "gpt-4o");

    // Less than one request costs.
    scene
        .type_in(
            "kt spend provider-budget create --provider openai --limit 0.0000001 --period daily",
        )
        .await;
    // Each worker takes the budget over on its own tick, so one answer of the other provider does not yet speak for all.
    const IN_A_ROW: usize = 20;
    let begin = Instant::now();
    let mut in_a_row = 0;
    while in_a_row < IN_A_ROW {
        assert!(begin.elapsed() < PATIENCE, "openai still serves");
        if model(scene.ask("reliable-chat").await) == "claude-sonnet-4" {
            in_a_row += 1;
        } else {
            in_a_row = 0;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let served = scene.openai.received().len();
    for _ in 0..10 {
        assert_eq!(model(scene.ask("reliable-chat").await), "claude-sonnet-4");
    }
    assert_eq!(scene.openai.received().len(), served);
    scene
        .type_in("kt spend provider-budget delete --provider openai --period daily")
        .await;
    let begin = Instant::now();
    while model(scene.ask("reliable-chat").await) != "gpt-4o" {
        assert!(begin.elapsed() < PATIENCE, "openai does not serve again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_made_by_command_opens_and_a_revoked_one_does_not() {
    let scene = Scene::begin().await;
    scene.ask("reliable-chat").await;
    let key = scene
        .type_in("kt tokens create --type gateway --name app --models reliable-chat")
        .await;
    let key = key.trim_end();
    // From the first key on nobody gets in without one.
    scene.until(401, "kt_gk_nobody").await;
    assert_eq!(scene.status_with_key(key).await, 200);
    let client = scene.gateway.client();
    let body = chat_body("cost-optimized").to_string().into_bytes();
    let bearer = format!("Bearer {key}");
    let elsewhere = client
        .send(
            Method::POST,
            "/v1/chat/completions",
            &[("authorization", &bearer)],
            body,
        )
        .await;
    assert_eq!(elsewhere.status, 403);
    assert_eq!(elsewhere.json()["error"]["code"], "model_not_allowed");

    scene.type_in("kt tokens revoke app").await;
    let took = scene.until(401, key).await;
    assert!(took < FELT_WITHIN, "{took:?}");
    // Events come in batches, a little after the answers that they are about.
    let begin = Instant::now();
    loop {
        let named = scene
            .values("kt events tail --filter key_name=app --limit 1 --json")
            .await;
        if named[0][0]["key_name"] == "app" {
            break;
        }
        assert!(begin.elapsed() < PATIENCE, "no event names the key");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The policy of the document on vendors, with simulated providers in place of its vendors.
async fn multi_provider_core() -> (Scene, Provider) {
    let openai = Provider::start("openai", Dialect::OpenAi).await.unwrap();
    let azure = Provider::start("azure", Dialect::OpenAi).await.unwrap();
    let anthropic = Provider::start("anthropic", Dialect::Anthropic)
        .await
        .unwrap();
    let mut text = seed("002-multi-provider-core.yaml");
    for (target, url) in [
        ("openai:chat:gpt-5.4-mini\n", openai.base_url()),
        (
            "azure:chat:gpt-5.4-mini-mini\n",
            format!("http://{}", azure.address()),
        ),
        (
            "anthropic:chat:claude-3-5-sonnet-20241022\n",
            anthropic.base_url(),
        ),
    ] {
        let line = format!("      provider: {target}");
        assert!(text.contains(&line), "{target}");
        text = text.replace(&line, &format!("{line}      base_url: {url}\n"));
    }
    let key = |name: &str| (name.to_owned(), format!("sk-{name}"));
    let keys = [
        "OPENAI_API_KEY",
        "AZURE_OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
    ];
    let policy = PolicyText {
        text,
        keys: keys.map(key).to_vec(),
    };
    let scene = Scene {
        gateway: Gateway::start(&policy).await,
        openai,
        anthropic,
    };
    (scene, azure)
}

impl Scene {
    /// Another gateway has spent that much.
    async fn spent_elsewhere(&self, provider: &str, vendor: &str, usd: f64) {
        let now = events::Timestamp::from_millis(
            u64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap(),
        );
        let event = json!({
            "event_type": "decision", "id": events::EventId::new(now.millis(), 1).to_string(),
            "timestamp": now.to_string(), "request_id": "elsewhere", "decision": "allowed", "model": "m",
            "model_group": null, "resolved_model": "m", "provider": provider, "vendor": vendor, "strategy": null,
            "stream": false, "status_code": 200, "latency_ms": 1, "upstream_latency_ms": 1,
            "time_to_first_token_ms": null, "tokens": null, "estimated_cost_usd": null, "actual_cost_usd": usd,
            "fallback_count": 0, "failover": {"triggered": false, "original_provider": null, "reason": null},
            "gateway_id": "elsewhere", "instance_id": "elsewhere",
        });
        let token = std::fs::read_to_string(self.gateway.data_folder().join("ingest-token"));
        let collector = self.gateway.ports()["collector"].as_str().unwrap();
        let answer = reqwest::Client::new()
            .post(format!("http://{collector}/v1/events"))
            .bearer_auth(token.unwrap().trim())
            .body(format!("{event}\n"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
    }

    /// Asks until nothing reaches `stopped` any more; the status of the last answer.
    async fn until_stopped(&self, stopped: &Provider) -> u16 {
        let begin = Instant::now();
        let (mut quiet, mut seen) = (0, stopped.received().len());
        loop {
            let answer = self.gateway.client().chat("production-llm").await;
            let now = stopped.received().len();
            quiet = if now == seen { quiet + 1 } else { 0 };
            seen = now;
            // Seven of ten requests would have gone there.
            if quiet == 30 {
                return answer.status;
            }
            assert!(begin.elapsed() < PATIENCE, "it is still asked");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_two_budgets_stop_their_vendors() {
    let (scene, azure) = multi_provider_core().await;
    scene.ask("production-llm").await;
    // The gateway has told which targets it has; then what is misspelt is refused.
    let begin = Instant::now();
    let misspelt =
        "kt spend provider-budget create --provider opneai --limit 1 --period monthly 2>&1 || true";
    loop {
        let said = scene.type_in(misspelt).await;
        if said.contains("the nearest names are \"openai\"") {
            break;
        }
        assert!(begin.elapsed() < PATIENCE, "{said}");
        scene
            .type_in("kt spend provider-budget delete --provider opneai || true")
            .await;
    }
    scene
        .type_in(
            "kt spend provider-budget create --provider openai --limit 5000 --period monthly
kt spend provider-budget create --provider anthropic --limit 3000 --period monthly
kt events export --since 30d --format csv --output provider-mix.csv",
        )
        .await;

    scene
        .spent_elsewhere("openai-main", "openai", 5_000.0)
        .await;
    assert_eq!(
        scene.until_stopped(&scene.openai).await,
        200,
        "azure serves"
    );
    // The group falls back to Anthropic, until its vendor is spent, too.
    azure.behave(Behaviour::status(503));
    let before = scene.anthropic.received().len();
    scene.ask("production-llm").await;
    assert_eq!(scene.anthropic.received().len(), before + 1);
    scene
        .spent_elsewhere("another-anthropic", "anthropic", 3_000.0)
        .await;
    let status = scene.until_stopped(&scene.anthropic).await;
    assert!(status >= 400, "{status}");
    let left = scene
        .values("kt spend provider-budget list --json")
        .await
        .remove(0);
    for budget in left.as_array().unwrap() {
        assert_eq!(budget["remaining_usd"], 0.0, "{budget}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn simulated_traffic_says_so_and_costs_nobody_anything() {
    let policy = PolicyText {
        text: seed("001-cost-routing.yaml"),
        keys: Vec::new(),
    };
    let options = GatewayOptions {
        arguments: vec!["--simulate".into()],
        ..GatewayOptions::default()
    };
    let scene = Scene {
        gateway: Gateway::serving_with(&policy, &options).await,
        // Nobody asks these.
        openai: Provider::start("openai", Dialect::OpenAi).await.unwrap(),
        anthropic: Provider::start("anthropic", Dialect::Anthropic)
            .await
            .unwrap(),
    };
    // A ceiling that a single real request would break.
    scene
        .type_in(
            "kt spend provider-budget create --provider openai --limit 0.000001 --period daily",
        )
        .await;
    for _ in 0..5 {
        scene.ask("cost-optimized").await;
    }
    scene.collected(5).await;
    let events = scene.values("kt events tail --json").await.remove(0);
    for event in events.as_array().unwrap() {
        assert_eq!(event["simulated"], true, "{event}");
        assert!(event["actual_cost_usd"].as_f64().unwrap() > 0.0, "{event}");
    }
    let budgets = scene.values("kt spend provider-budget list --json").await;
    assert_eq!(budgets[0][0]["spent_usd"], 0.0);
    assert_eq!(scene.values("kt spend report --json").await, [json!([])]);
    let all = scene.values("kt spend report --simulated --json").await;
    assert_eq!(all[0][0]["request_count"], 5);
}
