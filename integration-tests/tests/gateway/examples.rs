//! Every configuration under `examples/` lints, renders, passes Envoy's own validation, and serves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use harness::{
    Behaviour, Client, Dialect, Gateway, GatewayOptions, PATIENCE, PolicyText, Provider,
    ReservedPort, repository, tool,
};

use crate::inert_module::INERT_MODULE;

/// What the files of `examples/` are: policies, and three kinds of others that are not policies by themselves.
fn policies() -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&repository().join("examples"), &mut found);
    found.retain(|path| {
        path.file_name().is_some_and(|name| name != "envoy.yaml")
            && !path.components().any(|part| {
                ["snippets", "secrets", "other-gateways"]
                    .iter()
                    .any(|folder| part.as_os_str() == *folder)
            })
    });
    found.sort();
    assert!(found.len() > 15, "the seeds are there: {found:?}");
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            found.push(path);
        }
    }
}

fn envoy() -> PathBuf {
    std::env::var_os("ENVOY_BIN").map_or_else(|| "envoy".into(), PathBuf::from)
}

#[test]
fn every_policy_lints_without_error() {
    for path in policies() {
        let output = Command::new(tool("kt"))
            .args(["policy", "lint", "--file"])
            .arg(&path)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}:\n{}{}",
            path.display(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// The documents show groups without the providers that they name. What runs is the same text with providers.
#[test]
fn every_snippet_stands_in_the_policy_of_its_name() {
    let folder = repository().join("examples/seeds");
    for entry in std::fs::read_dir(folder.join("snippets")).unwrap() {
        let snippet = entry.unwrap().path();
        let whole = std::fs::read_to_string(folder.join(snippet.file_name().unwrap())).unwrap();
        let snippet = std::fs::read_to_string(&snippet).unwrap();
        assert!(whole.contains(snippet.trim()), "{snippet}");
    }
}

/// With a module that does nothing. That the filter takes every policy is seen where it serves them.
#[test]
fn every_policy_renders_to_what_envoy_accepts() {
    let folder = tempfile::tempdir().unwrap();
    let module = folder.path().join("inert.wasm");
    std::fs::write(&module, INERT_MODULE).unwrap();
    for path in policies() {
        let rendered = Command::new(tool("kt"))
            .args(["envoy", "render", "--policy-config"])
            .arg(&path)
            .arg("--filter-wasm")
            .arg(&module)
            .env("AZURE_OPENAI_ENDPOINT", "https://example.openai.azure.com")
            .output()
            .unwrap();
        assert!(
            rendered.status.success(),
            "{}: {}",
            path.display(),
            String::from_utf8_lossy(&rendered.stderr)
        );
        let text = String::from_utf8(rendered.stdout).unwrap();
        let keys = text
            .lines()
            .find_map(|line| line.strip_prefix("# Needs keys in its environment: "))
            .unwrap_or_default();
        let file = folder.path().join("envoy.yaml");
        std::fs::write(&file, &text).unwrap();
        validate(&file, keys.split(", ").filter(|key| !key.is_empty()), &path);
    }
}

fn validate<'a>(file: &Path, keys: impl Iterator<Item = &'a str>, what: &Path) {
    let output = Command::new("timeout")
        .arg("60")
        .arg(envoy())
        .args(["--mode", "validate", "--log-level", "warning", "-c"])
        .arg(file)
        .envs(keys.map(|key| (key, "a-key")))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", what.display());
    // What is deprecated today is refused by a later Envoy.
    assert!(!said.contains("eprecated"), "{}: {said}", what.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_policy_serves_each_of_its_groups() {
    for path in policies() {
        let policy = PolicyText {
            text: std::fs::read_to_string(&path).unwrap(),
            keys: Vec::new(),
        };
        let options = GatewayOptions {
            arguments: vec!["--simulate".into()],
            ..GatewayOptions::default()
        };
        let gateway = Gateway::serving_with(&policy, &options).await;
        let client = gateway.client();
        for model in models(&client, &policy.text).await {
            let answer = client.chat(&model).await;
            let seen = String::from_utf8_lossy(&answer.body);
            assert_eq!(answer.status, 200, "{} {model}: {seen}", path.display());
            assert!(
                seen.contains("[simulated]"),
                "{} {model}: {seen}",
                path.display()
            );
            assert!(
                !answer.provider().is_empty(),
                "{} {model}: {seen}",
                path.display()
            );
        }
    }
}

/// Groups and aliases; where a policy names none, a model of the first of these vendors that it has.
async fn models(client: &Client, policy: &str) -> BTreeSet<String> {
    let listed = client.get("/v1/models").await.json();
    let names: BTreeSet<String> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["id"].as_str().unwrap().to_owned())
        .collect();
    if !names.is_empty() {
        return names;
    }
    let (_, model) = [
        ("openai", "gpt-4o-mini"),
        ("anthropic", "claude-sonnet-4-20250514"),
        ("ollama", "llama3.1"),
    ]
    .into_iter()
    .find(|(vendor, _)| policy.contains(vendor))
    .unwrap();
    BTreeSet::from([model.to_owned()])
}

/// The hand-written configuration, at a free port, with simulated providers in place of the two that it names.
struct Minimal {
    envoy: Child,
    _folder: tempfile::TempDir,
    client: Client,
    openai: Provider,
    mistral: Provider,
}

impl Drop for Minimal {
    fn drop(&mut self) {
        let _ = self.envoy.kill();
        let _ = self.envoy.wait();
    }
}

const MINIMAL: &str = "examples/minimal-envoy";

impl Minimal {
    async fn start() -> Self {
        Self::start_with(None).await
    }

    /// With another address of the first provider.
    async fn start_with(address: Option<&str>) -> Self {
        let openai = Provider::start("openai", Dialect::OpenAi).await.unwrap();
        let mistral = Provider::start("mistral", Dialect::OpenAi).await.unwrap();
        openai.accept_keys(&["key-of-openai"]);
        mistral.accept_keys(&["key-of-mistral"]);
        let folder = tempfile::tempdir().unwrap();
        let source = repository().join(MINIMAL);
        for name in ["openai", "mistral"] {
            let secret =
                std::fs::read_to_string(source.join(format!("secrets/{name}.yaml"))).unwrap();
            let secret = replaced(&secret, "put-the-key-here", &format!("key-of-{name}"));
            std::fs::write(folder.path().join(format!("{name}.yaml")), secret).unwrap();
        }
        let reserved = ReservedPort::loopback().unwrap();
        let port = reserved.address().port();
        let mut text = std::fs::read_to_string(source.join("envoy.yaml")).unwrap();
        text = without_block(&text, "transport_socket:");
        text = replaced(
            &text,
            "/etc/keeptrusts/secrets",
            folder.path().to_str().unwrap(),
        );
        text = replaced(
            &text,
            "/etc/keeptrusts/keeptrusts_filter.wasm",
            module().to_str().unwrap(),
        );
        text = replaced(
            &text,
            "address: 127.0.0.1, port_value: 41002",
            &format!("address: 127.0.0.1, port_value: {port}"),
        );
        for (host, provider) in [("api.openai.com", &openai), ("api.mistral.ai", &mistral)] {
            let address = address.filter(|_| host == "api.openai.com");
            let address = address.unwrap_or("127.0.0.1");
            let there = format!(
                "address: {address}, port_value: {}",
                provider.address().port()
            );
            text = replaced(&text, &format!("address: {host}, port_value: 443"), &there);
        }
        let file = folder.path().join("envoy.yaml");
        std::fs::write(&file, text).unwrap();
        let log = std::fs::File::create(folder.path().join("envoy.log")).unwrap();
        let mut envoy = Command::new(envoy())
            .args([
                "--concurrency",
                "1",
                "--use-dynamic-base-id",
                "--log-level",
                "warning",
                "-c",
            ])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let ready = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .is_err()
            {
                assert!(envoy.try_wait().unwrap().is_none(), "Envoy ended");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let ready = tokio::time::timeout(PATIENCE, ready).await;
        let client = Client::new(format!("http://127.0.0.1:{port}"));
        let minimal = Self {
            envoy,
            _folder: folder,
            client,
            openai,
            mistral,
        };
        let log = std::fs::read_to_string(minimal._folder.path().join("envoy.log")).unwrap();
        assert!(ready.is_ok(), "Envoy is not ready: {log}");
        minimal
    }
}

fn module() -> PathBuf {
    std::env::var_os("KEEPTRUSTS_FILTER_WASM")
        .map(PathBuf::from)
        .expect("KEEPTRUSTS_FILTER_WASM, as `make test` sets it")
}

fn replaced(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "the example has no {old:?} any more");
    text.replace(old, new)
}

/// `text` without every block that begins with `key`: simulated providers speak no TLS.
fn without_block(text: &str, key: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut block = None;
    let mut kept = String::new();
    for line in text.lines() {
        if block.is_some_and(|depth| indent(line) > depth) {
            continue;
        }
        block = line.trim_start().starts_with(key).then(|| indent(line));
        if block.is_none() {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hand_written_envoy_configuration_serves_and_fails_over() {
    let minimal = Minimal::start().await;
    let answer = minimal.client.chat("reliable-chat").await;
    assert_eq!(
        (answer.status, answer.provider()),
        (200, "openai"),
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    assert_eq!(answer.header("x-keeptrusts-model"), "gpt-4o-mini");

    minimal.openai.behave(Behaviour::status(503));
    let answer = minimal.client.chat("reliable-chat").await;
    assert_eq!((answer.status, answer.provider()), (200, "mistral"));
    assert_eq!(
        answer.json()["keeptrusts_metadata"]["failover"]["reason"],
        "upstream_5xx"
    );

    let stream = minimal.client.chat_stream("reliable-chat").await;
    assert_eq!((stream.status, stream.provider()), (200, "mistral"));
    assert!(stream.content().contains("[simulated]"));

    for request in minimal.mistral.received() {
        assert_eq!(
            request.header("authorization"),
            Some("Bearer key-of-mistral")
        );
        assert_eq!(request.json()["model"], "mistral-small-latest");
    }
    assert_eq!(minimal.client.get("/health").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hand_written_envoy_configuration_passes_over_a_host_that_does_not_resolve() {
    let minimal = Minimal::start_with(Some("provider.invalid")).await;
    let answer = minimal.client.chat("reliable-chat").await;
    assert_eq!((answer.status, answer.provider()), (200, "mistral"));
}

#[test]
fn the_hand_written_envoy_configuration_is_short_and_holds_its_policy_word_for_word() {
    let folder = repository().join(MINIMAL);
    let envoy = std::fs::read_to_string(folder.join("envoy.yaml")).unwrap();
    assert!(envoy.lines().count() <= 150);
    let policy = std::fs::read_to_string(folder.join("policy-config.yaml")).unwrap();
    let (_, after) = envoy.split_once("value: |").unwrap();
    let inline: Vec<&str> = after
        .lines()
        .skip(1)
        .map(str::trim)
        .take(policy.lines().count())
        .collect();
    let written: Vec<&str> = policy.lines().map(str::trim).collect();
    assert_eq!(inline, written);
}
