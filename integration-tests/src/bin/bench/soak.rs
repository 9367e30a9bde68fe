//! Whether a worker's memory grows under load that has everything in it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::load::Load;
use crate::options::Build;
use crate::process::Process;
use crate::report::megabytes;
use crate::{Outcome, scenario, start_gateway};

/// Between two looks at the memory; shorter where the whole is short.
const LONGEST_INTERVAL: Duration = Duration::from_secs(30);
/// Fewest looks.
const LEAST_SAMPLES: u32 = 12;
/// Of each kind of request, before it is the next one's turn.
const TURN: Duration = Duration::from_millis(500);
/// Most growth that is no leak, in KB for each minute: less than one byte for each of some 3,700 requests a second.
const MOST_GROWTH: f64 = 200.0;

/// When, in minutes, and how many bytes.
type Sample = (f64, f64);

/// Loads a gateway with one worker and prints its anonymous memory.
///
/// # Errors
/// It grew by more than [`MOST_GROWTH`], or a request failed.
pub(crate) async fn run(upstream: SocketAddr, minutes: f64) -> Outcome<()> {
    let whole = Duration::try_from_secs_f64(minutes * 60.0)?;
    let interval = LONGEST_INTERVAL.min(whole / LEAST_SAMPLES);
    let gateway = start_gateway(upstream, 1, Build::default(), &[]).await;
    let envoy = Process::envoy_of(&gateway)?;
    let address = gateway.url().trim_start_matches("http://").to_owned();
    let scenarios = scenario::all();

    let begin = Instant::now();
    let mut requests = 0;
    let mut samples = Vec::new();
    // Envoy gives free memory back and takes it again: what it keeps is the least of an interval, which has every kind in it.
    let mut least = f64::INFINITY;
    let mut kinds = scenarios.iter().cycle();
    while begin.elapsed() < whole {
        if let Some(kind) = kinds.next() {
            requests += turn(&address, kind).await?;
            least = least.min(envoy.memory()?.anonymous as f64);
        }
        let due = interval * u32::try_from(samples.len() + 1)?;
        if begin.elapsed() >= due {
            let at = begin.elapsed().as_secs_f64() / 60.0;
            println!(
                "{at:6.1} min  {:8.2} MB  {requests:>9} requests",
                megabytes(least)
            );
            samples.push((at, std::mem::replace(&mut least, f64::INFINITY)));
        }
    }
    gateway.stop().await;

    let growth =
        growth(&samples, minutes).ok_or("too short to tell: nothing was measured twice")?;
    println!("growth in the second half: {growth:.1} KB/min");
    if growth > MOST_GROWTH {
        return Err(format!("expected at most {MOST_GROWTH} KB/min").into());
    }
    Ok(())
}

/// One kind of request for a while, over connections of its own: how many were answered.
async fn turn(address: &str, kind: &scenario::Scenario) -> Outcome<usize> {
    let mut load = Load::connect(address, kind).await?;
    let measured = load.run_for(TURN).await?;
    Ok(measured.latencies.len())
}

/// By how much the least of the last quarter is above the least of the quarter before, in KB for each minute. Before that,
/// buffers and pools reach their size and V8 compiles what is called often. `None` where a quarter has no sample.
fn growth(samples: &[Sample], minutes: f64) -> Option<f64> {
    let least = |quarter: f64| {
        samples
            .iter()
            .filter(|(at, _)| (at / minutes * 4.0).floor().min(3.0) == quarter)
            .map(|(_, bytes)| *bytes)
            .reduce(f64::min)
    };
    Some((least(3.0)? - least(2.0)?) / 1024.0 / (minutes / 4.0))
}

#[cfg(test)]
mod tests {
    use super::growth;

    #[test]
    fn growth_is_what_the_last_quarter_keeps_more_than_the_one_before() {
        let samples = |last: f64| {
            [
                (1.0, 0.0),
                (2.1, 9_000.0),
                (2.9, 5_000.0),
                (3.5, last),
                (4.1, last + 1_024.0),
            ]
        };
        assert_eq!(growth(&samples(5_000.0), 4.0), Some(0.0));
        assert_eq!(growth(&samples(7_048.0), 4.0), Some(2.0));
        assert_eq!(growth(&[(3.5, 1.0)], 4.0), None);
    }
}
