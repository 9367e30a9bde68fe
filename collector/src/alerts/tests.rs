use std::collections::HashMap;

use super::*;
use crate::store::totals::Ending;

/// `attempts` of which `failed` were not answered and `limited` answered with 429, the others after 100 ms for a cent.
fn totals(attempts: u64, failed: u64, limited: u64, nanos: u64) -> Totals {
    let mut totals = Totals::default();
    for number in 0..attempts {
        if number < failed {
            totals.add_status(0, false, Ending::OfAttempt { is_failed: true });
        } else if number < failed + limited {
            totals.add_status(429, false, Ending::OfAttempt { is_failed: true });
        } else {
            totals.add_status(200, false, Ending::OfAttempt { is_failed: false });
            totals.add_latency(100);
            totals.add_cost(Some(nanos), 0, true);
        }
    }
    totals
}

fn look(
    known: &[Alert],
    windows: &HashMap<&'static str, Totals>,
    baseline: Option<&Totals>,
    now_ms: u64,
) -> Findings {
    evaluate(
        known,
        &Changed::new(),
        windows.keys().copied(),
        |_, provider| windows.get(provider),
        |_| baseline,
        now_ms,
    )
}

fn panels(alerts: &[Alert]) -> Vec<Panel> {
    alerts.iter().map(|alert| alert.panel).collect()
}

#[test]
fn the_thresholds_are_those_of_the_documentation() {
    let defaults = Panel::ALL.map(|panel| (panel.name(), panel.default()));
    assert_eq!(
        defaults,
        [
            ("availability", 0.995),
            ("latency", 5_000.0),
            ("error_rate", 0.01),
            ("rate_limiting", 5.0),
            ("cost_efficiency", 2.0),
        ]
    );
}

#[test]
fn each_panel_tells_its_own_fault() {
    let good = totals(100, 0, 0, 10_000_000);
    for (window, expected) in [
        (good.clone(), vec![]),
        (totals(100, 1, 0, 10_000_000), vec![Panel::Availability]),
        (
            totals(100, 2, 0, 10_000_000),
            vec![Panel::Availability, Panel::ErrorRate],
        ),
        (
            totals(100, 0, 26, 10_000_000),
            vec![Panel::Availability, Panel::ErrorRate, Panel::RateLimiting],
        ),
        (totals(100, 0, 0, 20_000_001), vec![Panel::CostEfficiency]),
    ] {
        let findings = look(
            &[],
            &HashMap::from([("openai", window)]),
            Some(&good),
            1_000,
        );
        assert_eq!(panels(&findings.breached), expected);
        assert_eq!(findings.open, findings.breached);
    }
    let mut slow = good.clone();
    for _ in 0..3 {
        slow.add_latency(6_000);
    }
    assert_eq!(
        panels(&look(&[], &HashMap::from([("openai", slow)]), Some(&good), 0).open),
        [Panel::Latency]
    );
}

#[test]
fn few_attempts_prove_nothing() {
    let windows = HashMap::from([("openai", totals(MIN_ATTEMPTS - 1, MIN_ATTEMPTS - 1, 0, 0))]);
    assert_eq!(look(&[], &windows, None, 0), Findings::default());
}

#[test]
fn a_breach_is_told_once_and_its_end_once() {
    let bad = HashMap::from([("openai", totals(100, 1, 0, 0))]);
    let first = look(&[], &bad, None, 1_000);
    assert_eq!((first.breached.len(), first.recovered.len()), (1, 0));
    let second = look(&first.open, &bad, None, 2_000);
    assert_eq!((second.breached.len(), second.open[0].since_ms), (0, 1_000));
    assert_eq!(second.open[0].id, first.open[0].id);
    // Whether it serves again or is gone from the traffic.
    for windows in [
        HashMap::from([("openai", totals(100, 0, 0, 0))]),
        HashMap::new(),
    ] {
        let third = look(&second.open, &windows, None, 3_000);
        assert_eq!(
            (third.open.len(), third.recovered[0].ended_ms),
            (0, Some(3_000))
        );
        assert_eq!(
            look(&third.recovered, &windows, None, 4_000),
            Findings::default()
        );
    }
}

#[test]
fn a_provider_may_have_a_threshold_of_its_own() {
    let changed = Changed::from([
        ((Panel::Availability, None), 0.9),
        ((Panel::Availability, Some("b".into())), 0.5),
    ]);
    assert_eq!(threshold_of(&changed, Panel::Availability, "a"), 0.9);
    assert_eq!(threshold_of(&changed, Panel::Availability, "b"), 0.5);
    assert_eq!(threshold_of(&changed, Panel::Latency, "b"), 5_000.0);
}
