#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::borrow::Cow;

use super::*;
use crate::{Event, EventId, HealthChangedEvent, Timestamp, lines, read_event};

const LIMITS: OutboxLimits = OutboxLimits {
    memory_bytes: 2_000,
    batch_bytes: 700,
    flush_after_ms: 1_000,
    answer_within_ms: 10_000,
    first_wait_ms: 100,
    longest_wait_ms: 1_000,
};

fn event(number: u64, text: &str) -> Event<'_> {
    Event::HealthChanged(HealthChangedEvent {
        id: EventId::new(number, 0),
        timestamp: Timestamp::from_millis(number),
        provider: Cow::Borrowed(text),
        from: Cow::Borrowed("healthy"),
        to: Cow::Borrowed("unhealthy"),
        reason: Cow::Borrowed("upstream_5xx"),
        consecutive_failures: 3,
        gateway_id: Cow::Borrowed(""),
        instance_id: Cow::Borrowed(""),
        config_version: Cow::Borrowed(""),
        truncated: Vec::new(),
    })
}

fn ids(batch: &[u8]) -> Vec<EventId> {
    lines(batch)
        .map(|line| read_event(line.bytes).unwrap().id())
        .collect()
}

#[test]
fn a_batch_goes_when_it_is_old_enough_or_full() {
    let mut outbox = Outbox::new(LIMITS);
    assert_eq!(outbox.take_due(0, 0), None);
    outbox.push(&event(1, "a"), 0);
    outbox.push(&event(2, "a"), 900);
    assert_eq!(outbox.take_due(999, 0), None);
    let batch = outbox.take_due(1_000, 0).unwrap().to_vec();
    assert_eq!(ids(&batch), [EventId::new(1, 0), EventId::new(2, 0)]);
    assert_eq!(outbox.take_due(1_000, 0), None, "one batch at a time");
    assert_eq!(outbox.pending(), 2);
    outbox.acknowledged();
    assert_eq!(outbox.pending(), 0);

    // An event has some 270 bytes: the third opens a new batch.
    for number in 3..6 {
        outbox.push(&event(number, "a"), 2_000);
    }
    let batch = outbox.take_due(2_000, 0).unwrap().to_vec();
    assert_eq!(ids(&batch), [EventId::new(3, 0), EventId::new(4, 0)]);
    outbox.acknowledged();
    assert_eq!(outbox.take_due(2_999, 0), None);
    assert_eq!(
        ids(outbox.take_due(3_000, 0).unwrap()),
        [EventId::new(5, 0)]
    );
}

#[test]
fn a_failed_batch_is_repeated_after_growing_waits() {
    let mut outbox = Outbox::new(LIMITS);
    outbox.push(&event(1, "a"), 0);
    let mut now = 1_000;
    let first = outbox.take_due(now, 0).unwrap().to_vec();
    // Between half of the backoff and all of it.
    for (wait, random) in [
        (50, 0),
        (200, 100),
        (300, 100),
        (400, 0),
        (500, 0),
        (1_000, 500),
    ] {
        outbox.failed(now, random);
        assert_eq!(outbox.take_due(now + wait - 1, 0), None, "{wait}");
        now += wait;
        assert_eq!(outbox.take_due(now, 0).unwrap(), first, "{wait}");
    }
    outbox.acknowledged();
    outbox.push(&event(2, "a"), now);
    assert!(outbox.take_due(now + 1_000, 0).is_some(), "forgiven");
    assert_eq!(outbox.dropped(), 0);
}

#[test]
fn an_answer_that_never_comes_is_a_failure() {
    let mut outbox = Outbox::new(LIMITS);
    outbox.push(&event(1, "a"), 0);
    assert!(outbox.take_due(1_000, 0).is_some());
    assert_eq!(outbox.take_due(10_999, 0), None);
    assert_eq!(outbox.take_due(11_000, 0), None, "waits first");
    assert_eq!(outbox.failures_in_a_row(), 1);
    assert!(outbox.take_due(11_100, 0).is_some());
}

#[test]
fn what_does_not_fit_is_dropped_oldest_first_and_counted() {
    let mut outbox = Outbox::new(LIMITS);
    for number in 0..20 {
        outbox.push(&event(number, "a"), 0);
    }
    assert!(outbox.dropped() > 0);
    assert_eq!(outbox.dropped() + outbox.pending(), 20);
    let first_left = ids(outbox.take_due(5_000, 0).unwrap())[0];
    assert_eq!(first_left, EventId::new(outbox.dropped(), 0));
}

#[test]
fn an_event_larger_than_a_batch_is_cut_and_says_so() {
    let mut outbox = Outbox::new(LIMITS);
    outbox.push(&event(1, "a"), 0);
    outbox.push(&event(2, &"x".repeat(256 * 1024)), 0);
    outbox.push(&event(3, "a"), 0);
    assert_eq!(outbox.dropped(), 0);
    let mut came = Vec::new();
    while let Some(batch) = outbox.take_due(1_000, 0) {
        assert!(batch.len() <= LIMITS.batch_bytes);
        came.extend(lines(batch).map(|line| read_event(line.bytes).unwrap()));
        outbox.acknowledged();
    }
    let numbers: Vec<_> = came.iter().map(Event::id).collect();
    assert_eq!(numbers, [1, 2, 3].map(|number| EventId::new(number, 0)));
    let Event::HealthChanged(cut) = &came[1] else {
        panic!("{:?}", came[1]);
    };
    assert_eq!(cut.truncated, ["provider"]);
    assert!(cut.provider.starts_with("xxx"));
}

#[test]
fn a_batch_that_is_too_large_for_the_collector_goes_in_halves() {
    const MOST: usize = 600;
    let limits = OutboxLimits {
        memory_bytes: 10_000,
        batch_bytes: 5_000,
        ..LIMITS
    };
    let mut outbox = Outbox::new(limits);
    for number in 0..10 {
        // The seventh alone is larger than the collector accepts.
        let text = "x".repeat(if number == 6 { 500 } else { 1 });
        outbox.push(&event(number, &text), 0);
    }
    let (mut came, mut lost) = (Vec::new(), 0);
    while let Some(batch) = outbox.take_due(1_000, 0) {
        if batch.len() > MOST {
            lost += outbox.refused_as_too_large();
        } else {
            came.extend(ids(batch));
            outbox.acknowledged();
        }
    }
    let all_but_one: Vec<_> = (0..10).filter(|number| *number != 6).collect();
    let expected: Vec<_> = (all_but_one.iter())
        .map(|number| EventId::new(*number, 0))
        .collect();
    assert_eq!(came, expected);
    assert_eq!((lost, outbox.dropped(), outbox.pending()), (1, 1, 0));
}

#[test]
fn a_refused_batch_is_counted_and_does_not_stand_in_the_way() {
    let mut outbox = Outbox::new(LIMITS);
    outbox.push(&event(1, "a"), 0);
    assert!(outbox.take_due(1_000, 0).is_some());
    assert_eq!(outbox.refused(), 1);
    assert_eq!((outbox.dropped(), outbox.pending()), (1, 0));
    outbox.push(&event(2, "a"), 1_000);
    assert!(outbox.take_due(2_000, 0).is_some());
}

#[cfg(not(target_arch = "wasm32"))]
mod any_order {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Push { length: usize },
        Wait { ms: u64 },
        Send,
        Acknowledge,
        Refuse,
        RefuseAsTooLarge,
        Fail { random: u64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0_usize..900).prop_map(|length| Step::Push { length }),
            2 => (0_u64..3_000).prop_map(|ms| Step::Wait { ms }),
            2 => Just(Step::Send),
            1 => Just(Step::Acknowledge),
            1 => Just(Step::Refuse),
            1 => Just(Step::RefuseAsTooLarge),
            1 => any::<u64>().prop_map(|random| Step::Fail { random }),
        ]
    }

    proptest! {
        #[test]
        fn every_event_is_delivered_or_counted(steps in prop::collection::vec(step(), 0..200)) {
            let mut outbox = Outbox::new(LIMITS);
            let (mut now, mut pushed) = (0, 0);
            let mut delivered = HashSet::new();
            let mut on_the_wire = Vec::new();
            for step in steps {
                match step {
                    Step::Push { length } => {
                        outbox.push(&event(pushed, &"x".repeat(length)), now);
                        pushed += 1;
                    }
                    Step::Wait { ms } => now += ms,
                    Step::Send => {
                        if let Some(batch) = outbox.take_due(now, 0) {
                            prop_assert!(batch.len() <= LIMITS.batch_bytes);
                            on_the_wire = ids(batch);
                        } else if outbox.in_flight.is_none() {
                            // Its response was too late; later ones are ignored.
                            on_the_wire.clear();
                        }
                    }
                    Step::Acknowledge => {
                        outbox.acknowledged();
                        delivered.extend(on_the_wire.drain(..));
                    }
                    Step::Refuse => {
                        outbox.refused();
                        on_the_wire.clear();
                    }
                    Step::RefuseAsTooLarge => {
                        outbox.refused_as_too_large();
                        on_the_wire.clear();
                    }
                    Step::Fail { random } => {
                        outbox.failed(now, random);
                        on_the_wire.clear();
                    }
                }
                prop_assert!(outbox.bytes() <= LIMITS.memory_bytes);
                prop_assert_eq!(delivered.len() as u64 + outbox.dropped() + outbox.pending(), pushed);
                for batch in outbox.sealed.iter().chain([&outbox.open]) {
                    prop_assert_eq!(lines(&batch.bytes).count() as u64, batch.events);
                }
            }
            while outbox.pending() > 0 {
                now += 60_000;
                if let Some(batch) = outbox.take_due(now, 0) {
                    delivered.extend(ids(batch));
                    outbox.acknowledged();
                }
            }
            prop_assert_eq!(delivered.len() as u64 + outbox.dropped(), pushed);
        }
    }
}
