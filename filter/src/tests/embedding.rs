//! Requests that wait for the embedding of their last message.

use std::rc::Rc;

use policy::TargetId;
use routing::health::{Outcome, Signal};
use serde_json::{Value, json};

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
    - {id: coder, provider: openai, secret_key_ref: {env: B}, health_check: {enabled: false}}
    - {id: embedder, provider: {base_url: 'http://127.0.0.1:3/v1', type: openai-compatible, secret_key_ref: {env: C}}}
model_groups:
  - name: topics
    strategy: semantic
    min_similarity: 0.5
    embedding: {provider: embedder, model: small, timeout_ms: 300}
    models:
      - {provider: poet, model: m, timeout_ms: 1000, description: poems, examples: [rhyme]}
      - {provider: coder, model: m, timeout_ms: 1000, description: code}
  - {name: plain, models: [{provider: poet, model: m, timeout_ms: 1000}]}
";

/// What the members' three texts are taken for: poems point in one direction, code in the other.
fn lesson() -> Value {
    json!({"data": [{"embedding": [1, 0]}, {"embedding": [0.9, 0.1]}, {"embedding": [0, 1]}]})
}

struct Scene {
    host: FakeHost,
    vm: Rc<Worker>,
    config: Rc<GatewayConfig>,
}

impl Scene {
    fn new() -> Self {
        let host = FakeHost::default();
        let vm = Rc::new(Worker::new(&host));
        let config = gateway_config(POLICY);
        vm.adopt(&host, &config);
        Self { host, vm, config }
    }

    fn that_has_learnt() -> Self {
        let scene = Self::new();
        scene.tick();
        scene.answer_lesson("200", &lesson());
        scene
    }

    fn tick(&self) {
        self.vm
            .embeddings
            .on_tick(&self.host, &self.vm, &self.config);
    }

    /// Answers the last call, which was a lesson.
    fn answer_lesson(&self, status: &str, body: &Value) {
        self.call_is_answered(&[(":status", status)], body);
        let token = self.calls();
        let (host, vm) = (&self.host, &self.vm);
        assert!(
            vm.embeddings
                .on_call_response(host, vm, &self.config, token)
        );
    }

    fn call_is_answered(&self, headers: &[(&str, &str)], body: &Value) {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
        self.host.call_answer.replace(headers.collect());
        self.host
            .call_answer_body
            .replace(body.to_string().into_bytes());
    }

    fn calls(&self) -> u32 {
        u32::try_from(self.host.calls.borrow().len()).unwrap()
    }

    fn last_call(&self) -> (String, Value) {
        let calls = self.host.calls.borrow();
        let bodies = self.host.call_bodies.borrow();
        let body = serde_json::from_slice(bodies.last().unwrap()).unwrap();
        (calls.last().unwrap().0.clone(), body)
    }

    /// A request comes in, up to the end of its body.
    fn request(&self, model: &str) -> (DownstreamFilter, Flow) {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "Fix this"}]});
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

    fn way(&self) -> String {
        String::from_utf8(self.host.state(state::CLUSTER).unwrap()).unwrap()
    }
}

#[test]
fn members_texts_are_learnt_once_through_the_cluster_for_calls() {
    let scene = Scene::new();
    scene.tick();
    assert_eq!(
        scene.last_call(),
        (
            String::from("kt/embedder/calls"),
            json!({"model": "small", "input": ["poems", "rhyme", "code"]})
        )
    );
    scene.tick();
    assert_eq!(scene.calls(), 1, "it is under way");
    scene.answer_lesson("200", &lesson());
    scene.tick();
    assert_eq!(scene.calls(), 1, "it is learnt");
}

#[test]
fn a_lesson_that_fails_is_tried_again_later_and_later() {
    let scene = Scene::new();
    scene.tick();
    let one_missing = json!({"data": [{"embedding": [1, 0]}]});
    for (status, body, wait_ms) in [
        ("500", Value::Null, 1_000),
        ("200", one_missing, 2_000),
        ("200", Value::Null, 4_000),
    ] {
        let calls = scene.calls();
        scene.answer_lesson(status, &body);
        let now = scene.host.now_ms.get();
        scene.host.now_ms.set(now + wait_ms - 1);
        scene.tick();
        assert_eq!(scene.calls(), calls, "not before {wait_ms} ms");
        scene.host.now_ms.set(now + wait_ms);
        scene.tick();
        assert_eq!(scene.calls(), calls + 1, "after {wait_ms} ms");
    }
}

#[test]
fn a_request_waits_for_its_embedding_and_goes_to_the_nearest() {
    let scene = Scene::that_has_learnt();
    let (mut gateway, flow) = scene.request("topics");
    assert_eq!(flow, Flow::Pause);
    assert_eq!(
        scene.last_call(),
        (
            String::from("kt/embedder/calls"),
            json!({"model": "small", "input": ["Fix this"]})
        )
    );
    scene.call_is_answered(
        &[(":status", "200")],
        &json!({"data": [{"embedding": [0.1, 0.9]}]}),
    );
    gateway.on_call_response(&scene.host, scene.calls());
    assert_eq!(scene.way(), "kt/coder/1000ms");
    assert_eq!(scene.host.resumed.get(), 1);
    // Whatever else is answered later does not let it go on a second time.
    gateway.on_call_response(&scene.host, scene.calls());
    assert_eq!(scene.host.resumed.get(), 1);
}

#[test]
fn whatever_goes_wrong_the_first_member_serves() {
    for (headers, body) in [
        (vec![], Value::Null),
        (vec![(":status", "504")], Value::Null),
        (vec![(":status", "200")], json!({"data": []})),
        // Of another model: these vectors cannot be compared.
        (
            vec![(":status", "200")],
            json!({"data": [{"embedding": [0, 0, 1]}]}),
        ),
        // Near to nobody.
        (
            vec![(":status", "200")],
            json!({"data": [{"embedding": [-1, -1]}]}),
        ),
    ] {
        let scene = Scene::that_has_learnt();
        let (mut gateway, flow) = scene.request("topics");
        assert_eq!(flow, Flow::Pause);
        scene.call_is_answered(&headers, &body);
        gateway.on_call_response(&scene.host, scene.calls());
        assert_eq!(scene.way(), "kt/poet/1000ms", "{body}");
        assert_eq!(scene.host.resumed.get(), 1);
    }
}

#[test]
fn nobody_waits_where_it_would_be_in_vain() {
    let unlearnt = Scene::new();
    let sick = Scene::that_has_learnt();
    for _ in 0..3 {
        let failure = Signal::Attempt(Outcome::ServerError);
        sick.vm
            .signal(&sick.host, &sick.config, TargetId(2), failure);
    }
    let other = Scene::that_has_learnt();
    for (scene, model) in [(unlearnt, "topics"), (sick, "topics"), (other, "plain")] {
        let calls = scene.calls();
        let (_gateway, flow) = scene.request(model);
        assert_eq!((flow, scene.calls()), (Flow::Continue, calls));
        assert_eq!(scene.way(), "kt/poet/1000ms");
    }
}

#[test]
fn a_client_that_leaves_or_was_answered_by_envoy_is_not_sent_on() {
    let scene = Scene::that_has_learnt();
    scene.call_is_answered(
        &[(":status", "200")],
        &json!({"data": [{"embedding": [0, 1]}]}),
    );
    let (mut gone, _) = scene.request("topics");
    gone.on_end(scene.host.in_phase(Phase::Outside));
    gone.on_call_response(scene.host.in_phase(Phase::RequestBody), scene.calls());

    let (mut answered, _) = scene.request("topics");
    scene.host.set_response(&[(":status", "408")], b"");
    answered.on_response_headers(scene.host.in_phase(Phase::ResponseHeaders));
    answered.on_call_response(scene.host.in_phase(Phase::RequestBody), scene.calls());

    assert_eq!(scene.host.resumed.get(), 0);
    assert!(scene.host.state(state::CLUSTER).is_none());
    assert!(scene.vm.registry.is_empty());
}

#[test]
fn what_was_learnt_for_one_policy_is_not_used_for_the_next() {
    let scene = Scene::that_has_learnt();
    let next = gateway_config(&POLICY.replace("description: code", "description: music"));
    scene.vm.adopt(&scene.host, &next);
    // The old listener still drains, and its root still ticks.
    let calls = scene.calls();
    scene.tick();
    let (_gateway, flow) = scene.request("topics");
    assert_eq!((flow, scene.calls()), (Flow::Continue, calls));
    scene.vm.embeddings.on_tick(&scene.host, &scene.vm, &next);
    assert_eq!(scene.last_call().1["input"][2], "music");
}
