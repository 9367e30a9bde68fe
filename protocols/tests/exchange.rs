//! The conformance data's cases the way the filter plays them: scan the client's request, make an exchange, send its
//! request, feed it head and body of the answer, and judge what the client gets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use catalog::{DialectPatch, Provider, UpstreamFormat, providers};
use protocols::exchange::{Exchange, ResponseAction, ResponseHeaders};
use protocols::{Attempt, ClientFormat, RequestError, request_info};
use serde_json::{Value, json};

use support::feed::cuts;
use support::{anthropic_stream, chat_stream, compare};

type Headers = Vec<(String, Vec<u8>)>;

/// One folder of the conformance data.
struct Case {
    kind: String,
    folder: PathBuf,
    client: ClientFormat,
    provider: Provider,
    meta: Value,
    expected: Value,
    input: Vec<u8>,
}

/// What the client gets.
struct Answer {
    status: u16,
    headers: Headers,
    body: Vec<u8>,
}

#[test]
fn requests_over_http() {
    let count = each("request", |case| {
        if case.meta["rules"]["mode"] != "http" || case.client != ClientFormat::ChatCompletions {
            return None;
        }
        let input: Value = serde_json::from_slice(&case.input).unwrap();
        let body = input["body"].to_string();
        let setting = |name: &str| {
            input["config"]
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let wanted_version = case.expected["path"]
            .as_str()
            .and_then(|path| path.split("api-version=").last());
        let changed = |attempt: Attempt| Attempt {
            model: setting("deployment").unwrap_or(attempt.model),
            api_version: setting("api_version").or_else(|| wanted_version.map(str::to_owned)),
            ..attempt
        };
        let sent = send(case, &body, changed);
        let Ok((_, path, sent_body)) = sent else {
            return (case.expected["$error"] != 400).then(|| format!("refused: {:?}", sent.err()));
        };
        if case.expected.get("$error").is_some() {
            return (case.meta["rules"]["error_ok"] != true).then(|| String::from("not refused"));
        }
        let path = path.replace("%26", "&").replace("%3D", "=");
        if path != case.expected["path"].as_str().unwrap() {
            return Some(format!("path {path}"));
        }
        let form = compare::canonical("request", case.meta["to"].as_str().unwrap());
        let found = compare::differences(
            form,
            false,
            &case.expected["body"],
            Some(&sent_body),
            &case.meta["rules"],
        );
        (!found.is_empty()).then(|| found.join("; "))
    });
    assert!(count.is_none_or(|count| count > 3));
}

#[test]
fn json_answers() {
    each("response", |case| {
        let answer = play(
            case,
            &case.input,
            200,
            "application/json",
            &json!({}),
            vec![&case.input],
        );
        let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
        let metadata = body.as_object_mut().unwrap().remove("keeptrusts_metadata");
        if answer.status != 200 || metadata != Some(json!({"provider": "p"})) {
            return Some(format!("status {}: {body}", answer.status));
        }
        if answer.header("content-length") != Some(answer.body.len().to_string()) {
            return Some(format!(
                "content-length {:?}",
                answer.header("content-length")
            ));
        }
        let form = compare::canonical("response", case.client_protocol());
        let found =
            compare::differences(form, true, &case.expected, Some(&body), &case.meta["rules"]);
        (!found.is_empty()).then(|| found.join("; "))
    });
}

#[test]
fn streams() {
    each("stream", |case| {
        let include_usage = case.meta["context"]["include_usage"]
            .as_bool()
            .unwrap_or(true);
        let asked = json!({"stream": true, "stream_options": {"include_usage": include_usage}});
        for (how, pieces) in cuts(&case.input) {
            let answer = play(case, &case.input, 200, case.stream_type(), &asked, pieces);
            if answer.status != 200
                || answer.header("content-type").as_deref() != Some("text/event-stream")
            {
                return Some(format!(
                    "[{how}] {}: {}",
                    answer.status,
                    String::from_utf8_lossy(&answer.body)
                ));
            }
            let whole = if case.client.speaks_anthropic() {
                anthropic_stream::accumulate(&answer.body)
            } else if case.passes_through() {
                passed_stream(&answer.body)
            } else {
                chat_stream::accumulate(&answer.body, include_usage)
            };
            let form = compare::canonical("response", case.client_protocol());
            let found = compare::differences(
                form,
                true,
                &case.expected,
                Some(&whole),
                &case.meta["rules"],
            );
            if !found.is_empty() {
                return Some(format!("[{how}] {}", found.join("; ")));
            }
        }
        None
    });
}

#[test]
fn errors() {
    each("error", |case| {
        if case.expected["stream"] == true {
            let asked = json!({"stream": true, "stream_options": {"include_usage": true}});
            return cuts(&case.input).into_iter().find_map(|(how, pieces)| {
                let answer = play(case, &case.input, 200, case.stream_type(), &asked, pieces);
                // What fails before anything was passed on is a plain error, which is even better.
                let error = if answer.status == 200 {
                    if case.client.speaks_anthropic() {
                        anthropic_stream::failure(&answer.body)
                    } else {
                        chat_stream::failure(&answer.body)
                    }
                } else {
                    serde_json::from_slice::<Value>(&answer.body)
                        .ok()
                        .map(|mut body| body["error"].take())
                };
                wrong_error(&case.expected, &error?).map(|wrong| format!("[{how}] {wrong}"))
            });
        }
        let input: Value = serde_json::from_slice(&case.input).unwrap();
        let status = u16::try_from(input["status"].as_u64().unwrap()).unwrap();
        let body = match input.get("body") {
            Some(body) => body.to_string(),
            None => input["body_text"].as_str().unwrap().to_owned(),
        };
        let answer = play(
            case,
            &case.input,
            status,
            "",
            &json!({}),
            vec![body.as_bytes()],
        );
        let statuses = case.expected["status_in"].as_array().cloned();
        let statuses = statuses.unwrap_or_else(|| vec![case.expected["status"].clone()]);
        if !statuses.contains(&json!(answer.status)) {
            return Some(format!("status {}", answer.status));
        }
        for kept in case.expected["headers_kept"]
            .as_array()
            .into_iter()
            .flatten()
        {
            if answer.header(kept.as_str().unwrap()).is_none() {
                return Some(format!("{kept} is lost"));
            }
        }
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        wrong_error(&case.expected, &body["error"])
    });
}

/// Adds up a stream that passed through: it has what clients rely on, and what else its provider likes to send.
fn passed_stream(raw: &[u8]) -> Value {
    let frames = chat_stream::frames(raw);
    let (last, chunks) = frames.split_last().expect("frames");
    assert_eq!(last.1, "[DONE]");
    let mut answer = json!({"object": "chat.completion", "choices": [{"index": 0, "message": {}}]});
    for (name, data) in chunks {
        assert_eq!(name, "", "chunks have no event field");
        let chunk: Value = serde_json::from_str(data).unwrap();
        for field in ["id", "created", "model"] {
            let first = answer
                .as_object_mut()
                .unwrap()
                .entry(field)
                .or_insert_with(|| chunk[field].clone());
            assert_eq!(*first, chunk[field], "{field} changes in {data}");
        }
        if !chunk["usage"].is_null() {
            answer["usage"] = chunk["usage"].clone();
        }
        for choice in chunk["choices"].as_array().expect("choices") {
            assert!(choice.get("content_filter_results").is_none(), "{data}");
            let whole = &mut answer["choices"][0];
            if choice["finish_reason"].is_string() {
                whole["finish_reason"] = choice["finish_reason"].clone();
            }
            for (field, value) in choice["delta"].as_object().expect("delta") {
                let before = whole["message"][field]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                assert!(field != "role" || before.is_empty(), "second role: {data}");
                whole["message"][field] = match value.as_str() {
                    Some(piece) => json!(before + piece),
                    None => value.clone(),
                };
            }
        }
    }
    answer
}

fn wrong_error(expected: &Value, error: &Value) -> Option<String> {
    let message = error["message"].as_str().unwrap_or_default();
    let fits = message.contains(expected["message_contains"].as_str().unwrap())
        && expected["type_in"]
            .as_array()
            .unwrap()
            .contains(&error["type"])
        && expected
            .get("code")
            .is_none_or(|code| error["code"] == *code);
    (!fits).then(|| error.to_string())
}

/// The upstream's request for a client's body: exchange, path and body.
fn send(
    case: &Case,
    body: &str,
    changed: impl Fn(Attempt) -> Attempt,
) -> Result<(Exchange, String, Value), RequestError> {
    let info = request_info::scan(case.client, body.as_bytes())?;
    let attempt = changed(Attempt {
        client: case.client,
        provider: case.provider,
        quirks: DialectPatch::NONE,
        base_path: String::new(),
        api_version: None,
        model: info.model.clone().into_owned(),
        stream: info.stream,
        include_usage: info.include_usage,
        ask_for_usage: false,
        native_responses: false,
        model_span: info.model_span.clone(),
        traits: info.traits,
        default_max_tokens: 4096,
        request_id: String::from("req1"),
        created: 1_700_000_000,
        anthropic_version: None,
        anthropic_beta: None,
        metadata: Some(String::from(r#"{"provider":"p"}"#)),
        fail_over_on_context_length: false,
        fail_over_on_content_policy: false,
    });
    let mut exchange = Exchange::new(attempt)?;
    let outgoing = exchange.request(body.as_bytes())?;
    let sent = outgoing.body.applied(body.as_bytes()).into_owned();
    Ok((
        exchange,
        outgoing.path,
        serde_json::from_slice(&sent).unwrap(),
    ))
}

/// What the client gets from a gateway with this one target.
fn play(
    case: &Case,
    input: &[u8],
    status: u16,
    content_type: &str,
    members: &Value,
    pieces: Vec<&[u8]>,
) -> Answer {
    let mut request =
        json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": 100});
    for (name, value) in members.as_object().unwrap() {
        if name != "stream_options" || !case.client.speaks_anthropic() {
            request[name] = value.clone();
        }
    }
    let (mut exchange, ..) = send(case, &request.to_string(), |attempt| attempt).unwrap();
    let listed = serde_json::from_slice::<Value>(input)
        .ok()
        .and_then(|input| input.get("headers").cloned());
    let listed = listed.unwrap_or_else(|| json!({"content-type": content_type}));
    let text = |value: &Value| value.as_str().unwrap().as_bytes().to_vec();
    let head: Headers = listed
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.to_lowercase(), text(value)))
        .collect();

    let head: Vec<(&str, &[u8])> = (head.iter())
        .map(|(name, value)| (name.as_str(), value.as_slice()))
        .collect();

    let mut out = Vec::new();
    let mut body = Vec::new();
    let mut sent = None;
    let mut verdict = exchange.response_head(status, &head, false);
    let last = pieces.len().saturating_sub(1);
    for (index, piece) in pieces.into_iter().enumerate() {
        if matches!(verdict, ResponseAction::Failover(_)) {
            break;
        }
        verdict = exchange.response_body(piece, index == last, &mut out);
        match verdict {
            ResponseAction::Forward => body.extend_from_slice(piece),
            ResponseAction::Replace => body.append(&mut out),
            ResponseAction::Buffer | ResponseAction::Failover(_) => continue,
        }
        sent.get_or_insert_with(|| exchange.response_headers(&head));
    }
    if matches!(verdict, ResponseAction::Failover(_)) {
        let (status, headers, body) = exchange.error_response().expect("an error");
        return Answer {
            status,
            headers: owned(headers),
            body,
        };
    }
    let (status, headers) = sent.expect("an answer");
    Answer {
        status,
        headers: owned(headers),
        body,
    }
}

/// Calls `judge` for the cases of a kind whose pair an exchange serves. `None` where there is no conformance data.
fn each(kind: &str, judge: impl Fn(&Case) -> Option<String>) -> Option<usize> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance/cases");
    if !root.is_dir() {
        println!("skipped: the conformance data is not there");
        return None;
    }
    let mut folders: Vec<PathBuf> = fs::read_dir(root.join(kind))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    let (mut count, mut wrong) = (0, Vec::new());
    for case in folders.into_iter().map(|folder| Case::read(kind, folder)) {
        count += 1;
        if let Some(found) = judge(&case) {
            wrong.push(format!("{}\n  {found}", case.folder.display()));
        }
    }
    println!("{count} {kind} cases");
    assert!(
        wrong.is_empty(),
        "{} of {count}\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    Some(count)
}

impl Case {
    fn read(kind: &str, folder: PathBuf) -> Self {
        let json = |name: &str| -> Value {
            serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
        };
        let meta = json("meta.json");
        let (from, to) = (meta["from"].as_str().unwrap(), meta["to"].as_str().unwrap());
        let (client, upstream) = if kind == "request" {
            (from, to)
        } else {
            (to, from)
        };
        let input = ["input.json", "input.sse", "input.bin"]
            .iter()
            .find_map(|name| fs::read(folder.join(name)).ok())
            .unwrap();
        Self {
            kind: kind.to_owned(),
            client: match client {
                "anthropic" => ClientFormat::AnthropicMessages,
                _ => ClientFormat::ChatCompletions,
            },
            provider: match upstream {
                "anthropic" => providers::ANTHROPIC,
                "bedrock" => providers::BEDROCK,
                "azure" => providers::AZURE_OPENAI,
                "ollama" => providers::OLLAMA,
                _ => Provider::COMPATIBLE,
            },
            expected: json("expected.json"),
            meta,
            input,
            folder,
        }
    }

    fn client_protocol(&self) -> &'static str {
        if self.client.speaks_anthropic() {
            "anthropic"
        } else {
            "openai"
        }
    }

    fn passes_through(&self) -> bool {
        self.client == ClientFormat::ChatCompletions
            && self.provider.format() == UpstreamFormat::OpenAi
    }

    fn stream_type(&self) -> &'static str {
        assert_ne!(self.kind, "request");
        match self.provider.format() {
            UpstreamFormat::Bedrock => "application/vnd.amazon.eventstream",
            _ => "text/event-stream",
        }
    }
}

fn owned(headers: ResponseHeaders<'_>) -> Headers {
    headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into_owned()))
        .collect()
}

impl Answer {
    fn header(&self, name: &str) -> Option<String> {
        let (_, value) = self.headers.iter().find(|(known, _)| known == name)?;
        Some(String::from_utf8(value.clone()).unwrap())
    }
}
