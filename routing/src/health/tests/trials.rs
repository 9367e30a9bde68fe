//! What half-open requests prove.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

const FIRST_CONTENT: Signal = Signal::FirstContent { latency_ms: 70 };
const STREAM_OVER: Signal = Signal::StreamEnd(Outcome::Success { latency_ms: 70 });
const STREAM_BROKEN: Signal = Signal::StreamEnd(Outcome::StreamBroken);
const CLIENT_FAULT: Signal = Signal::Attempt(Outcome::ClientFault);

/// A half-open breaker with `under_way` requests in flight of the `needed` ones that must succeed.
fn half_open(needed: u32, under_way: usize) -> Patient {
    let mut limits = unprobed();
    limits.half_open_requests = needed;
    let mut patient = Patient::new(limits);
    patient.times(3, failed(Outcome::ServerError));
    patient.now_ms += 30 * SECOND;
    patient.times(under_way, Signal::HalfOpenRequestStarted);
    patient
}

#[test]
fn the_first_content_of_a_trial_is_enough_however_long_its_stream_takes() {
    let mut patient = half_open(1, 1);
    assert!(matches!(patient.available(), Availability::Out { .. }));
    assert_eq!(
        patient.take(FIRST_CONTENT).transition,
        change(
            Phase::HalfOpen,
            Phase::Closed,
            Reason::HalfOpenRequestsSucceeded
        )
    );
    // Its stream continues while others are served.
    patient.now_ms += 20 * SECOND;
    assert_eq!(patient.available(), Availability::Available);
    assert_eq!(patient.take(STREAM_OVER).transition, None);
}

#[test]
fn a_trial_counts_once_though_it_is_told_of_twice() {
    let mut patient = half_open(3, 3);
    patient.take(FIRST_CONTENT);
    for _ in 0..5 {
        patient.take(STREAM_OVER);
    }
    assert_eq!(patient.phase(), Phase::HalfOpen);
    // However the first one ends, the other two are in flight, and no fourth may start.
    for outcome in [
        Outcome::ClientDisconnected,
        Outcome::ClientFault,
        Outcome::Superseded,
    ] {
        patient.take(Signal::StreamEnd(outcome));
        assert!(
            patient.take(Signal::HalfOpenRequestStarted).refused,
            "{outcome:?}"
        );
    }
    patient.take(FIRST_CONTENT);
    assert_eq!(
        patient.take(SERVED).transition,
        change(
            Phase::HalfOpen,
            Phase::Closed,
            Reason::HalfOpenRequestsSucceeded
        )
    );
}

#[test]
fn a_stream_that_breaks_after_its_first_content_is_a_failure_in_every_state() {
    let mut patient = half_open(2, 1);
    patient.take(FIRST_CONTENT);
    assert_eq!(
        patient.take(STREAM_BROKEN).transition,
        change(Phase::HalfOpen, Phase::Open, Reason::StreamBroken)
    );
    let mut patient = half_open(1, 1);
    patient.take(FIRST_CONTENT);
    assert_eq!(
        patient.times(3, STREAM_BROKEN),
        change(Phase::Closed, Phase::Open, Reason::StreamBroken)
    );
    // First contents must not hide that every stream fails.
    let mut patient = Patient::new(unprobed());
    for _ in 0..3 {
        assert_eq!(patient.take(FIRST_CONTENT), Applied::default());
        patient.take(STREAM_BROKEN);
    }
    assert_eq!(patient.phase(), Phase::Open);
    assert_eq!(patient.take(FIRST_CONTENT), Applied::default());
    assert_eq!(patient.take(STREAM_OVER), Applied::default());
}

#[test]
fn a_target_that_finds_fault_with_requests_is_alive() {
    let mut patient = half_open(2, 2);
    assert_eq!(patient.take(CLIENT_FAULT).transition, None);
    assert_eq!(
        patient.take(CLIENT_FAULT).transition,
        change(
            Phase::HalfOpen,
            Phase::Closed,
            Reason::HalfOpenRequestsSucceeded
        )
    );
    // Only a half-open request proves recovery: a late outcome, or one of another request, does not.
    let mut patient = half_open(1, 0);
    assert_eq!(
        patient.take(CLIENT_FAULT).transition,
        change(Phase::Open, Phase::HalfOpen, Reason::WaitOver)
    );
    assert_eq!(patient.phase(), Phase::HalfOpen);
}

#[test]
fn what_proves_nothing_gives_the_trial_back() {
    for outcome in [
        Outcome::Inconclusive,
        Outcome::ClientDisconnected,
        Outcome::Overflow,
        Outcome::Superseded,
    ] {
        let mut patient = half_open(1, 1);
        assert!(patient.take(Signal::HalfOpenRequestStarted).refused);
        patient.take(Signal::Attempt(outcome));
        assert_eq!(patient.phase(), Phase::HalfOpen, "{outcome:?}");
        assert_eq!(patient.available(), Availability::HalfOpen, "{outcome:?}");
    }
}

#[test]
fn a_429_after_the_first_content_cools_down_and_frees_nobody_elses_trial() {
    let mut patient = half_open(3, 3);
    patient.take(FIRST_CONTENT);
    let limited = Outcome::RateLimited {
        retry_after_ms: Some(500),
    };
    patient.take(Signal::StreamEnd(limited));
    assert_eq!(patient.phase(), Phase::RateLimited);
    patient.now_ms += 500;
    assert!(patient.take(Signal::HalfOpenRequestStarted).refused);
}

#[test]
fn callouts_have_a_breaker_of_their_own() {
    let target = target("t", providers::OPENAI);
    let key = target_key(&target);
    assert_ne!(crate::health::callouts_key(key), key);
    let limits = Thresholds::of_callouts(&target);
    // This endpoint is not probed, so time and half-open requests bring it back.
    assert!(Thresholds::of(&target).probed && !limits.probed);
    let mut patient = Patient::new(limits);
    patient.times(3, failed(Outcome::TimedOut));
    assert_eq!(patient.phase(), Phase::Open);
    patient.now_ms += 30 * SECOND;
    assert_eq!(patient.available(), Availability::HalfOpen);
}
