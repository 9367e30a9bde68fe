#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::{BUCKET_MS, DeploymentKey, Histogram, LatencySnapshot, LocalWindow, Sample};

const NOW: u64 = 1_700_000_000_000;
const PAIR: DeploymentKey = DeploymentKey(1);
const MINUTE: u64 = 60_000;

fn served(latency_ms: u64) -> Sample {
    Sample::Success {
        latency_ms,
        throughput: None,
    }
}

/// One worker's samples as (time since [`NOW`], sample), merged into `blob` at `now_ms`.
fn merged(blob: &[u8], samples: &[(u64, Sample)], now_ms: u64) -> Vec<u8> {
    let mut window = LocalWindow::default();
    for (time, sample) in samples {
        window.record(PAIR, *sample, NOW + time);
    }
    window.merge_into(blob, now_ms)
}

#[test]
fn workers_add_up() {
    let blob = merged(&[], &[(0, served(100)), (0, served(200))], NOW);
    let blob = merged(&blob, &[(100, served(600))], NOW + 100);
    let measured = LatencySnapshot::decode(&blob, NOW + 100).measured(PAIR, MINUTE);
    assert_eq!((measured.successes, measured.latency_ms), (3, Some(300.0)));
    // Deviations -200, -100, 300: variance 140,000 / 2, standard error sqrt(70,000 / 3) = 152.8.
    assert!((measured.standard_error_ms - 152.75).abs() < 0.01);
}

#[test]
fn a_window_forgets_what_is_older_than_itself() {
    let blob = merged(
        &[],
        &[(0, served(900)), (30_000, served(100))],
        NOW + 30_000,
    );
    let latency_at = |seconds: u64, window_ms: u64| {
        let now_ms = NOW + seconds * 1_000;
        LatencySnapshot::decode(&merged(&blob, &[], now_ms), now_ms)
            .measured(PAIR, window_ms)
            .latency_ms
    };
    assert_eq!(latency_at(30, MINUTE), Some(500.0));
    assert_eq!(latency_at(59, MINUTE), Some(500.0));
    assert_eq!(latency_at(60, MINUTE), Some(100.0));
    assert_eq!(latency_at(90, MINUTE), None);
    // Other groups may use longer windows, over merged buckets.
    assert_eq!(latency_at(120, 5 * MINUTE), Some(500.0));
    assert_eq!(latency_at(700, 60 * MINUTE), None);
}

#[test]
fn failures_count_with_the_time_that_was_waited_for_them() {
    let failed = Sample::Failure { waited_ms: 5_000 };
    let refused = Sample::Failure { waited_ms: 0 };
    for (samples, expected) in [
        (vec![(0, served(100)), (0, served(100))], Some(100.0)),
        // (100 + 100 + 5,000) / 2
        (
            vec![(0, served(100)), (0, served(100)), (0, failed)],
            Some(2_600.0),
        ),
        // Failing fast does not make it faster.
        (
            vec![(0, served(100)), (0, refused), (0, refused)],
            Some(100.0),
        ),
        (vec![(0, failed)], None),
    ] {
        let blob = merged(&[], &samples, NOW);
        let measured = LatencySnapshot::decode(&blob, NOW).measured(PAIR, MINUTE);
        assert_eq!(measured.latency_ms, expected);
        assert_eq!(measured.samples() as usize, samples.len());
    }
}

#[test]
fn throughput_is_tokens_per_second_of_generation_less_failures() {
    let answered = |tokens, token_ms| Sample::Success {
        latency_ms: 10,
        throughput: Some((tokens, token_ms)),
    };
    // 300 tokens in 6 s; the response without usage does not count.
    let samples = [
        (0, answered(100, 1_000)),
        (0, answered(200, 5_000)),
        (0, served(10)),
        (0, Sample::Failure { waited_ms: 10 }),
    ];
    let blob = merged(&[], &samples, NOW);
    let measured = LatencySnapshot::decode(&blob, NOW).measured(PAIR, MINUTE);
    assert_eq!(measured.tokens_per_second, Some(50.0));
    assert_eq!(measured.useful_tokens_per_second(), 37.5);
}

#[test]
fn a_clock_set_back_loses_samples_of_the_future_only() {
    let blob = merged(&[], &[(MINUTE, served(900)), (0, served(100))], NOW);
    let measured = LatencySnapshot::decode(&blob, NOW).measured(PAIR, MINUTE);
    assert_eq!(measured.latency_ms, Some(100.0));
}

#[test]
fn what_was_merged_is_not_counted_twice() {
    let mut window = LocalWindow::default();
    window.record(PAIR, served(100), NOW);
    let blob = window.merge_into(&[], NOW);
    window.clear();
    assert!(window.is_empty());
    assert_eq!(window.merge_into(&blob, NOW), blob);
}

#[test]
fn a_busy_minute_of_twenty_pairs_stays_small() {
    let mut window = LocalWindow::default();
    for deployment in 0..20 {
        // 100 responses a second, between 200 and 2,200 ms.
        for number in 0..6_000_u64 {
            let latency_ms = 200 + number.wrapping_mul(2_654_435_761) % 2_000;
            window.record(
                DeploymentKey(deployment),
                served(latency_ms),
                NOW + number * 10,
            );
        }
    }
    let blob = window.merge_into(&[], NOW + MINUTE);
    assert!(blob.len() < 200_000, "{}", blob.len());
}

#[test]
fn quantiles_of_known_data() {
    let mut histogram = Histogram::default();
    assert_eq!(histogram.quantile(0.5), None);
    for value in 1..=1_000 {
        histogram.record(value);
    }
    let median = histogram.quantile(0.5).unwrap();
    let p99 = histogram.quantile(0.99).unwrap();
    assert!(median.abs_diff(500) <= 25, "{median}");
    assert!(p99.abs_diff(990) <= 49, "{p99}");
    assert_eq!(histogram.count(), 1_000);
}

proptest! {
    #[test]
    fn quantiles_are_within_five_percent(mut values in proptest::collection::vec(0_u64..5_000_000, 1..300), quantile in 0.0_f64..1.0) {
        let mut histogram = Histogram::default();
        for value in &values {
            histogram.record(*value);
        }
        values.sort_unstable();
        let rank = ((values.len() as f64 * quantile).ceil() as usize).max(1) - 1;
        let exact = values[rank];
        let estimate = histogram.quantile(quantile).unwrap();
        prop_assert!(estimate.abs_diff(exact) as f64 <= 0.05 * exact as f64, "{estimate} for {exact}");
    }

    #[test]
    fn arbitrary_bytes_read_as_something(bytes: Vec<u8>, prefixed: bool) {
        let blob = if prefixed { [b"KTLW\x02".as_slice(), &bytes].concat() } else { bytes };
        let merged = merged(&blob, &[(0, served(100))], NOW);
        prop_assert!(LatencySnapshot::decode(&merged, NOW).measured(PAIR, MINUTE).successes >= 1);
    }

    /// Whichever worker wins the race, the sums are equal.
    #[test]
    fn merging_commutes(
        left in proptest::collection::vec((0_u64..120_000, 0_u64..10_000), 0..50),
        right in proptest::collection::vec((0_u64..120_000, 0_u64..10_000), 0..50),
    ) {
        let samples = |list: &[(u64, u64)]| -> Vec<(u64, Sample)> {
            list.iter().map(|(time, latency_ms)| (*time, served(*latency_ms))).collect()
        };
        let (left, right) = (samples(&left), samples(&right));
        let end = NOW + 2 * MINUTE;
        let one = merged(&merged(&[], &left, end), &right, end);
        let other = merged(&merged(&[], &right, end), &left, end);
        for window_ms in [BUCKET_MS, MINUTE, 2 * MINUTE] {
            let (one, other) = (LatencySnapshot::decode(&one, end), LatencySnapshot::decode(&other, end));
            prop_assert_eq!(one.measured(PAIR, window_ms).successes, other.measured(PAIR, window_ms).successes);
            prop_assert_eq!(one.measured(PAIR, window_ms).latency_ms, other.measured(PAIR, window_ms).latency_ms);
        }
    }
}
