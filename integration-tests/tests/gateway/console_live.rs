//! What the console shows of live state is what gateways say of themselves, two seconds later at the latest.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use harness::{
    Behaviour, Collector, Dialect, Gateway, PATIENCE, PolicyText, Provider, Upstream, repository,
};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::console::browser;

/// How late the console may be.
const LATE: Duration = Duration::from_secs(2);
const GROUP: &str = "chain";

/// What each page shows, by its name: providers or gateways, and their state.
type Seen = BTreeMap<String, BTreeMap<String, String>>;

/// Pages that are open in a browser.
struct Pages {
    lines: Lines<BufReader<ChildStdout>>,
    /// The script ends with it.
    _input: ChildStdin,
    _script: Child,
}

impl Pages {
    fn open(task: &Value) -> Self {
        let mut script = Command::new("node")
            .arg(repository().join("integration-tests/browser/live.mjs"))
            .arg(task.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            lines: BufReader::new(script.stdout.take().unwrap()).lines(),
            _input: script.stdin.take().unwrap(),
            _script: script,
        }
    }

    async fn look(&mut self) -> Seen {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
        serde_json::from_str(&line.unwrap().unwrap().expect("the browser goes on")).unwrap()
    }

    /// Looks until the pages show what is expected, and says how long that took.
    async fn until(&mut self, what: &str, is_so: impl Fn(&Seen) -> bool) -> Duration {
        let begin = Instant::now();
        loop {
            let seen = self.look().await;
            if is_so(&seen) {
                return begin.elapsed();
            }
            assert!(begin.elapsed() < PATIENCE, "{what}: {seen:?}");
        }
    }
}

/// What `/health` says of each provider.
async fn health(gateway: &Gateway) -> BTreeMap<String, String> {
    let answer = gateway.client().get("/health").await;
    let providers = answer.json()["providers"].as_object().unwrap().clone();
    let status = |one: &Value| one["status"].as_str().unwrap().to_owned();
    providers
        .iter()
        .map(|(id, one)| (id.clone(), status(one)))
        .collect()
}

/// Waits until `/health` says so of a provider; the console then has two seconds.
async fn health_is(gateway: &Gateway, provider: &str, status: &str) {
    let begin = Instant::now();
    while health(gateway).await.get(provider).map(String::as_str) != Some(status) {
        assert!(begin.elapsed() < PATIENCE, "{:?}", health(gateway).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_console_says_what_health_says_within_two_seconds() {
    let Some((chromium, modules)) = browser() else {
        return;
    };
    let providers = [
        Provider::start("p0", Dialect::OpenAi).await.unwrap(),
        Provider::start("p1", Dialect::OpenAi).await.unwrap(),
    ];
    let policy = |ids: &[&str]| {
        let upstreams: Vec<Upstream> = ids
            .iter()
            .zip(&providers)
            .map(|(id, provider)| Upstream::at(id, provider, Dialect::OpenAi))
            .collect();
        let members: Vec<(&str, &str, u64)> = ids.iter().map(|id| (*id, "m0", 5_000)).collect();
        let mut policy = PolicyText::failover(&upstreams, GROUP, &members);
        policy
            .text
            .push_str("circuit_breaker: {failure_threshold: 3, max_cooldown_seconds: 1s}\n");
        policy
    };
    let collector = Collector::start().await;
    let options = collector.options();
    // Each sees the same servers under names of its own, and one is over both.
    let first = Gateway::start_with(&policy(&["p0", "p1"]), &options).await;
    let second = Gateway::start_with(&policy(&["q0", "q1"]), &options).await;
    let mut pages = Pages::open(&json!({
        "base": collector.url(), "token": Collector::API_TOKEN, "chromium": chromium, "modules": modules,
        "pages": {"overview": "/?range=1h", "gateways": "/gateways"},
    }));
    let shows = |name: &'static str, status: &'static str| {
        move |seen: &Seen| seen["overview"].get(name).map(String::as_str) == Some(status)
    };
    pages
        .until("two gateways with two providers each", |seen| {
            seen["overview"].len() == 4
                && seen["overview"].values().all(|status| status == "healthy")
                && seen["gateways"].len() == 2
        })
        .await;

    // A flood of failures: one provider of one gateway is out, and only that one.
    providers[0].behave(Behaviour::status(500));
    for _ in 0..10 {
        assert_eq!(first.client().chat(GROUP).await.status, 200);
    }
    health_is(&first, "p0", "unhealthy").await;
    let late = pages.until("p0 is out", shows("p0", "unhealthy")).await;
    assert!(late < LATE, "{late:?}");
    let seen = pages.look().await;
    for (name, status) in health(&first)
        .await
        .into_iter()
        .chain(health(&second).await)
    {
        assert_eq!(seen["overview"][&name], status, "{name}");
    }

    // It serves again.
    providers[0].behave(Behaviour::Answer);
    let recovering = async {
        while health(&first).await["p0"] != "healthy" {
            assert_eq!(first.client().chat(GROUP).await.status, 200);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, recovering).await.unwrap();
    let late = pages.until("p0 is back", shows("p0", "healthy")).await;
    assert!(late < LATE, "{late:?}");

    // A provider that is taken out of the policy is shown nowhere.
    second.change_policy(&policy(&["q0"]).text).await;
    let begin = Instant::now();
    while health(&second).await.len() > 1 {
        assert!(begin.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let is_gone = |seen: &Seen| !seen["overview"].contains_key("q1");
    let late = pages.until("q1 is gone", is_gone).await;
    assert!(late < LATE, "{late:?}");

    // A gateway that ends is silent once three seconds have passed, and its providers are nobody's.
    second.stop().await;
    let silent = |seen: &Seen| {
        seen["gateways"].values().any(|state| state == "silent")
            && !seen["overview"].contains_key("q0")
    };
    let late = pages.until("the second gateway is silent", silent).await;
    assert!(late < LATE + Duration::from_secs(3), "{late:?}");

    // One that starts is there with what it says.
    let again = Gateway::start_with(&policy(&["r0", "r1"]), &options).await;
    let expected = health(&again).await;
    let is_there = |seen: &Seen| {
        let found = |(name, status): (&String, &String)| seen["overview"].get(name) == Some(status);
        expected.iter().all(found)
    };
    let late = pages.until("a gateway has started", is_there).await;
    assert!(late < LATE, "{late:?}");
}
