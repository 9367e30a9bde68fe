//! One health checker of many probes.

use std::rc::Rc;

use crate::health_checker::HealthChecker;
use crate::host::fake::FakeHost;
use crate::shared;
use crate::worker::{TICK_MS, Worker};

const POLICY: &str = "
providers:
  targets:
    - id: only
      provider: {base_url: 'http://127.0.0.1:1/v1', type: openai-compatible, secret_key_ref: {env: A}}
      health_check: {interval_seconds: 1, timeout_seconds: 1}
";

fn worker(host: &FakeHost) -> HealthChecker {
    HealthChecker::new(host, Rc::new(Worker::new(host)))
}

/// Lets so much time pass, with a tick of each monitor and an answer to each of its probes.
fn run(host: &FakeHost, monitors: &mut [&mut HealthChecker], milliseconds: u64) -> Vec<usize> {
    let mut probes = vec![0; monitors.len()];
    for _ in 0..milliseconds / TICK_MS {
        host.now_ms.set(host.now_ms.get() + TICK_MS);
        for (monitor, probes) in monitors.iter_mut().zip(&mut probes) {
            let before = host.calls.borrow().len();
            monitor.on_tick(host);
            let after = host.calls.borrow().len();
            *probes += after - before;
            host.set_call_answer(&[(":status", "200")]);
            for token in before..after {
                monitor.on_call_response(host, u32::try_from(token + 1).unwrap());
            }
        }
    }
    probes
}

#[test]
fn one_of_many_probes_and_whoever_dies_is_replaced_within_three_seconds() {
    let host = FakeHost::default();
    shared::publish_configuration(&host, POLICY.as_bytes());
    let (mut first, mut second) = (worker(&host), worker(&host));
    let probes = run(&host, &mut [&mut first, &mut second], 10_000);
    assert!((8..=12).contains(&probes[0]), "{probes:?}");
    assert_eq!(probes[1], 0);
    // The first one's thread hangs.
    let probes = run(&host, &mut [&mut second], 3_000);
    assert!(probes[0] >= 1, "{probes:?}");
    // It comes back and finds that it has been replaced.
    let probes = run(&host, &mut [&mut first, &mut second], 10_000);
    assert_eq!(probes[0], 0);
    assert!((8..=12).contains(&probes[1]), "{probes:?}");
}

#[test]
fn a_monitor_that_is_taken_away_is_replaced_at_once() {
    let host = FakeHost::default();
    shared::publish_configuration(&host, POLICY.as_bytes());
    let (mut first, mut second) = (worker(&host), worker(&host));
    run(&host, &mut [&mut first, &mut second], 2_000);
    first.on_done(&host);
    let probes = run(&host, &mut [&mut second], 1_200);
    assert!(probes[0] >= 1, "{probes:?}");
}

#[test]
fn a_worker_wakes_the_monitor_up_when_nobody_probes() {
    let policy = format!(
        r#"{{"role": "gateway", "runtime": {{"monitor_cluster": "kt/monitor"}}, "policy": {}}}"#,
        serde_json::Value::from(POLICY)
    );
    let host = FakeHost::default();
    let config = super::gateway_config(&policy);
    let vm = Worker::new(&host);
    let mut monitor = worker(&host);
    shared::publish_configuration(&host, policy.as_bytes());
    let woken = |host: &FakeHost| {
        let calls = host.calls.borrow();
        calls
            .iter()
            .filter(|(cluster, _)| cluster == "kt/monitor")
            .count()
    };
    for _ in 0..20 {
        host.now_ms.set(host.now_ms.get() + TICK_MS);
        monitor.on_tick(&host);
        vm.wake_monitor(&host, &config);
    }
    assert_eq!(woken(&host), 0);
    for _ in 0..20 {
        host.now_ms.set(host.now_ms.get() + TICK_MS);
        vm.wake_monitor(&host, &config);
    }
    assert!((3..=7).contains(&woken(&host)), "{}", woken(&host));
}
