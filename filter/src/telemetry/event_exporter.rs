//! The exporter: takes this VM's events to the collector, one batch at a time.

use std::cell::{Cell, RefCell};

use events::{Outbox, OutboxLimits, WriteNdjson};

use crate::host::{Host, MetricKind, Now};

/// Milliseconds that the collector may take for a batch.
const TIMEOUT_MS: u64 = 10_000;
/// Events that wait in any VM of this process, or are on their way.
const PENDING: &str = "kt_events_pending";
/// Events that were given up.
const DROPPED: &str = "kt_events_dropped";

/// How the collector is reached.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Address<'a> {
    /// Cluster of Envoy, which adds the token.
    pub(crate) cluster: &'a str,
    /// For `:authority`.
    pub(crate) authority: &'a str,
}

/// Events of one VM on their way.
#[derive(Debug)]
pub(crate) struct EventExporter {
    outbox: RefCell<Outbox>,
    call: Cell<Option<u32>>,
    gauges: Cell<Option<Gauges>>,
}

/// Metrics belong to the whole process; each VM adds what has changed since it last did.
#[derive(Debug, Clone, Copy)]
struct Gauges {
    pending: u32,
    dropped: u32,
    told_pending: u64,
    told_dropped: u64,
}

impl EventExporter {
    pub(crate) fn new() -> Self {
        Self {
            outbox: RefCell::new(Outbox::new(OutboxLimits::default())),
            call: Cell::new(None),
            gauges: Cell::new(None),
        }
    }

    /// Takes an event along.
    pub(crate) fn post(&self, event: &impl WriteNdjson, now: Now) {
        self.outbox.borrow_mut().push(event, now.monotonic_ms());
    }

    /// Sends what is due, from a root context.
    pub(crate) fn on_tick(&self, host: &impl Host, address: Address<'_>) {
        self.send_due(host, address);
        self.tell(host);
    }

    /// The collector answered, or its time was over. `false` when the call was somebody else's.
    pub(crate) fn on_call_response(
        &self,
        host: &impl Host,
        token: u32,
        address: Address<'_>,
    ) -> bool {
        if self.call.get() != Some(token) {
            return false;
        }
        self.call.set(None);
        let headers = host.call_response_headers().unwrap_or_default();
        let status = headers
            .text(":status")
            .and_then(|status| status.parse::<u16>().ok());
        let mut outbox = self.outbox.borrow_mut();
        match status {
            Some(200..=299) => {
                if outbox.failures_in_a_row() > 0 {
                    log::info!("the collector takes events again");
                }
                outbox.acknowledged();
            }
            // The batch itself is at fault: another try would end the same way.
            Some(400) => {
                let lost = outbox.refused();
                log::error!(
                    "the collector refused a batch with status 400: {lost} events are lost"
                );
            }
            Some(413) => {
                let lost = outbox.refused_as_too_large();
                if lost > 0 {
                    log::error!("an event is too large for the collector and lost");
                }
            }
            Some(_) | None => {
                outbox.failed(host.now().monotonic_ms(), host.random());
                if outbox.failures_in_a_row() == 1 {
                    let what = status.map_or_else(
                        || String::from("did not answer"),
                        |status| format!("answered with status {status}"),
                    );
                    let waiting = outbox.pending();
                    log::warn!(
                        "the collector {what}; {waiting} events wait and will be sent again"
                    );
                }
            }
        }
        drop(outbox);
        self.send_due(host, address);
        self.tell(host);
        true
    }

    fn send_due(&self, host: &impl Host, address: Address<'_>) {
        let mut outbox = self.outbox.borrow_mut();
        let now_ms = host.now().monotonic_ms();
        let Some(batch) = outbox.take_due(now_ms, host.random()) else {
            return;
        };
        let headers: [(&str, &[u8]); 4] = [
            (":method", b"POST"),
            (":path", b"/v1/events"),
            (":authority", address.authority.as_bytes()),
            ("content-type", b"application/x-ndjson"),
        ];
        match host.call(address.cluster, &headers, batch, TIMEOUT_MS) {
            Ok(token) => self.call.set(Some(token)),
            Err(error) => {
                outbox.failed(now_ms, host.random());
                if outbox.failures_in_a_row() == 1 {
                    log::warn!(
                        "events cannot be sent to cluster {}: {error}",
                        address.cluster
                    );
                }
            }
        }
    }

    /// Metrics must never fail a request: what the host does not take is left.
    fn tell(&self, host: &impl Host) {
        let gauges = self.gauges.get().or_else(|| {
            Some(Gauges {
                pending: host.define_metric(MetricKind::Gauge, PENDING).ok()?,
                dropped: host.define_metric(MetricKind::Counter, DROPPED).ok()?,
                told_pending: 0,
                told_dropped: 0,
            })
        });
        let Some(mut gauges) = gauges else {
            return;
        };
        let (pending, dropped) = {
            let outbox = self.outbox.borrow();
            (outbox.pending(), outbox.dropped())
        };
        add(host, gauges.pending, gauges.told_pending, pending);
        add(host, gauges.dropped, gauges.told_dropped, dropped);
        gauges.told_pending = pending;
        gauges.told_dropped = dropped;
        self.gauges.set(Some(gauges));
    }
}

fn add(host: &impl Host, metric: u32, before: u64, now: u64) {
    let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let change = signed(now).saturating_sub(signed(before));
    if change != 0 {
        let _ = host.add_to_metric(metric, change);
    }
}
