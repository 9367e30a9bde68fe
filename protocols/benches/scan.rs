//! How fast bytes go through the parts that see every byte: `cargo bench -p keeptrusts-protocols`.
//!
//! Prints the best of many runs, which a busy machine disturbs least. No harness, no statistics: the numbers are for
//! comparing one change with another on one machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use catalog::{DialectPatch, Provider};
use protocols::exchange::{Exchange, ResponseAction};
use protocols::request_info::RequestTraits;
use protocols::sse::SseParser;
use protocols::{Attempt, ClientFormat, ElidedBody, request_info};

fn main() {
    println!(
        "{:<44} {:>10} {:>12} {:>10}",
        "what", "bytes", "best", "MB/s"
    );
    for (name, body) in requests() {
        measure(&format!("facts: {name}"), body.len(), || {
            black_box(
                request_info::scan(ClientFormat::ChatCompletions, black_box(body.as_bytes()))
                    .is_ok(),
            );
        });
    }
    for (name, body) in long_requests() {
        measure(&format!("abridged: {name}"), body.len(), || abridge(&body));
        measure(&format!("facts: {name}"), body.len(), || {
            black_box(request_info::scan(ClientFormat::ChatCompletions, black_box(&body)).is_ok());
        });
    }
    let stream = stream(10_000);
    measure("sse: events of 200 bytes", stream.len(), || {
        let mut parser = SseParser::new();
        let mut rest = black_box(stream.as_bytes());
        while let Ok(Some(event)) = parser.next(&mut rest) {
            black_box(event.data);
        }
    });
    measure("exchange: stream, one event a piece", stream.len(), || {
        pass(&stream, 222)
    });
    measure("exchange: stream, pieces of 16 KB", stream.len(), || {
        pass(&stream, 16 * 1024)
    });
    let response = embeddings(1000);
    measure(
        "exchange: JSON answer, pieces of 16 KB",
        response.len(),
        || pass_json(&response),
    );
}

/// Requests as clients send them.
fn requests() -> Vec<(&'static str, String)> {
    let text = "The quick brown fox \\\"jumps\\\" over the lazy dog.\\n";
    let turn = format!("{{\"role\":\"user\",\"content\":\"{}\"}}", text.repeat(8));
    let turns = |count: usize| vec![turn.clone(); count].join(",");
    let chat =
        |messages: &str| format!("{{\"model\":\"m\",\"stream\":true,\"messages\":[{messages}]}}");
    let unicode = format!(
        "{{\"role\":\"user\",\"content\":\"{}\"}}",
        "日本語の文章です。".repeat(4000)
    );
    vec![
        ("1 KB of chat", chat(&turns(2))),
        ("10 KB of chat", chat(&turns(22))),
        ("100 KB of chat", chat(&turns(220))),
        ("100 KB of Japanese", chat(&unicode)),
        (
            "100 KB of small values",
            chat(&vec!["{\"a\":[1,2,{\"b\":null}]}"; 4500].join(",")),
        ),
    ]
}

/// Requests that come in pieces.
fn long_requests() -> Vec<(&'static str, String)> {
    let user = |content: &str| {
        format!("{{\"model\":\"m\",\"messages\":[{{\"role\":\"user\",\"content\":{content}}}]}}")
    };
    let of_1_mb = |unit: &str| unit.repeat(1_000_000 / unit.len());
    let image = format!(
        "[{{\"type\":\"image_url\",\"image_url\":{{\"url\":\"data:image/png;base64,{}\"}}}}]",
        of_1_mb("iVBORw0KGgoAAAANSUhEUgAA")
    );
    let line = "The quick brown fox jumps over the lazy dog, and does so again and again.\\n";
    vec![
        ("1 MB image", user(&image)),
        ("1 MB of lines", user(&format!("\"{}\"", of_1_mb(line)))),
        (
            "1 MB of Japanese",
            user(&format!("\"{}\"", of_1_mb("日本語の文章です。"))),
        ),
    ]
}

fn abridge(body: &str) {
    let mut elided = ElidedBody::keeping(2048);
    while elided.taken() < body.len() {
        let rest = body.as_bytes().split_at(elided.taken()).1;
        assert!(elided.take(black_box(&rest[..rest.len().min(128 * 1024)])));
    }
    black_box(request_info::scan(ClientFormat::ChatCompletions, elided.body()).is_ok());
}

fn stream(events: usize) -> String {
    let event = "data: {\"id\":\"chatcmpl-CYPS1lijGoK8gd9lYzY3r9Sx50nbt\",\"object\":\"chat.completion.chunk\",\"created\":1762317021,\
        \"model\":\"gpt-5-nano-2025-08-07\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"finish_reason\":null}]}\n\n";
    event.repeat(events) + "data: [DONE]\n\n"
}

fn embeddings(vectors: usize) -> String {
    let vector = format!(
        "{{\"object\":\"embedding\",\"index\":0,\"embedding\":[{}]}}",
        vec!["-0.0123456789"; 256].join(",")
    );
    let data = vec![vector; vectors].join(",");
    format!(
        "{{\"object\":\"list\",\"data\":[{data}],\"model\":\"e\",\"usage\":{{\"prompt_tokens\":8,\"total_tokens\":8}}}}"
    )
}

fn attempt(client: ClientFormat, stream: bool) -> Attempt {
    Attempt {
        client,
        provider: Provider::COMPATIBLE,
        quirks: DialectPatch::NONE,
        base_path: String::new(),
        api_version: None,
        model: String::from("m"),
        stream,
        include_usage: false,
        ask_for_usage: false,
        native_responses: false,
        model_span: 0..0,
        traits: RequestTraits::ANYTHING,
        default_max_tokens: 4096,
        request_id: String::from("req_1"),
        created: 0,
        anthropic_version: None,
        anthropic_beta: None,
        metadata: Some(String::from("{\"provider\":\"p\"}")),
        fail_over_on_context_length: false,
        fail_over_on_content_policy: false,
    }
}

fn pass(stream: &str, piece: usize) {
    let Ok(mut exchange) = Exchange::new(attempt(ClientFormat::ChatCompletions, true)) else {
        return;
    };
    exchange.response_head(200, &[("content-type", b"text/event-stream")], false);
    let mut out = Vec::new();
    for piece in stream.as_bytes().chunks(piece) {
        if exchange.response_body(black_box(piece), false, &mut out) != ResponseAction::Buffer {
            black_box(&out);
            out.clear();
        }
    }
}

fn pass_json(response: &str) {
    let Ok(mut exchange) = Exchange::new(attempt(ClientFormat::Embeddings, false)) else {
        return;
    };
    exchange.response_head(200, &[("content-type", b"application/json")], false);
    let mut out = Vec::new();
    for piece in response.as_bytes().chunks(16 * 1024) {
        if exchange.response_body(black_box(piece), false, &mut out) != ResponseAction::Buffer {
            black_box(&out);
            out.clear();
        }
    }
    black_box(exchange.report());
}

fn measure(what: &str, bytes: usize, run: impl Fn()) {
    let mut best = Duration::MAX;
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(500) {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
    }
    let rate = bytes as f64 / best.as_secs_f64() / 1e6;
    println!("{what:<44} {bytes:>10} {best:>12.2?} {rate:>10.0}");
}
