//! What translation costs: `cargo bench -p keeptrusts-protocols --bench translate`.
//!
//! Measures each pair of formats whole, through its exchange, and fails if one is over its budget: 100 µs for a
//! request of 10 KB, 10 µs for an event of a stream, and twelve times as long for ten times the input. Takes the best
//! of many runs, which a busy machine disturbs least.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use catalog::{DialectPatch, Provider, providers};
use protocols::exchange::{Exchange, ResponseAction};
use protocols::request_info::RequestTraits;
use protocols::{Attempt, ClientFormat};

const REQUEST_BUDGET: Duration = Duration::from_micros(100);
const EVENT_BUDGET: Duration = Duration::from_micros(10);
const MOST_GROWTH: f64 = 12.0;

fn main() -> ExitCode {
    let mut within = true;
    println!(
        "{:<44} {:>10} {:>12} {:>12}",
        "what", "bytes", "best", "budget"
    );
    for (client, upstream) in [
        (ClientFormat::ChatCompletions, Provider::COMPATIBLE),
        (ClientFormat::ChatCompletions, providers::ANTHROPIC),
        (ClientFormat::ChatCompletions, providers::BEDROCK),
        (ClientFormat::AnthropicMessages, Provider::COMPATIBLE),
        (ClientFormat::AnthropicMessages, providers::BEDROCK),
        (ClientFormat::Responses, Provider::COMPATIBLE),
        (ClientFormat::Responses, providers::ANTHROPIC),
    ] {
        let pair = format!("{} on {}", client.path(), upstream.name());
        let body = request(client, 22);
        let once = measure(|| translate(client, upstream, &body));
        within &= report(
            &format!("request: {pair}"),
            body.len(),
            once,
            REQUEST_BUDGET,
        );
        let large = request(client, 220);
        let tenfold = measure(|| translate(client, upstream, &large));
        let growth = once.max(EVENT_BUDGET).mul_f64(MOST_GROWTH);
        within &= report("         tenfold", large.len(), tenfold, growth);
    }
    for (client, upstream, opening, event) in [
        (
            ClientFormat::ChatCompletions,
            providers::ANTHROPIC,
            ANTHROPIC_OPENING,
            ANTHROPIC_EVENT,
        ),
        (
            ClientFormat::ChatCompletions,
            Provider::COMPATIBLE,
            "",
            OPENAI_EVENT,
        ),
        (
            ClientFormat::ChatCompletions,
            providers::AZURE_OPENAI,
            "",
            AZURE_EVENT,
        ),
        (
            ClientFormat::ChatCompletions,
            providers::OLLAMA,
            "",
            OLLAMA_EVENT,
        ),
        (
            ClientFormat::AnthropicMessages,
            providers::ANTHROPIC,
            ANTHROPIC_OPENING,
            ANTHROPIC_EVENT,
        ),
        (
            ClientFormat::AnthropicMessages,
            Provider::COMPATIBLE,
            "",
            OPENAI_EVENT,
        ),
        (
            ClientFormat::Responses,
            Provider::COMPATIBLE,
            "",
            OPENAI_EVENT,
        ),
        (
            ClientFormat::Responses,
            providers::ANTHROPIC,
            ANTHROPIC_OPENING,
            ANTHROPIC_EVENT,
        ),
    ] {
        let pair = format!("event: {} on {}", client.path(), upstream.name());
        // Each time a new stream: some translators keep the text, and not without end.
        let events = [event, &event.replace("words", "letters")];
        let thousand = measure(|| {
            let mut stream = Stream::open(client, upstream, opening);
            let events = events.iter().cycle().take(1000);
            events.for_each(|event| stream.push(event.as_bytes()));
        });
        within &= report(&pair, event.len(), thousand / 1000, EVENT_BUDGET);
    }
    // Unoptimized builds run this only to see that it runs.
    if within || cfg!(debug_assertions) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

const ANTHROPIC_OPENING: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",",
    "\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,",
    "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
);
const ANTHROPIC_EVENT: &str = concat!(
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,",
    "\"delta\":{\"type\":\"text_delta\",\"text\":\" a few \\\"words\\\"\"}}\n\n",
);
const OPENAI_EVENT: &str = concat!(
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",",
    "\"choices\":[{\"index\":0,\"delta\":{\"content\":\" a few \\\"words\\\"\"},\"finish_reason\":null}]}\n\n",
);

const AZURE_EVENT: &str = concat!(
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",",
    "\"choices\":[{\"index\":0,\"delta\":{\"content\":\" a few \\\"words\\\"\"},\"finish_reason\":null,",
    "\"content_filter_results\":{\"hate\":{\"filtered\":false,\"severity\":\"safe\"},",
    "\"violence\":{\"filtered\":false,\"severity\":\"safe\"}}}],\"obfuscation\":\"abc\"}\n\n",
);
const OLLAMA_EVENT: &str = concat!(
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",",
    "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\" a few \\\"words\\\"\"},",
    "\"finish_reason\":null}]}\n\n",
);

/// A conversation of `turns` messages of 440 bytes, which every kind of client may send.
fn request(client: ClientFormat, turns: usize) -> String {
    let (limit, messages) = match client {
        ClientFormat::Responses => ("max_output_tokens", "input"),
        _ => ("max_tokens", "messages"),
    };
    let text = "The quick brown fox \\\"jumps\\\" over the lazy dog.\\n".repeat(8);
    let turn = |turn: usize| {
        let role = if turn.is_multiple_of(2) {
            "user"
        } else {
            "assistant"
        };
        format!("{{\"role\":\"{role}\",\"content\":\"{text}\"}}")
    };
    let turns: Vec<String> = (0..turns).map(turn).collect();
    let turns = turns.join(",");
    format!("{{\"model\":\"m\",\"{limit}\":100,\"temperature\":0.5,\"{messages}\":[{turns}]}}")
}

fn attempt(client: ClientFormat, provider: Provider) -> Attempt {
    Attempt {
        client,
        provider,
        quirks: DialectPatch::NONE,
        base_path: String::new(),
        api_version: None,
        model: String::from("claude-sonnet-4-5"),
        stream: true,
        include_usage: false,
        ask_for_usage: false,
        native_responses: false,
        model_span: 9..12,
        traits: RequestTraits::ANYTHING,
        default_max_tokens: 4096,
        request_id: String::from("req_1"),
        created: 0,
        anthropic_version: None,
        anthropic_beta: None,
        metadata: None,
        fail_over_on_context_length: false,
        fail_over_on_content_policy: false,
    }
}

fn translate(client: ClientFormat, provider: Provider, body: &str) {
    let exchange = Exchange::new(attempt(client, provider));
    let request = exchange.and_then(|mut exchange| exchange.request(black_box(body.as_bytes())));
    assert!(
        black_box(request).is_ok(),
        "the request is one that every pair takes"
    );
}

struct Stream {
    exchange: Exchange,
    out: Vec<u8>,
}

impl Stream {
    fn open(client: ClientFormat, provider: Provider, opening: &str) -> Self {
        let exchange = Exchange::new(attempt(client, provider));
        let mut stream = Self {
            exchange: exchange.unwrap_or_else(|error| panic!("{error}")),
            out: Vec::new(),
        };
        let head: [(&str, &[u8]); 1] = [("content-type", b"text/event-stream")];
        stream.exchange.response_head(200, &head, false);
        stream.push(opening.as_bytes());
        stream
    }

    fn push(&mut self, piece: &[u8]) {
        let verdict = self
            .exchange
            .response_body(black_box(piece), false, &mut self.out);
        assert!(
            !matches!(verdict, ResponseAction::Failover(_)),
            "the stream is a good one"
        );
        if verdict != ResponseAction::Buffer {
            black_box(&self.out);
            self.out.clear();
        }
    }
}

fn measure(mut run: impl FnMut()) -> Duration {
    let mut best = Duration::MAX;
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(500) {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
    }
    best
}

fn report(what: &str, bytes: usize, best: Duration, budget: Duration) -> bool {
    let within = best <= budget;
    let mark = if within { "" } else { "  OVER" };
    println!("{what:<44} {bytes:>10} {best:>12.2?} {budget:>12.2?}{mark}");
    within
}
