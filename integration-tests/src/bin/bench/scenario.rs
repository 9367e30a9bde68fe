//! What is asked, by how many connections.

use harness::{PolicyText, Upstream};
use serde_json::{Value, json};

/// Events with content in a streamed answer.
pub(crate) const STREAM_EVENTS: usize = 500;

/// One row of the table.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// What is counted, in the plural.
    pub(crate) unit: &'static str,
    /// How many of the unit one request is worth.
    pub(crate) units_per_request: usize,
    pub(crate) pace: Pace,
    /// A whole HTTP request.
    pub(crate) request: Vec<u8>,
    /// What the whole answer must contain, and how often at least.
    pub(crate) expected: (&'static str, usize),
}

/// Who decides when the next request is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// So many connections, each with one request in flight at all times.
    Closed(usize),
    /// So many requests a second, whether or not those before were answered.
    Open(f64),
}

impl Scenario {
    /// The same with further header lines, each with its line end.
    pub(crate) fn with_headers(&self, lines: &str) -> Self {
        let end_of_first_line = self.request.iter().position(|&byte| byte == b'\n');
        let mut scenario = self.clone();
        if let Some(end) = end_of_first_line {
            scenario.request.splice(end + 1..end + 1, lines.bytes());
        }
        scenario
    }
}

/// The policy of all scenarios: pass-through, translation, a provider that does not know the model, and strategies.
pub(crate) fn policy(upstream: std::net::SocketAddr) -> PolicyText {
    let openai = |id| Upstream::at_url(id, &format!("http://{upstream}/v1"));
    let targets = [
        openai("first"),
        openai("second"),
        Upstream::at_url("claude", &format!("http://{upstream}")).vendor("anthropic"),
        Upstream::at_url("unknowing", &format!("http://{upstream}/unknowing/v1")),
    ];
    let group = |name: &str, extra: &str, members: [&str; 2]| {
        let members: String = members
            .iter()
            .map(|member| format!("      - {{provider: {member}, model: upstream-model{extra}}}\n"))
            .collect();
        format!("  - name: {name}\n    models:\n{members}")
    };
    let strategy = |name: &str| format!("    strategy: {name}\n");
    let groups = [
        group("bench", "", ["first", "second"]),
        group("claude", "", ["claude", "first"]),
        group("failing", "", ["unknowing", "first"]),
        group("weighted", ", weight: 50", ["first", "second"]) + &strategy("weighted"),
        group("sticky", ", weight: 50", ["first", "second"])
            + &strategy("weighted")
            + "    session_affinity: true\n",
        group("latency", "", ["first", "second"]) + &strategy("latency"),
    ];
    PolicyText::over(&targets, &format!("model_groups:\n{}", groups.concat()))
}

/// All rows of closed-loop load, in the table's order.
pub(crate) fn all() -> Vec<Scenario> {
    vec![
        json("JSON, 1 KB", "bench", 8, 1_000),
        json("JSON, 1 KB", "bench", 1, 1_000),
        json("JSON, 10 KB", "bench", 8, 10_000),
        json("JSON, 100 KB", "bench", 8, 100_000),
        json("JSON, 1 MB", "bench", 4, 1_000_000),
        json("JSON, 10 MB", "bench", 2, 10_000_000),
        Scenario {
            request: request(&model_last(chat("bench", 10_000_000))),
            ..json("JSON, 10 MB, model last", "bench", 2, 10_000_000)
        },
        json("JSON translated, 1 KB", "claude", 8, 1_000),
        json("JSON, 1 KB, second attempt", "failing", 8, 1_000),
        json("JSON, 1 KB, weighted", "weighted", 8, 1_000),
        json("JSON, 1 KB, session affinity", "sticky", 8, 1_000),
        json("JSON, 1 KB, latency", "latency", 8, 1_000),
        stream("SSE, 500 events", "bench"),
        stream("SSE translated, 500 events", "claude"),
    ]
}

/// The row that others are measured by: one small pass-through request.
pub(crate) fn small(pace: Pace) -> Scenario {
    Scenario {
        name: match pace {
            Pace::Closed(connections) => format!("JSON, 1 KB, {connections} connections"),
            Pace::Open(rate) => format!("JSON, 1 KB, open loop at {rate:.0} /s"),
        },
        pace,
        ..json("", "bench", 1, 1_000)
    }
}

fn json(what: &str, model: &str, connections: usize, content_bytes: usize) -> Scenario {
    Scenario {
        name: format!("{what}, {}", in_words(connections)),
        unit: "requests",
        units_per_request: 1,
        pace: Pace::Closed(connections),
        request: request(&chat(model, content_bytes)),
        expected: ("chat.completion", 1),
    }
}

fn stream(what: &str, model: &str) -> Scenario {
    let mut body = chat(model, 1_000);
    body["stream"] = json!(true);
    Scenario {
        name: format!("{what}, {}", in_words(8)),
        unit: "events",
        units_per_request: STREAM_EVENTS,
        pace: Pace::Closed(8),
        request: request(&body),
        expected: ("chat.completion.chunk", STREAM_EVENTS),
    }
}

fn in_words(connections: usize) -> String {
    match connections {
        1 => String::from("1 connection"),
        many => format!("{many} connections"),
    }
}

/// A chat completion that is about `content_bytes` long. Plain Envoy passes the model on unread.
fn chat(model: &str, content_bytes: usize) -> Value {
    let content = "All work and no play makes for a dull prompt. ".repeat(content_bytes / 46);
    json!({
        "model": model,
        "messages": [{"role": "user", "content": content}],
    })
}

/// As clients write it that name the model behind the messages.
fn model_last(body: Value) -> Value {
    json!({"messages": body["messages"], "model": body["model"]})
}

fn request(body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\nuser-agent: bench\r\ncontent-length: {}\r\n\r\n{body}",
        harness::CLIENT_KEY,
        body.len()
    )
    .into_bytes()
}
