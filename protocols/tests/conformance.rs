//! The conformance data's cases for every pair, read in place where the data is there.

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

use protocols::{ClientFormat, StreamState, error};
use serde_json::{Value, json};

use support::feed::{cuts, feed};
use support::pair::{PAIRS, Pair};
use support::{anthropic_stream, chat_stream, compare};

/// One case of one pair.
struct Case {
    pair: &'static Pair,
    folder: PathBuf,
    meta: Value,
    expected: Value,
    input: Vec<u8>,
}

#[test]
fn requests() {
    check("request", |case| {
        let body: Value = serde_json::from_slice(&case.input).unwrap();
        let mut translator = (case.pair.make)(case.pair.attempt(&body, &json!({})));
        let answer = translator.request(&case.input);
        let actual = answer.as_ref().ok().map(|request| {
            let sent = request.body.clone().applied(&case.input);
            serde_json::from_slice(&sent).expect("JSON")
        });
        let form = compare::canonical("request", case.meta["to"].as_str().unwrap());
        let rules = &case.meta["rules"];
        compare::differences(form, false, &case.expected, actual.as_ref(), rules)
    });
}

#[test]
fn responses() {
    check("response", |case| {
        let mut translator = (case.pair.make)(case.pair.attempt(&json!({}), &json!({})));
        let answer = match translator.response(&case.input) {
            Ok(body) => body.unwrap_or_else(|| case.input.clone()),
            Err(error) => return vec![format!("{error:?}")],
        };
        case.differences(&serde_json::from_slice(&answer).expect("JSON"))
    });
}

#[test]
fn streams() {
    check("stream", |case| {
        let include_usage = case.meta["context"]["include_usage"]
            .as_bool()
            .unwrap_or(true);
        let mut found = Vec::new();
        for (how, pieces) in cuts(&case.input) {
            let outcome = feed(case.streaming(include_usage), pieces);
            if outcome.state != StreamState::Complete {
                found.push(format!("[{how}] {:?}", outcome.state));
                continue;
            }
            let answer = if case.pair.client.speaks_anthropic() {
                anthropic_stream::accumulate(&outcome.out)
            } else {
                chat_stream::accumulate(&outcome.out, include_usage)
            };
            let differences = case.differences(&answer);
            found.extend(
                differences
                    .into_iter()
                    .map(|what| format!("[{how}] {what}")),
            );
        }
        found
    });
}

#[test]
fn errors() {
    check("error", |case| {
        if case.expected["stream"] == true {
            return stream_error(case);
        }
        let answer: Value = serde_json::from_slice(&case.input).unwrap();
        let headers: Vec<(String, &[u8])> = answer["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.to_lowercase(), value.as_str().unwrap().as_bytes()))
            .collect();
        let lent: Vec<(&str, &[u8])> = (headers.iter())
            .map(|(name, value)| (name.as_str(), *value))
            .collect();
        let body = match answer.get("body") {
            Some(body) => body.to_string(),
            None => answer["body_text"].as_str().unwrap().to_owned(),
        };
        let status = u16::try_from(answer["status"].as_u64().unwrap()).unwrap();
        let translator = (case.pair.make)(case.pair.attempt(&json!({}), &json!({})));
        let error = translator.error(
            catalog::Provider::COMPATIBLE,
            status,
            &lent,
            body.as_bytes(),
        );
        let shaped = error::provider_error_body(case.pair.client, &error);
        let shaped: Value = serde_json::from_slice(&shaped).unwrap();
        let mut found = error_differences(&shaped["error"], &case.expected);
        let statuses = &case.expected["status_in"];
        let fits = match statuses.as_array() {
            Some(statuses) => statuses.contains(&json!(error.status)),
            None => case.expected["status"] == error.status,
        };
        if !fits {
            found.push(format!("status {}", error.status));
        }
        found
    });
}

/// A stream that fails: all cuts, the content before the error, the error itself.
fn stream_error(case: &Case) -> Vec<String> {
    let mut found = Vec::new();
    for (how, pieces) in cuts(&case.input) {
        let outcome = feed(case.streaming(true), pieces);
        let StreamState::Failed(error) = &outcome.state else {
            found.push(format!("[{how}] {:?}", outcome.state));
            continue;
        };
        let before = case.expected["content_before"].as_str().unwrap();
        let shaped = if before.is_empty() {
            // Nothing reached the client: the exchange answers with an error of its own.
            let shaped = error::provider_error_body(case.pair.client, error);
            serde_json::from_slice::<Value>(&shaped).unwrap()["error"].take()
        } else if case.pair.client.speaks_anthropic() {
            anthropic_stream::failure(&outcome.out).unwrap_or_default()
        } else {
            chat_stream::failure(&outcome.out).unwrap_or_default()
        };
        let mut differences = error_differences(&shaped, &case.expected);
        if !String::from_utf8_lossy(&outcome.out).contains(before) {
            differences.push(String::from("content before the error was lost"));
        }
        found.extend(
            differences
                .into_iter()
                .map(|what| format!("[{how}] {what}")),
        );
    }
    found
}

fn error_differences(error: &Value, expected: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let message = error["message"].as_str().unwrap_or_default();
    if !message.contains(expected["message_contains"].as_str().unwrap()) {
        found.push(format!("message {message:?}"));
    }
    if !expected["type_in"]
        .as_array()
        .unwrap()
        .contains(&error["type"])
    {
        found.push(format!(
            "type {}, want {}",
            error["type"], expected["type_in"]
        ));
    }
    if let Some(code) = expected.get("code").filter(|code| error["code"] != **code) {
        found.push(format!("code {}, want {code}", error["code"]));
    }
    found
}

/// Runs all cases of a kind for which a pair exists.
fn check(kind: &str, differences: impl Fn(&Case) -> Vec<String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance/cases");
    if !root.is_dir() {
        println!("skipped: the conformance data is not there");
        return;
    }
    let mut folders: Vec<PathBuf> = fs::read_dir(root.join(kind))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    let (mut count, mut wrong) = (0, Vec::new());
    for case in folders
        .into_iter()
        .filter_map(|folder| Case::read(kind, folder))
    {
        count += 1;
        let found = differences(&case);
        if !found.is_empty() {
            wrong.push(format!(
                "{}\n  {}",
                case.folder.display(),
                found.join("\n  ")
            ));
        }
    }
    println!("{count} {kind} cases");
    assert!(
        wrong.is_empty(),
        "{} of {count}\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

impl Case {
    /// `None` where no pair serves the case, or where it is about HTTP and not about a body.
    fn read(kind: &str, folder: PathBuf) -> Option<Self> {
        let json = |name: &str| -> Value {
            serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
        };
        let meta = json("meta.json");
        let (from, to) = (meta["from"].as_str()?, meta["to"].as_str()?);
        let wanted = if kind == "request" {
            (from, to)
        } else {
            (to, from)
        };
        let pair = PAIRS.iter().find(|pair| pair.conformance == Some(wanted))?;
        if meta["rules"]["mode"] == "http" {
            return None;
        }
        let input = ["input.json", "input.sse", "input.bin"]
            .iter()
            .find_map(|name| fs::read(folder.join(name)).ok())?;
        Some(Self {
            pair,
            expected: json("expected.json"),
            meta,
            input,
            folder,
        })
    }

    fn streaming(&self, include_usage: bool) -> Box<dyn protocols::Translator> {
        let settings = json!({"stream": true, "include_usage": include_usage});
        (self.pair.make)(self.pair.attempt(&json!({}), &settings))
    }

    fn differences(&self, answer: &Value) -> Vec<String> {
        let protocol = match self.pair.client {
            ClientFormat::AnthropicMessages => "anthropic",
            _ => "openai",
        };
        let form = compare::canonical("response", protocol);
        let rules = &self.meta["rules"];
        compare::differences(form, true, &self.expected, Some(answer), rules)
    }
}
