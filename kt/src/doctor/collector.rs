//! Does the collector answer?

use std::time::{Duration, Instant};

use super::Subject;
use super::report::Finding;
use crate::http::agent;

const PATIENCE: Duration = Duration::from_secs(3);
const CHECK: &str = "collector";

/// The collector that gateways deliver to.
pub(crate) fn finding(subject: &Subject) -> Finding {
    let scheme = subject.collector.scheme();
    let url = format!("{scheme}://{}", subject.collector.authority());
    let begin = Instant::now();
    let answer =
        agent(PATIENCE).and_then(|agent| Ok(agent.get(format!("{url}/v1/health")).call()?));
    let latency_ms = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
    match answer {
        Ok(answer) if answer.status().is_success() => {
            Finding::ok(CHECK, format!("{url} answers")).after(latency_ms)
        }
        Ok(answer) => Finding::failed(
            CHECK,
            format!(
                "{url} answered {}: is another program there?",
                answer.status()
            ),
        ),
        Err(_) if subject.collector_is_own => Finding::ok(
            CHECK,
            format!("nobody at {url}; `kt gateway run` starts it"),
        ),
        Err(error) => Finding::failed(CHECK, format!("{url} does not answer: {error}")),
    }
}
