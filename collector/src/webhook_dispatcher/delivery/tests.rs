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

fn body(number: usize) -> Arc<str> {
    number.to_string().into()
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
    assert_eq!(queue.finish(true, start), Outcome::Delivered);
    let mut now = start;
    for interval in RETRY_INTERVALS {
        assert_eq!(queue.take(now).as_deref(), Some("2"));
        assert_eq!(queue.finish(false, now), Outcome::Retried(interval));
        assert_eq!(queue.take(now), None, "not at once");
        assert_eq!(queue.due(), Some(now + interval));
        now += interval;
    }
    assert_eq!(queue.take(now).as_deref(), Some("2"));
    assert_eq!(queue.finish(false, now), Outcome::GivenUp(6));
    assert!(queue.is_empty());
}

#[test]
fn what_waits_is_bounded_in_number_and_age() {
    let start = Instant::now();
    let mut queue = Queue::default();
    for number in 0..MAX_WAITING {
        assert!(!queue.push(body(number), start));
    }
    assert_eq!(queue.take(start).as_deref(), Some("0"));
    assert!(queue.push(body(1_000), start), "the second one went");
    assert_eq!(queue.finish(true, start), Outcome::Delivered);
    assert_eq!(queue.take(start).as_deref(), Some("2"));
    let late = start + MAX_AGE + Duration::from_secs(1);
    queue.push(body(2_000), late);
    queue.finish(false, late);
    let due = queue.due().unwrap();
    assert_eq!(queue.take(due).as_deref(), Some("2"), "it is under way");
    queue.finish(true, due);
    assert_eq!(
        queue.take(due).as_deref(),
        Some("2000"),
        "the others are old"
    );
}
