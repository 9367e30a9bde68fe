//! The same commands through a collector, and what it says to those who may not ask.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::common::{eventually, kt, output, send, text};
use crate::store::{Sample, Seeded};

/// A running `kt collector run`. Killed when dropped.
pub(crate) struct Collector {
    child: Child,
    url: String,
    pub(crate) seeded: Seeded,
}

impl Collector {
    fn over(seeded: Seeded) -> Self {
        Self::with(seeded, &[])
    }

    pub(crate) fn with(seeded: Seeded, arguments: &[&str]) -> Self {
        let mut child = kt()
            .args([
                "collector",
                "run",
                "--listen",
                "127.0.0.1:0",
                "--print-ports",
                "--data-dir",
            ])
            .arg(seeded.data_dir())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ports: Value = serde_json::from_str(&line).unwrap();
        let url = format!("http://{}", ports["collector"].as_str().unwrap());
        Self { child, url, seeded }
    }

    fn token(&self, name: &str) -> String {
        let file = self.seeded.data_dir().join(name);
        std::fs::read_to_string(file).unwrap().trim().to_owned()
    }

    /// stdout of a `kt` that knows address and token from its environment, and no data folder.
    fn kt(&self, arguments: &[&str]) -> String {
        let done = output(
            kt().args(arguments)
                .env("KEEPTRUSTS_API_URL", &self.url)
                .env("KEEPTRUSTS_API_TOKEN", self.token("api-token"))
                .env("HOME", self.seeded.scratch.path("elsewhere")),
        );
        assert!(
            done.status.success(),
            "{arguments:?}: {}",
            text(&done.stderr)
        );
        text(&done.stdout)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.kt(arguments)).unwrap()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn answers_are_the_same_as_from_the_store() {
    let seeded = Seeded::with((0..1_200).map(|number| Sample {
        minutes_ago: number / 100 + 1,
        provider: if number % 3 == 0 {
            "anthropic"
        } else {
            "openai"
        },
        tag: Some(if number % 2 == 0 {
            "control"
        } else {
            "experiment"
        }),
        latency_ms: 500 + number % 100,
        ..Sample::default()
    }));
    let collector = Collector::over(seeded);
    for arguments in [
        &["events", "tail", "--limit", "1100", "--json"][..],
        &["events", "tail", "--filter", "tag=control", "--since", "1d"],
        &["events", "list", "--group-by", "provider,tag", "--json"],
        &[
            "events",
            "list",
            "--group-by",
            "provider",
            "--fields",
            "provider,request_count,total_cost",
            "--format",
            "csv",
        ],
        &[
            "events",
            "compare",
            "--group",
            "reliable-chat",
            "--since",
            "2026-01-01",
            "--json",
        ],
        &["events", "export", "--until", "1m", "--output", "-"],
        &["spend", "report", "--since", "2026-01-01"],
        &["spend", "report", "--since", "2026-01-01", "--json"],
        &["spend", "provider-budget", "list", "--json"],
    ] {
        assert_eq!(
            collector.kt(arguments),
            collector.seeded.kt(arguments),
            "{arguments:?}"
        );
    }
}

#[test]
fn budgets_and_keys_are_made_through_it() {
    let collector = Collector::over(Seeded::with([Sample {
        minutes_ago: 0,
        cost_usd: 2.0,
        ..Sample::default()
    }]));
    let budget = collector.json(&[
        "spend",
        "provider-budget",
        "create",
        "--provider",
        "openai",
        "--limit",
        "5000",
        "--period",
        "monthly",
        "--json",
    ]);
    assert_eq!(budget["remaining_usd"], 4998.0);
    collector.kt(&["spend", "provider-budget", "delete", "--provider", "openai"]);
    assert_eq!(
        collector.json(&["spend", "provider-budget", "list", "--json"]),
        json!([])
    );

    let key = collector.kt(&["tokens", "create", "--type", "gateway", "--name", "ci"]);
    assert!(key.starts_with("kt_gk_"), "{key}");
    collector.kt(&["tokens", "revoke", "ci"]);
    assert_eq!(
        collector.json(&["tokens", "list", "--json"])[0]["state"],
        "revoked"
    );
    // The store has it too: there is one truth.
    assert_eq!(
        collector.seeded.json(&["tokens", "list", "--json"])[0]["state"],
        "revoked"
    );
}

#[test]
fn a_follower_survives_what_it_waits_for() {
    let collector = Collector::over(Seeded::with([Sample {
        model: "first",
        ..Sample::default()
    }]));
    let mut follower = kt()
        .args([
            "events",
            "tail",
            "-f",
            "--json",
            "--api-url",
            &collector.url,
        ])
        .env("KEEPTRUSTS_API_TOKEN", collector.token("api-token"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["model"], "first");
    collector.seeded.insert(vec![
        Sample {
            model: "second",
            ..Sample::default()
        }
        .event(5),
    ]);
    assert_eq!(next()["model"], "second");
    follower.kill().unwrap();
    follower.wait().unwrap();
}

#[test]
fn who_may_not_ask_is_told_in_one_line() {
    let collector = Collector::over(Seeded::with([Sample::default()]));
    let refused = |url: &str, token: Option<&str>| {
        let mut command = kt();
        command.args(["events", "tail", "--api-url", url]);
        if let Some(token) = token {
            command.env("KEEPTRUSTS_API_TOKEN", token);
        }
        let done = output(command.env("HOME", "/nonexistent"));
        assert_eq!(done.status.code(), Some(1));
        let stderr = text(&done.stderr);
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        stderr
    };
    let wrong = refused(&collector.url, Some("wrong"));
    assert!(wrong.contains("401"), "{wrong}");
    let ingest = refused(&collector.url, Some(&collector.token("ingest-token")));
    assert!(ingest.contains("401") || ingest.contains("403"), "{ingest}");
    let none = refused(&collector.url, None);
    assert!(none.contains("KEEPTRUSTS_API_TOKEN"), "{none}");
    let nobody = refused("http://127.0.0.1:1", Some("t"));
    assert!(
        nobody.contains("cannot reach the collector at http://127.0.0.1:1"),
        "{nobody}"
    );
    assert!(refused("127.0.0.1:1", Some("t")).contains("--api-url"));
}

#[test]
fn a_collector_ends_when_it_is_told() {
    let mut collector = Collector::over(Seeded::with([]));
    send("TERM", collector.child.id());
    let mut status = None;
    eventually("the end of the collector", || {
        status = collector.child.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().code(), Some(0));
    let taken = output(
        kt().args(["collector", "run", "--listen", "192.0.2.1:1", "--data-dir"])
            .arg(collector.seeded.data_dir()),
    );
    assert_eq!(taken.status.code(), Some(1));
    assert!(text(&taken.stderr).starts_with("error: cannot listen on 192.0.2.1:1: "));
}

#[test]
fn idle_connections_take_no_collector_down() {
    use std::net::TcpStream;
    use std::os::unix::process::CommandExt as _;
    let seeded = Seeded::with([Sample::default()]);
    // Few files, as a small container has them; `exec` keeps the process the test's own.
    let kt_binary = env!("CARGO_BIN_EXE_kt");
    let mut command = std::process::Command::new("bash");
    command
        .args([
            "-c",
            "ulimit -n 160 && exec \"$@\"",
            "bash",
            kt_binary,
            "collector",
            "run",
            "--listen",
            "127.0.0.1:0",
            "--print-ports",
            "--data-dir",
        ])
        .arg(seeded.data_dir())
        .env_remove("KEEPTRUSTS_API_TOKEN")
        .env_remove("KEEPTRUSTS_COLLECTOR_TOKEN")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0);
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ports: Value = serde_json::from_str(&line).unwrap();
    let address = ports["collector"].as_str().unwrap().to_owned();
    let collector = Collector {
        child,
        url: format!("http://{address}"),
        seeded,
    };
    let idle: Vec<_> = (0..400)
        .map(|_| TcpStream::connect(&address).unwrap())
        .collect();
    assert_eq!(
        collector
            .json(&["events", "tail", "--json"])
            .as_array()
            .unwrap()
            .len(),
        1
    );
    drop(idle);
}
