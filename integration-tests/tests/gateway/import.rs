//! Configurations of other gateways: what `kt import` makes of them serves the same requests.

use std::path::Path;
use std::process::Command;

use harness::{Gateway, GatewayOptions, PolicyText, tool};
use serde_json::Value;

fn imported(arguments: &[&str]) -> (PolicyText, String) {
    let output = Command::new(tool("kt"))
        .arg("import")
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/other-gateways"))
        .output()
        .unwrap();
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{notes}");
    let policy = PolicyText {
        text: String::from_utf8(output.stdout).unwrap(),
        keys: Vec::new(),
    };
    (policy, notes)
}

/// The model groups that serve these names, over simulated providers.
async fn groups_of(policy: &PolicyText, models: &[&str]) -> Vec<Value> {
    let options = GatewayOptions {
        arguments: vec!["--simulate".into()],
        ..GatewayOptions::default()
    };
    let gateway = Gateway::serving_with(policy, &options).await;
    let mut groups = Vec::new();
    for model in models {
        let answer = gateway.client().chat(model).await;
        assert_eq!(answer.status, 200, "{model}: {}", answer.json());
        groups.push(answer.json()["keeptrusts_metadata"]["model_group"].clone());
    }
    groups
}

#[tokio::test(flavor = "multi_thread")]
async fn what_litellm_served_is_served_under_the_same_names() {
    let (policy, notes) = imported(&["litellm", "litellm-config.yaml"]);
    for part in [
        "litellm_settings.drop_params: ",
        "general_settings.master_key: ",
    ] {
        assert!(notes.contains(part), "{notes}");
    }
    assert_eq!(
        groups_of(&policy, &["support-chat", "careful", "cheap", "gpt-4"]).await,
        ["support-chat", "careful", "cheap", "support-chat"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portkey_config_is_a_model_group() {
    let (policy, notes) = imported(&["portkey", "portkey-config.json", "--group", "chat"]);
    assert!(notes.contains("strategy.on_status_codes: "), "{notes}");
    assert_eq!(groups_of(&policy, &["chat"]).await, ["chat"]);
}
