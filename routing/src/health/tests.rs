#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use catalog::providers;

use proptest::prelude::{Just, prop_assert, prop_assert_eq, prop_assert_ne, prop_oneof, proptest};
use proptest::strategy::Strategy as _;

mod trials;

use super::{
    Applied, Availability, HealthTable, Outcome, Phase, ProbeResult, Reason, SLOW_START_MS, Signal,
    TargetKey, Thresholds, Transition, target_key,
};
use crate::testing::target;

const KEY: TargetKey = TargetKey(7);
const NOW: u64 = 1_700_000_000_000;
const SECOND: u64 = 1_000;

/// Defaults: 3 failures, 2 probes 30 s apart.
fn probed() -> Thresholds {
    Thresholds::of(&target("t", providers::OPENAI))
}

/// Defaults: 3 failures, 30 s, 3 half-open requests.
fn unprobed() -> Thresholds {
    let mut target = target("t", providers::OPENAI);
    target.health_check.enabled = false;
    Thresholds::of(&target)
}

fn failed(outcome: Outcome) -> Signal {
    Signal::Attempt(outcome)
}

const SERVED: Signal = Signal::Attempt(Outcome::Success { latency_ms: 100 });
const PROBE_OK: Signal = Signal::Probe(ProbeResult::Success { latency_ms: 20 });

struct Patient {
    table: HealthTable,
    limits: Thresholds,
    now_ms: u64,
}

impl Patient {
    fn new(limits: Thresholds) -> Self {
        Self {
            table: HealthTable::default(),
            limits,
            now_ms: NOW,
        }
    }

    fn take(&mut self, signal: Signal) -> Applied {
        // Encodes and decodes every state.
        self.table = HealthTable::decode(&self.table.encode());
        self.table.apply(KEY, &self.limits, signal, self.now_ms)
    }

    fn times(&mut self, count: usize, signal: Signal) -> Option<Transition> {
        (0..count)
            .map(|_| self.take(signal).transition)
            .last()
            .flatten()
    }

    fn phase(&self) -> Phase {
        self.table.status(KEY, &self.limits, self.now_ms).phase
    }

    fn available(&self) -> Availability {
        self.table.availability(KEY, &self.limits, self.now_ms)
    }
}

fn change(from: Phase, to: Phase, reason: Reason) -> Option<Transition> {
    Some(Transition { from, to, reason })
}

#[test]
fn each_kind_of_failure_opens_after_three_in_a_row_and_says_why() {
    for (signal, reason) in [
        (failed(Outcome::ServerError), Reason::Upstream5xx),
        (failed(Outcome::ConnectFailed), Reason::UpstreamConnect),
        (failed(Outcome::Reset), Reason::UpstreamReset),
        (failed(Outcome::TimedOut), Reason::UpstreamTimeout),
        (failed(Outcome::AuthFailed), Reason::UpstreamAuth),
        (failed(Outcome::StreamBroken), Reason::StreamBroken),
        (Signal::Probe(ProbeResult::Status(500)), Reason::ProbeStatus),
        (
            Signal::Probe(ProbeResult::Status(401)),
            Reason::UpstreamAuth,
        ),
        (Signal::Probe(ProbeResult::TimedOut), Reason::ProbeTimeout),
        (
            Signal::Probe(ProbeResult::Unreachable),
            Reason::ProbeUnreachable,
        ),
    ] {
        let mut patient = Patient::new(probed());
        assert_eq!(patient.times(2, signal), None, "{signal:?}");
        assert_eq!(patient.available(), Availability::Available);
        assert_eq!(
            patient.times(1, signal),
            change(Phase::Closed, Phase::Open, reason)
        );
        let status = patient.table.status(KEY, &patient.limits, NOW);
        assert_eq!(status.phase.status(), "unhealthy");
        assert_eq!(status.consecutive_failures, 3);
        assert_eq!(status.last_check_ms, Some(NOW));
        assert_eq!(status.reason, reason);
    }
}

#[test]
fn what_is_not_the_targets_fault_never_counts() {
    for outcome in [
        Outcome::ClientFault,
        Outcome::Inconclusive,
        Outcome::ClientDisconnected,
        Outcome::Overflow,
        Outcome::Superseded,
        Outcome::OneAddressDown,
    ] {
        let mut patient = Patient::new(probed());
        patient.times(2, failed(Outcome::ServerError));
        for _ in 0..10 {
            assert_eq!(patient.take(Signal::Attempt(outcome)), Applied::default());
        }
        assert_eq!(patient.phase(), Phase::Closed);
        // Nor does it interrupt the sequence.
        patient.take(failed(Outcome::ServerError));
        assert_eq!(patient.phase(), Phase::Open);
    }
}

#[test]
fn with_the_circuit_breaker_off_only_probes_open_it() {
    let mut document = target("t", providers::OPENAI);
    document.circuit_breaker.enabled = false;
    let mut patient = Patient::new(Thresholds::of(&document));
    patient.times(100, failed(Outcome::ServerError));
    assert_eq!(patient.phase(), Phase::Closed);
    patient.times(3, Signal::Probe(ProbeResult::TimedOut));
    assert_eq!(patient.phase(), Phase::Open);
}

#[test]
fn a_success_breaks_the_row() {
    let mut patient = Patient::new(probed());
    for _ in 0..5 {
        patient.times(2, failed(Outcome::ServerError));
        patient.take(SERVED);
    }
    assert_eq!(patient.phase(), Phase::Closed);
}

#[test]
fn probes_and_traffic_count_together_but_probes_cannot_hide_failing_traffic() {
    let mut patient = Patient::new(probed());
    patient.times(2, Signal::Probe(ProbeResult::TimedOut));
    patient.take(failed(Outcome::TimedOut));
    assert_eq!(patient.phase(), Phase::Open);

    let mut patient = Patient::new(probed());
    for _ in 0..3 {
        patient.take(failed(Outcome::ServerError));
        patient.take(PROBE_OK);
    }
    assert_eq!(patient.phase(), Phase::Open);
}

#[test]
fn a_probed_target_is_back_after_two_successful_probes_in_a_row_and_only_then() {
    let mut patient = Patient::new(probed());
    patient.times(3, failed(Outcome::ConnectFailed));
    patient.now_ms += 30 * SECOND;
    assert_eq!(patient.take(PROBE_OK).transition, None);
    patient.now_ms += 30 * SECOND;
    patient.take(Signal::Probe(ProbeResult::TimedOut));
    patient.now_ms += 30 * SECOND;
    patient.take(PROBE_OK);
    // Late outcomes and time prove nothing.
    patient.now_ms += 3_600 * SECOND;
    assert_eq!(patient.take(SERVED), Applied::default());
    assert_eq!(patient.phase(), Phase::Open);
    assert_eq!(
        patient.take(PROBE_OK).transition,
        change(Phase::Open, Phase::Closed, Reason::ProbesSucceeded)
    );
    let back_ms = patient.now_ms;
    assert_eq!(
        patient.available(),
        Availability::Recovering { since_ms: back_ms }
    );
    patient.now_ms += SLOW_START_MS;
    assert_eq!(patient.available(), Availability::Available);
    let status = patient.table.status(KEY, &patient.limits, patient.now_ms);
    assert_eq!(
        (
            status.consecutive_failures,
            status.reason,
            status.latency_ms
        ),
        (0, Reason::None, Some(20))
    );
}

#[test]
fn without_probes_a_few_requests_try_after_the_cooldown() {
    let mut patient = Patient::new(unprobed());
    patient.times(3, failed(Outcome::ServerError));
    assert_eq!(
        patient.available(),
        Availability::Out {
            until_ms: Some(NOW + 30 * SECOND),
            phase: Phase::Open,
            reason: Reason::Upstream5xx
        }
    );
    assert!(patient.take(Signal::HalfOpenRequestStarted).refused);
    patient.now_ms += 30 * SECOND;
    assert_eq!(patient.available(), Availability::HalfOpen);
    assert_eq!(
        patient.take(Signal::HalfOpenRequestStarted).transition,
        change(Phase::Open, Phase::HalfOpen, Reason::WaitOver)
    );
    patient.times(2, Signal::HalfOpenRequestStarted);
    assert!(matches!(patient.available(), Availability::Out { .. }));
    assert!(patient.take(Signal::HalfOpenRequestStarted).refused);
    assert_eq!(patient.times(2, SERVED), None);
    assert_eq!(
        patient.times(1, SERVED),
        change(
            Phase::HalfOpen,
            Phase::Closed,
            Reason::HalfOpenRequestsSucceeded
        )
    );
}

#[test]
fn a_failed_trial_opens_again_and_a_trial_without_verdict_is_given_back() {
    let mut patient = Patient::new(unprobed());
    patient.times(3, failed(Outcome::ServerError));
    patient.now_ms += 30 * SECOND;
    patient.times(3, Signal::HalfOpenRequestStarted);
    patient.take(Signal::Attempt(Outcome::ClientDisconnected));
    assert_eq!(patient.available(), Availability::HalfOpen);
    assert_eq!(
        patient.times(1, failed(Outcome::TimedOut)),
        change(Phase::HalfOpen, Phase::Open, Reason::UpstreamTimeout)
    );
    // One of the three is still in flight: its failure is late and starts no further cooldown.
    patient.now_ms += 10 * SECOND;
    assert_eq!(patient.take(failed(Outcome::TimedOut)), Applied::default());
    patient.now_ms += 20 * SECOND;
    assert_eq!(patient.available(), Availability::HalfOpen);
}

#[test]
fn trials_that_never_report_are_taken_for_lost() {
    let mut patient = Patient::new(unprobed());
    patient.times(3, failed(Outcome::ServerError));
    patient.now_ms += 30 * SECOND;
    patient.times(3, Signal::HalfOpenRequestStarted);
    // The target's timeout is 30 s.
    patient.now_ms += 30 * SECOND;
    assert_eq!(patient.available(), Availability::HalfOpen);
    assert!(!patient.take(Signal::HalfOpenRequestStarted).refused);
}

#[test]
fn rate_limits_cool_down_for_as_long_as_asked_and_are_not_unhealthy() {
    for (asked, waited) in [
        (Some(20 * SECOND), 20 * SECOND),
        (Some(10), 10),
        // max_cooldown_ms
        (Some(86_400 * SECOND), 300 * SECOND),
        (None, SECOND),
    ] {
        let mut patient = Patient::new(probed());
        let limited = Signal::Attempt(Outcome::RateLimited {
            retry_after_ms: asked,
        });
        assert_eq!(
            patient.take(limited).transition,
            change(
                Phase::Closed,
                Phase::RateLimited,
                Reason::UpstreamRateLimited
            )
        );
        assert_ne!(patient.phase().status(), "unhealthy");
        patient.now_ms += waited - 1;
        assert_eq!(
            patient.available(),
            Availability::Out {
                until_ms: Some(NOW + waited),
                phase: Phase::RateLimited,
                reason: Reason::UpstreamRateLimited
            }
        );
        patient.now_ms += 1;
        assert_eq!(
            patient.available(),
            Availability::Recovering {
                since_ms: NOW + waited
            }
        );
        assert_eq!(
            patient.take(Signal::Tick).transition,
            change(Phase::RateLimited, Phase::Closed, Reason::WaitOver)
        );
        assert_eq!(patient.take(Signal::Tick), Applied::default());
    }
}

/// The next request would be refused and told to wait for a second.
#[test]
fn a_wait_that_is_over_before_anybody_could_notice_is_none() {
    let capped = Thresholds {
        max_backoff_ms: 1,
        ..probed()
    };
    for (limits, asked) in [
        (probed(), Some(0)),
        (probed(), Some(9)),
        (capped, Some(20 * SECOND)),
        (capped, None),
    ] {
        let mut patient = Patient::new(limits);
        patient.take(Signal::Attempt(Outcome::RateLimited {
            retry_after_ms: asked,
        }));
        assert_eq!(patient.available(), Availability::Available, "{asked:?}");
    }
}

#[test]
fn rate_limits_that_name_no_wait_wait_longer_each_time_until_one_is_served() {
    let mut patient = Patient::new(probed());
    let limited = Signal::Attempt(Outcome::RateLimited {
        retry_after_ms: None,
    });
    for waited in [1, 2, 4, 8, 16, 30, 30] {
        // Several return at once.
        patient.times(3, limited);
        let until_ms = Some(patient.now_ms + waited * SECOND);
        assert!(
            matches!(patient.available(), Availability::Out { until_ms: until, .. } if until == until_ms)
        );
        patient.now_ms += waited * SECOND;
    }
    patient.take(SERVED);
    patient.take(limited);
    let until_ms = Some(patient.now_ms + SECOND);
    assert!(
        matches!(patient.available(), Availability::Out { until_ms: until, .. } if until == until_ms)
    );
}

#[test]
fn a_shorter_wait_does_not_cut_a_longer_one() {
    let mut patient = Patient::new(probed());
    for wait in [20 * SECOND, 5 * SECOND] {
        patient.take(Signal::Attempt(Outcome::RateLimited {
            retry_after_ms: Some(wait),
        }));
    }
    patient.now_ms += 19 * SECOND;
    assert_eq!(patient.phase(), Phase::RateLimited);
}

#[test]
fn a_missing_key_is_out_until_it_is_found() {
    let mut patient = Patient::new(probed());
    assert_eq!(
        patient.take(Signal::Credential { present: true }),
        Applied::default()
    );
    assert_eq!(
        patient
            .take(Signal::Credential { present: false })
            .transition,
        change(
            Phase::Closed,
            Phase::NoCredential,
            Reason::CredentialMissing
        )
    );
    patient.times(2, PROBE_OK);
    assert!(matches!(
        patient.available(),
        Availability::Out { until_ms: None, .. }
    ));
    assert_eq!(
        patient
            .take(Signal::Credential { present: true })
            .transition,
        change(Phase::NoCredential, Phase::Closed, Reason::CredentialFound)
    );
    assert_eq!(patient.available(), Availability::Available);
}

#[test]
fn the_healthy_hot_path_writes_nothing_but_a_sign_of_life() {
    let mut patient = Patient::new(probed());
    assert!(patient.take(SERVED).changed);
    for _ in 0..4 {
        patient.now_ms += SECOND;
        assert!(!patient.take(SERVED).changed);
    }
    patient.now_ms += SECOND;
    assert!(patient.take(SERVED).changed);
}

#[test]
fn an_outage_under_load_is_written_once() {
    let mut patient = Patient::new(probed());
    let writes = (0..1_000)
        .filter(|_| patient.take(failed(Outcome::ConnectFailed)).changed)
        .count();
    assert_eq!(writes, 3);
}

#[test]
fn a_clock_set_back_does_not_lock_a_target_out() {
    let mut patient = Patient::new(unprobed());
    patient.times(3, failed(Outcome::ServerError));
    patient.take(Signal::Attempt(Outcome::RateLimited {
        retry_after_ms: Some(10 * SECOND),
    }));
    patient.now_ms -= 86_400 * SECOND;
    patient.take(Signal::Tick);
    patient.now_ms += 300 * SECOND;
    assert_eq!(patient.available(), Availability::HalfOpen);
}

#[test]
fn a_new_address_or_key_source_starts_afresh() {
    let before = target("t", providers::OPENAI);
    let mut moved = before.clone();
    moved.base_url.port = 8443;
    let mut rekeyed = before.clone();
    rekeyed.credential = policy::Credential::Env(String::from("OTHER"));
    let mut slower = before.clone();
    slower.timeout_ms = 1;
    assert_eq!(target_key(&before), target_key(&slower));
    assert_ne!(target_key(&before), target_key(&moved));
    assert_ne!(target_key(&before), target_key(&rekeyed));
}

#[test]
fn assumed_phases_are_what_the_machine_then_sees() {
    for limits in [probed(), unprobed()] {
        for phase in [
            Phase::Closed,
            Phase::Open,
            Phase::HalfOpen,
            Phase::RateLimited,
            Phase::NoCredential,
        ] {
            let table = HealthTable::default().assuming(KEY, phase, Reason::UpstreamTimeout, NOW);
            assert_eq!(table.status(KEY, &limits, NOW).phase, phase);
        }
    }
}

#[test]
fn targets_that_left_the_policy_are_forgotten() {
    let mut table = HealthTable::default();
    for key in [1, 2, 3] {
        table.apply(TargetKey(key), &probed(), SERVED, NOW);
    }
    assert!(table.retain(|key| key != TargetKey(2)));
    assert!(!table.retain(|key| key != TargetKey(2)));
    assert_eq!(
        table.status(TargetKey(2), &probed(), NOW).last_check_ms,
        None
    );
    assert_eq!(
        table.status(TargetKey(3), &probed(), NOW).last_check_ms,
        Some(NOW)
    );
}

fn any_signal() -> impl proptest::strategy::Strategy<Value = Signal> {
    let wait = || proptest::option::of(0_u64..1_000_000);

    prop_oneof![
        4 => Just(SERVED),
        4 => Just(failed(Outcome::ServerError)),
        1 => Just(failed(Outcome::StreamBroken)),
        1 => Just(Signal::Attempt(Outcome::ClientDisconnected)),
        1 => wait().prop_map(|retry_after_ms| Signal::Attempt(Outcome::RateLimited { retry_after_ms })),
        4 => Just(PROBE_OK),
        3 => Just(Signal::Probe(ProbeResult::TimedOut)),
        1 => wait().prop_map(|retry_after_ms| Signal::Probe(ProbeResult::RateLimited { retry_after_ms })),
        3 => Just(Signal::HalfOpenRequestStarted),
        2 => Just(Signal::Tick),
    ]
}

proptest! {
    #[test]
    fn arbitrary_bytes_read_as_some_table(bytes: Vec<u8>, key: u64) {
        let mut table = HealthTable::decode(&bytes);
        table.apply(TargetKey(key), &probed(), SERVED, NOW);
        prop_assert_eq!(&HealthTable::decode(&table.encode()), &table);
    }

    #[test]
    fn bytes_damaged_anywhere_still_read(position in 0_usize..400, value: u8, length in 0_usize..400) {
        let mut table = HealthTable::default();
        for key in 0..4 {
            table.apply(TargetKey(key), &probed(), failed(Outcome::Reset), NOW);
        }
        let mut bytes = table.encode();
        if let Some(byte) = bytes.get_mut(position) {
            *byte = value;
        }
        bytes.truncate(length);
        let mut damaged = HealthTable::decode(&bytes);
        for key in 0..4 {
            damaged.apply(TargetKey(key), &unprobed(), Signal::HalfOpenRequestStarted, NOW);
            damaged.apply(TargetKey(key), &probed(), PROBE_OK, NOW);
            damaged.availability(TargetKey(key), &probed(), NOW);
        }
    }

    /// Opening takes the configured number of consecutive failures; closing takes the configured successes and, without
    /// probes, the cooldown, whatever happens in between and even if the clock jumps.
    #[test]
    fn nothing_swings_faster_than_the_thresholds(
        signals in proptest::collection::vec((any_signal(), -2_000_i64..20_000), 1..200),
        with_probes: bool,
    ) {
        let limits = if with_probes { probed() } else { unprobed() };
        let mut patient = Patient::new(limits);
        let mut failures = 0;
        let mut successes = 0;
        let mut opened = false;
        for (signal, step) in signals {
            patient.now_ms = patient.now_ms.saturating_add_signed(step);
            match signal {
                Signal::Probe(ProbeResult::Success { .. }) if with_probes => successes += 1,
                Signal::Attempt(Outcome::Success { .. }) if !with_probes => successes += 1,
                Signal::Attempt(Outcome::ServerError | Outcome::StreamBroken) => failures += 1,
                Signal::Probe(ProbeResult::TimedOut) if with_probes => {
                    failures += 1;
                    successes = 0;
                }
                _ => {}
            }
            let applied = patient.take(signal);
            let Some(change) = applied.transition else { continue };
            prop_assert!(applied.changed);
            prop_assert_ne!(change.from, change.to);
            prop_assert_eq!(change.to, patient.phase());
            let by_probes = with_probes && change.from == Phase::Open;
            let by_trials = !with_probes && opened && change.to == Phase::Closed;
            if by_probes || by_trials {
                prop_assert!(successes >= if with_probes { 2 } else { 3 }, "closed after {successes}");
                opened = false;
                failures = 0;
            }
            if change.to == Phase::Open {
                prop_assert!(failures >= if opened { 1 } else { 3 }, "opened after {failures}");
                opened = true;
                failures = 0;
                successes = 0;
            }
        }
    }
}
