//! Targets that the gateway itself asks: one that hangs must not keep every request waiting.

use std::rc::Rc;

use policy::TargetId;
use routing::health::{Outcome, Phase as Health, Signal};
use serde_json::json;

use super::gateway_config;
use crate::config::GatewayConfig;
use crate::downstream_filter::DownstreamFilter;
use crate::host::fake::{FakeHost, Phase};
use crate::worker::Worker;
use crate::{Flow, state};

const POLICY: &str = "
providers:
  targets:
    - {id: poet, provider: openai, secret_key_ref: {env: A}, health_check: {enabled: false}}
    - id: embedder
      provider: {base_url: 'http://127.0.0.1:3/v1', type: openai-compatible, secret_key_ref: {env: C}}
      health_check: {enabled: false}
      circuit_breaker: {failure_threshold: 3, cooldown_seconds: 30}
model_groups:
  - name: topics
    strategy: semantic
    embedding: {provider: embedder, model: small, timeout_ms: 300}
    models:
      - {provider: poet, model: m, timeout_ms: 1000, description: poems}
  - {name: plain, models: [{provider: poet, model: m, timeout_ms: 1000}]}
";
const MODERATED: &str = "
policies:
  chain: [content-filter]
  policy:
    content-filter:
      categories: [pii]
      action: block
      moderation: {provider: embedder, timeout_ms: 300, on_error: allow}
";
const EMBEDDER: TargetId = TargetId(1);

struct Scene {
    host: FakeHost,
    vm: Rc<Worker>,
    config: Rc<GatewayConfig>,
    group: &'static str,
}

/// How a callout ends.
#[derive(Clone, Copy)]
enum End {
    Hangs,
    Status(&'static str),
    Serves,
}

impl Scene {
    fn with(policy: &str, group: &'static str) -> Self {
        let host = FakeHost::default();
        let vm = Rc::new(Worker::new(&host));
        let config = gateway_config(policy);
        vm.adopt(&host, &config);
        let scene = Self {
            host,
            vm,
            config,
            group,
        };
        vm_learns(&scene);
        scene
    }

    fn calls(&self) -> usize {
        self.host.calls.borrow().len()
    }

    fn later(&self, ms: u64) {
        self.host.now_ms.set(self.host.now_ms.get() + ms);
    }

    fn request(&self) -> (DownstreamFilter, Flow) {
        let body =
            json!({"model": self.group, "messages": [{"role": "user", "content": "Fix this"}]});
        let body = body.to_string().into_bytes();
        let size = body.len();
        self.host.request_body.replace(body);
        let head = [
            (":method", "POST"),
            (":path", "/v1/chat/completions"),
            (":authority", "gateway"),
        ];
        let head = head.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        self.host.request_headers.replace(head.to_vec());
        let mut gateway = DownstreamFilter::new(Rc::clone(&self.vm), Rc::clone(&self.config));
        gateway.on_request_headers(self.host.in_phase(Phase::RequestHeaders), false);
        let host = self.host.in_phase(Phase::RequestBody);
        let flow = gateway.on_request_body(host, size, true);
        (gateway, flow)
    }

    fn answer(&self, gateway: &mut DownstreamFilter, end: End) {
        let (status, waited_ms) = match end {
            // Envoy's own word.
            End::Hangs => (Some("504"), 300),
            End::Status(status) => (Some(status), 5),
            End::Serves => (Some("200"), 5),
        };
        self.later(waited_ms);
        let headers = status.map(|status| (String::from(":status"), status.as_bytes().to_vec()));
        self.host.call_answer.replace(headers.into_iter().collect());
        let body = json!({"data": [{"embedding": [1, 0]}], "results": vec![json!({"flagged": false, "categories": {"violence": false}}); 4]});
        self.host
            .call_answer_body
            .replace(body.to_string().into_bytes());
        let token = u32::try_from(self.calls()).unwrap();
        gateway.on_call_response(self.host.in_phase(Phase::RequestBody), token);
        gateway.on_end(self.host.in_phase(Phase::Outside));
    }

    /// A request, which waits if it asks. Whether it asked.
    fn visit(&self, end: End) -> bool {
        let before = self.calls();
        let (mut gateway, flow) = self.request();
        let asked = self.calls() > before;
        assert_eq!(
            flow == Flow::Pause,
            asked,
            "it waits for its callout, and for nothing else"
        );
        if asked {
            self.answer(&mut gateway, end);
        }
        assert!(
            self.host.state(state::CLUSTER).is_some(),
            "it is served in any case"
        );
        asked
    }
}

/// The texts of the members are known, where there are any.
fn vm_learns(scene: &Scene) {
    let (host, vm) = (&scene.host, &scene.vm);
    vm.embeddings.on_tick(host, vm, &scene.config);
    let headers = vec![(String::from(":status"), b"200".to_vec())];
    host.call_answer.replace(headers);
    let body = json!({"data": [{"embedding": [1, 0]}]});
    host.call_answer_body.replace(body.to_string().into_bytes());
    let token = u32::try_from(scene.calls()).unwrap();
    assert!(
        vm.embeddings
            .on_call_response(host, vm, &scene.config, token)
    );
}

fn each_kind() -> [Scene; 2] {
    let moderated = format!("{POLICY}{MODERATED}");
    [
        Scene::with(POLICY, "topics"),
        Scene::with(&moderated, "plain"),
    ]
}

#[test]
fn a_target_that_hangs_is_put_aside_after_a_few_requests_and_tried_by_one_at_a_time() {
    for scene in each_kind() {
        let waited = (0..20).filter(|_| scene.visit(End::Hangs)).count();
        assert_eq!(waited, 3, "{}", scene.group);
        // After the cool-down one request tries, and nobody waits beside it.
        scene.later(30_000);
        let (mut trying, flow) = scene.request();
        assert_eq!(flow, Flow::Pause);
        assert!(!scene.visit(End::Serves));
        scene.answer(&mut trying, End::Hangs);
        assert!(!scene.visit(End::Serves), "it hangs still");
        scene.later(30_000);
        for _ in 0..3 {
            assert!(scene.visit(End::Serves));
        }
        assert!(scene.visit(End::Serves), "it is back");
        assert_eq!(
            scene.vm.phase(&scene.config, EMBEDDER, scene.host.moment()),
            Health::Closed
        );
    }
}

#[test]
fn what_else_the_target_serves_does_not_hide_that_its_callouts_fail() {
    for scene in each_kind() {
        let mut waited = 0;
        for _ in 0..20 {
            waited += usize::from(scene.visit(End::Hangs));
            let served = Signal::Attempt(Outcome::Success { latency_ms: 5 });
            scene
                .vm
                .signal(&scene.host, &scene.config, EMBEDDER, served);
        }
        assert_eq!(waited, 3, "{}", scene.group);
        assert_eq!(
            scene.vm.phase(&scene.config, EMBEDDER, scene.host.moment()),
            Health::Closed,
            "its other requests go on"
        );
    }
}

#[test]
fn callouts_take_part_in_the_health_of_their_target() {
    for (end, phase) in [
        (End::Hangs, Health::Open),
        (End::Status("500"), Health::Open),
        (End::Status("401"), Health::Open),
        (End::Status("429"), Health::RateLimited),
        (End::Status("400"), Health::Closed),
        (End::Serves, Health::Closed),
    ] {
        for scene in each_kind() {
            for _ in 0..3 {
                scene.visit(end);
            }
            let is = scene.vm.phase(&scene.config, EMBEDDER, scene.host.moment());
            assert_eq!(is, phase, "{}", scene.group);
        }
    }
}

#[test]
fn a_target_that_is_put_aside_for_other_reasons_is_not_asked() {
    for scene in each_kind() {
        for _ in 0..3 {
            let failure = Signal::Attempt(Outcome::ConnectFailed);
            scene
                .vm
                .signal(&scene.host, &scene.config, EMBEDDER, failure);
        }
        let before = scene.calls();
        scene.request();
        assert_eq!(scene.calls(), before, "{}", scene.group);
    }
}

#[test]
fn a_client_that_leaves_while_its_callout_tries_gives_the_trial_back() {
    for scene in each_kind() {
        while scene.visit(End::Hangs) {}
        scene.later(30_000);
        let (mut trying, flow) = scene.request();
        assert_eq!(flow, Flow::Pause);
        trying.on_end(scene.host.in_phase(Phase::Outside));
        assert!(
            scene.visit(End::Serves),
            "{}: the next one tries",
            scene.group
        );
    }
}

#[test]
fn a_reload_keeps_what_is_known_of_callouts() {
    for scene in each_kind() {
        while scene.visit(End::Hangs) {}
        scene.vm.forget_other_targets(&scene.host, &scene.config);
        scene.vm.tick(&scene.host);
        assert!(!scene.visit(End::Hangs), "{}", scene.group);
    }
}

#[test]
fn an_answer_that_is_none_keeps_nobody_waiting_and_takes_nothing_from_others() {
    let scene = Scene::with(POLICY, "topics");
    for _ in 0..10 {
        let before = scene.calls();
        let (mut gateway, _) = scene.request();
        assert_eq!(scene.calls(), before + 1);
        let headers = vec![(String::from(":status"), b"200".to_vec())];
        scene.host.call_answer.replace(headers);
        scene.host.call_answer_body.replace(b"null".to_vec());
        let token = u32::try_from(scene.calls()).unwrap();
        gateway.on_call_response(scene.host.in_phase(Phase::RequestBody), token);
    }
}
