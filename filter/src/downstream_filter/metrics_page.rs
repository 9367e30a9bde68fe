//! `GET /metrics`: Envoy's own statistics, and behind them what this gateway has counted.

use protocols::ClientFormat;

use super::{DownstreamFilter, Stage, remove_response_header};
use crate::config::AuthRule;
use crate::host::{HeaderList, Host};
use crate::local_reply::Answer;
use crate::{Flow, keys, metrics_text};

/// Port at which the request came in.
const PORT: [&str; 2] = ["destination", "port"];

impl DownstreamFilter {
    /// Lets the request go to Envoy's statistics, whoever may see them.
    pub(super) fn show_metrics(&mut self, host: &impl Host, headers: &HeaderList) -> Flow {
        let settings = &self.config.policy.telemetry.prometheus;
        if settings
            .port
            .is_some_and(|port| port_of(host) != Some(port.into()))
        {
            return self.answer(host, Answer::unknown_path("/metrics"));
        }
        if settings.require_key {
            let control = self.vm.control(&self.config);
            let presented = keys::presented(headers);
            let admitted = control.admit(presented, host.now().unix_ms, AuthRule::Required);
            if let Err(why) = admitted {
                let answer = Answer::no_good_key(ClientFormat::ChatCompletions, why);
                return self.answer(host, answer);
            }
        }
        // Envoy would answer some readers in protobuf, which nothing can be added to.
        if headers.text("accept").is_some()
            && let Err(error) = host.remove_request_header("accept")
        {
            log::error!("metrics may come in a form that nothing can be added to: {error}");
            self.stage = Stage::Done;
            return Flow::Continue;
        }
        self.stage = Stage::Metrics;
        Flow::Continue
    }

    /// At a port for metrics there is nothing else.
    pub(super) fn is_at_metrics_port(&self, host: &impl Host) -> bool {
        let port = self.config.policy.telemetry.prometheus.port;
        port.is_some_and(|port| port_of(host) == Some(port.into()))
    }

    /// The head of Envoy's answer: the page grows.
    pub(super) fn begin_page(&mut self, host: &impl Host) {
        let status = host.response_header(":status").unwrap_or_default();
        if status == b"200" {
            remove_response_header(host, "content-length");
        } else {
            self.stage = Stage::Done;
        }
    }

    /// A piece of Envoy's answer, of which `size` bytes are at hand; behind the last one comes the rest of the page.
    pub fn on_response_body(&mut self, host: &impl Host, size: usize, end_of_stream: bool) -> Flow {
        if !end_of_stream || !matches!(self.stage, Stage::Metrics) {
            return Flow::Continue;
        }
        self.stage = Stage::Done;
        let mut page = match size {
            0 => Vec::new(),
            size => host.response_body(0, size).unwrap_or_default(),
        };
        page.extend_from_slice(metrics_text::of(host, &self.vm, &self.config).as_bytes());
        if let Err(error) = host.set_response_body(&page) {
            log::error!("the metrics of this gateway could not be shown: {error}");
        }
        Flow::Continue
    }
}

fn port_of(host: &impl Host) -> Option<u64> {
    let port = host.property(&PORT).ok()?;
    Some(u64::from_le_bytes(port.as_slice().try_into().ok()?))
}
