//! Keys and budgets at the gateway: who is let in, what may be spent.

use std::rc::Rc;

use events::key_hash_hex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::telemetry::{COLLECTOR, observed};
use super::upstream_filter::{answered, attempt};
use super::{POLICY, Visit, gateway_config};
use crate::downstream_filter::DownstreamFilter;
use crate::health_checker::HealthChecker;
use crate::host::fake::{FakeHost, Phase};
use crate::worker::Worker;

const CHAT: &str = r#"{"model": "chain", "max_tokens": 1000, "messages": []}"#;
const JSON: &str = "application/json";
const NOW: u64 = 1_776_939_930_000;

/// Both targets cost a cent for a thousand tokens, in or out.
fn priced() -> String {
    POLICY.replace(
        "timeout_ms: 1000",
        "timeout_ms: 1000, cost_per_1k_input: 0.01, cost_per_1k_output: 0.01",
    )
}

fn key(name: &str, more: &Value) -> Value {
    let hash = key_hash_hex(&Sha256::digest(format!("kt_gk_{name}")));
    let mut key = json!({"id": name, "name": name, "sha256": hash});
    for (name, value) in more.as_object().unwrap() {
        key[name] = value.clone();
    }
    key
}

fn limit(usd: f64) -> Value {
    json!({"limit_usd": usd, "period": "daily", "period_start_ms": NOW - 1_000,
        "period_end_ms": NOW + 60_000, "spent_elsewhere_usd": 0.0})
}

fn budget(provider: &str, usd: f64) -> Value {
    let mut budget = limit(usd);
    budget["provider"] = provider.into();
    budget
}

/// Requests of one scene that has heard `state` from the collector.
struct Scene {
    policy: String,
    vm: Rc<Worker>,
    host: FakeHost,
}

impl Scene {
    fn new(policy: &str, state: &Value) -> Self {
        let host = FakeHost::default();
        let vm = Rc::new(Worker::new(&host));
        let scene = Self {
            policy: observed(policy),
            vm,
            host,
        };
        scene.hears(state);
        scene
    }

    fn hears(&self, state: &Value) {
        let mut known = crate::shared::known_control(&self.host).unwrap_or_default();
        let state = serde_json::from_value(state.clone()).unwrap();
        known.learn(state);
        crate::shared::publish_control(&self.host, &known);
        self.vm.tick(&self.host);
    }

    /// A visit that has entered.
    fn visit(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Visit {
        let host = FakeHost::with_request(method, path, headers, body.as_bytes());
        host.shared.replace(self.host.shared.borrow().clone());
        host.now_ms.set(self.host.now_ms.get());
        let mut visit = Visit {
            gateway: DownstreamFilter::new(Rc::clone(&self.vm), gateway_config(&self.policy)),
            vm: Rc::clone(&self.vm),
            host,
            body: body.as_bytes().to_vec(),
        };
        visit.enter();
        self.host.shared.replace(visit.host.shared.borrow().clone());
        visit
    }

    /// Those that have not been taken from here before.
    fn events(&self) -> Vec<Value> {
        let host = self.host.in_phase(Phase::Outside);
        let before = host.calls.borrow().len();
        // Its clock goes ahead, so that all are due.
        let now_ms = host.now_ms.get();
        host.now_ms.set(now_ms + 1_000);
        self.vm.exporter.on_tick(host, COLLECTOR);
        host.call_answer
            .replace(vec![(String::from(":status"), b"200".to_vec())]);
        let token = u32::try_from(host.calls.borrow().len()).unwrap();
        self.vm.exporter.on_call_response(host, token, COLLECTOR);
        host.now_ms.set(now_ms);
        let bodies = host.call_bodies.borrow();
        let sent = bodies.get(before..).unwrap_or_default();
        let events = sent.iter().flat_map(|batch| events::lines(batch));
        events
            .map(|line| serde_json::from_slice(line.bytes).unwrap())
            .collect()
    }

    fn chat(&self, key: &str) -> Visit {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str())];
        self.visit("POST", "/v1/chat/completions", &headers, CHAT)
    }

    /// The visit's only attempt is answered with this many tokens out, and the visit ends.
    fn served(&self, mut visit: Visit, completion_tokens: u64) -> Vec<Value> {
        visit.host.shared.replace(self.host.shared.borrow().clone());
        let mut target = attempt(&visit);
        let usage = json!({"prompt_tokens": 0, "completion_tokens": completion_tokens});
        let answer = json!({"choices": [{"index": 0}], "usage": usage}).to_string();
        answered(&visit.host, &mut target, "200", JSON, &answer);
        visit.gateway.on_end(visit.host.in_phase(Phase::Outside));
        self.host.shared.replace(visit.host.shared.borrow().clone());
        self.events()
    }
}

#[test]
fn without_a_good_key_nobody_is_let_in() {
    let keys = [
        key("good", &json!({})),
        key("late", &json!({"expires_at_ms": NOW})),
    ];
    let scene = Scene::new(
        POLICY,
        &json!({"version": "1", "keys_required": true, "keys": keys}),
    );
    assert_eq!(scene.chat("kt_gk_good").cluster(), "kt/first/1000ms");
    for bad in ["kt_gk_bad", "kt_gk_late", "sk-something", ""] {
        let visit = scene.chat(bad);
        assert_eq!(visit.answer().status, 401, "{bad}");
        assert_eq!(visit.answer_json()["error"]["code"], "invalid_api_key");
        let event = scene.events().remove(0);
        assert_eq!(event["decision"], "blocked");
        assert_eq!(event["status_code"], 401);
        assert_eq!(event["error_code"], "invalid_api_key");
        assert!(!event.to_string().contains("kt_gk_"), "{event}");
    }
    let list = scene.visit("GET", "/v1/models", &[], "");
    assert_eq!(list.answer().status, 401);
    for open in ["/health", "/metrics"] {
        let visit = scene.visit("GET", open, &[], "");
        let answer = visit.host.answer.borrow();
        assert!(
            answer.as_ref().is_none_or(|answer| answer.status == 200),
            "{open}"
        );
    }
    // The key is revoked.
    scene.hears(&json!({"version": "2", "keys_required": true, "keys": []}));
    assert_eq!(scene.chat("kt_gk_good").answer().status, 401);
}

#[test]
fn a_key_may_use_what_it_lists() {
    let keys = [key("narrow", &json!({"models": ["chain"]}))];
    let scene = Scene::new(
        POLICY,
        &json!({"version": "1", "keys_required": true, "keys": keys}),
    );
    let headers = [("x-api-key", "kt_gk_narrow")];
    let ask = |model: &str| {
        let body = format!(r#"{{"model": "{model}", "messages": []}}"#);
        scene.visit("POST", "/v1/chat/completions", &headers, &body)
    };
    for allowed in ["chain", "chain-alias"] {
        assert_eq!(ask(allowed).cluster(), "kt/first/1000ms");
    }
    let visit = ask("mixed");
    assert_eq!(visit.answer().status, 403);
    assert_eq!(visit.answer_json()["error"]["code"], "model_not_allowed");
    let event = scene.events().remove(0);
    assert_eq!(event["decision"], "blocked");
    assert_eq!(event["key_name"], "narrow");
    let visit = ask("unknown");
    assert_eq!(visit.answer().status, 404);
    assert!(!visit.answer_json().to_string().contains("mixed"));
    let list = scene.visit("GET", "/v1/models", &headers, "").answer_json();
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    let entry = scene.visit("GET", "/v1/models/mixed", &headers, "");
    assert_eq!(entry.answer().status, 404);
}

#[test]
fn a_restart_opens_no_door() {
    let mut envelope: Value = serde_json::from_str(&observed(POLICY)).unwrap();
    envelope["runtime"]["keys_required"] = true.into();
    let headers = [("authorization", "Bearer kt_gk_any")];
    let path = "/v1/chat/completions";
    let mut visit = Visit::new(&envelope.to_string(), "POST", path, &headers, CHAT);
    visit.enter();
    assert_eq!(visit.answer().status, 503);
    let mut visit = Visit::new(&envelope.to_string(), "POST", path, &[], CHAT);
    visit.enter();
    assert_eq!(visit.answer().status, 401);
}

#[test]
fn a_key_makes_its_requests_of_a_minute_and_no_more() {
    let keys = [key("slow", &json!({"requests_per_minute": 2}))];
    let scene = Scene::new(
        POLICY,
        &json!({"version": "1", "keys_required": true, "keys": keys}),
    );
    for _ in 0..2 {
        assert_eq!(scene.chat("kt_gk_slow").cluster(), "kt/first/1000ms");
    }
    let visit = scene.chat("kt_gk_slow");
    assert_eq!(visit.answer().status, 429);
    assert_eq!(visit.answer_json()["error"]["code"], "rate_limit_exceeded");
    let wait: u64 = visit
        .answer()
        .headers
        .iter()
        .find(|(name, _)| name == "retry-after")
        .map(|(_, value)| String::from_utf8_lossy(value).parse().unwrap())
        .unwrap();
    scene.host.now_ms.set(NOW + wait * 1_000);
    assert_eq!(scene.chat("kt_gk_slow").cluster(), "kt/first/1000ms");
}

#[test]
fn a_spent_provider_is_passed_over_until_its_next_period() {
    // A request is estimated at 1,000 × 0.01/1000 = 0.01; there is room for two.
    let state =
        json!({"version": "1", "keys_required": false, "budgets": [budget("first", 0.025)]});
    let scene = Scene::new(&priced(), &state);
    let (one, two) = (scene.chat(""), scene.chat(""));
    assert_eq!(one.cluster(), "kt/first/1000ms");
    assert_eq!(two.cluster(), "kt/first/1000ms");
    // Both are on their way: the third finds nothing left.
    assert_eq!(scene.chat("").cluster(), "kt/second/1000ms");
    // One cost nothing: there is room again. The other cost more than estimated.
    scene.served(one, 0);
    let three = scene.chat("");
    assert_eq!(three.cluster(), "kt/first/1000ms");
    scene.served(two, 1_600);
    let events = scene.served(three, 1_000);
    assert_eq!(events[0]["actual_cost_usd"], 0.01);
    // 0.016 + 0.01 are spent of 0.025.
    scene.vm.tick(&scene.host);
    let visit = scene.chat("");
    assert_eq!(visit.cluster(), "kt/second/1000ms");
    let events = scene.served(visit, 10);
    let last = events.last().unwrap();
    assert_eq!(last["provider"], "second");
    assert_eq!(
        last["passed_over"],
        json!([{"provider": "first", "reason": "provider_budget"}])
    );
    assert_eq!(last["failover"]["original_provider"], "first");
    scene.host.now_ms.set(NOW + 60_000);
    assert_eq!(scene.chat("").cluster(), "kt/first/1000ms");
}

#[test]
fn each_budget_of_a_provider_is_a_ceiling() {
    let period = |limit_usd: f64, period: &str| {
        let mut budget = budget("first", limit_usd);
        budget["period"] = json!(period);
        budget
    };
    // A request is estimated at 0.01; one fits into the smaller budget, wherever it stands.
    for budgets in [
        [period(5_000.0, "monthly"), period(0.015, "daily")],
        [period(0.015, "daily"), period(5_000.0, "monthly")],
    ] {
        let state = json!({"version": "1", "keys_required": false, "budgets": budgets});
        let scene = Scene::new(&priced(), &state);
        let first = scene.chat("");
        assert_eq!(first.cluster(), "kt/first/1000ms");
        assert_eq!(scene.chat("").cluster(), "kt/second/1000ms");
        scene.served(first, 1_600);
        scene.vm.tick(&scene.host);
        assert_eq!(scene.chat("").cluster(), "kt/second/1000ms");
    }
}

#[test]
fn when_all_is_spent_the_client_is_told_not_to_try_again() {
    let of_both = json!({"version": "1", "keys_required": false,
        "budgets": [budget("first", 0.0), budget("second", 0.001)]});
    let of_key = json!({"version": "1", "keys_required": true,
        "keys": [key("poor", &json!({"limit": limit(0.015)}))]});
    for (state, served) in [(of_both, 0), (of_key, 1)] {
        let scene = Scene::new(&priced(), &state);
        for _ in 0..served {
            let visit = scene.chat("kt_gk_poor");
            assert_eq!(visit.cluster(), "kt/first/1000ms");
        }
        let visit = scene.chat("kt_gk_poor");
        let answer = visit.answer();
        assert_eq!(answer.status, 429);
        assert!(
            answer
                .headers
                .contains(&(String::from("x-should-retry"), b"false".to_vec()))
        );
        assert_eq!(visit.answer_json()["error"]["code"], "budget_exceeded");
        let event = scene.events().pop().unwrap();
        assert_eq!(event["decision"], "blocked");
        assert_eq!(event["error_code"], "budget_exceeded");
    }
}

#[test]
fn without_a_price_a_key_with_a_budget_is_told_what_is_missing() {
    let policy = POLICY.replace("http://127.0.0.1", "https://models.example.com");
    let state = json!({"version": "1", "keys_required": true,
        "keys": [key("rich", &json!({"limit": limit(100.0)})), key("free", &json!({}))]});
    let scene = Scene::new(&policy, &state);
    let visit = scene.chat("kt_gk_rich");
    assert_eq!(visit.answer().status, 429);
    let error = &visit.answer_json()["error"];
    assert_eq!(error["code"], "budget_exceeded");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("no price is known for model \"one\""),
        "{message}"
    );
    assert_eq!(scene.chat("kt_gk_free").cluster(), "kt/first/1000ms");

    let scene = Scene::new(&format!("{policy}unpriced: ignore\n"), &state);
    assert_eq!(scene.chat("kt_gk_rich").cluster(), "kt/first/1000ms");
}

#[test]
fn the_monitor_hands_on_what_the_collector_says() {
    let host = FakeHost::default();
    let vm = Rc::new(Worker::new(&host));
    crate::shared::publish_configuration(&host, observed(POLICY).as_bytes());
    let mut monitor = HealthChecker::new(&host, vm);
    let scene = Worker::new(&host);
    let config = gateway_config(&observed(POLICY));
    let admits = || {
        let control = scene.control(&config);
        control.admit(Some(b"kt_gk_good"), NOW, config.runtime.auth)
    };
    let answer = |monitor: &mut HealthChecker, status: Option<&str>, body: &Value| {
        host.now_ms.set(host.now_ms.get() + 1_000);
        monitor.on_tick(&host);
        let token = u32::try_from(host.calls.borrow().len()).unwrap();
        let (cluster, headers) = host.calls.borrow().last().unwrap().clone();
        assert_eq!(cluster, "kt/collector");
        let path = b"/v1/control?instance_id=in_1".to_vec();
        assert!(headers.contains(&(String::from(":path"), path)));
        let headers = status.map(|status| (String::from(":status"), status.as_bytes().to_vec()));
        host.call_answer.replace(headers.into_iter().collect());
        host.call_answer_body.replace(body.to_string().into_bytes());
        monitor.on_call_response(&host, token);
        scene.tick(&host);
    };
    let keys = [key("good", &json!({}))];
    let state = json!({"version": "1", "keys_required": true, "keys": keys});
    answer(&mut monitor, Some("200"), &state);
    assert_eq!(admits().unwrap().unwrap().name, "good");
    // What was in force stays so.
    for (status, body) in [
        (None, Value::Null),
        (Some("500"), json!({})),
        (Some("200"), json!([])),
    ] {
        answer(&mut monitor, status, &body);
        assert!(admits().is_ok());
    }
    answer(
        &mut monitor,
        Some("200"),
        &json!({"version": "2", "keys_required": true}),
    );
    assert!(admits().is_err());
}

#[test]
fn the_monitor_tells_the_collector_how_the_gateway_is() {
    let host = FakeHost::default();
    let vm = Rc::new(Worker::new(&host));
    crate::shared::publish_configuration(&host, observed(POLICY).as_bytes());
    let mut monitor = HealthChecker::new(&host, vm);
    // Status and body of the answer; then what the next question was.
    let ask = |monitor: &mut HealthChecker, status: &str, body: &Value| {
        host.now_ms.set(host.now_ms.get() + 1_000);
        monitor.on_tick(&host);
        let (_, headers) = host.calls.borrow().last().unwrap().clone();
        let sent = host.call_bodies.borrow().last().unwrap().clone();
        let method = headers.iter().find(|(name, _)| name == ":method");
        let method = String::from_utf8(method.unwrap().1.clone()).unwrap();
        let token = u32::try_from(host.calls.borrow().len()).unwrap();
        let status = (String::from(":status"), status.as_bytes().to_vec());
        host.call_answer.replace([status].into_iter().collect());
        host.call_answer_body.replace(body.to_string().into_bytes());
        monitor.on_call_response(&host, token);
        (method, sent)
    };
    let state = json!({"version": "1", "keys_required": false, "send_policy": true});
    let (method, body) = ask(&mut monitor, "200", &state);
    assert_eq!(method, "POST");
    let report: events::GatewayReport<'_> = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        report.providers.len(),
        gateway_config(&observed(POLICY)).policy.targets.len()
    );
    assert_eq!(
        (&*report.providers[0].status, &*report.providers[0].breaker),
        ("healthy", "closed")
    );
    assert_eq!(report.policy, None, "nobody asked for it");
    // A collector that knows no reports is asked as before.
    assert_eq!(ask(&mut monitor, "405", &json!({})).0, "POST");
    let (method, body) = ask(&mut monitor, "200", &state);
    assert_eq!((method.as_str(), body.len()), ("GET", 0));
}
