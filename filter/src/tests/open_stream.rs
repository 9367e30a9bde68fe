//! Streams on their way to the client, and what the clock does to them.

use super::upstream_filter::{attempt, piece};
use super::{POLICY, Visit, telemetry};
use crate::Flow;
use crate::host::fake::Phase;
use crate::upstream_filter::UpstreamFilter;

const BODY: &str = r#"{"model": "chain", "stream": true, "messages": []}"#;
const HEAD: [(&str, &str); 2] = [(":status", "200"), ("content-type", "text/event-stream")];
const PING: &str = ": still here\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn content(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
}

/// A request whose first attempt has shown its head.
fn begun(policy: &str) -> (Visit, UpstreamFilter) {
    let mut visit = telemetry::chat(policy, BODY);
    visit.enter();
    let mut target = attempt(&visit);
    visit.host.set_response(&HEAD, b"");
    let phase = visit.host.in_phase(Phase::ResponseHeaders);
    assert_eq!(target.on_response_headers(phase, false), Flow::Pause);
    (visit, target)
}

/// `policy` with these settings of the first target.
fn with_target(settings: &str) -> String {
    POLICY.replacen(
        "health_check",
        &format!("{settings}\n      health_check"),
        1,
    )
}

/// With one member in the group.
fn only_target(settings: &str) -> String {
    with_target(settings).replacen(
        "      - {provider: second, model: two, timeout_ms: 1000}\n",
        "",
        1,
    )
}

fn tick_after(visit: &Visit, target: &mut UpstreamFilter, milliseconds: u64) {
    visit
        .host
        .now_ms
        .set(visit.host.now_ms.get() + milliseconds);
    let now = visit.host.moment();
    assert!(target.watches_the_clock());
    target.on_tick(visit.host.in_phase(Phase::Outside), now);
}

fn sent(visit: &Visit) -> String {
    String::from_utf8(visit.host.sent.borrow().clone()).unwrap()
}

#[test]
fn each_piece_goes_on_at_once_whatever_the_buffer_was() {
    for first in [content("a"), format!("{PING}{}", content("a"))] {
        let (visit, mut target) = begun(POLICY);
        assert_eq!(piece(&visit.host, &mut target, &first, false), Flow::Pause);
        assert_eq!(sent(&visit), first);
        piece(&visit.host, &mut target, &content("b"), false);
        assert_eq!(sent(&visit), format!("{first}{}", content("b")));
        piece(&visit.host, &mut target, DONE, true);
        assert_eq!(sent(&visit), format!("{first}{}{DONE}", content("b")));
    }
    // What came before the content was paused already: nobody has to be woken up.
    let (visit, mut target) = begun(POLICY);
    assert_eq!(piece(&visit.host, &mut target, PING, false), Flow::Pause);
    assert_eq!(sent(&visit), "");
    piece(&visit.host, &mut target, &content("a"), false);
    assert_eq!(sent(&visit), format!("{PING}{}", content("a")));
    assert!(!visit.host.noted.borrow().contains(&"wake_up"));
}

#[test]
fn what_is_owed_at_the_end_goes_whoever_emptied_the_buffer_last() {
    for ticks in [0, 1] {
        let (visit, mut target) = begun(POLICY);
        piece(&visit.host, &mut target, &content("a"), false);
        for _ in 0..ticks {
            tick_after(&visit, &mut target, 200);
        }
        piece(&visit.host, &mut target, "", true);
        assert!(
            sent(&visit).contains("broke off before its end"),
            "{}",
            sent(&visit)
        );
    }
}

#[test]
fn a_piece_that_comes_before_the_wake_up_takes_the_first_one_along() {
    let (visit, mut target) = begun(POLICY);
    let host = &visit.host;
    host.response_body.replace(content("a").into_bytes());
    let size = content("a").len();
    target.on_response_body(host.in_phase(Phase::ResponseBody), size, false);
    host.has_paused_body.set(true);
    assert_eq!(sent(&visit), "");
    piece(host, &mut target, &content("b"), false);
    assert_eq!(sent(&visit), format!("{}{}", content("a"), content("b")));
    target.on_wake_up(host.in_phase(Phase::Outside));
    assert_eq!(sent(&visit), format!("{}{}", content("a"), content("b")));
}

#[test]
fn silence_after_content_ends_the_stream_with_an_error_and_then_its_connection() {
    let (mut visit, mut target) = begun(&with_target("stream_idle_timeout_ms: 3000"));
    piece(&visit.host, &mut target, &content("a"), false);
    for _ in 0..14 {
        tick_after(&visit, &mut target, 200);
    }
    // Pings are life.
    piece(&visit.host, &mut target, PING, false);
    for _ in 0..15 {
        tick_after(&visit, &mut target, 200);
    }
    assert_eq!(sent(&visit), format!("{}{PING}", content("a")));
    tick_after(&visit, &mut target, 200);
    let last = sent(&visit).split_off(content("a").len() + PING.len());
    let error: serde_json::Value =
        serde_json::from_str(last.strip_prefix("data: ").unwrap().trim_end()).unwrap();
    let message = "the provider sent no further event for 3000 ms";
    assert_eq!(error["error"]["message"], message);
    assert!(!visit.host.is_reset.get(), "it would not arrive");
    // The provider has found its words again, too late.
    piece(&visit.host, &mut target, &content("b"), false);
    tick_after(&visit, &mut target, 200);
    assert!(visit.host.is_reset.get());
    assert!(!sent(&visit).contains("\"b\"") && !sent(&visit).contains("[DONE]"));
    target.on_end(visit.host.in_phase(Phase::Outside));
    let event = telemetry::only_event(&mut visit);
    assert_eq!(event["attempts"][0]["reason"], "stream_idle");
    assert_eq!(event["error_code"], "stream_idle");
    assert!(event["client_gone"].is_null(), "{event}");
    assert_eq!(event["status_code"], 200);
    assert_eq!(event["tokens"]["estimated"], true);
    assert_eq!(event["failover"]["triggered"], false);
}

#[test]
fn who_has_said_done_and_keeps_the_connection_has_not_failed() {
    let (mut visit, mut target) = begun(&with_target("stream_idle_timeout_ms: 3000"));
    let whole = format!("{}{DONE}", content("a"));
    piece(&visit.host, &mut target, &whole, false);
    tick_after(&visit, &mut target, 200);
    tick_after(&visit, &mut target, 3000);
    assert_eq!(sent(&visit), whole);
    assert!(visit.host.is_reset.get());
    target.on_end(visit.host.in_phase(Phase::Outside));
    let event = telemetry::only_event(&mut visit);
    assert!(event["attempts"][0]["reason"].is_null(), "{event}");
    assert!(event["error_code"].is_null(), "{event}");
}

#[test]
fn a_stream_that_comes_at_once_or_breaks_after_its_end_is_whole() {
    let whole = format!("{}{DONE}", content("a"));
    for ends in [true, false] {
        let (mut visit, mut target) = begun(POLICY);
        piece(&visit.host, &mut target, &whole, ends);
        target.on_end(visit.host.in_phase(Phase::Outside));
        assert_eq!(sent(&visit), whole);
        let event = telemetry::only_event(&mut visit);
        assert!(event["attempts"][0]["reason"].is_null(), "{event}");
        assert!(event["error_code"].is_null(), "{event}");
    }
}

#[test]
fn events_that_are_no_json_are_left_out_and_counted() {
    let (mut visit, mut target) = begun(POLICY);
    let garbage = "data: <html>\n\n";
    let stream = [
        content("a"),
        garbage.repeat(2),
        content("b"),
        DONE.to_owned(),
    ]
    .concat();
    piece(&visit.host, &mut target, &stream, true);
    let wanted = [content("a"), content("b"), DONE.to_owned()].concat();
    assert_eq!(sent(&visit), wanted);
    let name = "keeptrusts.malformed_events.target.first".to_owned();
    assert!(visit.host.metrics.borrow().contains(&(name, 2)));
    let event = telemetry::only_event(&mut visit);
    assert!(event["error_code"].is_null(), "{event}");
}

#[test]
fn a_stream_that_is_alive_goes_through_before_its_content() {
    let policy = format!("commit_after_ms: 600\n{POLICY}");
    for pings in [PING, ""] {
        let (visit, mut target) = begun(&policy);
        if !pings.is_empty() {
            piece(&visit.host, &mut target, pings, false);
        }
        tick_after(&visit, &mut target, 500);
        assert!(!visit.host.noted.borrow().contains(&"resume_response"));
        tick_after(&visit, &mut target, 100);
        assert!(visit.host.noted.borrow().contains(&"resume_response"));
        assert_eq!(sent(&visit), pings);
        piece(&visit.host, &mut target, &content("a"), false);
        assert_eq!(sent(&visit), format!("{pings}{}", content("a")));
        assert_eq!(
            visit.host.state("kt_cluster").as_deref(),
            Some(&b"kt/second/1000ms"[..])
        );
    }
}

#[test]
fn the_timeout_of_an_only_target_holds_until_content_pings_or_not() {
    let (mut visit, mut target) = begun(&only_target(""));
    for _ in 0..4 {
        piece(&visit.host, &mut target, PING, false);
        tick_after(&visit, &mut target, 200);
    }
    assert_eq!(sent(&visit), PING.repeat(4));
    tick_after(&visit, &mut target, 200);
    assert!(
        sent(&visit).contains("no content for 1000 ms"),
        "{}",
        sent(&visit)
    );
    tick_after(&visit, &mut target, 200);
    assert!(visit.host.is_reset.get());
    target.on_end(visit.host.in_phase(Phase::Outside));
    let event = telemetry::only_event(&mut visit);
    assert_eq!(event["attempts"][0]["reason"], "upstream_timeout");
}

#[test]
fn each_client_gets_the_error_in_its_own_shape() {
    let messages = r#"{"model": "chain", "stream": true, "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}"#;
    let responses = r#"{"model": "chain", "stream": true, "input": "hi"}"#;
    for (path, body, wanted) in [
        (
            "/v1/messages",
            messages,
            "event: error\ndata: {\"type\":\"error\"",
        ),
        (
            "/v1/responses",
            responses,
            "event: error\ndata: {\"type\":\"error\"",
        ),
    ] {
        let policy = with_target("stream_idle_timeout_ms: 1000");
        let headers = [("content-type", "application/json")];
        let mut visit = Visit::new(&policy, "POST", path, &headers, body);
        visit.enter();
        let mut target = attempt(&visit);
        visit.host.set_response(&HEAD, b"");
        target.on_response_headers(visit.host.in_phase(Phase::ResponseHeaders), false);
        piece(&visit.host, &mut target, &content("a"), false);
        tick_after(&visit, &mut target, 200);
        tick_after(&visit, &mut target, 1000);
        assert!(sent(&visit).contains(wanted), "{path}: {}", sent(&visit));
        assert!(!sent(&visit).contains("message_stop"), "{path}");
        assert!(!sent(&visit).contains("response.completed"), "{path}");
    }
}

#[test]
fn an_answer_that_is_no_stream_is_left_alone() {
    let mut visit = Visit::chat(r#"{"model": "chain", "messages": []}"#);
    visit.enter();
    let target = attempt(&visit);
    assert!(!target.watches_the_clock());
}
