//! Answers as a client sees them.

use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use serde_json::Value;

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
    /// From sending to the last byte.
    pub took: Duration,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// It is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", String::from_utf8_lossy(&self.body)))
    }

    /// A header as text; empty when missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// `(status, error.type, error.code)`
    pub fn error(&self) -> (u16, String, String) {
        let body = self.json();
        let field = |name: &str| body["error"][name].as_str().unwrap_or_default().to_owned();
        (self.status, field("type"), field("code"))
    }

    /// The target that served.
    pub fn provider(&self) -> &str {
        self.header("x-keeptrusts-provider")
    }
}

/// A streamed answer: what came, and when.
#[derive(Debug, Clone)]
pub struct StreamAnswer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Chunks with the time since the request was sent.
    pub chunks: Vec<(Duration, Vec<u8>)>,
    /// The connection broke before the body's proper end.
    pub broken: bool,
    /// When the request was sent.
    pub sent_at: Instant,
}

impl StreamAnswer {
    /// All bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.chunks
            .iter()
            .flat_map(|(_, chunk)| chunk.clone())
            .collect()
    }

    /// All bytes as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// The `data:` payloads in order.
    pub fn data(&self) -> Vec<String> {
        self.text()
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(String::from)
            .collect()
    }

    /// The text of all chat deltas.
    pub fn content(&self) -> String {
        self.data()
            .iter()
            .filter_map(|data| serde_json::from_str::<Value>(data).ok())
            .filter_map(|chunk| {
                chunk["choices"][0]["delta"]["content"]
                    .as_str()
                    .map(String::from)
            })
            .collect()
    }

    /// A header as text; empty when missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The target that served.
    pub fn provider(&self) -> &str {
        self.header("x-keeptrusts-provider")
    }
}
