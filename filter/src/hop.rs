//! The hop: an attempt that an inner route sends to its cluster and times, because its timeout is shorter than the
//! request's, because it is hedged, or because this Envoy cannot route a retry to another cluster (`AttemptRouting::Hop`).
//!
//! Envoy holds one per-try timeout for a whole request, and before 1.39 one cluster. So the router sends such an attempt
//! through an internal listener; this filter tells that listener which cluster to use and how long to wait. The target
//! filter behind it does all the rest. See `policy::cluster`.

use std::cell::RefCell;
use std::rc::Rc;

use policy::cluster::INNER_CLUSTER_HEADER;

use crate::answers::Answer;
use crate::headers::{FINAL, NO_CLUSTER, OVERLOADED};
use crate::host::Host;
use crate::journey::Journey;
use crate::target::ending::{self, Ending};
use crate::target::{TOKEN_HEADER, announce_next, begin_next};
use crate::vm::Vm;
use crate::{Flow, state};

/// One attempt on its way to the internal listener.
pub struct Hop {
    vm: Rc<Vm>,
    /// The attempt.
    begun: Option<(Rc<RefCell<Journey>>, usize)>,
}

impl Hop {
    /// For one attempt.
    pub fn new(vm: Rc<Vm>) -> Self {
        Self { vm, begun: None }
    }

    /// Adds what the inner route reads. The inner request has a header map of its own, so the target filter's changes
    /// end with it; these three are removed by it and never reach a provider.
    pub fn on_request_headers(&mut self, host: &impl Host) -> Flow {
        let token = host
            .property(&[state::TOKEN])
            .ok()
            .and_then(|token| Some(u64::from_le_bytes(token.try_into().ok()?)));
        let found = token.and_then(|token| Some((token, self.vm.journeys.find(token)?)));
        let Some((token, journey)) = found else {
            return crate::respond(host, &Answer::restarted());
        };
        match hand_over(host, token, &journey) {
            Some(index) => {
                self.begun = Some((journey, index));
                Flow::Continue
            }
            None => {
                let client = journey.borrow().client;
                crate::respond(
                    host,
                    &Answer::internal(client, "the gateway could not time this attempt"),
                )
            }
        }
    }

    /// The head of the inner listener's answer. A full pool may have turned the attempt away before its target filter saw
    /// it, or its cluster may be missing. To the router outside, that is a status like any other: it goes on to the next target, which it does not when a
    /// pool of its own is full.
    pub fn on_response_headers(&mut self, host: &impl Host) -> Flow {
        let Some((journey, index)) = &self.begun else {
            return Flow::Continue;
        };
        if journey.borrow().is_answered_with_error() {
            // Behind the hop it looks like any other failure, which the router would retry.
            if let Err(error) = host.set_response_header(FINAL, b"true") {
                log::error!("an answer that is the client's may be asked for again: {error}");
            }
            return Flow::Continue;
        }
        if journey.borrow().is_met(*index) {
            // What it says is the provider's. The router outside knows nothing of what the target filter has announced.
            announce_next(host, &journey.borrow(), *index);
            return Flow::Continue;
        }
        let ending = if host.response_header(OVERLOADED).is_ok() {
            Ending::TurnedAway
        } else if host.response_header(NO_CLUSTER).is_ok() {
            let journey = journey.borrow();
            let cluster = journey.attempt_cluster(*index).unwrap_or_default();
            log::error!("Envoy has no cluster {cluster}: an attempt at it failed");
            Ending::NoCluster
        } else {
            return Flow::Continue;
        };
        let mut journey = journey.borrow_mut();
        ending::end(&self.vm, host, &mut journey, *index, ending, host.now());
        Flow::Continue
    }
}

fn hand_over(host: &impl Host, token: u64, journey: &Rc<RefCell<Journey>>) -> Option<usize> {
    let index = begin_next(host, journey)?;
    let journey = journey.borrow();
    let cluster = journey.attempt_cluster(index)?;
    let timeout = journey.entry(index)?.timeout_ms.to_string();
    let token = format!("{token}.{index}");
    let headers = host.request_headers().ok()?;
    let mut ours = vec![
        (TOKEN_HEADER, token.as_bytes()),
        (INNER_CLUSTER_HEADER, cluster.as_bytes()),
    ];
    if journey.stream {
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
