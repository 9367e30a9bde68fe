#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn is_written_in_microseconds_and_read_in_any_precision() {
    let time = Timestamp::from_micros(1_700_000_000_123_456);
    assert_eq!(time.to_string(), "2023-11-14T22:13:20.123456Z");
    for text in [
        "2023-11-14T22:13:20.123456Z",
        "2023-11-14T22:13:20.123456789Z",
    ] {
        assert_eq!(Timestamp::parse(text), Some(time), "{text}");
    }
    assert_eq!(
        Timestamp::parse("2023-11-14T22:13:20Z").map(Timestamp::millis),
        Some(1_700_000_000_000)
    );
    for text in ["", "yesterday", "2023-11-14", "1969-12-31T23:59:59Z"] {
        assert_eq!(Timestamp::parse(text), None, "{text}");
    }
}

#[test]
fn every_day_is_written_as_it_is_read() {
    // The calendar repeats after 400 years. Steps of less than a day also cover all times of day.
    const STEP_US: u64 = 86_399_123_457;
    for step in 0..400 * 366 {
        let unix_us = step * STEP_US;
        let time = Timestamp::from_micros(unix_us);
        assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
    }
}

#[test]
fn a_time_out_of_range_is_still_a_time() {
    let text = Timestamp::from_micros(u64::MAX).to_string();
    assert_eq!(text, "9999-12-31T23:59:59.999999Z");
    assert_eq!(
        Timestamp::parse(&text).map(Timestamp::micros),
        Some(LATEST_US)
    );
}
