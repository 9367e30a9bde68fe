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
mod tests;
