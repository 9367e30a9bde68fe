//! Gateway keys: who is let in, and how soon a change is felt.

use std::time::{Duration, Instant};

use harness::{Dialect, Gateway, PATIENCE, PolicyText, Provider, Recorder, Upstream, chat_body};
use reqwest::Method;
use serde_json::{Value, json};

/// SHA-256 of `kt_gk_wide` and `kt_gk_narrow`.
const WIDE: &str = "fcc984417d4dde254627767520ae0546d5880191fb1a23de9adbf2e41017eb97";
const NARROW: &str = "536350dc51292fa61789e0bfae759a8aa8f415a6e1e54238af4924c6975b5c80";

struct Scene {
    gateway: Gateway,
    _provider: Provider,
    recorder: Recorder,
}

impl Scene {
    /// Groups `one` and `two` of one provider, and these keys.
    async fn with(keys: &Value) -> Self {
        let recorder = Recorder::start().await;
        recorder.control(&state(keys));
        let provider = Provider::start("p0", Dialect::OpenAi).await.unwrap();
        let upstream = Upstream::at("p0", &provider, Dialect::OpenAi);
        let groups = "model_groups:
  - {name: one, models: [{provider: p0, model: m0}]}
  - {name: two, models: [{provider: p0, model: m0}]}
";
        let policy = PolicyText::over(&[upstream], groups);
        let gateway = Gateway::start_with(&policy, &recorder.options()).await;
        let scene = Self {
            gateway,
            _provider: provider,
            recorder,
        };
        scene.until(200, "kt_gk_wide").await;
        scene
    }

    async fn ask(&self, model: &str, key: &str) -> (u16, String) {
        let bearer = format!("Bearer {key}");
        let answer = self
            .gateway
            .client()
            .send(
                Method::POST,
                "/v1/chat/completions",
                &[("authorization", &bearer)],
                chat_body(model).to_string().into_bytes(),
            )
            .await;
        let code = answer.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (answer.status, code)
    }

    /// How long it takes until requests with this key are answered so.
    async fn until(&self, status: u16, key: &str) -> Duration {
        let started = Instant::now();
        while self.ask("one", key).await.0 != status {
            assert!(started.elapsed() < PATIENCE, "never {status}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        started.elapsed()
    }
}

fn state(keys: &Value) -> Value {
    json!({"version": keys.to_string(), "keys_required": true, "keys": keys})
}

fn wide() -> Value {
    json!({"id": "k1", "name": "wide", "sha256": WIDE})
}

#[tokio::test]
async fn a_revoked_key_stops_working_within_five_seconds() {
    let scene = Scene::with(&json!([wide()])).await;
    assert_eq!(
        scene.ask("one", "kt_gk_other").await,
        (401, "invalid_api_key".into())
    );
    scene.recorder.control(&state(&json!([])));
    let took = scene.until(401, "kt_gk_wide").await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    // What was in force stays so while the collector is away.
    scene.recorder.go_down();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(scene.ask("one", "kt_gk_wide").await.0, 401);
}

#[tokio::test]
async fn a_key_for_one_group_gets_403_elsewhere() {
    let narrow = json!({"id": "k2", "name": "narrow", "sha256": NARROW, "models": ["one"]});
    let scene = Scene::with(&json!([wide(), narrow])).await;
    assert_eq!(scene.ask("one", "kt_gk_narrow").await.0, 200);
    assert_eq!(
        scene.ask("two", "kt_gk_narrow").await,
        (403, "model_not_allowed".into())
    );
    assert_eq!(scene.ask("two", "kt_gk_wide").await.0, 200);
    let list = scene
        .gateway
        .client()
        .send(
            Method::GET,
            "/v1/models",
            &[("authorization", "Bearer kt_gk_narrow")],
            Vec::new(),
        )
        .await;
    let names: Vec<String> = list.json()["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["one"]);
}

#[tokio::test]
async fn requests_per_minute_hold_over_all_workers() {
    let slow = json!({"id": "k3", "name": "slow", "sha256": NARROW, "requests_per_minute": 20});
    let scene = Scene::with(&json!([wide(), slow])).await;
    let asked = (0..40).map(|_| scene.ask("one", "kt_gk_narrow"));
    let answers = futures_util::future::join_all(asked).await;
    let served = answers.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!(served, 20);
    assert!(
        answers
            .iter()
            .all(|(status, _)| matches!(status, 200 | 429))
    );
}
