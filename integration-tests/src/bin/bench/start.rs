//! How long a gateway takes from nothing to its first answer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::load::Load;
use crate::options::Build;
use crate::report::{Spread, format_spread, markdown};
use crate::scenario::{self, Pace};
use crate::{Outcome, plain_envoy, start_gateway};

/// Starts plain Envoy and the gateway `times` times each, in turns, with one worker: the table.
pub(crate) async fn measure(upstream: SocketAddr, times: usize) -> Outcome<String> {
    eprintln!("measuring: start");
    let (mut plain, mut ready, mut answered) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..times {
        let begin = Instant::now();
        let envoy = plain_envoy::start(upstream, 1).await?;
        first_answer(&envoy.address()).await?;
        plain.push(begin.elapsed());
        envoy.stop().await?;

        let begin = Instant::now();
        let gateway = start_gateway(upstream, 1, Build::default(), &[]).await;
        ready.push(begin.elapsed());
        first_answer(gateway.url().trim_start_matches("http://")).await?;
        answered.push(begin.elapsed());
        gateway.stop().await;
    }
    let row = |what: &str, times: &[Duration]| {
        let seconds = Spread::of(times.iter().map(Duration::as_secs_f64));
        vec![what.to_owned(), format_spread(&seconds, 2)]
    };
    let table = markdown(&[
        vec![String::from("Start"), String::from("seconds")],
        row("plain Envoy, to the first answer", &plain),
        row("kt gateway run, until it says that it is ready", &ready),
        row("kt gateway run, to the first answer", &answered),
    ]);
    Ok(format!("\n{table}"))
}

async fn first_answer(address: &str) -> Outcome<()> {
    Load::connect(address, &scenario::small(Pace::Closed(1))).await?;
    Ok(())
}
