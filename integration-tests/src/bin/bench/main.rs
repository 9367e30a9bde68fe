//! Benchmark: plain Envoy and Envoy with the filter in one run, with the same upstream and one worker each.
//!
//! Load, upstream and clock share one thread of this process, so that on two cores Envoy's worker has one to itself.
#![forbid(unsafe_code)]

mod load;
mod memory;
mod plain_envoy;
mod process;
mod report;
mod scenario;
mod upstream;

use std::error::Error;
use std::time::Duration;

use harness::{Gateway, GatewayOptions, PolicyText, Upstream};

use crate::load::{Load, Measured};
use crate::plain_envoy::PlainEnvoy;
use crate::process::Process;
use crate::report::Comparison;
use crate::scenario::Scenario;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How long and how often each scenario is measured.
struct Effort {
    rounds: usize,
    warm_up: Duration,
    window: Duration,
}

const FULL: Effort = Effort {
    rounds: 7,
    warm_up: Duration::from_millis(500),
    window: Duration::from_secs(3),
};
const QUICK: Effort = Effort {
    rounds: 3,
    warm_up: Duration::from_millis(200),
    window: Duration::from_millis(1000),
};

/// One of the two things that are compared.
struct Side {
    address: String,
    envoy: Process,
}

fn main() -> Outcome<()> {
    let effort = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => FULL,
        [flag] if flag == "--quick" => QUICK,
        other => return Err(format!("expected nothing or --quick, found {other:?}").into()),
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(run(&effort))
}

async fn run(effort: &Effort) -> Outcome<()> {
    let upstream = upstream::start().await?;

    let idle = memory::measure(upstream).await?;

    let plain = PlainEnvoy::start(upstream, 1).await?;
    let gateway = start_gateway(upstream, 1).await?;
    let sides = [
        Side {
            address: plain.address(),
            envoy: plain.process(),
        },
        Side {
            address: gateway.url().trim_start_matches("http://").to_owned(),
            envoy: Process::envoy_of(&gateway)?,
        },
    ];
    let mut comparisons = Vec::new();
    for scenario in scenario::all() {
        eprintln!("measuring: {}", scenario.name);
        comparisons.push(compare(&scenario, &sides, effort).await?);
    }
    let [plain_side, filter_side] = &sides;
    let worked = [plain_side.envoy.memory()?, filter_side.envoy.memory()?];
    gateway.stop().await;
    plain.stop().await?;

    print!("{}", report::performance(&comparisons, effort.rounds));
    print!("{}", report::memory(&idle, &worked));
    print!("{}", report::module_size()?);
    Ok(())
}

/// The gateway with one failover group of one target, as `kt gateway run` starts it, without an access log.
async fn start_gateway(upstream: std::net::SocketAddr, workers: u32) -> Outcome<Gateway> {
    let target = Upstream::at_url("bench", &format!("http://{upstream}/v1"));
    let policy = PolicyText::failover(
        &[target],
        scenario::MODEL,
        &[("bench", "upstream-model", 30_000)],
    );
    let options = GatewayOptions {
        concurrency: Some(workers),
        arguments: ["--access-log", "off"].map(str::to_owned).to_vec(),
        ..GatewayOptions::default()
    };
    Ok(Gateway::start_with(&policy, &options).await)
}

/// Measures both sides in turns, so that a change in the machine's other load meets both.
async fn compare(scenario: &Scenario, sides: &[Side; 2], effort: &Effort) -> Outcome<Comparison> {
    let mut comparison = Comparison::of(scenario);
    for _ in 0..effort.rounds {
        let [plain, filter] = sides;
        comparison
            .plain
            .push(measure(scenario, plain, effort).await?);
        comparison
            .filter
            .push(measure(scenario, filter, effort).await?);
    }
    Ok(comparison)
}

async fn measure(scenario: &Scenario, side: &Side, effort: &Effort) -> Outcome<Measured> {
    let mut load = Load::connect(&side.address, scenario).await?;
    load.run_for(effort.warm_up).await?;
    let cpu_before = side.envoy.cpu_time()?;
    let mut measured = load.run_for(effort.window).await?;
    measured.cpu = side.envoy.cpu_time()?.saturating_sub(cpu_before);
    Ok(measured)
}
