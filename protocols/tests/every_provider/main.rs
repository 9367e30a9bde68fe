//! Every provider of the catalogue in its own shapes: a request, an answer, a stream, a tool call in both, and its errors,
//! for clients of Chat Completions and of Anthropic's Messages.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

#[path = "../support/mod.rs"]
mod support;

mod errors;
mod shapes;

use catalog::{DialectPatch, Provider, UpstreamFormat};
use protocols::exchange::{Exchange, Report, ResponseAction};
use protocols::request_info::RequestTraits;
use protocols::{Attempt, ClientFormat};
use serde_json::{Value, json};

use self::shapes::Shape;
use self::support::feed::cuts;
use self::support::{anthropic_stream, chat_stream};

const TEXT: &str = "Good morning";
const THOUGHT: &str = "They greet me.";
const TOOL: &str = "get_weather";
const PROMPT_TOKENS: u64 = 12;
const COMPLETION_TOKENS: u64 = 7;

/// What a provider's answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Text,
    ToolCall,
}

fn arguments() -> Value {
    json!({"city": "Paris", "days": 2})
}

fn attempt(provider: Provider, client: ClientFormat, stream: bool) -> Attempt {
    Attempt {
        client,
        provider,
        quirks: DialectPatch::NONE,
        base_path: String::from("/v1"),
        api_version: None,
        model: String::from("some-model"),
        stream,
        include_usage: stream,
        ask_for_usage: false,
        model_span: 0..0,
        traits: RequestTraits::ANYTHING,
        default_max_tokens: 4096,
        request_id: String::from("req1"),
        created: 1_700_000_000,
        anthropic_version: None,
        anthropic_beta: None,
        native_responses: false,
        metadata: None,
        fail_over_on_context_length: true,
        fail_over_on_content_policy: true,
    }
}

/// A question with a tool, in the client's format.
fn question(client: ClientFormat, stream: bool) -> Value {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}});
    let mut body = json!({
        "model": "some-model",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "What is the weather like in Paris?"}],
        "tools": [match client {
            ClientFormat::AnthropicMessages => json!({"name": TOOL, "input_schema": schema}),
            _ => json!({"type": "function", "function": {"name": TOOL, "parameters": schema}}),
        }],
    });
    if stream {
        body["stream"] = true.into();
        if client == ClientFormat::ChatCompletions {
            body["stream_options"] = json!({"include_usage": true});
        }
    }
    body
}

/// An exchange whose request is sent, and the body that the provider gets.
fn asked(provider: Provider, client: ClientFormat, stream: bool) -> (Exchange, Value) {
    let question = question(client, stream).to_string();
    let mut attempt = attempt(provider, client, stream);
    let model = question.find("\"some-model\"").unwrap();
    attempt.model_span = model..model + "\"some-model\"".len();
    let mut exchange = Exchange::new(attempt).unwrap();
    let request = exchange.request(question.as_bytes()).unwrap();
    let sent = request.body.applied(question.as_bytes()).into_owned();
    (exchange, serde_json::from_slice(&sent).unwrap())
}

/// What the client gets of an answer that comes in these pieces, and what the gateway knows of it then.
fn played(mut exchange: Exchange, content_type: &str, pieces: &[&[u8]]) -> (Vec<u8>, Report) {
    let head: [(&str, &[u8]); 1] = [("content-type", content_type.as_bytes())];
    let mut action = exchange.response_head(200, &head, false);
    let (mut out, mut body) = (Vec::new(), Vec::new());
    for (index, piece) in pieces.iter().enumerate() {
        action = exchange.response_body(piece, index + 1 == pieces.len(), &mut out);
        match action {
            ResponseAction::Forward => body.extend_from_slice(piece),
            ResponseAction::Replace => body.append(&mut out),
            ResponseAction::Buffer => {}
            ResponseAction::Failover(_) => break,
        }
    }
    assert!(
        !matches!(action, ResponseAction::Failover(_)),
        "{action:?} {:?}",
        exchange.report().error
    );
    (body, exchange.report())
}

fn assert_billed(report: &Report, of: &str) {
    let usage = report.usage.unwrap_or_else(|| panic!("no usage: {of}"));
    assert_eq!(
        (usage.prompt, usage.completion),
        (PROMPT_TOKENS, COMPLETION_TOKENS),
        "{of}"
    );
    assert!(report.complete, "{of}");
}

const CLIENTS: [ClientFormat; 2] = [
    ClientFormat::ChatCompletions,
    ClientFormat::AnthropicMessages,
];

/// Each provider that one of the two clients can reach, with its shape.
fn each(check: impl Fn(Shape, ClientFormat, &str)) {
    for provider in Provider::all() {
        let shape = Shape::of(provider);
        for client in CLIENTS {
            check(shape, client, &format!("{provider:?} for {client:?}"));
        }
    }
}

#[test]
fn every_provider_gets_the_tool_the_question_and_a_limit_under_its_own_name() {
    each(|shape, client, of| {
        let (_, sent) = asked(shape.provider, client, false);
        let text = sent.to_string();
        assert!(
            text.contains(TOOL) && text.contains("Paris"),
            "{of}: {sent}"
        );
        let format = shape.provider.format();
        let dialect = attempt(shape.provider, client, false).dialect();
        let limit = match format {
            UpstreamFormat::Bedrock => sent["inferenceConfig"]["maxTokens"].as_u64(),
            _ => ["max_tokens", "max_completion_tokens"]
                .iter()
                .find_map(|name| {
                    let limit = sent.get(*name)?.as_u64()?;
                    assert!(dialect.takes(name), "{of}: {name}");
                    Some(limit)
                }),
        };
        assert_eq!(limit, Some(100), "{of}: {sent}");
    });
}

#[test]
fn every_providers_answer_is_read() {
    each(|shape, client, of| {
        for content in [Content::Text, Content::ToolCall] {
            let (exchange, _) = asked(shape.provider, client, false);
            let answer = shape.answer(content).to_string();
            let (body, report) = played(exchange, "application/json", &[answer.as_bytes()]);
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_billed(&report, of);
            assert_eq!(read(client, &body), expected(content), "{of}: {body}");
        }
    });
}

#[test]
fn every_providers_stream_is_read_however_it_is_cut() {
    each(|shape, client, of| {
        for content in [Content::Text, Content::ToolCall] {
            let stream = shape.stream(content);
            for (how, pieces) in cuts(&stream) {
                let (exchange, _) = asked(shape.provider, client, true);
                let (body, report) = played(exchange, shape.stream_type(), &pieces);
                let of = format!("{of}, {how}");
                assert_billed(&report, &of);
                let answer = match client {
                    ClientFormat::AnthropicMessages => anthropic_stream::accumulate(&body),
                    _ => joined(&body),
                };
                assert_eq!(read(client, &answer), expected(content), "{of}: {answer}");
            }
        }
    });
}

/// Text, and the tool call's name and arguments.
type Found = (String, Option<(String, Value)>);

fn expected(content: Content) -> Found {
    match content {
        Content::Text => (TEXT.to_owned(), None),
        Content::ToolCall => (String::new(), Some((TOOL.to_owned(), arguments()))),
    }
}

/// What the client reads in a whole answer of its format.
fn read(client: ClientFormat, answer: &Value) -> Found {
    if client == ClientFormat::AnthropicMessages {
        let blocks = answer["content"].as_array().unwrap();
        let of_type = |name: &'static str| blocks.iter().filter(move |block| block["type"] == name);
        let text = of_type("text").map(|block| block["text"].as_str().unwrap());
        let call = of_type("tool_use").next();
        return (
            text.collect(),
            call.map(|call| {
                (
                    call["name"].as_str().unwrap().to_owned(),
                    call["input"].clone(),
                )
            }),
        );
    }
    let message = &answer["choices"][0]["message"];
    let call = message["tool_calls"].get(0).map(|call| {
        let arguments = call["function"]["arguments"].as_str().unwrap();
        (
            call["function"]["name"].as_str().unwrap().to_owned(),
            serde_json::from_str(arguments).unwrap(),
        )
    });
    (
        message["content"].as_str().unwrap_or_default().to_owned(),
        call,
    )
}

/// A Chat Completions stream as OpenAI's own client reads it: usage may stand anywhere, but deltas are text.
fn joined(stream: &[u8]) -> Value {
    let mut frames = chat_stream::frames(stream);
    assert_eq!(
        frames.pop().map(|(_, data)| data).as_deref(),
        Some("[DONE]")
    );
    let (mut text, mut calls) = (String::new(), Vec::<Value>::new());
    for (_, data) in frames.into_iter().filter(|(_, data)| !data.is_empty()) {
        let chunk: Value = serde_json::from_str(&data).unwrap();
        let delta = &chunk["choices"][0]["delta"];
        let content = &delta["content"];
        assert!(content.is_null() || content.is_string(), "{data}");
        text += content.as_str().unwrap_or_default();
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            if index == calls.len() {
                calls.push(call.clone());
                continue;
            }
            let arguments = &mut calls[index]["function"]["arguments"];
            let more = call["function"]["arguments"].as_str().unwrap();
            *arguments = format!("{}{more}", arguments.as_str().unwrap()).into();
        }
    }
    let message = match calls.as_slice() {
        [] => json!({"content": text}),
        calls => json!({"content": text, "tool_calls": calls}),
    };
    json!({"choices": [{"message": message}]})
}
