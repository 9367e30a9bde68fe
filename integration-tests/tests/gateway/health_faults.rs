//! What counts against a provider and what does not, and how it comes back.

use std::time::{Duration, Instant};

use harness::{
    Behaviour, Dialect, Gateway, GatewayOptions, Load, PATIENCE, PolicyText, Provider, Step,
    Upstream, table_by_second,
};

use crate::health::{INTERVAL, MODEL, PROBED, Ward, changes};
use crate::health_outage::assert_all_served;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_key_that_is_refused_is_replaced_without_a_restart() {
    let ward = Ward::with(PROBED, 5_000).await;
    ward.providers[0].accept_keys(&["sk-provider-p0-renewed"]);
    let client = ward.gateway.client();
    let ill = ward.wait_until_first_is("unhealthy").await;
    assert_eq!(ill["reason"], "upstream_auth");
    assert_eq!(client.chat(MODEL).await.provider(), "p1");

    // Another variable, as after a new key was issued under a new name.
    let policy = std::fs::read_to_string(ward.gateway.policy_file()).unwrap();
    let policy = policy.replace("env: KEY_P0", "env: KEY_P0_RENEWED");
    std::fs::write(ward.gateway.policy_file(), policy).unwrap();
    ward.gateway.wait_for_log("Policy changed").await;
    let started = Instant::now();
    while client.chat(MODEL).await.provider() != "p0" {
        assert!(started.elapsed() < PATIENCE, "p0 stays out");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_key_that_is_replaced_in_its_file_is_healthy_after_two_probes_and_others_keep_their_state()
 {
    let [first, second, dead] =
        ["p0", "p1", "p2"].map(|name| Provider::start(name, Dialect::OpenAi));
    let (first, second, dead) = (
        first.await.unwrap(),
        second.await.unwrap(),
        dead.await.unwrap(),
    );
    first.accept_keys(&["sk-new"]);
    dead.go_down();
    let secrets = tempfile::tempdir().unwrap();
    let key = secrets.path().join("p0-key");
    write_key(&key, "sk-old");
    let upstreams = [
        Upstream::at("p0", &first, Dialect::OpenAi).with(PROBED),
        Upstream::at("p1", &second, Dialect::OpenAi),
        // Not probed, so that only what is remembered keeps requests away from it.
        Upstream::at("p2", &dead, Dialect::OpenAi).with("circuit_breaker: {cooldown_seconds: 600}"),
    ];
    let members = [("p2", "m", 5_000), ("p0", "m", 5_000), ("p1", "m", 5_000)];
    let mut policy = PolicyText::failover(&upstreams, MODEL, &members);
    policy.text = policy.text.replace("env: KEY_P0", "store: p0-key");
    let options = GatewayOptions {
        concurrency: Some(2),
        variables: vec![(
            "KEEPTRUSTS_SECRETS_DIR".into(),
            secrets.path().display().to_string(),
        )],
        ..GatewayOptions::default()
    };
    let gateway = Gateway::start_with(&policy, &options).await;
    let client = gateway.client();
    wait_for_status(&gateway, "p0", "unhealthy").await;
    while client.get("/health?provider=p2").await.json()["health"]["status"] != "unhealthy" {
        assert_eq!(client.chat(MODEL).await.provider(), "p1");
    }

    write_key(&key, "sk-new");
    wait_for_status(&gateway, "p0", "healthy").await;
    std::fs::write(
        gateway.policy_file(),
        policy.text.replace("name: integration", "name: changed"),
    )
    .unwrap();
    gateway.wait_for_log("Policy changed").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    for _ in 0..10 {
        let answer = client.chat(MODEL).await;
        let reason = &answer.json()["keeptrusts_metadata"]["failover"]["reason"];
        assert_eq!(reason, "unhealthy", "the reload forgot that p2 is down");
    }
    let states: Vec<(String, String)> = changes(&gateway.log())
        .into_iter()
        .map(|change| (change.target, change.to))
        .collect();
    let expected = [("p0", "open"), ("p2", "open"), ("p0", "closed")];
    assert_eq!(
        states,
        expected.map(|(target, to)| (target.to_owned(), to.to_owned()))
    );
}

fn write_key(path: &std::path::Path, key: &str) {
    use std::os::unix::fs::PermissionsExt;
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, key).unwrap();
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(fresh, path).unwrap();
}

async fn wait_for_status(gateway: &Gateway, target: &str, status: &str) {
    let started = Instant::now();
    loop {
        let body = gateway.client().get("/health").await.json();
        let found = &body["providers"][target];
        if found["status"] == status {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{target}: {found}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_probe_asks_what_the_policy_says_and_expects_what_it_says() {
    // The simulated provider has no such path.
    let line = "health_check: {path: /ping?deep=1, expected_status: 404, interval_seconds: 500ms, unhealthy_threshold: 1}";
    let ward = Ward::with(line, 5_000).await;
    let probe = ward.wait_for_probe().await;
    assert_eq!(
        (probe.method.as_str(), probe.path.as_str()),
        ("GET", "/v1/ping?deep=1")
    );
    assert_eq!(probe.header("authorization"), Some("Bearer sk-provider-p0"));
    tokio::time::sleep(INTERVAL).await;
    assert_eq!(ward.first().await["status"], "healthy");

    let ward = Ward::with(&line.replace("404", "204"), 5_000).await;
    let ill = ward.wait_until_first_is("unhealthy").await;
    assert_eq!(ill["reason"], "probe_status");
}

#[tokio::test]
async fn streams_that_break_in_the_middle_count_and_what_clients_do_wrong_does_not() {
    let ward = Ward::with("circuit_breaker: {cooldown_seconds: 600}", 5_000).await;
    let client = ward.gateway.client();
    for _ in 0..5 {
        ward.providers[0].next([Behaviour::status(400)]);
        assert_eq!(client.chat(MODEL).await.status, 400);
    }
    ward.providers[0].behave(Behaviour::Stall);
    for count in 6..=10 {
        let client = client.clone();
        let asking = tokio::spawn(async move { client.chat(MODEL).await });
        ward.providers[0]
            .wait_until(|received| received.len() == count)
            .await;
        asking.abort();
        let left = |received: &[harness::Received]| received[count - 1].was_abandoned();
        ward.providers[0].wait_until(left).await;
    }
    assert_eq!(ward.first().await["consecutive_failures"], 0);

    let chunk = r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m0","choices":[{"index":0,"delta":{"content":"half "},"finish_reason":null}]}"#;
    ward.providers[0].behave(Behaviour::Stream(vec![
        Step::data(chunk),
        Step::Wait(Duration::from_millis(20)),
        Step::Break,
    ]));
    for _ in 0..3 {
        let answer = client.chat_stream(MODEL).await;
        assert_eq!(
            (answer.provider(), answer.content().as_str()),
            ("p0", "half ")
        );
    }
    let ill = ward.wait_until_first_is("unhealthy").await;
    assert_eq!(ill["reason"], "stream_broken");
    assert_eq!(client.chat(MODEL).await.provider(), "p1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_few_requests_try_a_provider_without_probes_and_the_others_go_elsewhere() {
    const TRIALS: usize = 2;
    const COOLDOWN: Duration = Duration::from_secs(1);
    let line =
        "circuit_breaker: {failure_threshold: 3, cooldown_seconds: 1, half_open_requests: 2}";
    let ward = Ward::with(line, 5_000).await;
    let provider = &ward.providers[0];
    provider.go_down();
    let load = Load::start(ward.gateway.client(), MODEL, 100);
    // It opens later than this.
    let opened = Instant::now();
    ward.wait_until_first_is("unhealthy").await;
    // Slow, so that many requests come while the first ones are still on trial.
    provider.behave(Behaviour::AnswerAfter(Duration::from_millis(400)));
    provider.come_back().await.unwrap();
    provider.wait_until(|received| !received.is_empty()).await;
    let half_open = opened.elapsed();
    assert!(half_open >= COOLDOWN, "{half_open:?}");
    assert_eq!(ward.first().await["status"], "degraded");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(provider.received().len(), TRIALS);
    ward.wait_until_first_is("healthy").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let exchanges = load.stop().await;
    println!("{}", table_by_second(&exchanges));
    assert_all_served(&exchanges);
    assert!(provider.received().len() > TRIALS, "no traffic came back");
    let states: Vec<(String, String)> = ward
        .changes_of("p0")
        .into_iter()
        .map(|change| (change.to, change.reason))
        .collect();
    let expected = [
        ("open", "upstream_connect"),
        ("half_open", "wait_over"),
        ("closed", "trials_succeeded"),
    ];
    assert_eq!(
        states,
        expected.map(|(to, reason)| (to.to_owned(), reason.to_owned()))
    );
}

#[tokio::test]
async fn when_all_are_out_the_client_is_told_when_to_come_back_or_the_least_bad_one_is_tried() {
    let provider = Provider::start("p0", Dialect::OpenAi).await.unwrap();
    let upstream = Upstream::at("p0", &provider, Dialect::OpenAi)
        .with("circuit_breaker: {failure_threshold: 1, cooldown_seconds: 40}");
    let groups = "
model_groups:
  - {name: closed, strategy: failover, models: [{provider: p0, model: m}]}
  - {name: open, strategy: failover, fail_open: true, models: [{provider: p0, model: m}]}
";
    let gateway = crate::health::serving(&PolicyText::over(&[upstream], groups)).await;
    let client = gateway.client();
    // The only target is asked twice.
    provider.next([Behaviour::status(500), Behaviour::status(500)]);
    assert_eq!(client.chat("closed").await.status, 500);

    let refused = client.chat("closed").await;
    assert_eq!(refused.error().2, "all_providers_unavailable");
    let retry_after: u64 = refused.header("retry-after").parse().unwrap();
    assert!((38..=40).contains(&retry_after), "{retry_after}");
    let health = client.get("/health").await;
    assert_eq!(
        (health.status, &health.json()["status"]),
        (503, &"unhealthy".into())
    );

    assert_eq!(client.chat("open").await.status, 200);
    // That it was tried proves nothing: it stays out for the others.
    assert_eq!(client.chat("closed").await.status, 503);
}
