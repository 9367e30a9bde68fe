use super::*;

#[test]
fn a_signature_is_the_hmac_of_time_and_body() {
    // printf '1700000000.{}' | openssl dgst -sha256 -hmac Jefe
    assert_eq!(
        signature("Jefe", 1_700_000_000, "{}"),
        format!("t=1700000000,v1={OPENSSL}")
    );
}

const OPENSSL: &str = "d3793e2b4103edfbd98cc19591832f5fad701d413db9fcae0ae7dab8184ed207";

fn body(number: usize) -> Delivery {
    crate::deliveries::new("whk_1", "x", &number.to_string(), 0).unwrap()
}

fn finish(queue: &mut Queue, delivered: bool, now: Instant) -> Outcome {
    queue.finish(delivered, now).outcome
}

#[test]
fn messages_go_one_after_the_other_and_are_given_up_at_last() {
    let start = Instant::now();
    let mut queue = Queue::default();
    assert!(queue.is_empty() && queue.due().is_none());
    queue.push(body(1), start);
    queue.push(body(2), start);
    assert_eq!(queue.take(start).as_deref(), Some("1"));
    assert_eq!(queue.take(start), None, "one at a time");
    assert_eq!(finish(&mut queue, true, start), Outcome::Delivered);
    let mut now = start;
    for interval in RETRY_INTERVALS {
        assert_eq!(queue.take(now).as_deref(), Some("2"));
        assert_eq!(finish(&mut queue, false, now), Outcome::Retried(interval));
        assert_eq!(queue.take(now), None, "not at once");
        assert_eq!(queue.due(), Some(now + interval));
        now += interval;
    }
    assert_eq!(queue.take(now).as_deref(), Some("2"));
    assert_eq!(finish(&mut queue, false, now), Outcome::GivenUp(6));
    assert!(queue.is_empty());
}

#[test]
fn what_waits_is_bounded_in_number_and_age() {
    let start = Instant::now();
    let mut queue = Queue::default();
    for number in 0..MAX_WAITING {
        assert!(queue.push(body(number), start).is_none());
    }
    assert_eq!(queue.take(start).as_deref(), Some("0"));
    let oldest = queue.push(body(1_000), start).unwrap();
    assert_eq!(oldest.message.get(), "1", "the first one is under way");
    assert_eq!(finish(&mut queue, true, start), Outcome::Delivered);
    assert_eq!(queue.take(start).as_deref(), Some("2"));
    let late = start + MAX_AGE + Duration::from_secs(1);
    queue.push(body(2_000), late);
    let expired = queue.finish(false, late).expired;
    assert_eq!(
        expired.len(),
        MAX_WAITING - 2,
        "all but the two that were young or tried"
    );
    let due = queue.due().unwrap();
    assert_eq!(queue.take(due).as_deref(), Some("2"), "it is under way");
    finish(&mut queue, true, due);
    assert_eq!(
        queue.take(due).as_deref(),
        Some("2000"),
        "the others are old"
    );
}

#[test]
fn what_waited_before_a_restart_is_tried_when_it_would_have_been() {
    let start = Instant::now();
    let mut queue = Queue::default();
    let mut first = body(1);
    (first.tries, first.next_try_ms) = (2, Some(40_000));
    queue.restore(first, start, 10_000);
    queue.restore(body(2), start, 10_000);
    assert_eq!(queue.take(start), None);
    let due = start + Duration::from_secs(30);
    assert_eq!(queue.due(), Some(due));
    assert_eq!(queue.take(due).as_deref(), Some("1"));
    let again = queue.finish(false, due);
    assert_eq!(
        again.outcome,
        Outcome::Retried(RETRY_INTERVALS[2]),
        "its tries count on"
    );
}
