//! A collector that knows less than before: what restricts stays in force.

use std::rc::Rc;

use serde_json::{Value, json};

use super::telemetry::observed;
use super::{POLICY, Visit, gateway_config};
use crate::downstream_filter::DownstreamFilter;
use crate::health_checker::HealthChecker;
use crate::host::fake::FakeHost;
use crate::worker::Worker;

const CHAT: &str = r#"{"model": "chain", "max_tokens": 1000, "messages": []}"#;
const NOW: u64 = 1_776_939_930_000;
const HOUR: u64 = 3_600_000;

/// An Envoy process: what all its VMs share, and the monitor that asks the collector.
struct Process {
    policy: String,
    host: FakeHost,
    monitor: HealthChecker,
}

impl Process {
    /// A new one, whose plugin configuration has these members of `runtime` too.
    fn start(runtime: &Value) -> Self {
        // Each target costs a cent for a thousand tokens.
        let priced = POLICY.replace(
            "timeout_ms: 1000",
            "timeout_ms: 1000, cost_per_1k_input: 0.01, cost_per_1k_output: 0.01",
        );
        let mut envelope: Value = serde_json::from_str(&observed(&priced)).unwrap();
        for (name, value) in runtime.as_object().unwrap() {
            envelope["runtime"][name] = value.clone();
        }
        let policy = envelope.to_string();
        let host = FakeHost::default();
        host.now_ms.set(NOW);
        crate::shared::publish_configuration(&host, policy.as_bytes());
        let monitor = HealthChecker::new(&host, Rc::new(Worker::new(&host)));
        Self {
            policy,
            host,
            monitor,
        }
    }

    /// A second later the collector answers.
    fn hears(&mut self, body: &Value) {
        self.answered(Some("200"), body);
    }

    fn answered(&mut self, status: Option<&str>, body: &Value) {
        self.host.now_ms.set(self.host.now_ms.get() + 1_000);
        self.monitor.on_tick(&self.host);
        let token = u32::try_from(self.host.calls.borrow().len()).unwrap();
        let headers = status.map(|status| (String::from(":status"), status.as_bytes().to_vec()));
        self.host.call_answer.replace(headers.into_iter().collect());
        self.host
            .call_answer_body
            .replace(body.to_string().into_bytes());
        self.monitor.on_call_response(&self.host, token);
    }

    /// The module was loaded anew into the same process.
    fn reload(&mut self) {
        let vm = Rc::new(Worker::new(&self.host));
        self.monitor.on_done(&self.host);
        self.monitor = HealthChecker::new(&self.host, vm);
    }

    /// A request to a worker that has just been configured.
    fn visit(&self, path: &str, key: Option<&str>, body: &str) -> Visit {
        let bearer = format!("Bearer {}", key.unwrap_or_default());
        let headers = [("authorization", bearer.as_str())];
        let headers = if key.is_some() { &headers[..] } else { &[] };
        let method = if body.is_empty() { "GET" } else { "POST" };
        let host = FakeHost::with_request(method, path, headers, body.as_bytes());
        host.shared.replace(self.host.shared.borrow().clone());
        host.now_ms.set(self.host.now_ms.get());
        let vm = Rc::new(Worker::new(&host));
        let config = gateway_config(&self.policy);
        vm.adopt(&host, &config);
        let mut visit = Visit {
            gateway: DownstreamFilter::new(Rc::clone(&vm), config),
            vm,
            host,
            body: body.as_bytes().to_vec(),
        };
        visit.enter();
        visit
    }

    /// The status of a refusal, or the target that is asked.
    fn chat(&self, key: Option<&str>) -> Result<String, u16> {
        let visit = self.visit("/v1/chat/completions", key, CHAT);
        let refused = visit.host.answer.borrow().as_ref().map(|it| it.status);
        refused.map_or_else(|| Ok(visit.cluster()), Err)
    }

    /// What `/health` says of the collector.
    fn control(&self) -> Value {
        self.visit("/health", None, "").answer_json()["control"].clone()
    }
}

fn first() -> Result<String, u16> {
    Ok(String::from("kt/first/1000ms"))
}

fn second() -> Result<String, u16> {
    Ok(String::from("kt/second/1000ms"))
}

fn keyed(store: &str) -> Value {
    json!({"version": "1", "keys_required": true, "store_id": store})
}

fn empty(store: &str) -> Value {
    json!({"version": "2", "keys_required": false, "store_id": store})
}

/// Nothing is left of it for the estimate of a request, a cent.
fn spent_budget(store: &str) -> Value {
    let budget = json!({"provider": "first", "limit_usd": 5.0, "period": "daily",
        "period_start_ms": NOW - HOUR, "period_end_ms": NOW + HOUR, "spent_elsewhere_usd": 4.995});
    json!({"version": "1", "keys_required": false, "store_id": store, "budgets": [budget]})
}

#[test]
fn an_empty_store_opens_no_running_gateway() {
    for store in [json!("a"), json!("b"), Value::Null] {
        let mut process = Process::start(&json!({}));
        process.hears(&keyed("a"));
        let mut nothing = empty("");
        nothing["store_id"] = store.clone();
        process.hears(&nothing);
        assert_eq!(process.chat(None), Err(401), "{store}");
        assert_eq!(process.chat(Some("kt_gk_any")), Err(401));
        let control = json!({"keys": "required", "lost_by_collector": ["keys"]});
        assert_eq!(process.control(), control);
        process.reload();
        process.hears(&nothing);
        assert_eq!(process.chat(None), Err(401), "{store} after a reload");
        process.hears(&keyed("b"));
        assert_eq!(process.control()["lost_by_collector"], json!([]));
    }
}

#[test]
fn where_keys_were_never_required_an_empty_store_changes_nothing() {
    let mut process = Process::start(&json!({}));
    process.hears(&empty("a"));
    process.hears(&empty("b"));
    assert_eq!(process.chat(None), first());
    let control = json!({"keys": "not_required", "lost_by_collector": []});
    assert_eq!(process.control(), control);
}

#[test]
fn a_collector_that_lets_everybody_in_by_decision_is_believed() {
    let mut process = Process::start(&json!({}));
    process.hears(&keyed("a"));
    let mut open = empty("a");
    open["allow_anonymous"] = true.into();
    process.hears(&open);
    assert_eq!(process.chat(None), first());
}

#[test]
fn the_gateway_s_own_rule_holds_whatever_the_collector_says() {
    let mut required = Process::start(&json!({"auth": "required", "keys_required": true}));
    assert_eq!(required.chat(None), Err(401));
    assert_eq!(required.chat(Some("kt_gk_any")), Err(503));
    let mut open = empty("a");
    open["allow_anonymous"] = true.into();
    required.hears(&open);
    assert_eq!(required.chat(None), Err(401));
    assert_eq!(required.visit("/v1/models", None, "").answer().status, 401);
    assert_eq!(required.control()["keys"], "required");

    let mut disabled = Process::start(&json!({"auth": "disabled"}));
    disabled.hears(&keyed("a"));
    assert_eq!(disabled.chat(None), first());
    assert_eq!(disabled.visit("/v1/models", None, "").answer().status, 200);
    assert_eq!(disabled.control()["keys"], "not_required");
}

#[test]
fn a_budget_outlasts_the_store_and_ends_where_it_is_deleted() {
    let mut process = Process::start(&json!({}));
    process.hears(&spent_budget("a"));
    assert_eq!(process.chat(None), second());
    for store in ["b", "b", "c"] {
        process.hears(&empty(store));
        assert_eq!(process.chat(None), second(), "{store}");
    }
    let control = json!({"keys": "not_required", "lost_by_collector": ["budgets"]});
    assert_eq!(process.control(), control);
    // The same budget again, in a store that knows nothing of what was spent.
    let mut again = spent_budget("c");
    again["budgets"][0]["spent_elsewhere_usd"] = json!(0.0);
    process.hears(&again);
    assert_eq!(process.chat(None), second());
    assert_eq!(process.control()["lost_by_collector"], json!([]));
    process.hears(&empty("c"));
    assert_eq!(process.chat(None), first());
}

#[test]
fn the_next_period_of_a_lost_budget_begins_and_so_does_the_one_after_it() {
    let mut process = Process::start(&json!({}));
    process.hears(&spent_budget("a"));
    for day in 0..3 {
        let begin = NOW + HOUR + day * 24 * HOUR;
        process.host.now_ms.set(begin);
        // Nobody is there to say so.
        process.answered(None, &Value::Null);
        assert_eq!(process.chat(None), first(), "day {day}");
    }
}

#[test]
fn a_restart_remembers_what_was_required() {
    let mut known = events::KnownControl::default();
    for heard in [keyed("a"), spent_budget("a")] {
        known.learn(serde_json::from_value(heard).unwrap());
    }
    let known = serde_json::to_value(known.to_remember()).unwrap();
    let mut process = Process::start(&json!({"known_control": known}));
    assert_eq!(process.chat(None), Err(401));
    assert_eq!(process.chat(Some("kt_gk_any")), Err(503));
    assert_eq!(process.control()["keys"], "pending");
    process.hears(&empty("b"));
    assert_eq!(process.chat(None), Err(401));

    // Where keys do not matter, the budget does, before the collector was heard and after.
    let mut process = Process::start(&json!({"known_control": known, "auth": "disabled"}));
    assert_eq!(process.chat(None), second());
    process.hears(&empty("b"));
    assert_eq!(process.chat(None), second());
}
