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
/// Share of the time in which buffers and pools reach their size and V8 compiles what is called often; it does not count.
const SETTLING: f64 = 0.5;
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
    let mut kinds = scenarios.iter().cycle();
    while begin.elapsed() < whole {
        if let Some(kind) = kinds.next() {
            requests += turn(&address, kind).await?;
        }
        let due = interval * u32::try_from(samples.len() + 1)?;
        if begin.elapsed() >= due {
            let at = begin.elapsed().as_secs_f64() / 60.0;
            let bytes = envoy.memory()?.anonymous as f64;
            println!(
                "{at:6.1} min  {:8.2} MB  {requests:>9} requests",
                megabytes(bytes)
            );
            samples.push((at, bytes));
        }
    }
    gateway.stop().await;

    let settled: Vec<Sample> = samples
        .into_iter()
        .filter(|(at, _)| *at > minutes * SETTLING)
        .collect();
    let slope = slope(&settled).ok_or("too short to tell: nothing was measured twice")? / 1024.0;
    println!(
        "growth after the first {:.0} %: {slope:.1} KB/min",
        SETTLING * 100.0
    );
    if slope > MOST_GROWTH {
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

/// By least squares, in bytes for each minute. `None` where all samples are of one time.
fn slope(samples: &[Sample]) -> Option<f64> {
    let count = samples.len() as f64;
    let mean = |of: fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (time, bytes) = (mean(|sample| sample.0), mean(|sample| sample.1));
    let spread: f64 = samples.iter().map(|sample| (sample.0 - time).powi(2)).sum();
    let common: f64 = samples
        .iter()
        .map(|sample| (sample.0 - time) * (sample.1 - bytes))
        .sum();
    (spread > 0.0).then(|| common / spread)
}

#[cfg(test)]
mod tests {
    use super::slope;

    #[test]
    fn the_slope_is_that_of_the_line_between_the_samples() {
        assert_eq!(slope(&[(1.0, 10.0), (2.0, 30.0), (3.0, 50.0)]), Some(20.0));
        // Two above and two below a level line.
        assert_eq!(
            slope(&[(0.0, 5.0), (1.0, 9.0), (2.0, 9.0), (3.0, 5.0)]),
            Some(0.0)
        );
        assert_eq!(slope(&[(1.0, 10.0)]), None);
        assert_eq!(slope(&[]), None);
    }
}
