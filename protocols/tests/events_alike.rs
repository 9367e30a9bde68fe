//! An event that is like an earlier one is compared with it and not read: it must say the same as if it had been read,
//! for every translator, whatever its text and wherever the stream is cut.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

mod support;

use catalog::{Provider, providers};
use proptest::prelude::*;
use protocols::passthrough::anthropic::AnthropicPassThrough;
use protocols::passthrough::openai::OpenAiPassThrough;
use protocols::{Attempt, ClientFormat, StreamState, Translator};
use serde_json::json;

use support::feed::{Outcome, feed};
use support::pair::PAIRS;
use support::sse_events::{FORMS, framed, inside_of_a_string};

/// Translators that read Anthropic's events; the last one passes them on.
const OF_ANTHROPIC: [&str; 3] = [
    "chat_completions_to_anthropic_messages",
    "responses_to_anthropic_messages",
    "anthropic_pass_through",
];

/// Translators that read chunks of Chat Completions; the last ones pass them on.
const OF_CHAT_COMPLETIONS: [&str; 6] = [
    "anthropic_messages_to_chat_completions",
    "anthropic_messages_to_chat_completions_ollama",
    "responses_to_chat_completions",
    "openai_pass_through",
    "azure_pass_through",
    "ollama_pass_through",
];

fn streaming(name: &str) -> Box<dyn Translator> {
    let settings = json!({"stream": true, "include_usage": true});
    let passing = |client, provider| Attempt {
        client,
        provider,
        ..PAIRS[0].attempt(&json!({}), &settings)
    };
    let openai =
        |provider| OpenAiPassThrough::new(passing(ClientFormat::ChatCompletions, provider));
    match name {
        "anthropic_pass_through" => {
            let attempt = passing(ClientFormat::AnthropicMessages, providers::ANTHROPIC);
            Box::new(AnthropicPassThrough::new(attempt).unwrap())
        }
        "openai_pass_through" => Box::new(openai(Provider::COMPATIBLE).unwrap()),
        "azure_pass_through" => Box::new(openai(providers::AZURE_OPENAI).unwrap()),
        "ollama_pass_through" => Box::new(openai(providers::OLLAMA).unwrap()),
        name => {
            let pair = PAIRS.iter().find(|pair| pair.name == name).unwrap();
            (pair.make)(pair.attempt(&json!({}), &settings))
        }
    }
}

/// An event: the form of its lines, its type, and its data without the brace that ends it. `@` stands for a text, `#`
/// for padding.
type Event = (u8, &'static str, String);

fn event(data: impl Strategy<Value = (&'static str, String)>) -> impl Strategy<Value = Event> {
    let form = prop_oneof![3 => Just(1), 1 => 0..FORMS];
    (form, data).prop_map(|(form, (name, data))| (form, name, data))
}

/// A stream of few different events, that is of many that are alike.
fn stream(event: impl Strategy<Value = Event>) -> impl Strategy<Value = Vec<Event>> {
    let events = prop::collection::vec(event, 1..5);
    let padding = prop::sample::select(vec!["x", "xy"]);
    let texts = prop::collection::vec(
        (
            any::<prop::sample::Index>(),
            inside_of_a_string(true),
            padding,
        ),
        0..32,
    );
    (events, texts).prop_map(|(events, texts)| {
        let filled = texts.into_iter().map(|(which, text, padding)| {
            let (form, name, data) = which.get(&events);
            let data = data.replace('@', &text).replace('#', padding);
            (*form, *name, data)
        });
        filled.collect()
    })
}

fn anthropic_event() -> impl Strategy<Value = (&'static str, String)> {
    let index = prop_oneof![3 => Just(0), 1 => 0..2_u8];
    let kind = prop::sample::select(vec![
        ("text_delta", "text"),
        ("text_delta", "text"),
        ("thinking_delta", "thinking"),
        ("signature_delta", "signature"),
        ("input_json_delta", "partial_json"),
        ("new_delta", "text\":\"x\",\"thinking"),
    ]);
    let block = prop::sample::select(vec![
        json!({"type": "text", "text": ""}),
        json!({"type": "thinking", "thinking": "", "signature": ""}),
        json!({"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}),
        json!({"type": "server_tool_use", "id": "s", "name": "f", "input": {}}),
    ]);
    prop_oneof![
        4 => (index.clone(), kind).prop_map(|(index, (kind, member))| (
            "content_block_delta",
            format!(
                r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"{kind}","{member}":"@"}}"#
            ),
        )),
        3 => (index.clone(), block).prop_map(|(index, block)| (
            "content_block_start",
            format!(r#"{{"type":"content_block_start","index":{index},"content_block":{block}"#),
        )),
        1 => index.prop_map(|index| (
            "content_block_stop",
            format!(r#"{{"type":"content_block_stop","index":{index}"#),
        )),
        1 => Just(("ping", String::from(r#"{"type":"ping""#))),
        1 => (0..9_u8).prop_map(|count| (
            "message_delta",
            format!(r#"{{"type":"message_delta","delta":{{}},"usage":{{"output_tokens":{count}}}"#),
        )),
    ]
}

fn chat_chunk() -> impl Strategy<Value = (&'static str, String)> {
    let delta = prop_oneof![
        1 => Just(r#"{"content":"@"}"#),
        1 => prop::sample::select(vec![
            r#"{"role":"assistant","content":"@"}"#,
            r#"{"content":[{"type":"text","text":"@"}]}"#,
            r#"{"reasoning_content":"@"}"#,
            r#"{"content":"@","reasoning":"r"}"#,
            r#"{"refusal":"@"}"#,
            r#"{"tool_calls":[{"index":0,"id":"t","function":{"name":"f","arguments":"@"}}]}"#,
            r#"{"tool_calls":[{"index":0,"function":{"arguments":"@"}}]}"#,
        ]),
    ];
    let choice = prop_oneof![
        3 => Just(r#"{"index":0,"delta":D,"finish_reason":null}"#),
        1 => Just(r#"{"index":0,"content_filter_results":{},"delta":D}"#),
        1 => prop::sample::select(vec![
            r#"{"index":1,"delta":D,"finish_reason":null}"#,
            r#"{"index":0,"delta":D,"finish_reason":"stop"}"#,
            r#"{"index":0,"delta":D},{"index":1,"delta":D}"#,
        ]),
    ];
    let rest = prop_oneof![
        2 => Just(String::new()),
        1 => Just(String::from(r##","obfuscation":"#""##)),
        1 => Just(String::from(r#","usage":null"#)),
        1 => (0..9_u8).prop_map(|count| format!(
            r#","usage":{{"prompt_tokens":1,"completion_tokens":{count}}}"#
        )),
    ];
    (delta, choice, rest).prop_map(|(delta, choice, rest)| {
        let choice = choice.replace('D', delta);
        (
            "chunk",
            format!(r#"{{"id":"c","model":"m","choices":[{choice}]{rest}"#),
        )
    })
}

/// The stream of `events`, each like others or with a number that no other has.
fn written(opening: &str, events: &[Event], numbered: bool) -> String {
    let mut stream = String::from(opening);
    for (number, (form, name, data)) in events.iter().enumerate() {
        let end = if numbered {
            format!(r#","number":{number}}}"#)
        } else {
            String::from("}")
        };
        stream.push_str(&framed(*form, name, &format!("{data}{end}")));
    }
    stream
}

/// An outcome without the numbers that passed, and without where in an event a failure lay.
fn comparable(outcome: Outcome, events: usize) -> Outcome {
    let mut out = String::from_utf8(outcome.out).unwrap();
    for number in 0..events {
        out = out.replace(&format!(r#","number":{number}}}"#), "}");
    }
    let mut state = outcome.state;
    if let StreamState::Failed(error) = &mut state {
        error.message.clear();
        let frames = out.strip_suffix("\n\n").unwrap_or_default();
        out.truncate(frames.rfind("\n\n").unwrap_or_default());
    }
    Outcome {
        out: out.into_bytes(),
        state,
        ..outcome
    }
}

fn one_by_one_as_all_at_once(
    name: &str,
    opening: &str,
    events: &[Event],
    size: usize,
) -> Result<(), TestCaseError> {
    let stream = written(opening, events, false);
    let whole = feed(streaming(name), [stream.as_bytes()]);
    let cut = feed(streaming(name), stream.as_bytes().chunks(size));
    prop_assert_eq!(&whole, &cut, "{}", name);
    let numbered = written(opening, events, true);
    let read = feed(streaming(name), [numbered.as_bytes()]);
    let (whole, read) = (
        comparable(whole, events.len()),
        comparable(read, events.len()),
    );
    prop_assert_eq!(whole, read, "{}", name);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn events_of_anthropic(
        events in stream(event(anthropic_event())),
        size in 1..200_usize,
        name in prop::sample::select(OF_ANTHROPIC.to_vec()),
    ) {
        let opening = "data: {\"type\":\"message_start\",\"message\":{}}\n\n";
        one_by_one_as_all_at_once(name, opening, &events, size)?;
    }

    #[test]
    fn chunks_of_chat_completions(
        events in stream(event(chat_chunk())),
        size in 1..200_usize,
        name in prop::sample::select(OF_CHAT_COMPLETIONS.to_vec()),
    ) {
        one_by_one_as_all_at_once(name, "", &events, size)?;
    }
}
