//! Recorded and documented traffic of all protocols through the gateway, judged by the official client packages.
//!
//! The data lies beside the repository and is read in place, because it comes from public test suites under their own
//! licences. Where it is not, these tests say that they skip.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::{Gateway, PolicyText, ReservedPort, Upstream, repository};
use serde_json::{Map, Value, json};
use tokio::process::Command;

use crate::support::interpreters;

/// One gateway for each protocol of an upstream: the cases' name for it, the vendor that speaks it, the clients.
const UPSTREAMS: [(&str, &str, &[&str]); 5] = [
    ("openai", "openai-compatible", &["anthropic", "openai"]),
    ("azure", "azure-openai", &["anthropic", "openai"]),
    ("ollama", "ollama", &["anthropic", "openai"]),
    ("anthropic", "anthropic", &["anthropic", "openai"]),
    ("bedrock", "bedrock", &["anthropic", "openai"]),
];
/// As the answers are to be found upstream: as recorded and then held back in the middle, compressed where that was allowed.
const MODES: [&str; 2] = ["--incremental", "--gzip"];
/// The model that the runner asks for where a case is no request.
const USUAL_MODEL: &str = "m";
const USUAL_API_VERSION: &str = "2024-02-01";
/// Longest that all cases may take in one mode.
const PATIENCE: Duration = Duration::from_secs(400);

/// What a case asks of the gateway's policy: a model that clients name, and what it is called upstream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Model {
    requested: String,
    upstream: String,
    api_version: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_passes_in_every_mode() {
    let data = repository().join("../shared/conformance");
    let interpreters = interpreters();
    if !data.is_dir() || interpreters.is_empty() {
        println!(
            "skipped: needs the conformance data at {} and `scripts/setup python`",
            data.display()
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let routes_file = folder.path().join("routes.json");
    let mut routes = Map::new();
    let mut gateways = Vec::new();
    // The runner listens on them for one case at a time.
    let mut ports = Vec::new();
    for (name, vendor, clients) in UPSTREAMS {
        let reserved = ReservedPort::loopback().unwrap();
        let port = reserved.address().port();
        ports.push(reserved);
        let gateway = Gateway::serving(&policy(vendor, port, &models(&data, name))).await;
        for client in clients {
            // The judges know every member of an answer; the gateway's own is none of theirs.
            let headers = json!({"x-keeptrusts-metadata": "omit"});
            let route = json!({"base": gateway.url(), "upstream_port": port, "headers": headers});
            routes.insert(format!("{client}>{name}"), route);
        }
        gateways.push(gateway);
    }
    fs::write(&routes_file, Value::from(routes).to_string()).unwrap();
    let mut failed = Vec::new();
    for python in interpreters {
        for mode in MODES {
            let (passed, said) = run(&python, &data, &routes_file, mode).await;
            let summary = said.lines().last().unwrap_or_default();
            println!("{} {mode}: {summary}", python.display());
            if passed {
                continue;
            }
            failed.push(said.clone());
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// All cases with one interpreter: whether they passed, and what was printed.
async fn run(python: &Path, data: &Path, routes: &Path, mode: &str) -> (bool, String) {
    let command = Command::new(python)
        .arg(data.join("run_gateway.py"))
        .arg("--routes")
        .arg(routes)
        .arg("-v")
        .arg(mode)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, command)
        .await
        .expect("the cases end in time")
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said.trim().to_owned())
}

/// The models that the request cases for this upstream name, and the usual one.
fn models(data: &Path, upstream: &str) -> BTreeSet<Model> {
    let mut models = BTreeSet::from([Model {
        requested: USUAL_MODEL.to_owned(),
        upstream: USUAL_MODEL.to_owned(),
        api_version: USUAL_API_VERSION.to_owned(),
    }]);
    for case in case_folders(&data.join("cases/request")) {
        let meta = read_json(&case.join("meta.json"));
        if meta["to"] != upstream {
            continue;
        }
        let input = read_json(&case.join("input.json"));
        let body = if meta["rules"]["mode"] == "http" {
            &input["body"]
        } else {
            &input
        };
        let config = &input["config"];
        let text = |value: &Value| value.as_str().map(String::from);
        let requested = text(&body["model"]).unwrap();
        models.insert(Model {
            upstream: text(&config["deployment"]).unwrap_or_else(|| requested.clone()),
            api_version: text(&config["api_version"]).unwrap_or(USUAL_API_VERSION.to_owned()),
            requested,
        });
    }
    models
}

/// A group for each model. Every target stays in service whatever it answers, because error cases follow each other.
fn policy(vendor: &'static str, port: u16, models: &BTreeSet<Model>) -> PolicyText {
    let mut versions: Vec<&str> = models
        .iter()
        .map(|model| model.api_version.as_str())
        .collect();
    versions.sort_unstable();
    versions.dedup();
    let upstreams: Vec<Upstream> = versions
        .iter()
        .enumerate()
        .map(|(index, version)| {
            let upstream =
                Upstream::at_url(&format!("p{index}"), &format!("http://127.0.0.1:{port}"))
                    .vendor(vendor)
                    .with("timeout_ms: 60000");
            match vendor {
                "azure-openai" => upstream.with(&format!("api_version: {version}")),
                _ => upstream,
            }
        })
        .collect();
    let mut rest = String::from(
        "circuit_breaker: {failure_threshold: 1000, max_cooldown_seconds: 1ms}\nmodel_groups:\n",
    );
    for model in models {
        let index = versions.partition_point(|version| **version < *model.api_version);
        let member = json!({"provider": format!("p{index}"), "model": model.upstream});
        let group = json!({"name": model.requested, "models": [member]});
        rest.push_str(&format!("  - {group}\n"));
    }
    PolicyText::over(&upstreams, &rest)
}

fn case_folders(kind: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(kind)
        .unwrap()
        .map(|entry| entry.unwrap().path())
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}
