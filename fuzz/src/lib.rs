//! What the fuzz targets share: attempts for every pair of formats, and answers fed in pieces.

use catalog::{DialectPatch, Provider, providers};
use protocols::request_info::RequestTraits;
use protocols::exchange::{Exchange, ResponseAction};
use protocols::{Attempt, ClientFormat, UpstreamFormat};

const CLIENTS: [ClientFormat; 5] = [
    ClientFormat::ChatCompletions,
    ClientFormat::Completions,
    ClientFormat::Embeddings,
    ClientFormat::Responses,
    ClientFormat::AnthropicMessages,
];
const PROVIDERS: [Provider; 7] = [
    Provider::COMPATIBLE,
    providers::AZURE_OPENAI,
    providers::OLLAMA,
    providers::ANTHROPIC,
    providers::BEDROCK,
    providers::MISTRAL,
    providers::MOONSHOT,
];

/// The attempt that a byte stands for; `None` for pairs that nobody serves.
pub fn attempt(selector: u8, stream: bool, body: &[u8]) -> Option<Attempt> {
    let client = CLIENTS[usize::from(selector) % CLIENTS.len()];
    let provider = PROVIDERS[usize::from(selector) / CLIENTS.len() % PROVIDERS.len()];
    let (model_span, traits) = protocols::request_info::scan(client, body)
        .map_or((0..0, RequestTraits::ANYTHING), |info| (info.model_span, info.traits));
    let attempt = Attempt {
        client,
        provider,
        quirks: DialectPatch::NONE,
        base_path: String::from("/v1"),
        api_version: Some(String::from("2024-10-21")),
        model: String::from("claude-sonnet-4"),
        stream,
        include_usage: true,
        ask_for_usage: false,
        native_responses: selector >= 200,
        model_span,
        traits,
        default_max_tokens: 1024,
        request_id: String::from("fuzz"),
        created: 1_760_000_000,
        anthropic_version: None,
        anthropic_beta: None,
        metadata: Some(String::from(r#"{"provider":"fuzz"}"#)),
        fail_over_on_context_length: selector % 2 == 0,
        fail_over_on_content_policy: selector % 3 == 0,
    };
    Exchange::new(attempt.clone()).is_ok().then_some(attempt)
}

/// What a client gets of an answer that arrives in pieces of `step` bytes: status and body, or the reason of a failover.
pub fn answer(attempt: Attempt, status: u16, body: &[u8], step: usize) -> Result<(u16, Vec<u8>), String> {
    let content_type = match (attempt.stream, attempt.upstream()) {
        (true, UpstreamFormat::Bedrock) => "application/vnd.amazon.eventstream",
        (true, _) => "text/event-stream",
        (false, _) => "application/json",
    };
    let headers = [("content-type", content_type.as_bytes())];
    let mut exchange = Exchange::new(attempt).map_err(|error| error.message)?;
    let mut out = Vec::new();
    let mut action = exchange.response_head(status, &headers, false);
    let mut pieces = body.chunks(step.max(1)).peekable();
    loop {
        if let ResponseAction::Failover(reason) = action {
            return Err(reason.as_str().to_owned());
        }
        let piece = pieces.next().unwrap_or_default();
        let end = pieces.peek().is_none();
        let mut fresh = Vec::new();
        action = exchange.response_body(piece, end, &mut fresh);
        match action {
            ResponseAction::Forward => out.extend_from_slice(piece),
            ResponseAction::Buffer | ResponseAction::Replace => out.extend_from_slice(&fresh),
            ResponseAction::Failover(_) => {}
        }
        if end && !matches!(action, ResponseAction::Failover(_)) {
            return Ok((exchange.response_headers(&headers).0, out));
        }
    }
}
