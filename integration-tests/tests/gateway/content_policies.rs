//! Content policies on real requests: what a provider never gets to see, and what the event says of it.

use harness::{Behaviour, Dialect, Gateway, PolicyText, Provider, Recorder, Upstream, chat_body};
use serde_json::json;

const CHAT: &str = "/v1/chat/completions";

struct Scene {
    gateway: Gateway,
    provider: Provider,
    moderator: Provider,
    recorder: Recorder,
}

impl Scene {
    async fn with(action: &str, moderation: &str) -> Self {
        let recorder = Recorder::start().await;
        let provider = Provider::start("p0", Dialect::OpenAi).await.unwrap();
        let moderator = Provider::start("judge", Dialect::OpenAi).await.unwrap();
        let upstreams = [
            Upstream::at("p0", &provider, Dialect::OpenAi),
            Upstream::at("judge", &moderator, Dialect::OpenAi),
        ];
        let rest = format!(
            "model_groups:
  - {{name: chain, models: [{{provider: p0, model: m0}}]}}
policies:
  chain: [content_filter]
  policy:
    content_filter:
      categories: [pii, violence]
      action: {action}
{moderation}"
        );
        let policy = PolicyText::over(&upstreams, &rest);
        Self {
            gateway: Gateway::start_with(&policy, &recorder.options()).await,
            provider,
            moderator,
            recorder,
        }
    }

    async fn ask(&self, text: &str) -> harness::Answer {
        let mut body = chat_body("chain");
        body["messages"][0]["content"] = json!(text);
        self.gateway.client().post(CHAT, &body).await
    }
}

#[tokio::test]
async fn a_provider_gets_what_is_left_after_redaction() {
    let scene = Scene::with("redact", "").await;
    let answer = scene.ask("write to jane.doe@example.com").await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    let sent = scene.provider.received().remove(0);
    let content = sent.json()["messages"][0]["content"].clone();
    assert_eq!(content, "write to [redacted:email]");
    let event = scene.recorder.wait_for(1).await.remove(0);
    assert_eq!(event["decision"], "flagged");
    assert_eq!(event["policies_evaluated"][0]["result"], "redacted");
}

#[tokio::test]
async fn a_moderation_target_has_a_say_or_is_waited_for_in_vain() {
    let moderation = "      moderation: {provider: judge, timeout_ms: 400, on_error: block}\n";
    let scene = Scene::with("block", moderation).await;
    let said = |flagged: bool| {
        let categories = json!({"violence": flagged});
        Behaviour::json(
            200,
            &json!({"results": [{"flagged": flagged, "categories": categories}]}),
        )
    };
    scene
        .moderator
        .next([said(false), said(true), Behaviour::Stall]);
    assert_eq!(scene.ask("hello").await.status, 200);
    let blocked = scene.ask("hello again").await;
    assert_eq!(blocked.status, 409);
    let error = &blocked.json()["error"];
    assert_eq!(error["type"], "policy_violation");
    assert_eq!(error["code"], "input_blocked");
    assert_eq!(error["policy"], "content-filter");
    // Nobody answers in time, and the policy is closed then.
    let unjudged = scene.ask("hello?").await;
    assert_eq!(unjudged.status, 409);
    assert!(unjudged.took.as_millis() >= 390, "{:?}", unjudged.took);
    assert_eq!(scene.provider.received().len(), 1);
    // The judge got its own key, and the text.
    let asked = scene.moderator.received().remove(0);
    assert_eq!(asked.path, "/v1/moderations");
    assert_eq!(asked.json()["input"], json!(["hello"]));
    let key = format!("Bearer {}judge", harness::KEY_MARK);
    assert_eq!(asked.header("authorization"), Some(key.as_str()));
    let decisions: Vec<_> = scene
        .recorder
        .wait_for(3)
        .await
        .iter()
        .map(|event| event["decision"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(decisions, ["allowed", "blocked", "blocked"]);
}
