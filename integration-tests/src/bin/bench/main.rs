//! Benchmark: plain Envoy and Envoy with the filter in one run, with the same upstream and one worker each.
//!
//! Load, upstream and clock share one thread of this process, so that on two cores Envoy's worker has one to itself.
#![forbid(unsafe_code)]

mod load;
mod memory;
mod options;
mod peers;
mod plain_envoy;
mod process;
mod report;
mod scenario;
mod server;
mod soak;
mod start;
mod upstream;

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;

use harness::{Gateway, GatewayOptions};

use crate::load::{Load, Measured};
use crate::options::{Build, Options};
use crate::peers::Peer;
use crate::process::{Memory, Process};
use crate::report::Comparison;
use crate::scenario::{Pace, Scenario};
use crate::server::Server;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// In the name of the row that compares with other gateways.
const BESIDE_OTHERS: &str = "beside other gateways";

/// In the name of the row that shows what events cost.
const EVENTS_OFF: &str = "events on and off";

/// One of those that are compared.
struct Side {
    name: &'static str,
    address: String,
    /// Header lines that its requests need beside the scenario's, each with its line end.
    headers: String,
    process: Process,
}

fn main() -> Outcome<()> {
    let options = Options::from(std::env::args().skip(1))?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(run(&options))
}

async fn run(options: &Options) -> Outcome<()> {
    let upstream = upstream::start().await?;
    if let Some(minutes) = options.soak {
        return soak::run(upstream, minutes).await;
    }
    let idle = match options.only {
        None => Some(memory::measure(upstream).await?),
        Some(_) => None,
    };

    let mut comparisons = Vec::new();
    let one_worker = Field::start(upstream, 1, options).await?;
    for scenario in scenario::all() {
        comparisons.extend(one_worker.compare(&scenario, options).await?);
    }
    let saturation = comparisons.first().map(Comparison::median_rate);
    if let Some(rate) = saturation.filter(|_| options.wants("open loop")) {
        let half = scenario::small(Pace::Open(rate / 2.0));
        comparisons.extend(one_worker.compare(&half, options).await?);
    }
    let worked = one_worker.memory()?;
    one_worker.stop().await?;

    if options.wants("2 workers") {
        let two_workers = Field::start(upstream, 2, options).await?;
        let mut scenario = scenario::small(Pace::Closed(16));
        scenario.name.push_str(", 2 workers");
        comparisons.extend(two_workers.compare(&scenario, options).await?);
        two_workers.stop().await?;
    }

    if options.wants(EVENTS_OFF) {
        let mut field = Field::start(upstream, 1, options).await?;
        let without = ["--collector-listen", "off"];
        let gateway = start_gateway(upstream, 1, Build::default(), &without).await;
        field.gateways.push(("no events", gateway));
        let mut scenario = scenario::small(Pace::Closed(8));
        scenario.name.push_str(", ");
        scenario.name.push_str(EVENTS_OFF);
        comparisons.extend(field.compare(&scenario, options).await?);
        field.stop().await?;
    }

    if options.peers && options.wants(BESIDE_OTHERS) {
        comparisons.extend(beside_others(upstream, options).await?);
    }

    print!("{}", report::performance(&comparisons, options.rounds));
    if let Some(idle) = idle {
        print!("{}", report::memory(&idle, &worked));
    }
    if options.only.is_none() {
        print!("{}", start::measure(upstream, options.starts).await?);
    }
    print!("{}", report::module_size()?);
    Ok(())
}

/// The first scenario once more, beside other gateways; `None` where none is installed.
async fn beside_others(upstream: SocketAddr, options: &Options) -> Outcome<Option<Comparison>> {
    let peers = peers::start_installed(upstream).await;
    if peers.is_empty() {
        return Ok(None);
    }
    let mut field = Field::start(upstream, 1, options).await?;
    field.peers = peers;
    let mut scenario = scenario::small(Pace::Closed(8));
    scenario.name.push_str(", ");
    scenario.name.push_str(BESIDE_OTHERS);
    let comparison = field.compare(&scenario, options).await?;
    field.stop().await?;
    Ok(comparison)
}

/// Plain Envoy, and those that are compared with it.
struct Field {
    plain: Server,
    gateways: Vec<(&'static str, Gateway)>,
    /// Of other people.
    peers: Vec<Peer>,
}

impl Field {
    async fn start(upstream: SocketAddr, workers: u32, options: &Options) -> Outcome<Self> {
        let mut gateways = vec![(
            "filter",
            start_gateway(upstream, workers, Build::default(), &[]).await,
        )];
        if let Some(build) = options.other() {
            let other = start_gateway(upstream, workers, build, &[]).await;
            gateways.push(("against", other));
        }
        let plain = plain_envoy::start(upstream, workers).await?;
        Ok(Self {
            plain,
            gateways,
            peers: Vec::new(),
        })
    }

    fn sides(&self) -> Outcome<Vec<Side>> {
        let plain = Side {
            name: self.plain.name,
            address: self.plain.address(),
            headers: String::new(),
            process: self.plain.process(),
        };
        let gateways = self.gateways.iter().map(|(name, gateway)| {
            Ok(Side {
                name,
                address: gateway.url().trim_start_matches("http://").to_owned(),
                headers: String::new(),
                process: Process::envoy_of(gateway)?,
            })
        });
        let peers = self.peers.iter().map(|peer| {
            Ok(Side {
                name: peer.server.name,
                address: peer.server.address(),
                headers: peer.headers.clone(),
                process: peer.server.process(),
            })
        });
        std::iter::once(Ok(plain))
            .chain(gateways)
            .chain(peers)
            .collect()
    }

    /// Measures all sides in turns, so that a change in the machine's other load meets all.
    async fn compare(&self, scenario: &Scenario, options: &Options) -> Outcome<Option<Comparison>> {
        if !options.wants(&scenario.name) {
            return Ok(None);
        }
        eprintln!("measuring: {}", scenario.name);
        let sides = self.sides()?;
        let names: Vec<&'static str> = sides.iter().skip(1).map(|side| side.name).collect();
        let mut comparison = Comparison::of(scenario, &names);
        for _ in 0..options.rounds {
            for (index, side) in sides.iter().enumerate() {
                let measured = measure(scenario, side, options).await?;
                match index
                    .checked_sub(1)
                    .and_then(|other| comparison.others.get_mut(other))
                {
                    Some((_, rounds)) => rounds.push(measured),
                    None => comparison.plain.push(measured),
                }
            }
        }
        Ok(Some(comparison))
    }

    /// Of plain Envoy and of the filter.
    fn memory(&self) -> Outcome<[Memory; 2]> {
        let sides = self.sides()?;
        match sides.as_slice() {
            [plain, filter, ..] => Ok([plain.process.memory()?, filter.process.memory()?]),
            _ => Err("nothing is compared".into()),
        }
    }

    async fn stop(self) -> Outcome<()> {
        for (_, gateway) in self.gateways {
            gateway.stop().await;
        }
        for peer in self.peers {
            peer.server.stop().await?;
        }
        self.plain.stop().await
    }
}

/// The gateway as `kt gateway run` starts it, without an access log.
async fn start_gateway(
    upstream: SocketAddr,
    workers: u32,
    build: Build<'_>,
    arguments: &[&str],
) -> Gateway {
    let arguments = ["--access-log", "off"].iter().chain(arguments);
    let mut options = GatewayOptions {
        concurrency: Some(workers),
        arguments: arguments.map(|&argument| argument.to_owned()).collect(),
        kt: build.kt.map(Path::to_path_buf),
        ..GatewayOptions::default()
    };
    if let Some(module) = build.module {
        let variable = String::from("KEEPTRUSTS_FILTER_WASM");
        options
            .variables
            .push((variable, module.display().to_string()));
    }
    Gateway::start_with(&scenario::policy(upstream), &options).await
}

async fn measure(scenario: &Scenario, side: &Side, options: &Options) -> Outcome<Measured> {
    let scenario = scenario.with_headers(&side.headers);
    let mut load = Load::connect(&side.address, &scenario).await?;
    load.run_for(options.warm_up).await?;
    let cpu_before = side.process.cpu_time()?;
    let mut measured = load.run_for(options.window).await?;
    measured.cpu = side.process.cpu_time()?.saturating_sub(cpu_before);
    Ok(measured)
}
