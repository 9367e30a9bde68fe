//! Time in proportion to the input.

use std::time::{Duration, Instant};

/// Insists that ten times the input takes about ten times as long: it would be a hundred times if it were quadratic. A
/// busy machine disturbs the measurement: one of some tries has to show it.
pub fn assert_linear(what: &str, run: impl Fn(usize)) {
    let mut tries = (0..10).map(|_| (least_time(|| run(1)), least_time(|| run(10))));
    assert!(
        tries.any(|(small, large)| large < small * 30),
        "{what}: ten times the input takes more than thirty times as long"
    );
}

/// The least of some runs, which other work on the machine disturbs least.
fn least_time(mut work: impl FnMut()) -> Duration {
    let runs = (0..5).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed()
    });
    runs.min().unwrap_or_default()
}
