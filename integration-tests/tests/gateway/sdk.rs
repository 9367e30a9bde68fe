//! The official client packages, in the newest and in a widely deployed version.

use std::path::PathBuf;

use harness::{Behaviour, Dialect, Gateway, PolicyText, Provider, Upstream, repository};
use tokio::process::Command;

/// Interpreters with the official packages, as `scripts/setup python` installs them.
fn interpreters() -> Vec<PathBuf> {
    ["venv", "venv-legacy"]
        .iter()
        .map(|venv| repository().join(".tools").join(venv).join("bin/python"))
        .filter(|python| python.exists())
        .collect()
}

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
    let gateway = Gateway::start(&PolicyText::over(&upstreams, rest)).await;
    run("openai_client.py", &[&gateway.url()]).await;
}
