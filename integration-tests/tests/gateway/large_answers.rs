//! Answers that have to be gathered before they can be translated.

use harness::{Behaviour, Dialect, Gateway, PolicyText, Provider, Upstream};
use serde_json::{Value, json};

/// As the translator bounds them, in bytes.
const LARGEST: usize = 32 * 1024 * 1024;

fn message(text_bytes: usize) -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn",
        "stop_sequence": null, "content": [{"type": "text", "text": "x".repeat(text_bytes)}],
        "usage": {"input_tokens": 1, "output_tokens": 1}})
}

/// How large a request may be says nothing of how large an answer may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_answer_is_translated_whole_or_refused_clearly() {
    let provider = Provider::start("claude", Dialect::Anthropic).await.unwrap();
    let upstream = Upstream::at("claude", &provider, Dialect::Anthropic);
    let rest = "
max_request_bytes: 100000
model_groups:
  - name: only
    models: [{provider: claude, model: claude}]
";
    let gateway = Gateway::serving(&PolicyText::over(&[upstream], rest)).await;
    for size in [3 * 1024 * 1024, LARGEST - 4096] {
        provider.behave(Behaviour::json(200, &message(size)));
        let answer = gateway.client().chat("only").await;
        assert_eq!(answer.status, 200, "{size}");
        let content = &answer.json()["choices"][0]["message"]["content"];
        assert_eq!(content.as_str().map(str::len), Some(size));
    }
    provider.behave(Behaviour::json(200, &message(LARGEST + 4096)));
    let answer = gateway.client().chat("only").await;
    assert_eq!(answer.status, 502);
    let message = answer.json()["error"]["message"].to_string();
    assert!(message.contains(&LARGEST.to_string()), "{message}");
}
