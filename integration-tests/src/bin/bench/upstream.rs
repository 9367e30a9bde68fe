//! A provider that does as little as possible: fixed answers over HTTP/1.1, so that Envoy is what is measured.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::Outcome;
use crate::load::message_end;
use crate::scenario::STREAM_EVENTS;

/// Events that leave in one write. A provider writes each by itself; the thread that also makes the load would
/// then spend its time in system calls and hide Envoy's.
const EVENTS_PER_WRITE: usize = 10;

/// What each provider says; one element for each write.
struct Answers {
    openai: Provider,
    anthropic: Provider,
    unknown_model: Vec<u8>,
}

struct Provider {
    json: Vec<u8>,
    stream: Vec<Vec<u8>>,
}

impl Answers {
    fn to(&self, request: &[u8]) -> &[Vec<u8>] {
        let first_line = request.get(..64).unwrap_or(request);
        if contains(first_line, b" /unknowing/") {
            return std::slice::from_ref(&self.unknown_model);
        }
        let provider = if contains(first_line, b"/messages") {
            &self.anthropic
        } else {
            &self.openai
        };
        // Near the beginning or the end, whoever wrote the request.
        let edge = request.len().min(512);
        let (head, tail) = (&request[..edge], &request[request.len() - edge..]);
        if contains(head, b"\"stream\":true") || contains(tail, b"\"stream\":true") {
            &provider.stream
        } else {
            std::slice::from_ref(&provider.json)
        }
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Serves on a free port for as long as the runtime lives.
pub(crate) async fn start() -> Outcome<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let answers: &'static Answers = Box::leak(Box::new(Answers {
        openai: Provider {
            json: whole("200 OK", &openai_json()),
            stream: in_writes(openai_events()),
        },
        anthropic: Provider {
            json: whole("200 OK", &anthropic_json()),
            stream: in_writes(anthropic_events()),
        },
        unknown_model: whole("404 Not Found", &unknown_model()),
    }));
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(serve(connection, answers));
        }
    });
    Ok(address)
}

/// Ends when the peer does.
async fn serve(mut connection: TcpStream, answers: &Answers) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut request = Vec::with_capacity(256 * 1024);
    loop {
        request.clear();
        while message_end(&request).is_none() {
            if connection.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
        }
        for piece in answers.to(&request) {
            connection.write_all(piece).await?;
        }
    }
}

fn text() -> String {
    "An answer of some length. ".repeat(28)
}

fn unknown_model() -> Value {
    json!({"error": {
        "message": "The model `upstream-model` does not exist",
        "type": "invalid_request_error",
        "code": "model_not_found",
    }})
}

fn openai_json() -> Value {
    json!({
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "upstream-model",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": text()},
            "finish_reason": "stop",
        }],
        "usage": {"prompt_tokens": 210, "completion_tokens": 140, "total_tokens": 350},
    })
}

fn anthropic_json() -> Value {
    json!({
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": "upstream-model",
        "content": [{"type": "text", "text": text()}],
        "stop_reason": "end_turn",
        "stop_sequence": null,
        "usage": {"input_tokens": 210, "output_tokens": 140},
    })
}

/// Text of each event.
fn openai_events() -> Vec<String> {
    let event = |delta, finish_reason| {
        let data = json!({
            "id": "chatcmpl-bench",
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": "upstream-model",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
        });
        format!("data: {data}\n\n")
    };
    let mut events: Vec<String> = (1..STREAM_EVENTS)
        .map(|_| event(json!({"content": " token"}), json!(null)))
        .collect();
    events.push(event(json!({}), json!("stop")));
    events.push(String::from("data: [DONE]\n\n"));
    events
}

fn anthropic_events() -> Vec<String> {
    let event = |data: Value| {
        let kind = data["type"].as_str().unwrap_or_default();
        format!("event: {kind}\ndata: {data}\n\n")
    };
    let mut message = anthropic_json();
    message["content"] = json!([]);
    message["stop_reason"] = json!(null);
    let mut events = vec![
        event(json!({"type": "message_start", "message": message})),
        event(json!({
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        })),
    ];
    events.extend((1..STREAM_EVENTS).map(|_| {
        event(json!({
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": " token"},
        }))
    }));
    events.extend([
        event(json!({"type": "content_block_stop", "index": 0})),
        event(json!({
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": {"output_tokens": 140},
        })),
        event(json!({"type": "message_stop"})),
    ]);
    events
}

fn whole(status: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn in_writes(events: Vec<String>) -> Vec<Vec<u8>> {
    let chunks: Vec<Vec<u8>> = events.iter().map(|event| http_chunk(event)).collect();
    let mut writes: Vec<Vec<u8>> = chunks.chunks(EVENTS_PER_WRITE).map(<[_]>::concat).collect();
    writes.insert(
        0,
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec(),
    );
    writes.push(b"0\r\n\r\n".to_vec());
    writes
}

fn http_chunk(data: &str) -> Vec<u8> {
    format!("{:x}\r\n{data}\r\n", data.len()).into_bytes()
}
