//! What was required stays required: by the gateway's own rule, and by what it has heard before.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use common::{Gateway, POLICY, Scratch, chat, eventually, get, kt, output, text};

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("policy-config.yaml", POLICY);
    scratch
}

/// `kt collector run` on `listen`, in a data folder of its own. Killed when dropped.
struct Collector {
    child: Child,
    address: String,
    token: String,
}

impl Collector {
    fn start(scratch: &Scratch, folder: &str, listen: &str, arguments: &[&str]) -> Self {
        let mut child = kt()
            .args(["collector", "run", "--print-ports", "--listen", listen])
            .arg("--data-dir")
            .arg(scratch.path(folder))
            .args(arguments)
            // Whatever becomes of the folder, gateways know it by this.
            .env("KEEPTRUSTS_COLLECTOR_TOKEN", "the-token-of-this-test")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ports: Value = serde_json::from_str(&line).unwrap();
        Self {
            child,
            address: ports["collector"].as_str().unwrap().to_owned(),
            token: "the-token-of-this-test".to_owned(),
        }
    }

    /// A gateway that asks it.
    fn gateway(&self, scratch: &Scratch, arguments: &[&str]) -> Gateway {
        let url = format!("http://{}", self.address);
        Gateway::start_alone(scratch, |command| {
            command
                .args(["--listen", "127.0.0.1:0", "--collector-url", &url])
                .args(arguments)
                .env("KEEPTRUSTS_COLLECTOR_TOKEN", &self.token);
        })
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn make_key(scratch: &Scratch, folder: &str) {
    let made = output(
        kt().args(["tokens", "create", "--name", "ci", "--data-dir"])
            .arg(scratch.path(folder)),
    );
    assert!(made.status.success(), "{}", text(&made.stderr));
}

fn keys(gateway: &Gateway) -> Value {
    gateway.health()["control"]["keys"].clone()
}

/// What a request without a key gets. Those that are let in find no provider.
fn status(gateway: &Gateway) -> u16 {
    chat(gateway.address(), "gpt-4o").unwrap().0
}

#[test]
fn the_gateway_s_own_rule_holds_after_the_collector_was_heard() {
    let scratch = scratch();
    let open = Collector::start(&scratch, "open", "127.0.0.1:0", &["--allow-anonymous"]);
    let gateway = open.gateway(&scratch, &["--require-keys"]);
    // It has been heard when it is not pending any more.
    eventually("the collector's word", || keys(&gateway) == "required");
    assert_eq!(status(&gateway), 401);
    drop(gateway);

    let closed = Collector::start(&scratch, "closed", "127.0.0.1:0", &["--require-keys"]);
    let gateway = closed.gateway(&scratch, &["--allow-anonymous"]);
    let api_token = fs::read_to_string(scratch.path("closed/api-token")).unwrap();
    let questions = || {
        let (_, list) = get(&closed.address, "/v1/gateways", api_token.trim());
        let list: Value = serde_json::from_str(&list).unwrap();
        list["data"][0]["last_seen_ms"].clone()
    };
    eventually("its question", || !questions().is_null());
    let first = questions();
    eventually("the next one, after an answer", || questions() != first);
    assert_eq!(keys(&gateway), "not_required");
    assert_eq!(status(&gateway), 503);
}

#[test]
fn a_collector_that_begins_anew_opens_neither_a_running_gateway_nor_a_restarted_one() {
    let scratch = scratch();
    let collector = Collector::start(&scratch, "first", "127.0.0.1:0", &[]);
    let address = collector.address.clone();
    make_key(&scratch, "first");
    let gateway = collector.gateway(&scratch, &[]);
    eventually("the key", || keys(&gateway) == "required");
    drop(collector);
    // Another machine, with nothing of the old one's: not even a mark that there were keys.
    let collector = Collector::start(&scratch, "second", &address, &[]);
    gateway.wait_for("the collector has lost gateway keys: keys stay required");
    assert_eq!(status(&gateway), 401);
    let control = gateway.health()["control"].clone();
    assert_eq!(control["lost_by_collector"][0], "keys", "{control}");
    drop(gateway);

    let gateway = collector.gateway(&scratch, &[]);
    assert_eq!(status(&gateway), 401);
    gateway.wait_for("the collector has lost gateway keys: keys stay required");
    assert_eq!(status(&gateway), 401);
}

#[test]
fn a_gateway_s_own_store_that_is_gone_opens_nothing() {
    let scratch = scratch();
    make_key(&scratch, "data");
    let known = scratch.path("data/known-control.json");
    let gateway = Gateway::start(&scratch, |_| {});
    eventually("what was heard on disk", || {
        fs::read_to_string(&known).is_ok_and(|text| text.contains(r#""keys_were_required":true"#))
    });
    drop(gateway);
    for entry in fs::read_dir(scratch.path("data")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with("events.db") || name == "control-mark.json" {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    let gateway = Gateway::start(&scratch, |_| {});
    gateway.wait_for("The store knows of no gateway keys, but there were some");
    assert_eq!(status(&gateway), 401);
    eventually("the collector's word", || keys(&gateway) == "required");
    assert_eq!(status(&gateway), 401);
}
