//! Golden files of every pair: `golden/<pair>/<kind>/<name>/input.*` and `expected.*`.
//!
//! | kind | input | expected |
//! |---|---|---|
//! | `request` | `input.json`, the client's body | `expected.json`: `{path, headers, body}` or `{error}` |
//! | `response` | `input.json`, the upstream's body | `expected.json`: `{body, usage, served_model}` or `{error}` |
//! | `stream` | `input.sse`, the upstream's bytes, or `input.frames`, see [`support::frames`] | `expected.sse`: the client's bytes, then a comment with the end state |
//! | `error` | `input.json`: `{status, headers, body or body_text}` | `expected.json`: `{status, kind, retry_after_ms, body}` |
//!
//! Beside them there may be `attempt.json` (fields of the attempt that differ from the usual) and `request.json` (the
//! client's request, where the answer depends on it). `UPDATE_GOLDEN=1` writes what is missing or differs; what it
//! writes is read by a person before it is committed.

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

use protocols::{BodyEdit, OutgoingRequest, ProviderError, StreamState, Translator, Usage, error};
use serde_json::{Value, json};

use support::feed::{Outcome, cuts, feed};
use support::frames;
use support::pair::{PAIRS, Pair};

/// One folder with a case.
struct Case {
    pair: &'static Pair,
    kind: String,
    folder: PathBuf,
}

#[test]
fn requests() {
    check_all("request", |case| {
        let input = case.input();
        let body = serde_json::from_slice(&input).unwrap_or_default();
        let answer = case.translator(&body).request(&input);
        pretty(&match answer {
            Ok(request) => request_json(request),
            Err(error) => json!({"error": {
                "message": error.message, "param": error.param, "code": error.code,
            }}),
        })
    });
}

#[test]
fn responses() {
    check_all("response", |case| {
        let input = case.input();
        let mut translator = case.primed();
        pretty(&match translator.response(&input) {
            Ok(body) => json!({
                "body": parse(body.as_deref().unwrap_or(&input)),
                "usage": usage_json(translator.usage()),
                "served_model": translator.served_model(),
            }),
            Err(error) => json!({"error": error_json(&error)}),
        })
    });
}

#[test]
fn streams() {
    check_all("stream", |case| {
        let input = case.input();
        let mut outcomes = cuts(&input)
            .into_iter()
            .map(|(how, pieces)| (how, feed(case.primed(), pieces)));
        let (_, whole) = outcomes.next().unwrap();
        for (how, outcome) in outcomes {
            assert_eq!(whole, outcome, "{} cut into {how}", case.folder.display());
        }
        with_end_state(&whole)
    });
}

#[test]
fn errors() {
    check_all("error", |case| {
        let input: Value = parse(&case.input());
        let headers: Vec<(&str, &[u8])> = input["headers"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap().as_bytes()))
            .collect();
        let body = match input.get("body") {
            Some(body) => body.to_string(),
            None => input["body_text"].as_str().unwrap().to_owned(),
        };
        let status = u16::try_from(input["status"].as_u64().unwrap()).unwrap();
        let error = case.primed().error(
            catalog::Provider::COMPATIBLE,
            status,
            &headers,
            body.as_bytes(),
        );
        let mut expected = error_json(&error);
        expected["body"] = parse(&error::provider_error_body(case.pair.client, &error));
        pretty(&expected)
    });
}

/// Compares what `translate` gives for each case of a kind with its expected file.
fn check_all(kind: &str, translate: impl Fn(&Case) -> String) {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for case in cases(kind) {
        let actual = translate(&case);
        let file = case.expected();
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if actual == expected {
            continue;
        }
        if update {
            fs::write(&file, &actual).unwrap();
        }
        wrong.push(format!(
            "{}\n--- expected\n{expected}\n--- actual\n{actual}",
            case.folder.display()
        ));
    }
    assert!(wrong.is_empty() || update, "{}", wrong.join("\n\n"));
}

fn cases(kind: &str) -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut cases = Vec::new();
    for pair in PAIRS {
        let Ok(entries) = fs::read_dir(root.join(pair.name).join(kind)) else {
            continue;
        };
        let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        folders.sort();
        cases.extend(folders.into_iter().map(|folder| Case {
            pair,
            kind: kind.to_owned(),
            folder,
        }));
    }
    cases
}

impl Case {
    fn file(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.join(name)).ok()
    }

    fn json(&self, name: &str) -> Value {
        self.file(name).map_or(Value::Null, |file| parse(&file))
    }

    fn input(&self) -> Vec<u8> {
        if let Some(frames) = self.file("input.frames") {
            return frames::encode_all(std::str::from_utf8(&frames).unwrap());
        }
        ["input.json", "input.sse", "input.bin", "input.txt"]
            .iter()
            .find_map(|name| self.file(name))
            .unwrap_or_else(|| panic!("no input in {}", self.folder.display()))
    }

    fn expected(&self) -> PathBuf {
        let name = if self.kind == "stream" {
            "expected.sse"
        } else {
            "expected.json"
        };
        self.folder.join(name)
    }

    fn translator(&self, request: &Value) -> Box<dyn Translator> {
        (self.pair.make)(self.pair.attempt(request, &self.json("attempt.json")))
    }

    /// A translator that has seen its request, if the case gives one.
    fn primed(&self) -> Box<dyn Translator> {
        let mut translator = self.translator(&self.json("request.json"));
        if let Some(request) = self.file("request.json") {
            translator.request(&request).unwrap();
        }
        translator
    }
}

fn parse(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|error| {
        panic!("{error} in {}", String::from_utf8_lossy(body));
    })
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap();
    text.push('\n');
    text
}

fn request_json(request: OutgoingRequest) -> Value {
    let headers: serde_json::Map<String, Value> = request
        .headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::String(value)))
        .collect();
    let body = match request.body {
        BodyEdit::Unchanged => json!("unchanged"),
        BodyEdit::Splice(edits) => edits
            .into_iter()
            .map(|(range, bytes)| {
                let with = String::from_utf8(bytes).unwrap();
                json!({ "replace": [range.start, range.end], "with": with })
            })
            .collect(),
        BodyEdit::Replace(body) => parse(&body),
    };
    json!({"path": request.path, "headers": headers, "body": body})
}

fn usage_json(usage: Option<Usage>) -> Value {
    usage.map_or(Value::Null, |usage| {
        json!({
            "prompt": usage.prompt, "completion": usage.completion, "cached": usage.cached,
            "cache_written": usage.cache_written, "reasoning": usage.reasoning,
        })
    })
}

fn error_json(error: &ProviderError) -> Value {
    json!({
        "status": error.status,
        "kind": format!("{:?}", error.kind),
        "message": error.message,
        "code": error.code,
        "param": error.param,
        "retry_after_ms": error.retry_after_ms,
    })
}

/// The client's bytes, and as a comment what the translator reports at the end.
fn with_end_state(outcome: &Outcome) -> String {
    let state = match &outcome.state {
        StreamState::BeforeContent => json!("opening"),
        StreamState::Content => json!("content"),
        StreamState::Complete => json!("complete"),
        StreamState::Empty => json!("empty"),
        StreamState::Failed(error) => json!({"failed": error_json(error)}),
    };
    let end = json!({
        "state": state, "usage": usage_json(outcome.usage), "served_model": outcome.served_model,
    });
    format!("{}: {end}\n", String::from_utf8_lossy(&outcome.out))
}
