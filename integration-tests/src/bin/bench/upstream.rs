//! A provider that does as little as possible: fixed answers over HTTP/1.1, so that Envoy is what is measured.

use std::net::SocketAddr;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::Outcome;
use crate::load::message_end;
use crate::scenario::STREAM_EVENTS;

/// Events that leave in one write. A provider writes each by itself; the thread that also makes the load would
/// then spend its time in system calls and hide Envoy's.
const EVENTS_PER_WRITE: usize = 10;

struct Answers {
    json: Vec<u8>,
    /// One element for each write.
    stream: Vec<Vec<u8>>,
}

/// Serves on a free port for as long as the runtime lives.
pub(crate) async fn start() -> Outcome<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let answers: &'static Answers = Box::leak(Box::new(Answers {
        json: json_answer(),
        stream: stream_answer(),
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
        // Near the end of our requests; nothing else needs to be understood.
        let streams = request
            .windows(14)
            .rev()
            .take(256)
            .any(|window| window == b"\"stream\":true}");
        if !streams {
            connection.write_all(&answers.json).await?;
            continue;
        }
        for events in &answers.stream {
            connection.write_all(events).await?;
        }
    }
}

fn json_answer() -> Vec<u8> {
    let body = json!({
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "upstream-model",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": "An answer of some length. ".repeat(28)},
            "finish_reason": "stop",
        }],
        "usage": {"prompt_tokens": 210, "completion_tokens": 140, "total_tokens": 350},
    })
    .to_string();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn stream_answer() -> Vec<Vec<u8>> {
    let event = |delta, finish_reason| {
        let data = json!({
            "id": "chatcmpl-bench",
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": "upstream-model",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
        });
        http_chunk(&format!("data: {data}\n\n"))
    };
    let mut events: Vec<Vec<u8>> = (1..STREAM_EVENTS)
        .map(|_| event(json!({"content": " token"}), json!(null)))
        .collect();
    events.push(event(json!({}), json!("stop")));
    let mut writes: Vec<Vec<u8>> = events.chunks(EVENTS_PER_WRITE).map(<[_]>::concat).collect();
    writes.insert(
        0,
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec(),
    );
    writes.push([http_chunk("data: [DONE]\n\n"), b"0\r\n\r\n".to_vec()].concat());
    writes
}

fn http_chunk(data: &str) -> Vec<u8> {
    format!("{:x}\r\n{data}\r\n", data.len()).into_bytes()
}
