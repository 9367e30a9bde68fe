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

    async fn send(&self, path: &str, body: &serde_json::Value) -> harness::Answer {
        self.gateway.client().post(path, body).await
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

/// What tools were called with and what they gave is JSON in a string, in which a line begins behind a backslash and an `n`.
#[tokio::test]
async fn a_provider_gets_no_card_from_the_start_of_a_line_in_what_tools_said() {
    let scene = Scene::with("redact", "").await;
    let deep = json!({"log": json!({"out": "total\n4111111111111111\n"}).to_string()}).to_string();
    let mut body = chat_body("chain");
    body["metadata"] = json!({"owner": "jane@example.com"});
    body["messages"] = json!([
        {"role": "user", "content": "k\u{fe0f}ill\u{7f} him"},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function", "function":
            {"name": "pay", "arguments": "{\"note\":\"a\\n536-22-1234\",\"card\":5555555555554444}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": deep},
    ]);
    let answer = scene.send(CHAT, &body).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    let sent = scene.provider.received().remove(0).json();
    assert_eq!(sent["metadata"]["owner"], "[redacted:email]");
    assert_eq!(sent["messages"][0]["content"], "[redacted:violence]");
    assert_eq!(
        sent["messages"][1]["tool_calls"][0]["function"]["arguments"],
        "{\"note\":\"a\\n[redacted:us_ssn]\",\"card\":\"[redacted:credit_card]\"}"
    );
    let redacted = json!({"out": "total\n[redacted:credit_card]\n"}).to_string();
    assert_eq!(
        sent["messages"][2]["content"],
        json!({"log": redacted}).to_string()
    );
    let event = scene.recorder.wait_for(1).await.remove(0);
    assert_eq!(event["policies_evaluated"][0]["result"], "redacted");
}

/// A provider whose reader ignores case, or takes the last of two, must not read what nobody has judged.
#[tokio::test]
async fn no_member_reaches_a_provider_under_a_second_name() {
    let scene = Scene::with("block", "").await;
    for (name, param) in [
        ("Messages", "Messages"),
        ("MODEL", "MODEL"),
        ("in\u{17f}tructions", "in\u{17f}tructions"),
    ] {
        let mut body = chat_body("chain");
        body[name] = json!("x");
        let answer = scene.send(CHAT, &body).await;
        assert_eq!(answer.status, 400, "{name}");
        assert_eq!(answer.json()["error"]["param"], param);
    }
    assert_eq!(scene.provider.received().len(), 0);
}

#[tokio::test]
async fn a_moderation_that_judges_nothing_opens_no_closed_policy() {
    let moderation = "      moderation: {provider: judge, timeout_ms: 4000, on_error: block}\n";
    let scene = Scene::with("block", moderation).await;
    let answers = [
        json!({"results": []}),
        json!({"results": [{"flagged": false}]}),
        json!({"error": {"message": "overloaded"}}),
        json!({"results": [{"flagged": false, "categories": {"hate": false}}]}),
    ];
    for answer in &answers {
        scene.moderator.next([Behaviour::json(200, answer)]);
        assert_eq!(scene.ask("hello").await.status, 409, "{answer}");
    }
    assert_eq!(scene.provider.received().len(), 0);
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
