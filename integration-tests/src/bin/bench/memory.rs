//! Memory of idle Envoys: what the filter costs once, and what each worker adds.

use std::net::SocketAddr;
use std::time::Duration;

use crate::options::Build;
use crate::process::{Memory, Process};
use crate::{Outcome, plain_envoy, start_gateway};

/// The larger of the two numbers of workers that are compared.
pub(crate) const MANY: u32 = 4;
/// After the start, until nothing changes any more.
const SETTLING: Duration = Duration::from_secs(1);

/// Plain and with the filter, as they are after the start.
#[derive(Debug)]
pub(crate) struct Idle {
    pub(crate) plain: ByWorkers,
    pub(crate) filter: ByWorkers,
}

#[derive(Debug)]
pub(crate) struct ByWorkers {
    /// With one worker.
    pub(crate) one: Memory,
    /// With [`MANY`].
    pub(crate) many: Memory,
}

/// Starts and stops four Envoys, one after the other.
pub(crate) async fn measure(upstream: SocketAddr) -> Outcome<Idle> {
    eprintln!("measuring: memory when idle");
    Ok(Idle {
        plain: ByWorkers {
            one: plain(upstream, 1).await?,
            many: plain(upstream, MANY).await?,
        },
        filter: ByWorkers {
            one: filter(upstream, 1).await?,
            many: filter(upstream, MANY).await?,
        },
    })
}

async fn plain(upstream: SocketAddr, workers: u32) -> Outcome<Memory> {
    let envoy = plain_envoy::start(upstream, workers).await?;
    tokio::time::sleep(SETTLING).await;
    let memory = envoy.process().memory()?;
    envoy.stop().await?;
    Ok(memory)
}

async fn filter(upstream: SocketAddr, workers: u32) -> Outcome<Memory> {
    let gateway = start_gateway(upstream, workers, Build::default(), &[]).await;
    tokio::time::sleep(SETTLING).await;
    let memory = Process::envoy_of(&gateway)?.memory()?;
    gateway.stop().await;
    Ok(memory)
}

impl Idle {
    /// Bytes that one more worker costs beyond what it costs in plain Envoy.
    pub(crate) fn per_worker(&self, of: fn(&Memory) -> u64) -> i64 {
        (self.filter.growth(of) - self.plain.growth(of)) / i64::from(MANY - 1)
    }

    /// Bytes that the filter costs a process, whatever the number of workers.
    pub(crate) fn once(&self, of: fn(&Memory) -> u64) -> i64 {
        of(&self.filter.one).cast_signed() - of(&self.plain.one).cast_signed() - self.per_worker(of)
    }
}

impl ByWorkers {
    fn growth(&self, of: fn(&Memory) -> u64) -> i64 {
        of(&self.many).cast_signed() - of(&self.one).cast_signed()
    }
}
