//! The hop: an attempt that an inner route sends to its cluster and times, because its timeout is shorter than the
//! request's, because it is hedged, or because this Envoy cannot route a retry to another cluster (`AttemptRouting::Hop`).
//!
//! Envoy holds one per-try timeout for a whole request, and before 1.39 one cluster. So the router sends such an attempt
//! through an internal listener; this filter tells that listener which cluster to use and how long to wait. The target
//! filter behind it does all the rest. See `policy::cluster`.

use std::cell::RefCell;
use std::rc::Rc;

use policy::cluster::INNER_CLUSTER_HEADER;

use crate::headers::{FINAL, NO_CLUSTER, OVERLOADED};
use crate::host::Host;
use crate::local_reply::Answer;
use crate::request_context::RequestContext;
use crate::upstream_filter::attempt_outcome::{self, AttemptOutcome};
use crate::upstream_filter::{TOKEN_HEADER, announce_next, begin_next};
use crate::worker::Worker;
use crate::{Flow, state};

/// One attempt on its way to the internal listener.
pub struct PerTryTimeoutFilter {
    vm: Rc<Worker>,
    /// The attempt.
    begun: Option<(Rc<RefCell<RequestContext>>, usize)>,
}

impl PerTryTimeoutFilter {
    /// For one attempt.
    pub fn new(vm: Rc<Worker>) -> Self {
        Self { vm, begun: None }
    }

    /// Adds what the inner route reads. The inner request has a header map of its own, so the upstream filter's changes
    /// end with it; these three are removed by it and never reach a provider.
    pub fn on_request_headers(&mut self, host: &impl Host) -> Flow {
        let token = host
            .property(&[state::TOKEN])
            .ok()
            .and_then(|token| Some(u64::from_le_bytes(token.try_into().ok()?)));
        let found = token.and_then(|token| Some((token, self.vm.registry.find(token)?)));
        let Some((token, context)) = found else {
            return crate::respond(host, &Answer::restarted());
        };
        match hand_over(host, token, &context) {
            Some(index) => {
                self.begun = Some((context, index));
                Flow::Continue
            }
            None => {
                let client = context.borrow().client;
                crate::respond(
                    host,
                    &Answer::internal(client, "the gateway could not time this attempt"),
                )
            }
        }
    }

    /// The head of the inner listener's answer. A full pool may have turned the attempt away before its upstream filter saw
    /// it, or its cluster may be missing. To the router outside, that is a status like any other: it goes on to the next target, which it does not when a
    /// pool of its own is full.
    pub fn on_response_headers(&mut self, host: &impl Host) -> Flow {
        let Some((context, index)) = &self.begun else {
            return Flow::Continue;
        };
        if context.borrow().is_answered_with_error() {
            // Behind the hop it looks like any other failure, which the router would retry.
            if let Err(error) = host.set_response_header(FINAL, b"true") {
                log::error!("an answer that is the client's may be asked for again: {error}");
            }
            return Flow::Continue;
        }
        if context.borrow().is_met(*index) {
            // What it says is the provider's. The router outside knows nothing of what the upstream filter has announced.
            announce_next(host, &context.borrow(), *index);
            return Flow::Continue;
        }
        let ending = if host.response_header(OVERLOADED).is_ok() {
            AttemptOutcome::TurnedAway
        } else if host.response_header(NO_CLUSTER).is_ok() {
            let context = context.borrow();
            let cluster = context.attempt_cluster(*index).unwrap_or_default();
            log::error!("Envoy has no cluster {cluster}: an attempt at it failed");
            AttemptOutcome::NoCluster
        } else {
            return Flow::Continue;
        };
        let mut context = context.borrow_mut();
        attempt_outcome::end(&self.vm, host, &mut context, *index, ending, host.now());
        Flow::Continue
    }
}

fn hand_over(host: &impl Host, token: u64, context: &Rc<RefCell<RequestContext>>) -> Option<usize> {
    let index = begin_next(host, context)?;
    let context = context.borrow();
    let cluster = context.attempt_cluster(index)?;
    let timeout = context.entry(index)?.timeout_ms.to_string();
    let token = format!("{token}.{index}");
    let headers = host.request_headers().ok()?;
    let mut ours = vec![
        (TOKEN_HEADER, token.as_bytes()),
        (INNER_CLUSTER_HEADER, cluster.as_bytes()),
    ];
    if context.stream {
        ours.push(("x-envoy-upstream-rq-per-try-timeout-ms", timeout.as_bytes()));
        // The inner cluster's whole-answer limit must not cut a stream that began in time.
        ours.push(("x-envoy-upstream-stream-duration-ms", b"0"));
    }
    let list: Vec<(&str, &[u8])> = headers
        .iter()
        .filter(|(name, _)| !ours.iter().any(|(own, _)| own == name))
        .chain(ours.iter().copied())
        .collect();
    host.set_request_headers(&list).ok()?;
    Some(index)
}
