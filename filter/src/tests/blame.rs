//! What one client causes must not take a target from the others, and a target that is back must be back for all.

use std::rc::Rc;

use policy::TargetId;
use routing::health::{Availability, Outcome, Phase, Signal};

use super::upstream_filter::{answered, attempt};
use super::{POLICY, Visit, gateway_config};
use crate::downstream_filter::DownstreamFilter;
use crate::host::fake::{self, FakeHost};
use crate::upstream_filter::UpstreamFilter;
use crate::worker::Worker;

const CHAT: &str = r#"{"model": "chain", "messages": []}"#;
const STREAM: &str = r#"{"model": "chain", "stream": true, "messages": []}"#;
const JSON: &str = "application/json";
const SSE: &str = "text/event-stream";
const CONTENT: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
const PING: &str = ": ping\n\n";
const FIRST: TargetId = TargetId(0);

/// Requests of many clients at one scene.
struct Scene {
    policy: String,
    vm: Rc<Worker>,
    /// Whose shared data all requests see.
    host: FakeHost,
}

impl Scene {
    fn new(policy: &str) -> Self {
        let host = FakeHost::default();
        Self {
            policy: policy.to_owned(),
            vm: Rc::new(Worker::new(&host)),
            host,
        }
    }

    fn later(&self, ms: u64) {
        self.host.now_ms.set(self.host.now_ms.get() + ms);
    }

    fn visit(&self, body: &str) -> Visit {
        let headers = [("content-type", JSON)];
        let path = "/v1/chat/completions";
        let mut host = FakeHost::with_request("POST", path, &headers, body.as_bytes());
        host.shared = Rc::clone(&self.host.shared);
        host.now_ms.set(self.host.now_ms.get());
        let mut visit = Visit {
            gateway: DownstreamFilter::new(Rc::clone(&self.vm), gateway_config(&self.policy)),
            vm: Rc::clone(&self.vm),
            host,
            body: body.as_bytes().to_vec(),
        };
        visit.enter();
        visit
    }

    fn phase(&self) -> Phase {
        self.vm
            .phase(&gateway_config(&self.policy), FIRST, self.host.moment())
    }

    fn first_serves(&self) -> bool {
        self.visit(CHAT).cluster().starts_with("kt/first/")
    }

    /// The first target is half-open, and a trial is free.
    fn with_first_half_open(policy: &str) -> Self {
        let scene = Self::new(policy);
        let config = gateway_config(policy);
        for _ in 0..5 {
            let failure = Signal::Attempt(Outcome::ServerError);
            scene.vm.signal(&scene.host, &config, FIRST, failure);
        }
        assert_eq!(scene.phase(), Phase::Open);
        scene.later(30_000);
        scene
    }
}

fn end(visit: &mut Visit) {
    visit
        .gateway
        .on_end(visit.host.in_phase(fake::Phase::Outside));
}

/// The head of a stream, and its first piece.
fn begin_stream(visit: &Visit, target: &mut UpstreamFilter, piece: &str) {
    let head = [(":status", "200"), ("content-type", SSE)];
    visit.host.set_response(&head, b"");
    target.on_response_headers(visit.host.in_phase(fake::Phase::ResponseHeaders), false);
    go_on(visit, target, piece);
}

fn go_on(visit: &Visit, target: &mut UpstreamFilter, piece: &str) {
    super::upstream_filter::piece(&visit.host, target, piece, false);
}

#[test]
fn what_one_client_provokes_takes_no_target_from_the_others() {
    let moderated =
        r#"{"error":{"code":403,"message":"flagged","metadata":{"reasons":["violence"]}}}"#;
    let firewall = "<html><title>Attention Required! | Cloudflare</title></html>";
    let quoted = r#"{"error":{"message":"'incorrect api key provided' is not one of ['a']"}}"#;
    for (status, content_type, body, is_clients) in [
        ("403", JSON, moderated, true),
        ("403", "text/html", firewall, false),
        ("403", JSON, "{}", false),
        ("404", "text/plain", "404 page not found", false),
        ("405", JSON, r#"{"detail":"Method Not Allowed"}"#, false),
        ("400", JSON, quoted, true),
        (
            "400",
            JSON,
            r#"{"error":{"message":"Model Not Exist"}}"#,
            false,
        ),
    ] {
        let scene = Scene::new(POLICY);
        for _ in 0..10 {
            let mut visit = scene.visit(CHAT);
            assert!(visit.cluster().starts_with("kt/first/"), "{status} {body}");
            let mut target = attempt(&visit);
            answered(&visit.host, &mut target, status, content_type, body);
            let client_status = visit.vm.registry.any().unwrap().borrow().client_status;
            let expected = is_clients.then(|| status.parse().unwrap());
            assert_eq!(client_status, expected, "{status} {body}");
            end(&mut visit);
        }
        assert!(scene.first_serves(), "{status} {body}");
    }
}

#[test]
fn errors_of_a_client_inside_streams_are_not_held_against_the_target_either() {
    let begun = r#"data: {"error":{"message":"flagged","code":403,"metadata":{"reasons":["x"]}}}"#;
    let scene = Scene::new(POLICY);
    for _ in 0..10 {
        let mut visit = scene.visit(STREAM);
        assert!(visit.cluster().starts_with("kt/first/"));
        let mut target = attempt(&visit);
        begin_stream(&visit, &mut target, &format!("{begun}\n\n"));
        end(&mut visit);
    }
    assert!(scene.first_serves());
}

#[test]
fn a_key_that_is_at_fault_is_held_against_the_target_whatever_the_status() {
    let disabled = r#"{"error":{"type":"invalid_request_error","message":"This organization has been disabled."}}"#;
    let permission = r#"{"error":{"type":"permission_error","message":"no"}}"#;
    for (status, body) in [("401", "{}"), ("403", permission), ("400", disabled)] {
        let scene = Scene::new(POLICY);
        for _ in 0..5 {
            let mut visit = scene.visit(CHAT);
            if visit.cluster().starts_with("kt/first/") {
                let mut target = attempt(&visit);
                answered(&visit.host, &mut target, status, JSON, body);
            }
            end(&mut visit);
        }
        assert_eq!(scene.phase(), Phase::Open, "{status} {body}");
        assert!(!scene.first_serves(), "{status} {body}");
    }
}

/// One trial at a time, so that everybody else waits for it.
fn one_trial() -> String {
    POLICY.replacen(
        "health_check: {enabled: false}",
        "health_check: {enabled: false}\n      circuit_breaker: {half_open_requests: 1}",
        1,
    )
}

#[test]
fn the_first_content_of_a_trial_lets_the_others_in_while_its_stream_goes_on() {
    let scene = Scene::with_first_half_open(&one_trial());
    let mut trial = scene.visit(STREAM);
    let mut target = attempt(&trial);
    assert!(!scene.first_serves(), "its trial is under way");
    begin_stream(&trial, &mut target, PING);
    assert!(!scene.first_serves(), "a ping is no content");
    go_on(&trial, &mut target, CONTENT);
    assert_eq!(scene.phase(), Phase::Closed);
    assert!(scene.first_serves());
    // Twenty seconds later it ends, or breaks off: that is one failure, and no more.
    scene.later(20_000);
    trial.host.now_ms.set(scene.host.now_ms.get());
    target.on_end(trial.host.in_phase(fake::Phase::Outside));
    end(&mut trial);
    assert_eq!(scene.phase(), Phase::Closed);
}

#[test]
fn a_trial_without_alternative_counts_by_its_content_and_not_by_pings_that_pass() {
    // Streams of a plan without another target pass from their first event on.
    let only = one_trial().replace(
        "      - {provider: second, model: two, timeout_ms: 1000}\n",
        "",
    );
    let scene = Scene::with_first_half_open(&only);
    let trial = scene.visit(STREAM);
    let mut target = attempt(&trial);
    begin_stream(&trial, &mut target, PING);
    assert_eq!(scene.phase(), Phase::HalfOpen);
    go_on(&trial, &mut target, CONTENT);
    assert_eq!(scene.phase(), Phase::Closed);
}

#[test]
fn a_trial_that_finds_a_client_at_fault_has_found_the_target_alive() {
    let scene = Scene::with_first_half_open(&one_trial());
    let mut trial = scene.visit(CHAT);
    let mut target = attempt(&trial);
    let body = r#"{"error":{"message":"max_tokens is too large","type":"invalid_request_error"}}"#;
    answered(&trial.host, &mut target, "400", JSON, body);
    end(&mut trial);
    assert_eq!(scene.phase(), Phase::Closed);
}

#[test]
fn a_trial_that_proves_nothing_is_given_back() {
    let policy = one_trial();
    let is_free = |scene: &Scene| {
        let config = gateway_config(&policy);
        let (key, limits) = config.index.health_config(FIRST).unwrap();
        let now = scene.host.moment();
        scene.vm.with_view(&scene.host, now, |view| {
            view.health.availability(key, limits, now.monotonic_ms()) == Availability::HalfOpen
        })
    };
    // A firewall answers; nobody can say anything of the target.
    let scene = Scene::with_first_half_open(&policy);
    let mut trial = scene.visit(CHAT);
    assert!(!is_free(&scene));
    let mut target = attempt(&trial);
    answered(
        &trial.host,
        &mut target,
        "403",
        "text/html",
        "<html></html>",
    );
    end(&mut trial);
    assert!(is_free(&scene));
    // The client is gone before its request was sent.
    let scene = Scene::with_first_half_open(&policy);
    let mut trial = scene.visit(CHAT);
    assert!(!is_free(&scene));
    end(&mut trial);
    assert!(is_free(&scene));
}
