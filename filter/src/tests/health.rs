//! Health as workers share it.

use std::rc::Rc;

use policy::TargetId;
use routing::health::{Availability, Outcome, Signal};

use super::{POLICY, Visit, gateway_config};
use crate::config::GatewayConfig;
use crate::health_checker::HealthChecker;
use crate::host::fake::FakeHost;
use crate::shared;
use crate::worker::Worker;

const FAILURE: Signal = Signal::Attempt(Outcome::ServerError);

const SUCCESS: Signal = Signal::Attempt(Outcome::Success { latency_ms: 5 });
const ADDRESS: &str = "upstream.address";

pub(super) fn failures(vm: &Worker, host: &FakeHost, config: &GatewayConfig) -> u32 {
    vm.tick(host);
    vm.with_view(host, host.moment(), |view| {
        let (key, limits) = config.index.health_config(TargetId(0)).unwrap();
        view.health.status(key, limits, host.now_ms.get())
    })
    .consecutive_failures
}

#[test]
fn a_success_ends_a_row_of_failures_that_another_worker_has_counted() {
    let host = FakeHost::default();
    let config = gateway_config(POLICY);
    let (failing, serving) = (Worker::new(&host), Worker::new(&host));
    serving.tick(&host);
    for _ in 0..4 {
        // No tick passes between these, and no row is longer than two.
        failing.signal(&host, &config, TargetId(0), FAILURE);
        failing.signal(&host, &config, TargetId(0), FAILURE);
        host.now_ms.set(host.now_ms.get() + 1);
        serving.signal(&host, &config, TargetId(0), SUCCESS);
    }
    assert_eq!(failures(&Worker::new(&host), &host, &config), 0);
}

#[test]
fn a_change_is_counted_once_whoever_sees_it() {
    let host = FakeHost::default();
    let config = gateway_config(POLICY);
    let workers = [Worker::new(&host), Worker::new(&host)];
    for _ in 0..5 {
        for worker in &workers {
            worker.signal(&host, &config, TargetId(0), FAILURE);
        }
    }
    let name = "keeptrusts.health_transitions.to.open.reason.upstream_5xx.target.first";
    assert_eq!(*host.metrics.borrow(), [(name.to_owned(), 1)]);
}

#[test]
fn every_target_has_its_gauge_from_the_start() {
    let host = FakeHost::default();
    let vm = Rc::new(Worker::new(&host));
    shared::publish_configuration(&host, POLICY.as_bytes());
    HealthChecker::new(&host, vm).on_tick(&host);
    let shown = ["first", "second"].map(|id| (format!("keeptrusts.target_up.target.{id}"), 1));
    assert_eq!(*host.metrics.borrow(), shown);
}

#[test]
fn a_change_that_could_not_be_shared_has_not_happened() {
    let host = FakeHost::default();
    let config = gateway_config(POLICY);
    let worker = Worker::new(&host);
    worker.signal(&host, &config, TargetId(0), FAILURE);
    worker.signal(&host, &config, TargetId(0), FAILURE);
    host.races_to_lose.set(1_000);
    let applied = worker.signal(&host, &config, TargetId(0), FAILURE);
    assert_eq!(applied.transition, None);
    assert!(host.metrics.borrow().is_empty());
    assert_eq!(failures(&worker, &host, &config), 2);
}

#[test]
fn one_dead_address_of_two_is_no_failure_of_the_target() {
    const REFUSED: Signal = Signal::Attempt(Outcome::ConnectFailed);
    let host = FakeHost::default();
    let config = gateway_config(POLICY);
    let vm = Worker::new(&host);
    let at = |address: &str, signal| {
        let address = address.as_bytes().to_vec();
        host.properties
            .borrow_mut()
            .insert(ADDRESS.to_owned(), address);
        vm.signal(&host, &config, TargetId(0), signal);
    };
    at("10.0.0.1:443", SUCCESS);
    for _ in 0..10 {
        at("10.0.0.2:443", REFUSED);
    }
    assert_eq!(failures(&vm, &host, &config), 0);
    for _ in 0..3 {
        at("10.0.0.1:443", REFUSED);
    }
    assert_eq!(failures(&vm, &host, &config), 3);
}

#[test]
fn a_plan_knows_what_another_worker_found_out_a_millisecond_ago() {
    let host = FakeHost::default();
    let config = gateway_config(POLICY);
    let (failing, planning) = (Worker::new(&host), Worker::new(&host));
    let availability = |vm: &Worker| {
        host.now_ms.set(host.now_ms.get() + 1);
        vm.with_view(&host, host.moment(), |view| {
            let (key, limits) = config.index.health_config(TargetId(0)).unwrap();
            view.health.availability(key, limits, host.now_ms.get())
        })
    };
    assert_eq!(availability(&planning), Availability::Available);
    let limited = Outcome::RateLimited {
        retry_after_ms: Some(1_000),
    };
    failing.signal(&host, &config, TargetId(0), Signal::Attempt(limited));
    assert!(matches!(availability(&planning), Availability::Out { .. }));
}

#[test]
fn healthy_traffic_asks_twice_for_each_request_and_reads_no_table() {
    let host = FakeHost::default();
    let config = gateway_config(POLICY);
    let vm = Worker::new(&host);
    let serve = || {
        vm.with_view(&host, host.moment(), |_| ());
        host.now_ms.set(host.now_ms.get() + 1);
        vm.signal(&host, &config, TargetId(0), SUCCESS);
        host.now_ms.set(host.now_ms.get() + 1);
    };
    // Its own sign of life is news to it, once.
    serve();
    serve();
    host.shared_calls.set(0);
    for _ in 0..1_000 {
        serve();
    }
    assert_eq!(host.shared_calls.get(), 2_000);
    // A crowd asks once in a millisecond.
    host.shared_calls.set(0);
    for _ in 0..1_000 {
        vm.with_view(&host, host.moment(), |_| ());
        vm.signal(&host, &config, TargetId(0), SUCCESS);
    }
    assert_eq!(host.shared_calls.get(), 1);
}

#[test]
fn healthy_traffic_writes_no_shared_data() {
    let host = FakeHost::default();
    let vm = Worker::new(&host);
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
    let workers = [Worker::new(&host), Worker::new(&host), Worker::new(&host)];
    for worker in &workers {
        host.races_to_lose.set(2);
        worker.signal(&host, &config, TargetId(0), FAILURE);
    }
    let fresh = Worker::new(&host);
    fresh.tick(&host);
    let status = fresh.with_view(&host, host.moment(), |view| {
        let (key, limits) = config.index.health_config(TargetId(0)).unwrap();
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
    chat.gateway = crate::downstream_filter::DownstreamFilter::new(Rc::clone(&visit.vm), config);
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
