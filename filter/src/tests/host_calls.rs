//! How often the proxy is asked for something: each call costs about half a microsecond, and the data it returns as much
//! again. Who adds a call changes a number here.

use super::gateway_config;
use super::upstream_filter::{attempt, piece};
use std::rc::Rc;

use super::{POLICY, Visit};
use crate::downstream_filter::DownstreamFilter;
use crate::host::fake::Phase;

const JSON: &str =
    r#"{"id":"x","choices":[{"index":0}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;
const EVENT: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";

fn taken(visit: &Visit) -> Vec<&'static str> {
    visit.host.noted.take()
}

/// Serves one request whole, and gives the calls of each callback that made any.
fn calls_of_a_json_request(visit: &mut Visit) -> Vec<Vec<&'static str>> {
    let mut calls = Vec::new();
    taken(visit);
    visit.enter();
    calls.push(taken(visit));
    let mut target = attempt(visit);
    calls.push(taken(visit));
    let head = [(":status", "200"), ("content-type", "application/json")];
    visit.host.set_response(&head, JSON.as_bytes());
    let phase = visit.host.in_phase(Phase::ResponseHeaders);
    target.on_response_headers(phase, false);
    calls.push(taken(visit));
    // HTTP/1 tells of the end by itself.
    for end_of_stream in [false, true] {
        let phase = visit.host.in_phase(Phase::ResponseBody);
        target.on_response_body(phase, JSON.len(), end_of_stream);
        calls.push(taken(visit));
    }
    target.on_end(visit.host.in_phase(Phase::Outside));
    let phase = visit.host.in_phase(Phase::ResponseHeaders);
    visit.gateway.on_response_headers(phase);
    visit.gateway.on_end(visit.host.in_phase(Phase::Outside));
    calls.push(taken(visit));
    calls
}

#[test]
fn a_json_request_to_a_failover_group() {
    let headers = [("content-type", "application/json"), ("x-request-id", "r")];
    let body = r#"{"model": "chain", "messages": []}"#;
    let mut visit = Visit::new(POLICY, "POST", "/v1/chat/completions", &headers, body);
    let fresh = visit.host.request_headers.borrow().clone();
    // The first answer of a target is news that all workers are told, and read again.
    for _ in 0..2 {
        calls_of_a_json_request(&mut visit);
        visit.host.request_headers.replace(fresh.clone());
        visit.host.request_body.replace(body.as_bytes().to_vec());
        visit.gateway = DownstreamFilter::new(Rc::clone(&visit.vm), gateway_config(POLICY));
        visit.host.now_ms.set(visit.host.now_ms.get() + 1);
    }
    let calls = calls_of_a_json_request(&mut visit);
    let expected: [&[&str]; 6] = [
        &[
            "request_headers",
            "now",
            "request_body",
            "now",
            // Once in a millisecond: whether other workers have found something out.
            "shared",
            "set_request_headers",
            "replace_request_body_start",
            "set_state",
            "set_state",
        ],
        &["property", "set_state", "set_request_header"],
        &["response_headers"],
        &["response_body"],
        &["now", "set_response_headers", "set_response_body"],
        &[],
    ];
    assert_eq!(calls, expected);
}

#[test]
fn a_piece_of_a_stream_that_passes_is_read_and_let_go() {
    let mut visit = Visit::chat(r#"{"model": "chain", "stream": true, "messages": []}"#);
    visit.enter();
    let mut target = attempt(&visit);
    let head = [(":status", "200"), ("content-type", "text/event-stream")];
    visit.host.set_response(&head, EVENT.as_bytes());
    let phase = visit.host.in_phase(Phase::ResponseHeaders);
    target.on_response_headers(phase, false);
    taken(&visit);
    for expected in [
        &[
            "response_body",
            "now",
            "set_response_headers",
            "set_response_body",
            // The first one opens the buffer.
            "wake_up",
            "resume_response",
        ][..],
        &["response_body", "resume_response"],
        &["response_body", "resume_response"],
    ] {
        piece(&visit.host, &mut target, EVENT, false);
        assert_eq!(taken(&visit), expected);
    }
}

#[test]
fn only_the_beginning_of_a_long_request_is_given_back() {
    let rest = "x".repeat(1500);
    let first = format!(r#"{{"model": "chain", "messages": [], "x": "{rest}"}}"#);
    let mut visit = Visit::chat(&first);
    visit.enter();
    attempt(&visit);
    let sent = String::from_utf8(visit.host.request_body.take()).unwrap();
    assert_eq!(sent, first.replace("\"chain\"", "\"one\""));
    assert!(taken(&visit).contains(&"replace_request_body_start"));
}
