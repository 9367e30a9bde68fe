//! The cost of health per request, without host calls: `cargo bench -p keeptrusts-routing --bench health`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

// The benchmark of plans uses the rest.
#[allow(dead_code)]
#[path = "../src/testing.rs"]
mod testing;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use catalog::providers;
use policy::TargetId;
use routing::PolicyIndex;
use routing::health::{Addresses, Availability, HealthTable, Outcome, Signal};

const NOW: u64 = 1_700_000_000_000;
const SUCCESS: Signal = Signal::Attempt(Outcome::Success { latency_ms: 700 });

/// Nanoseconds per call, in the fastest of several rounds, because the machine may be busy.
fn nanoseconds(mut job: impl FnMut() -> bool) -> f64 {
    const CALLS: u32 = 5_000;
    (0..30)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..CALLS {
                black_box(job());
            }
            start.elapsed().as_nanos() as f64 / f64::from(CALLS)
        })
        .fold(f64::INFINITY, f64::min)
}

fn main() {
    println!("health, by targets        ns");
    for count in [2, 20, 200] {
        let targets =
            (0..count).map(|number| testing::target(&format!("t{number}"), providers::OPENAI));
        let policy = testing::policy(targets.collect(), vec![]);
        let index = PolicyIndex::new(Arc::new(policy));
        let mut table = HealthTable::default();
        for number in 0..count {
            if let Some((key, limits)) = index.health_config(TargetId(number)) {
                table.apply(key, limits, SUCCESS, NOW);
            }
        }
        let Some((key, limits)) = index.health_config(TargetId(count / 2)) else {
            continue;
        };
        let mut addresses = Addresses::default();
        let bytes = table.encode();
        let per_request = nanoseconds(|| {
            let available = black_box(table.availability(key, limits, NOW + 1));
            let changed = table.apply(key, limits, SUCCESS, NOW + 1).changed;
            if addresses.should_record_success(NOW) {
                addresses.served(b"10.1.2.3:443", NOW);
            }
            changed || available == Availability::Available
        });
        println!("{count:4} a request         {per_request:8.0}");
        let read = nanoseconds(|| HealthTable::decode(&bytes) == table);
        println!("{count:4} reading the table {read:8.0}");
    }
}
