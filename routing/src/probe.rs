//! Schedules health probes: pure bookkeeping, the host sends them.
//!
//! - Probes are spread: at startup over [`INITIAL_SPREAD_MS`], later by a jitter that only shortens the interval, so
//!   that `/health` is never older than one interval.
//! - A target has at most one probe in flight. A probe without a result is abandoned after twice its timeout.
//! - After [`FAILURES_BEFORE_BACKOFF`] consecutive failures a target is probed less and less often, down to a quarter
//!   of the configured rate, but at least every two minutes, or at the configured rate if that is slower.
//! - A target that asked to wait, by 429 to a probe or to traffic, is probed again after the wait.

use policy::{HealthCheck, TargetId};

use crate::health::{ProbeResult, TargetKey};
use crate::index::PolicyIndex;
use crate::random::Random;

/// First probes are spread over this time, or one interval if that is shorter, in milliseconds.
pub const INITIAL_SPREAD_MS: u64 = 2_000;
/// Consecutive failures after which probes become rarer.
pub const FAILURES_BEFORE_BACKOFF: u32 = 10;
/// Longest backoff interval, in milliseconds.
pub const MAX_BACKOFF_INTERVAL_MS: u64 = 120_000;

/// A probe to send now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueProbe {
    /// The target.
    pub target: TargetId,
    /// Identifies this probe in [`ProbeScheduler::finished`].
    pub ticket: Ticket,
    /// Milliseconds until it counts as failed.
    pub timeout_ms: u64,
}

/// A probe in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// The targets to probe, and when.
#[derive(Debug, Default)]
pub struct ProbeScheduler {
    slots: Vec<Slot>,
    tickets: u64,
}

#[derive(Debug)]
struct Slot {
    key: TargetKey,
    target: TargetId,
    interval_ms: u64,
    timeout_ms: u64,
    due_ms: u64,
    under_way: Option<(Ticket, u64)>,
    failures: u32,
}

/// Classifies the response to a probe: success is any 2xx, or exactly the `expected_statuses`; a 429 that is not listed
/// asks to wait and is no failure.
pub fn classify(
    check: &HealthCheck,
    status: u16,
    latency_ms: u32,
    retry_after_ms: Option<u64>,
) -> ProbeResult {
    let expected = if check.expected_statuses.is_empty() {
        (200..300).contains(&status)
    } else {
        check.expected_statuses.contains(&status)
    };
    match status {
        _ if expected => ProbeResult::Success { latency_ms },
        429 => ProbeResult::RateLimited { retry_after_ms },
        _ => ProbeResult::Status(status),
    }
}

impl ProbeScheduler {
    /// Applies a new policy: targets that stay keep their schedule and their probe in flight, removed targets lose
    /// their probes, new targets are probed soon. A target without a key (`has_credential`) is not probed, because the
    /// result is known.
    pub fn reload(
        &mut self,
        index: &PolicyIndex,
        has_credential: impl Fn(TargetId) -> bool,
        random: &mut Random,
        now_ms: u64,
    ) {
        let mut before = std::mem::take(&mut self.slots);
        for (position, target) in index.policy().targets.iter().enumerate() {
            let id = TargetId(position);
            let Some((key, limits)) = index.health_config(id) else {
                continue;
            };
            if !limits.probed || !has_credential(id) {
                continue;
            }
            let known = before.iter().position(|slot| slot.key == key);
            let mut slot = match known {
                Some(position) => before.swap_remove(position),
                None => Slot::new(key, id, &target.health_check, random, now_ms),
            };
            slot.target = id;
            slot.interval_ms = target.health_check.interval_ms.max(1);
            slot.timeout_ms = target.health_check.timeout_ms.max(1);
            slot.due_ms = slot.due_ms.min(now_ms.saturating_add(slot.interval_ms));
            self.slots.push(slot);
        }
    }

    /// Takes every probe that is due and marks it in flight. A target is not probed while it `rests`.
    pub fn due(&mut self, now_ms: u64, rests: impl Fn(TargetId) -> bool) -> Vec<DueProbe> {
        let mut due = Vec::new();
        for slot in &mut self.slots {
            if let Some((_, sent_ms)) = slot.under_way
                && now_ms.saturating_sub(sent_ms) >= slot.timeout_ms.saturating_mul(2)
            {
                slot.under_way = None;
            }
            // A clock that was set back must not delay a probe beyond the longest interval.
            slot.due_ms = slot
                .due_ms
                .min(now_ms.saturating_add(slot.max_interval_ms()));
            if slot.under_way.is_some() || slot.due_ms > now_ms || rests(slot.target) {
                continue;
            }
            self.tickets = self.tickets.wrapping_add(1);
            let ticket = Ticket(self.tickets);
            slot.under_way = Some((ticket, now_ms));
            slot.due_ms = now_ms.saturating_add(slot.interval_ms);
            due.push(DueProbe {
                target: slot.target,
                ticket,
                timeout_ms: slot.timeout_ms,
            });
        }
        due
    }

    /// Records the result of a probe and returns its target; `None` if it was removed or the probe was abandoned: the
    /// result must not be counted then.
    pub fn finished(
        &mut self,
        ticket: Ticket,
        result: ProbeResult,
        random: &mut Random,
        now_ms: u64,
    ) -> Option<TargetId> {
        let slot = self
            .slots
            .iter_mut()
            .find(|slot| slot.under_way.is_some_and(|(waiting, _)| waiting == ticket))?;
        let (_, sent_ms) = slot.under_way.take()?;
        slot.failures = match result {
            ProbeResult::Success { .. } | ProbeResult::RateLimited { .. } => 0,
            ProbeResult::Status(_) | ProbeResult::TimedOut | ProbeResult::Unreachable => {
                slot.failures.saturating_add(1)
            }
        };
        let interval_ms = slot.next_interval_ms();
        let jitter_ms = random.below((interval_ms / 10).max(1));
        slot.due_ms = sent_ms
            .min(now_ms)
            .saturating_add(interval_ms.saturating_sub(jitter_ms));
        if let ProbeResult::RateLimited {
            retry_after_ms: Some(wait_ms),
        } = result
        {
            let until_ms = now_ms.saturating_add(wait_ms.min(MAX_BACKOFF_INTERVAL_MS));
            slot.due_ms = slot.due_ms.max(until_ms);
        }
        Some(slot.target)
    }

    /// When the next probe is due, by the caller's clock; `None` if no target is probed.
    pub fn next_due_ms(&self) -> Option<u64> {
        self.slots
            .iter()
            .map(|slot| match slot.under_way {
                Some((_, sent_ms)) => sent_ms.saturating_add(slot.timeout_ms.saturating_mul(2)),
                None => slot.due_ms,
            })
            .min()
    }
}

impl Slot {
    fn new(
        key: TargetKey,
        target: TargetId,
        check: &HealthCheck,
        random: &mut Random,
        now_ms: u64,
    ) -> Self {
        let spread_ms = INITIAL_SPREAD_MS.min(check.interval_ms);
        Self {
            key,
            target,
            interval_ms: check.interval_ms,
            timeout_ms: check.timeout_ms,
            due_ms: now_ms.saturating_add(random.below(spread_ms)),
            under_way: None,
            failures: 0,
        }
    }

    fn next_interval_ms(&self) -> u64 {
        let doublings = self
            .failures
            .saturating_sub(FAILURES_BEFORE_BACKOFF.saturating_sub(1))
            .min(2);
        self.interval_ms
            .saturating_mul(1_u64 << doublings)
            .min(MAX_BACKOFF_INTERVAL_MS)
            .max(self.interval_ms)
    }

    fn max_interval_ms(&self) -> u64 {
        MAX_BACKOFF_INTERVAL_MS.max(self.interval_ms)
    }
}

#[cfg(test)]
mod tests {
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
                let finished =
                    scheduler.finished(due.ticket, result(due.target), random, now_ms + 50);
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
}
