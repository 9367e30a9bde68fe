//! The monitor's question to the collector: once a second, what is in force.

use events::{ControlState, KnownControl, LostState};
use protocols::json;

use super::Control;
use crate::budget;
use crate::host::Host;
use crate::shared;
use crate::telemetry::Address;

/// Milliseconds between questions.
const INTERVAL_MS: u64 = 1_000;
/// Milliseconds that an answer may take.
const TIMEOUT_MS: u64 = 5_000;
/// Longest answer that is read, in bytes.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Who asks, and when.
#[derive(Debug, Default)]
pub(crate) struct ControlPoll {
    /// By the clock that never jumps.
    asked_ms: Option<u64>,
    under_way: Option<u32>,
    failing: bool,
    /// What is lost, as far as it was told.
    told: LostState,
    /// The collector wants to see the policy.
    send_policy: bool,
    /// The collector refused a report.
    takes_no_reports: bool,
}

impl ControlPoll {
    /// Asks when it is time, and tells what `report` makes of the gateway; its argument says whether the collector asked
    /// for the policy.
    pub(crate) fn on_tick(
        &mut self,
        host: &impl Host,
        address: Address<'_>,
        instance_id: &str,
        report: impl FnOnce(bool) -> Vec<u8>,
    ) {
        let now_ms = host.now().monotonic_ms();
        let waited_ms = self
            .asked_ms
            .map_or(u64::MAX, |asked_ms| now_ms.saturating_sub(asked_ms));
        // An answer that did not come within its timeout never will.
        let is_waiting = self.under_way.is_some() && waited_ms < 2 * TIMEOUT_MS;
        if waited_ms < INTERVAL_MS || is_waiting {
            return;
        }
        self.asked_ms = Some(now_ms);
        let path = format!("/v1/control?instance_id={instance_id}");
        let (method, body): (&[u8], _) = if self.takes_no_reports {
            (b"GET", Vec::new())
        } else {
            (b"POST", report(std::mem::take(&mut self.send_policy)))
        };
        let headers: [(&str, &[u8]); 5] = [
            (":method", method),
            (":path", path.as_bytes()),
            (":authority", address.authority.as_bytes()),
            ("accept", b"application/json"),
            ("content-type", b"application/json"),
        ];
        let sent = if body.is_empty() {
            headers.split_at(4).0
        } else {
            headers.as_slice()
        };
        self.under_way = host.call(address.cluster, sent, &body, TIMEOUT_MS).ok();
        if self.under_way.is_none() {
            self.failed("it has no cluster");
        }
    }

    /// An answer came, or its time was over. `false` when it answers another question.
    /// `remembered` is what this gateway knew before this process began.
    pub(crate) fn on_call_response(
        &mut self,
        host: &impl Host,
        token: u32,
        remembered: &KnownControl,
    ) -> bool {
        if self.under_way != Some(token) {
            return false;
        }
        self.under_way = None;
        let headers = host.call_response_headers().unwrap_or_default();
        match headers.text(":status") {
            Some("200") => {}
            // A collector of somebody else's, which only answers the question.
            Some("404" | "405" | "415" | "501") if !self.takes_no_reports => {
                self.takes_no_reports = true;
                self.asked_ms = None;
                return true;
            }
            Some(status) => {
                self.failed(&format!("it answered with status {status}"));
                return true;
            }
            None => {
                self.failed("it did not answer");
                return true;
            }
        }
        let body = host.call_response_body(MAX_BYTES).unwrap_or_default();
        match json::parse::<ControlState>(&body) {
            Ok(state) => {
                self.send_policy = state.send_policy;
                let mut known = shared::known_control(host).unwrap_or_else(|| remembered.clone());
                known.learn(state);
                self.tell_losses(&known);
                publish(host, &known);
                self.failing = false;
            }
            Err(error) => self.failed(&format!("expected the control state: {error}")),
        }
        true
    }

    /// Said once until it is another one.
    fn tell_losses(&mut self, known: &KnownControl) {
        let lost = known.state.lost;
        let told = std::mem::replace(&mut self.told, lost);
        if lost.keys && !told.keys {
            log::warn!(
                "the collector has lost gateway keys: keys stay required; make new ones, or let everybody in with --allow-anonymous"
            );
        }
        if lost.budgets && !told.budgets {
            log::warn!(
                "the collector has lost budgets or what was spent of them: limits and amounts stay in force; {} budgets are to be created again before they can be changed or deleted",
                known.kept_budgets()
            );
        }
        if lost.is_none() && !told.is_none() {
            log::warn!("the collector knows all keys and budgets again");
        }
    }

    /// Said once until it works again.
    fn failed(&mut self, why: &str) {
        if !self.failing {
            log::warn!(
                "the collector's control state cannot be had: {why}; what was in force stays so"
            );
            self.failing = true;
        }
    }
}

fn publish(host: &impl Host, known: &KnownControl) {
    if shared::publish_control(host, known) {
        budget::forget_other_accounts(host, &Control::of(known));
    }
}
