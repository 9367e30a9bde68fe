//! What a simulated provider does with a request.

use std::time::Duration;

use bytes::Bytes;

/// The protocol that a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI and everything compatible, Azure's and Ollama's paths included.
    OpenAi,
    /// Anthropic Messages.
    Anthropic,
    /// Amazon Bedrock's Converse and ConverseStream.
    Bedrock,
}

/// What happens to the next request.
#[derive(Debug, Clone, PartialEq)]
pub enum Behaviour {
    /// The dialect's ordinary answer, JSON or stream as requested.
    Answer,
    /// The ordinary answer, so much later.
    AnswerAfter(Duration),
    /// A fixed answer.
    Respond {
        /// HTTP status.
        status: u16,
        /// Headers beside `content-length`.
        headers: Vec<(String, String)>,
        /// Body.
        body: Bytes,
    },
    /// A 200 with `content-type: text/event-stream`, then these steps.
    Stream(Vec<Step>),
    /// A 200 with this content type and chunked body, then these steps.
    Body(String, Vec<Step>),
    /// Accepts the request and never answers.
    Stall,
    /// Breaks the connection (RST) instead of answering.
    Reset,
    /// Closes the connection (FIN) instead of answering.
    Hangup,
}

/// One step of a body.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// These bytes, as one chunk.
    Send(Bytes),
    /// Silence.
    Wait(Duration),
    /// Silence for ever.
    Stall,
    /// The connection breaks.
    Break,
}

impl Behaviour {
    /// An error in OpenAI's shape.
    pub fn error(status: u16, kind: &str, code: &str, message: &str) -> Self {
        let body = serde_json::json!({"error": {"message": message, "type": kind, "code": code, "param": null}});
        Self::json(status, &body)
    }

    /// Any JSON body.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::Respond {
            status,
            headers: vec![("content-type".into(), "application/json".into())],
            body: body.to_string().into(),
        }
    }

    /// An error that only its status describes.
    pub fn status(status: u16) -> Self {
        Self::error(
            status,
            "simulated_error",
            "simulated",
            &format!("simulated {status}"),
        )
    }

    /// The same fixed answer with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if let Self::Respond { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

impl Step {
    /// One server-sent event without a name.
    pub fn data(data: &str) -> Self {
        Self::Send(format!("data: {data}\n\n").into())
    }

    /// One named server-sent event.
    pub fn event(name: &str, data: &str) -> Self {
        Self::Send(format!("event: {name}\ndata: {data}\n\n").into())
    }
}
