//! `/metrics`: Envoy's statistics, and behind them what this gateway has counted.

use std::rc::Rc;

use super::telemetry::{chat, only_event};
use super::upstream_filter::{answered, attempt};
use super::{POLICY, Visit, gateway_config};
use crate::Flow;
use crate::downstream_filter::DownstreamFilter;
use crate::host::fake::{FakeHost, Phase};
use crate::worker::Worker;

const JSON: &str = "application/json";
const CHAT: &str =
    r#"{"model": "chain", "messages": [{"role": "user", "content": "Where is the pen?"}]}"#;
const ANSWER: &str = r#"{"id":"x","choices":[{"message":{"content":"Here."}}],"usage":{"prompt_tokens":1000,"completion_tokens":200}}"#;
const ENVOYS: &str = "# TYPE envoy_server_live gauge\nenvoy_server_live{} 1\n";

/// What a reader of `/metrics` gets of a worker with the shared data of `host`.
fn page(
    host: &FakeHost,
    vm: &Rc<Worker>,
    policy: &str,
    headers: &[(&str, &str)],
) -> Result<String, u16> {
    let own = FakeHost::with_request("GET", "/metrics", headers, b"");
    *own.shared.borrow_mut() = host.shared.borrow().clone();
    let mut filter = DownstreamFilter::new(Rc::clone(vm), gateway_config(policy));
    filter.on_request_headers(own.in_phase(Phase::RequestHeaders), true);
    if let Some(answer) = own.answer.borrow().as_ref() {
        return Err(answer.status);
    }
    let accept = own
        .request_headers
        .borrow()
        .iter()
        .any(|(name, _)| name == "accept");
    assert!(!accept, "Envoy may answer in protobuf");
    *own.response_headers.borrow_mut() = vec![
        (":status".into(), b"200".to_vec()),
        ("content-length".into(), b"9".to_vec()),
    ];
    filter.on_response_headers(own.in_phase(Phase::ResponseHeaders));
    let length = own
        .response_headers
        .borrow()
        .iter()
        .any(|(name, _)| name == "content-length");
    assert!(!length, "the page grows");
    *own.response_body.borrow_mut() = ENVOYS.into();
    let flow = filter.on_response_body(own.in_phase(Phase::ResponseBody), ENVOYS.len(), true);
    assert_eq!(flow, Flow::Continue);
    let body = own.response_body.borrow().clone();
    Ok(String::from_utf8(body).unwrap())
}

fn served(policy: &str) -> Visit {
    let mut visit = chat(policy, CHAT);
    visit.enter();
    let mut first = attempt(&visit);
    visit.host.now_ms.set(visit.host.now_ms.get() + 300);
    answered(
        &visit.host,
        &mut first,
        "503",
        JSON,
        r#"{"error":{"message":"no"}}"#,
    );
    let mut second = attempt(&visit);
    visit.host.now_ms.set(visit.host.now_ms.get() + 700);
    answered(&visit.host, &mut second, "200", JSON, ANSWER);
    only_event(&mut visit);
    visit
}

#[test]
fn a_request_is_on_the_page_behind_envoys_own() {
    let visit = served(POLICY);
    let text = page(
        &visit.host,
        &visit.vm,
        POLICY,
        &[("accept", "application/vnd.google.protobuf")],
    )
    .unwrap();
    assert!(text.starts_with(ENVOYS), "{text}");
    for line in [
        r#"keeptrusts_gateway_requests_total{operation="chat",vendor="openai_compatible",provider="second",requested_model="chain",model="two",model_group="chain",status="200"} 1"#,
        r#"keeptrusts_gateway_attempts_total{operation="chat",provider="first",requested_model="one",model_group="chain",status="503",error_type="upstream_5xx"} 1"#,
        r#"keeptrusts_gateway_failovers_total{provider="first",model_group="chain",reason="upstream_5xx"} 1"#,
        r#"keeptrusts_breaker_state{provider="second",state="closed"} 1"#,
        r#"keeptrusts_breaker_state{provider="second",state="open"} 0"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    let sum = text.lines().find(|line| {
        line.starts_with("gen_ai_client_token_usage_sum{")
            && line.contains(r#"gen_ai_token_type="input""#)
    });
    assert!(sum.unwrap().ends_with("} 1000"), "{sum:?}");
}

#[test]
fn workers_see_what_the_others_have_told() {
    let visit = served(POLICY);
    // Once a second.
    visit.host.now_ms.set(visit.host.now_ms.get() + 1_000);
    visit.vm.tick(visit.host.in_phase(Phase::Outside));
    let other = Rc::new(Worker::new(&visit.host));
    let text = page(&visit.host, &other, POLICY, &[]).unwrap();
    assert!(
        text.contains("keeptrusts_gateway_requests_total{"),
        "{text}"
    );
}

#[test]
fn nothing_is_counted_where_nobody_wants_it() {
    let policy = format!("{POLICY}telemetry: {{prometheus: {{enabled: false}}}}\n");
    let visit = served(&policy);
    let text = page(&visit.host, &visit.vm, &policy, &[]).unwrap();
    assert!(
        !text.contains("keeptrusts_gateway_requests_total"),
        "{text}"
    );
}

#[test]
fn the_page_may_need_a_key_or_have_a_port_of_its_own() {
    let host = FakeHost::default();
    let vm = Rc::new(Worker::new(&host));
    let keyed = format!("{POLICY}telemetry: {{prometheus: {{require_key: true}}}}\n");
    // Nobody has told which keys there are.
    assert_eq!(page(&host, &vm, &keyed, &[]), Err(401));
    let elsewhere = format!("{POLICY}telemetry: {{prometheus: {{port: 9464}}}}\n");
    assert_eq!(page(&host, &vm, &elsewhere, &[]), Err(404));
    // What comes in at that port gets nothing else.
    let at_port = FakeHost::with_request("GET", "/v1/models", &[], b"");
    at_port
        .properties
        .borrow_mut()
        .insert("destination.port".into(), 9_464_u64.to_le_bytes().to_vec());
    let mut filter = DownstreamFilter::new(Rc::clone(&vm), gateway_config(&elsewhere));
    filter.on_request_headers(at_port.in_phase(Phase::RequestHeaders), true);
    assert_eq!(at_port.answer.borrow().as_ref().unwrap().status, 404);
}
