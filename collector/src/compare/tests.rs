use super::*;

fn group(name: &str, requests: u64, errors: u64, ms: u64, nanos: u64) -> Group {
    let mut totals = Totals {
        requests,
        errors,
        ..Totals::default()
    };
    for number in 0..requests {
        // Around `ms` by 10 to each side; costs by a tenth.
        totals.add_latency(ms - 10 + number % 21);
        totals.add_cost(
            Some(nanos - nanos / 10 + (number % 3) * (nanos / 10)),
            100,
            true,
        );
    }
    Group {
        key: vec![Some(name.to_owned())],
        totals,
    }
}

#[test]
fn equal_arms_prove_nothing() {
    let groups = [
        group("a", 1_000, 10, 500, 9_000_000),
        group("b", 999, 10, 500, 9_000_000),
    ];
    let comparison = Comparison::of(&[Dimension::Tag], &groups);
    assert_eq!(comparison.verdict, "No difference proved.");
    assert_eq!(comparison.differences.len(), 3);
}

#[test]
fn a_faster_and_cheaper_arm_that_fails_more_often_is_said_to_be_so() {
    let groups = [
        group("b", 500, 50, 300, 3_000_000),
        group("a", 1_000, 10, 500, 9_000_000),
    ];
    let comparison = Comparison::of(&[Dimension::Tag], &groups);
    assert_eq!(comparison.arms[0].name, "a", "most requests first");
    let proved: Vec<_> = comparison
        .differences
        .iter()
        .map(|one| one.proved)
        .collect();
    assert_eq!(proved, [true, true, true]);
    for words in [
        "b fails more often than a",
        "b is faster than a",
        "b is cheaper than a",
    ] {
        assert!(comparison.verdict.contains(words), "{}", comparison.verdict);
    }
}

#[test]
fn few_requests_prove_nothing_however_far_apart() {
    let groups = [
        group("a", 1_000, 0, 500, 9_000_000),
        group("b", 29, 29, 5_000, 9_000),
    ];
    let comparison = Comparison::of(&[Dimension::Tag], &groups);
    assert!(comparison.verdict.starts_with("No difference proved."));
    assert!(comparison.verdict.contains("b has 29 requests"));
}

#[test]
fn one_arm_or_none_is_said() {
    assert!(Comparison::of(&[], &[]).verdict.contains("No requests"));
    let one = Comparison::of(&[Dimension::Tag], &[group("a", 40, 0, 500, 9_000)]);
    assert!(one.verdict.contains("Only one arm"), "{}", one.verdict);
}

/// `count` requests, of which the latency and cost of the first ones are known.
fn partly(name: &str, count: u64, latencies: u64, costs: u64, nanos: u64) -> Group {
    let mut totals = Totals {
        requests: count,
        ..Totals::default()
    };
    for number in 0..count {
        if number < latencies {
            totals.add_latency(500 + number % 2);
        }
        let cost = (number < costs).then_some(nanos + number % 2);
        totals.add_cost(cost, 100, true);
    }
    Group {
        key: vec![Some(name.to_owned())],
        totals,
    }
}

fn proved(comparison: &Comparison, measure: Measure) -> bool {
    let mut of_measure = comparison
        .differences
        .iter()
        .filter(|one| one.measure == measure);
    of_measure.any(|one| one.proved)
}

#[test]
fn an_unknown_price_is_not_a_low_one() {
    let groups = [
        partly("a", 1_000, 1_000, 1_000, 9_000_000),
        partly("b", 500, 500, 0, 0),
    ];
    let comparison = Comparison::of(&[Dimension::Tag], &groups);
    assert!(!proved(&comparison, Measure::CostPerRequest));
    assert!(!comparison.verdict.contains("cheaper"));
    let unpriced = "500 of 500 requests of b have no known price";
    assert!(
        comparison.verdict.contains(unpriced),
        "{}",
        comparison.verdict
    );
    let b = &comparison.arms[1];
    assert_eq!((b.total_cost_usd, b.cost_per_request_usd), (None, None));
}

#[test]
fn a_mean_is_that_of_the_known_costs() {
    let groups = [
        partly("a", 1_000, 1_000, 1_000, 9_000_000),
        // As dear as the other, where it is known.
        partly("b", 500, 500, 100, 9_000_000),
    ];
    let comparison = Comparison::of(&[Dimension::Tag], &groups);
    assert!(!proved(&comparison, Measure::CostPerRequest));
    let mean = comparison.arms[1].cost_per_request_usd.unwrap().value;
    assert!((mean - 0.009).abs() < 1e-6, "{mean}");
}

#[test]
fn each_number_needs_a_sample_of_its_own_that_is_large_enough() {
    let cheap = partly("b", 500, 2, 29, 1_000);
    let groups = [partly("a", 1_000, 1_000, 1_000, 9_000_000), cheap];
    let mut groups = groups;
    groups[1].totals.latency = crate::histogram::Histogram::default();
    groups[1].totals.latency_ms_squared = 0.0;
    for ms in [10, 11] {
        groups[1].totals.add_latency(ms);
    }
    let comparison = Comparison::of(&[Dimension::Tag], &groups);
    for measure in [Measure::Latency, Measure::CostPerRequest] {
        assert!(!proved(&comparison, measure), "{measure:?}");
    }
    for words in ["2 successful requests", "29 requests whose cost is known"] {
        assert!(comparison.verdict.contains(words), "{}", comparison.verdict);
    }
    groups[1] = partly("b", 500, 30, 30, 1_000);
    let comparison = Comparison::of(&[Dimension::Tag], &groups);
    assert!(proved(&comparison, Measure::CostPerRequest));
}
