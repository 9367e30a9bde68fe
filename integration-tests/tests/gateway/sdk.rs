//! The official client packages, in the newest and in a widely deployed version.

use harness::{Behaviour, Dialect, Gateway, PolicyText, Provider, Upstream, repository};
use serde_json::json;
use tokio::process::Command;

use crate::support::interpreters;

/// Groups whose targets stay in service whatever they answer.
const PATIENT_GROUPS: &str = "
circuit_breaker: {failure_threshold: 1000, max_cooldown_seconds: 1ms}
model_groups:
";

/// Runs a script of `integration-tests/python` with every interpreter.
async fn run(script: &str, arguments: &[&str]) {
    let interpreters = interpreters();
    if interpreters.is_empty() {
        println!(
            "skipped: no interpreter with the official packages; `scripts/setup python` installs them"
        );
    }
    for python in interpreters {
        let output = Command::new(&python)
            .arg(repository().join("integration-tests/python").join(script))
            .args(arguments)
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", python.display());
        println!("{}", said.trim());
    }
}

#[tokio::test]
async fn the_openai_package_sees_openai() {
    let good = Provider::start("good", Dialect::OpenAi).await.unwrap();
    let broken = Provider::start("broken", Dialect::OpenAi).await.unwrap();
    let limited = Provider::start("limited", Dialect::OpenAi).await.unwrap();
    let refused = Provider::start("refused", Dialect::OpenAi).await.unwrap();
    broken.behave(Behaviour::status(500));
    limited.behave(Behaviour::status(429).with_header("retry-after", "0"));
    refused.behave(Behaviour::error(
        400,
        "invalid_request_error",
        "invalid_value",
        "wrong",
    ));
    let all = [
        ("good", &good),
        ("broken", &broken),
        ("limited", &limited),
        ("refused", &refused),
    ];
    let upstreams = all.map(|(id, provider)| Upstream::at(id, provider, Dialect::OpenAi));
    let rest = "
model_groups:
  - name: chain
    models: [{provider: broken, model: m}, {provider: good, model: m}]
  - name: broken
    models: [{provider: broken, model: m}]
  - name: limited
    models: [{provider: limited, model: m}]
  - name: refused
    models: [{provider: refused, model: m}]
circuit_breaker: {failure_threshold: 1000}
";
    let gateway = Gateway::serving(&PolicyText::over(&upstreams, rest)).await;
    run("openai_client.py", &[&gateway.url()]).await;
}

/// An error in Anthropic's words.
fn anthropic_error(status: u16, kind: &str, message: &str) -> Behaviour {
    let body = json!({"type": "error", "error": {"type": kind, "message": message}});
    Behaviour::json(status, &body)
}

/// Providers of one protocol that serve, are overloaded, rate limited, and told that the request is wrong.
async fn outcomes(dialect: Dialect) -> [Provider; 4] {
    let start = async |name| Provider::start(name, dialect).await.unwrap();
    let [serving, broken, limited, refused] = [
        start("serving").await,
        start("broken").await,
        start("limited").await,
        start("refused").await,
    ];
    let error = |status, kind: &str, message: &str| match dialect {
        Dialect::OpenAi => Behaviour::error(status, kind, "simulated", message),
        Dialect::Anthropic => anthropic_error(status, kind, message),
        Dialect::Bedrock => unreachable!("no test asks for it"),
    };
    let overloaded = match dialect {
        Dialect::OpenAi => error(503, "server_error", "Overloaded"),
        Dialect::Anthropic => error(529, "overloaded_error", "Overloaded"),
        Dialect::Bedrock => unreachable!("no test asks for it"),
    };
    broken.behave(overloaded);
    limited.behave(error(429, "rate_limit_error", "Slow down").with_header("retry-after", "0"));
    refused.behave(error(400, "invalid_request_error", "this is wrong"));
    [serving, broken, limited, refused]
}

#[tokio::test]
async fn the_anthropic_package_sees_anthropic() {
    let openai = outcomes(Dialect::OpenAi).await;
    let anthropic = outcomes(Dialect::Anthropic).await;
    let names = ["over", "broken", "limited", "refused"];
    let mut upstreams = Vec::new();
    let mut rest = String::from(PATIENT_GROUPS);
    for (protocol, dialect, providers) in [
        ("openai", Dialect::OpenAi, &openai),
        ("anthropic", Dialect::Anthropic, &anthropic),
    ] {
        for (name, provider) in names.iter().zip(providers) {
            let id = format!("{name}-{protocol}");
            upstreams.push(Upstream::at(&id, provider, dialect));
            rest += &format!("  - name: {id}\n    models: [{{provider: {id}, model: m}}]\n");
        }
    }
    rest += "  - name: chain\n    models: [{provider: broken-anthropic, model: m}, {provider: over-openai, model: m}]\n";
    let gateway = Gateway::serving(&PolicyText::over(&upstreams, &rest)).await;
    run("anthropic_client.py", &[&gateway.url()]).await;
}

#[tokio::test]
async fn the_openai_package_sees_openai_over_other_protocols() {
    let [claude, broken, limited, refused] = outcomes(Dialect::Anthropic).await;
    let compatible = Provider::start("compatible", Dialect::OpenAi)
        .await
        .unwrap();
    let structured = Provider::start("structured", Dialect::Anthropic)
        .await
        .unwrap();
    let text = json!({"city": "Paris", "celsius": 21}).to_string();
    structured.behave(Behaviour::json(
        200,
        &json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn", "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}}),
    ));
    let mut upstreams = vec![
        Upstream::at("compatible", &compatible, Dialect::OpenAi),
        Upstream::at("native", &compatible, Dialect::OpenAi).vendor("openai"),
    ];
    for (id, provider) in [
        ("claude", &claude),
        ("broken", &broken),
        ("limited", &limited),
        ("refused", &refused),
        ("structured", &structured),
    ] {
        upstreams.push(Upstream::at(id, provider, Dialect::Anthropic));
    }
    let mut rest = String::from(PATIENT_GROUPS);
    for name in [
        "compatible",
        "native",
        "claude",
        "broken",
        "limited",
        "refused",
        "structured",
    ] {
        // Newest, so that structured output is its own and not a forced tool.
        rest += &format!(
            "  - name: {name}\n    models: [{{provider: {name}, model: claude-opus-4-6}}]\n"
        );
    }
    let gateway = Gateway::serving(&PolicyText::over(&upstreams, &rest)).await;
    run("openai_over_others.py", &[&gateway.url()]).await;
}
