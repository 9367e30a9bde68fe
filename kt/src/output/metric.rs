//! Numbers of reports: exact for programs, short for people.

use collector::{Metric, Unit};
use serde_json::Value;

use super::amount;

/// Counts and milliseconds are whole numbers.
pub(crate) fn exact(metric: Metric, value: Option<f64>) -> Value {
    match metric.unit() {
        // Saturating; below 2^53 in any real store.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Unit::Count | Unit::Millis => value.map(|value| value.round() as u64).into(),
        Unit::Usd | Unit::Ratio => value.into(),
    }
}

/// A dash where there is nothing to compute it from.
pub(crate) fn shown(metric: Metric, value: Option<f64>) -> String {
    let form = match metric.unit() {
        Unit::Count => amount::count,
        Unit::Millis => amount::milliseconds,
        Unit::Usd => amount::usd,
        Unit::Ratio => amount::share,
    };
    value.map_or_else(|| "-".to_owned(), form)
}
