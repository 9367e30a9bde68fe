//! The contexts over a host that refuses what Envoy would refuse.

mod attempt_outcome;
mod blame;
mod callouts;
mod client_headers;
mod clock;
mod context_length;
mod control;
mod downstream_filter;
mod embedding;
mod full_pool;
mod header_values;
mod health;
mod health_checker;
mod host_calls;
mod loss;
mod metrics_page;
mod open_stream;
mod per_try_timeout;
mod pieces;
mod policies;
mod telemetry;
mod traces;
mod upstream_filter;

use std::rc::Rc;

use crate::config::{self, GatewayConfig, Role};
use crate::downstream_filter::DownstreamFilter;
use crate::host::fake::{FakeHost, LocalAnswer, Phase};
use crate::worker::Worker;
use crate::{Flow, state};

/// Two targets with a failover group, and one that mixes timeouts.
const POLICY: &str = "
providers:
  targets:
    - id: first
      provider: {base_url: 'http://127.0.0.1:1/v1', type: openai-compatible, secret_key_ref: {env: A}}
      health_check: {enabled: false}
    - id: second
      provider: {base_url: 'http://127.0.0.1:2/v1', type: openai-compatible, secret_key_ref: {env: B}}
      health_check: {enabled: false}
max_request_bytes: 2000
model_groups:
  - name: chain
    aliases: [chain-alias]
    models:
      - {provider: first, model: one, timeout_ms: 1000}
      - {provider: second, model: two, timeout_ms: 1000}
  - name: mixed
    models:
      - {provider: first, model: one, timeout_ms: 500}
      - {provider: second, model: two, timeout_ms: 2000}
";

fn gateway_config(policy: &str) -> Rc<GatewayConfig> {
    match config::read(policy.as_bytes()).unwrap() {
        Role::Gateway(config) => config,
        other => panic!("{other:?}"),
    }
}

/// One request through the downstream filter up to its dispatch or answer.
struct Visit {
    host: FakeHost,
    vm: Rc<Worker>,
    gateway: DownstreamFilter,
    body: Vec<u8>,
}

impl Visit {
    fn new(policy: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Self {
        let host = FakeHost::with_request(method, path, headers, body.as_bytes());
        let vm = Rc::new(Worker::new(&host));
        let gateway = DownstreamFilter::new(Rc::clone(&vm), gateway_config(policy));
        let body = body.as_bytes().to_vec();
        Self {
            host,
            vm,
            gateway,
            body,
        }
    }

    fn chat(body: &str) -> Self {
        Self::new(
            POLICY,
            "POST",
            "/v1/chat/completions",
            &[("content-type", "application/json")],
            body,
        )
    }

    fn enter(&mut self) -> Flow {
        let size = self.host.request_body.borrow().len();
        let flow = self
            .gateway
            .on_request_headers(self.host.in_phase(Phase::RequestHeaders), size == 0);
        if size == 0 || self.host.answer.borrow().is_some() {
            return flow;
        }
        let flow = self
            .gateway
            .on_request_body(self.host.in_phase(Phase::RequestBody), size, true);
        self.body = self.host.request_body.borrow().clone();
        flow
    }

    fn answer(&self) -> LocalAnswer {
        self.host
            .answer
            .borrow()
            .clone()
            .expect("answered by the gateway")
    }

    fn answer_json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.answer().body).unwrap()
    }

    fn cluster(&self) -> String {
        String::from_utf8(self.host.state(state::CLUSTER).unwrap()).unwrap()
    }
}
