//! What is asked, by how many connections.

use serde_json::json;

/// The model group of the gateway; plain Envoy passes it on unread.
pub(crate) const MODEL: &str = "bench";
/// Events with content in a streamed answer.
pub(crate) const STREAM_EVENTS: usize = 500;

/// One row of the table.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What is counted, in the plural.
    pub(crate) unit: &'static str,
    /// How many of the unit one request is worth.
    pub(crate) units_per_request: usize,
    /// Each has one request in flight at all times.
    pub(crate) connections: usize,
    /// A whole HTTP request.
    pub(crate) request: Vec<u8>,
    /// What the whole answer must contain, and how often.
    pub(crate) expected: (&'static str, usize),
}

/// All rows, in the table's order.
pub(crate) fn all() -> Vec<Scenario> {
    let json = |name, connections, content_bytes| Scenario {
        name,
        unit: "requests",
        units_per_request: 1,
        connections,
        request: request(content_bytes, false),
        expected: ("chat.completion", 1),
    };
    vec![
        json("JSON, 1 KB, 8 connections", 8, 1_000),
        json("JSON, 1 KB, 1 connection", 1, 1_000),
        json("JSON, 100 KB, 8 connections", 8, 100_000),
        Scenario {
            name: "SSE, 500 events, 8 connections",
            unit: "events",
            units_per_request: STREAM_EVENTS,
            connections: 8,
            request: request(1_000, true),
            expected: ("chat.completion.chunk", STREAM_EVENTS),
        },
    ]
}

/// A chat completion whose body is about `content_bytes` long.
fn request(content_bytes: usize, stream: bool) -> Vec<u8> {
    let content = "All work and no play makes for a dull prompt. ".repeat(content_bytes / 46);
    let mut body = json!({
        "model": MODEL,
        "messages": [{"role": "user", "content": content}],
    });
    if stream {
        body["stream"] = json!(true);
    }
    let body = body.to_string();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\nuser-agent: bench\r\ncontent-length: {}\r\n\r\n{body}",
        harness::CLIENT_KEY,
        body.len()
    )
    .into_bytes()
}
