//! What the gateway itself asks of a target: embeddings and judgements, with the target's own key.
//!
//! A request waits for these, so that a target that hangs must not be asked again and again. Each callout takes part in
//! the health of its target. Beside that, the callouts of a target have a breaker of their own: an endpoint for
//! embeddings may hang while the same target completes, whose successes would end every row of failures.

use catalog::Provider;
use policy::cluster::call_cluster_name;
use policy::{Target, TargetId};
use protocols::error;
use routing::health::Outcome;

use crate::config::GatewayConfig;
use crate::host::{HeaderList, Host, HostResult, Now};
use crate::upstream_filter::attempt_outcome;
use crate::worker::Worker;

/// A callout that lasted for this share of its timeout, in percent, died of it.
const TIMEOUT_SHARE_PERCENT: u64 = 97;

/// A question that a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Callout {
    /// Of the host's callback.
    pub(crate) token: u32,
    target: TargetId,
    sent_ns: u64,
    timeout_ms: u64,
}

/// Where a question goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CalloutRequest<'a> {
    pub(crate) target: TargetId,
    pub(crate) path: &'a str,
    pub(crate) body: &'a [u8],
    pub(crate) timeout_ms: u64,
}

/// What came of a callout.
#[derive(Debug)]
pub(crate) struct Answer {
    /// `None` where no answer came.
    pub(crate) status: Option<u16>,
    pub(crate) body: Vec<u8>,
    headers: HeaderList,
}

/// Asks, unless the target or its callouts are put aside: then there is nothing to wait for.
pub(crate) fn ask(
    host: &impl Host,
    vm: &Worker,
    config: &GatewayConfig,
    question: CalloutRequest<'_>,
) -> Option<Callout> {
    let now = host.now();
    let target = config.policy.target(question.target)?;
    if !vm.admits_callout(host, config, question.target, now) {
        return None;
    }
    let sent = post_json(
        host,
        target,
        question.path,
        question.body,
        question.timeout_ms,
    );
    let Ok(token) = sent else {
        vm.signal_callout(host, config, question.target, Outcome::Inconclusive, now);
        return None;
    };
    Some(Callout {
        token,
        target: question.target,
        sent_ns: now.monotonic_ns,
        timeout_ms: question.timeout_ms,
    })
}

/// Reads at most `max_bytes` of the answer to the callout whose callback this is.
pub(crate) fn read(host: &impl Host, max_bytes: usize) -> Answer {
    let headers = host.call_response_headers().unwrap_or_default();
    let status = headers
        .text(":status")
        .and_then(|status| status.parse().ok());
    let body = match status {
        Some(_) => host.call_response_body(max_bytes).unwrap_or_default(),
        None => Vec::new(),
    };
    Answer {
        status,
        body,
        headers,
    }
}

impl Callout {
    /// Tells the target's health how it went. `is_readable`: an answer of success was what had been asked for.
    pub(crate) fn report(
        self,
        host: &impl Host,
        vm: &Worker,
        config: &GatewayConfig,
        answer: &Answer,
        is_readable: bool,
    ) {
        let now = host.now();
        let provider = config
            .policy
            .target(self.target)
            .map_or(Provider::COMPATIBLE, |target| target.vendor);
        let outcome = self.outcome(provider, answer, is_readable, now);
        vm.signal_callout(host, config, self.target, outcome, now);
    }

    /// Nobody waits for the answer any more.
    pub(crate) fn abandon(self, host: &impl Host, vm: &Worker, config: &GatewayConfig) {
        vm.signal_callout(
            host,
            config,
            self.target,
            Outcome::ClientDisconnected,
            host.now(),
        );
    }

    fn outcome(self, provider: Provider, answer: &Answer, is_readable: bool, now: Now) -> Outcome {
        let waited_ms = now.monotonic_ns.saturating_sub(self.sent_ns) / 1_000_000;
        let is_late =
            waited_ms.saturating_mul(100) >= self.timeout_ms.saturating_mul(TIMEOUT_SHARE_PERCENT);
        match answer.status {
            // 504 is Envoy's own word for an answer that did not come in time.
            None | Some(504) if is_late => Outcome::TimedOut,
            None => Outcome::ConnectFailed,
            Some(200..=299) if is_readable => Outcome::Success {
                latency_ms: u32::try_from(waited_ms).unwrap_or(u32::MAX),
            },
            // It keeps nobody waiting, and what it makes of a request may be the client's doing.
            Some(200..=299) => Outcome::Inconclusive,
            Some(status) => {
                let headers: Vec<_> = answer.headers.iter().collect();
                attempt_outcome::outcome_of(&error::classify(
                    provider,
                    status,
                    &headers,
                    &answer.body,
                ))
            }
        }
    }
}

/// Sends a JSON `body` to `path` of `target`; the answer comes by callback with the returned token.
pub(crate) fn post_json(
    host: &impl Host,
    target: &Target,
    path: &str,
    body: &[u8],
    timeout_ms: u64,
) -> HostResult<u32> {
    let authority = target.base_url.authority();
    let headers: [(&str, &[u8]); 7] = [
        (":method", b"POST"),
        (":path", path.as_bytes()),
        (":authority", authority.as_bytes()),
        (":scheme", target.base_url.scheme().as_bytes()),
        ("content-type", b"application/json"),
        ("accept", b"application/json"),
        ("user-agent", b"keeptrusts-gateway"),
    ];
    host.call(&call_cluster_name(target), &headers, body, timeout_ms)
}
