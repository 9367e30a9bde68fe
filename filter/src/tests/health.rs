//! Health as workers share it.

use std::rc::Rc;

use policy::TargetId;
use routing::health::{Outcome, Signal};

use super::{POLICY, Visit, gateway_config};
use crate::host::fake::FakeHost;
use crate::vm::Vm;

const FAILURE: Signal = Signal::Attempt(Outcome::ServerError);

#[test]
fn healthy_traffic_does_not_touch_shared_data() {
    let host = FakeHost::default();
    let vm = Vm::new(&host);
    let config = gateway_config(POLICY);
    vm.signal(
        &host,
        &config,
        TargetId(0),
        Signal::Attempt(Outcome::Success { latency_ms: 5 }),
    );
    let written = host.shared.borrow().clone();
    vm.signal(
        &host,
        &config,
        TargetId(0),
        Signal::Attempt(Outcome::Success { latency_ms: 6 }),
    );
    assert_eq!(*host.shared.borrow(), written);
}

#[test]
fn failures_add_up_over_workers_even_when_races_are_lost() {
    let host = FakeHost::default();
    let config = gateway_config(POLICY);
    let workers = [Vm::new(&host), Vm::new(&host), Vm::new(&host)];
    for worker in &workers {
        host.races_to_lose.set(2);
        worker.signal(&host, &config, TargetId(0), FAILURE);
    }
    let fresh = Vm::new(&host);
    fresh.tick(&host);
    let status = fresh.with_view(|view| {
        let (key, limits) = config.index.health_of(TargetId(0)).unwrap();
        view.health.status(key, limits, host.now_ms.get())
    });
    assert_eq!(status.consecutive_failures, 3);
}

#[test]
fn health_says_who_serves() {
    let mut visit = Visit::new(POLICY, "GET", "/health", &[], "");
    let config = gateway_config(POLICY);
    for _ in 0..3 {
        visit.vm.signal(&visit.host, &config, TargetId(0), FAILURE);
    }
    visit.enter();
    let body = visit.answer_json();
    assert_eq!(visit.answer().status, 200);
    assert_eq!(body["status"], "degraded");
    assert_eq!(body["providers"]["first"]["status"], "unhealthy");
    assert_eq!(body["providers"]["first"]["consecutive_failures"], 3);
    assert_eq!(
        body["providers"]["first"]["last_check"],
        "2026-04-23T10:25:30Z"
    );
    assert_eq!(body["providers"]["second"]["status"], "healthy");
}

#[test]
fn nothing_left_to_serve_is_503() {
    let mut visit = Visit::new(POLICY, "GET", "/health", &[], "");
    let config = gateway_config(POLICY);
    for target in 0..2 {
        for _ in 0..3 {
            visit
                .vm
                .signal(&visit.host, &config, TargetId(target), FAILURE);
        }
    }
    visit.enter();
    assert_eq!(
        (
            visit.answer().status,
            visit.answer_json()["status"].as_str()
        ),
        (503, Some("unhealthy"))
    );
    let mut chat = Visit::chat(r#"{"model": "chain", "messages": []}"#);
    chat.vm = Rc::clone(&visit.vm);
    chat.gateway = crate::gateway::Gateway::new(Rc::clone(&visit.vm), config);
    chat.enter();
    assert_eq!(chat.answer().status, 503);
    assert_eq!(
        chat.answer_json()["error"]["code"],
        "all_providers_unavailable"
    );
    assert!(
        chat.answer()
            .headers
            .iter()
            .any(|(name, _)| name == "retry-after")
    );
}
