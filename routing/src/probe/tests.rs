#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::sync::Arc;

use catalog::providers;
use policy::Policy;
use proptest::prelude::{prop_assert, proptest};

use super::*;
use crate::testing::{policy, target};

const NOW: u64 = 1_700_000_000_000;
const OK: ProbeResult = ProbeResult::Success { latency_ms: 5 };

fn three() -> Policy {
    policy(
        ["a", "b", "c"]
            .map(|id| target(id, providers::OPENAI))
            .to_vec(),
        vec![],
    )
}

fn scheduler(policy: Policy) -> (ProbeScheduler, Random) {
    let mut random = Random::seeded(3);
    let mut scheduler = ProbeScheduler::default();
    scheduler.reload(
        &PolicyIndex::new(Arc::new(policy)),
        |_| true,
        &mut random,
        NOW,
    );
    (scheduler, random)
}

/// Runs for `duration_ms` in steps of 100 ms with probes that take 50 ms; returns when each target was probed.
fn run(
    scheduler: &mut ProbeScheduler,
    random: &mut Random,
    duration_ms: u64,
    result: impl Fn(TargetId) -> ProbeResult,
) -> Vec<Vec<u64>> {
    let mut probed = vec![Vec::new(); 3];
    for now_ms in (NOW..NOW + duration_ms).step_by(100) {
        for due in scheduler.due(now_ms, |_| false) {
            probed[due.target.0].push(now_ms - NOW);
            let finished = scheduler.finished(due.ticket, result(due.target), random, now_ms + 50);
            assert_eq!(finished, Some(due.target));
        }
    }
    probed
}

#[test]
fn everyone_is_probed_soon_and_then_at_least_every_interval() {
    let (mut scheduler, mut random) = scheduler(three());
    let probed = run(&mut scheduler, &mut random, 600_000, |_| OK);
    for times in &probed {
        assert!(times[0] <= INITIAL_SPREAD_MS + 100);
        // 30 s, less a jitter of up to 3 s, in steps of 0.1 s.
        assert!(
            times
                .windows(2)
                .all(|pair| (27_000..=30_100).contains(&(pair[1] - pair[0]))),
            "{times:?}"
        );
    }
    // Spread in time: targets do not stay synchronised.
    let together = probed[0]
        .iter()
        .filter(|time| probed[1].contains(time))
        .count();
    assert!(together < 5, "{together}");
}

#[test]
fn a_target_that_stays_down_is_probed_less_often_until_it_answers() {
    let (mut scheduler, mut random) = scheduler(three());
    let probed = run(&mut scheduler, &mut random, 3_600_000, |target| {
        if target.0 == 0 {
            ProbeResult::TimedOut
        } else {
            OK
        }
    });
    assert!((120..=140).contains(&probed[1].len()));
    // 10 at the full rate, then every two minutes.
    assert!((35..=45).contains(&probed[0].len()), "{}", probed[0].len());
    let longest = probed[0].windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(
        longest <= Some(MAX_BACKOFF_INTERVAL_MS + 100),
        "{longest:?}"
    );
}

#[test]
fn a_probe_without_a_result_blocks_no_longer_than_twice_its_timeout() {
    let (mut scheduler, mut random) = scheduler(three());
    let first = scheduler.due(NOW + INITIAL_SPREAD_MS, |_| false);
    assert_eq!(first.len(), 3);
    // The next interval is over, but the probe is still in flight.
    let mut slow = three();
    for target in &mut slow.targets {
        target.health_check.interval_ms = 1_000;
    }
    scheduler.reload(
        &PolicyIndex::new(Arc::new(slow)),
        |_| true,
        &mut random,
        NOW + INITIAL_SPREAD_MS,
    );
    assert!(
        scheduler
            .due(NOW + INITIAL_SPREAD_MS + 9_900, |_| false)
            .is_empty()
    );
    assert_eq!(
        scheduler
            .due(NOW + INITIAL_SPREAD_MS + 10_000, |_| false)
            .len(),
        3
    );
    assert_eq!(
        scheduler.finished(first[0].ticket, OK, &mut random, NOW + 20_000),
        None
    );
}

#[test]
fn a_reload_forgets_what_went_and_keeps_what_stays() {
    let (mut scheduler, mut random) = scheduler(three());
    let first = scheduler.due(NOW + INITIAL_SPREAD_MS, |_| false);
    let mut document = three();
    document.targets.remove(0);
    document.targets[1].health_check.enabled = false;
    let index = PolicyIndex::new(Arc::new(document));
    scheduler.reload(&index, |_| true, &mut random, NOW + 3_000);
    let finished: Vec<Option<TargetId>> = first
        .iter()
        .map(|due| scheduler.finished(due.ticket, OK, &mut random, NOW + 3_100))
        .collect();
    // `b` is now the first target; `a` is gone and `c` is no longer probed.
    assert_eq!(finished, [None, Some(TargetId(0)), None]);
    assert!(scheduler.next_due_ms() > Some(NOW + 3_100));
}

#[test]
fn who_has_no_key_or_nothing_to_probe_is_not_probed() {
    let mut document = three();
    document.targets.push(target("bedrock", providers::BEDROCK));
    let mut random = Random::seeded(1);
    let mut scheduler = ProbeScheduler::default();
    let index = PolicyIndex::new(Arc::new(document));
    scheduler.reload(&index, |target| target != TargetId(1), &mut random, NOW);
    let probed: Vec<usize> = scheduler
        .due(NOW + INITIAL_SPREAD_MS, |_| false)
        .iter()
        .map(|due| due.target.0)
        .collect();
    assert_eq!(probed, [0, 2]);
}

#[test]
fn what_an_answer_means_is_up_to_the_configuration() {
    let strict = HealthCheck {
        expected_statuses: vec![204, 429],
        ..HealthCheck::default()
    };
    let limited = ProbeResult::RateLimited {
        retry_after_ms: Some(7),
    };
    for (check, status, expected) in [
        (&HealthCheck::default(), 200, OK),
        (&HealthCheck::default(), 204, OK),
        (&HealthCheck::default(), 302, ProbeResult::Status(302)),
        (&HealthCheck::default(), 401, ProbeResult::Status(401)),
        (&HealthCheck::default(), 429, limited),
        (&strict, 200, ProbeResult::Status(200)),
        (&strict, 204, OK),
        (&strict, 429, OK),
    ] {
        assert_eq!(classify(check, status, 5, Some(7)), expected, "{status}");
    }
}

#[test]
fn who_rests_is_probed_as_soon_as_the_rest_is_over() {
    let (mut scheduler, _) = scheduler(three());
    let resting = scheduler.due(NOW + INITIAL_SPREAD_MS, |target| target.0 < 2);
    assert_eq!(resting.len(), 1);
    assert_eq!(scheduler.due(NOW + 60_000, |target| target.0 == 0).len(), 2);
    assert_eq!(scheduler.due(NOW + 60_200, |_| false).len(), 1);
}

#[test]
fn a_rate_limited_probe_waits_as_long_as_it_was_asked() {
    let (mut scheduler, mut random) = scheduler(three());
    let due = scheduler.due(NOW + INITIAL_SPREAD_MS, |_| false);
    for probe in due {
        let limited = ProbeResult::RateLimited {
            retry_after_ms: Some(90_000),
        };
        scheduler.finished(probe.ticket, limited, &mut random, NOW + 3_000);
    }
    assert_eq!(scheduler.next_due_ms(), Some(NOW + 93_000));
}

proptest! {
    #[test]
    fn never_two_probes_of_one_target_under_way(
        steps in proptest::collection::vec((-5_000_i64..40_000, 0_u8..4), 1..200),
    ) {
        let (mut scheduler, mut random) = scheduler(three());
        let mut now_ms = NOW;
        let mut under_way: Vec<(DueProbe, u64)> = Vec::new();
        for (step, kind) in steps {
            now_ms = now_ms.saturating_add_signed(step);
            if kind == 0 && !under_way.is_empty() {
                let (due, _) = under_way.remove(0);
                scheduler.finished(due.ticket, OK, &mut random, now_ms);
            }
            for due in scheduler.due(now_ms, |_| false) {
                under_way.retain(|(other, sent_ms)| {
                    other.target != due.target || now_ms.saturating_sub(*sent_ms) < 2 * other.timeout_ms
                });
                prop_assert!(under_way.iter().all(|(other, _)| other.target != due.target));
                under_way.push((due, now_ms));
            }
        }
    }
}
