//! How a simulated provider handles a request.

use std::time::Duration;

use bytes::Bytes;

/// The protocol of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI and everything compatible, including Azure's and Ollama's paths.
    OpenAi,
    /// Anthropic Messages.
    Anthropic,
    /// Amazon Bedrock's Converse and ConverseStream.
    Bedrock,
}

/// What happens to the next request.
#[derive(Debug, Clone, PartialEq)]
pub enum Behaviour {
    /// The dialect's default response, JSON or stream as requested.
    Answer,
    /// The default response, delayed.
    AnswerAfter(Duration),
    /// A fixed response.
    Respond {
        /// HTTP status.
        status: u16,
        /// Headers in addition to `content-length`.
        headers: Vec<(String, String)>,
        /// Body.
        body: Bytes,
    },
    /// A 200 with `content-type: text/event-stream`, then these steps.
    Stream(Vec<Step>),
    /// A 200 with this content type and a chunked body, then these steps.
    Body(String, Vec<Step>),
    /// Accepts the request and never responds.
    Stall,
    /// Resets the connection (RST) instead of responding.
    Reset,
    /// Closes the connection (FIN) instead of responding.
    Hangup,
}

/// One step of a body.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Sends these bytes as one chunk.
    Send(Bytes),
    /// Pauses.
    Wait(Duration),
    /// Pauses forever.
    Stall,
    /// Resets the connection.
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

    /// An error with an empty body.
    pub fn status(status: u16) -> Self {
        Self::error(
            status,
            "simulated_error",
            "simulated",
            &format!("simulated {status}"),
        )
    }

    /// The same response with one more header.
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
