#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use ClientFormat::{
    AnthropicCountTokens, AnthropicMessages, ChatCompletions, Completions, Embeddings, Responses,
};

const ALL: [ClientFormat; 6] = [
    ChatCompletions,
    Completions,
    Embeddings,
    Responses,
    AnthropicMessages,
    AnthropicCountTokens,
];

fn info(format: ClientFormat, body: &str) -> RequestInfo<'_> {
    scan(format, body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"))
}

fn part<'a>(body: &'a str, span: &Range<usize>) -> &'a str {
    &body[span.clone()]
}

#[test]
fn a_whole_chat_request() {
    let body = r#"{"messages":[{"role":"system","content":"be brief"},{"content":"hi","role":"user"},
        {"role":"assistant","content":null,"tool_calls":[{"id":"1"}]},{"role":"tool","content":"42"},
        {"role":"user","content":[{"type":"text","text":"a\nb"},{"image_url":{"url":"data:image/png;base64,AAAA"},"type":"image_url"},
        {"type":"text","text":"c"}]}], "model" : "gr\u0061nd" ,"stream":true,"stream_options":{"include_usage":true},
        "max_tokens":10,"max_completion_tokens":20,"n":2,"logprobs":true,"tools":[{"type":"function"}],
        "metadata":{"user":"x","session_id":"s-1"},"prompt_cache_key":"p","unknown":[{"model":1}]}"#;
    let info = info(ChatCompletions, body);
    assert_eq!(info.model, "grand");
    assert_eq!(part(body, &info.model_span), "\"gr\\u0061nd\"");
    assert!(info.stream && info.include_usage);
    assert_eq!(info.max_output_tokens, Some(20));
    assert_eq!(info.conversation_id.as_deref(), Some("s-1"));
    assert_eq!(
        part(body, &info.conversation_start_span),
        r#"{"role":"system","content":"be brief"},{"content":"hi","role":"user"}"#
    );
    assert!(info.system_span.is_empty());
    assert_eq!(info.last_user_message.as_deref(), Some("a\nb\nc"));
    // "be brief" + "hi" + [{"id":"1"}] + "42" + "a\nb" decoded + "c" + {"type":"function"}
    assert_eq!(info.text_bytes, 8 + 2 + 12 + 2 + 3 + 1 + 19);
    let required = RequiredCapabilities {
        tools: true,
        images: 1,
        audio: false,
        several_choices: true,
        logprobs: true,
    };
    assert_eq!(info.required, required);
}

#[test]
fn a_small_request_borrows_everything() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    let info = info(ChatCompletions, body);
    assert!(matches!(info.model, Cow::Borrowed("m")));
    assert!(matches!(info.last_user_message, Some(Cow::Borrowed("hi"))));
    assert!(!info.stream && !info.include_usage);
    assert_eq!(info.required, RequiredCapabilities::default());
}

#[test]
fn anthropics_fields() {
    let body = r#"{"max_tokens":5,"messages":[{"role":"user","content":[{"type":"text","text":"look"},
        {"type":"image","source":{"type":"base64","data":"AAAA"}}]},
        {"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"a":1}}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"result"},
        {"type":"image","source":{"type":"url","url":"u"}}]}]}],"model":"c","system":[{"type":"text","text":"sys"}],"stream":false}"#;
    let info = info(AnthropicMessages, body);
    assert_eq!(info.max_output_tokens, Some(5));
    assert_eq!(
        part(body, &info.system_span),
        r#"[{"type":"text","text":"sys"}]"#
    );
    assert!(
        part(body, &info.conversation_start_span)
            .starts_with(r#"{"role":"user","content":[{"type":"text","text":"look"}"#)
    );
    assert!(part(body, &info.conversation_start_span).ends_with(r#""data":"AAAA"}}]}"#));
    // The last turn holds only a tool result: the last user text is in the turn before.
    assert_eq!(info.last_user_message.as_deref(), Some("look"));
    assert_eq!(info.required.images, 2);
    // "look" + {"a":1} + "result" + "sys"
    assert_eq!(info.text_bytes, 4 + 7 + 6 + 3);
}

#[test]
fn anthropics_older_output_format_may_stand_beside_its_successor() {
    let body = r#"{"model":"c","messages":[],"output_config":{"effort":"high"},"output_format":"markdown"}"#;
    assert!(scan(AnthropicMessages, body.as_bytes()).is_ok());
    let twice = r#"{"model":"c","messages":[],"output_format":null,"output_format":null}"#;
    assert!(scan(AnthropicMessages, twice.as_bytes()).is_err());
}

#[test]
fn responses_fields() {
    let text = r#"{"model":"m","instructions":"sys","input":"hello","max_output_tokens":7,"conversation":{"id":"conv_1"}}"#;
    let found = info(Responses, text);
    assert_eq!(part(text, &found.system_span), "\"sys\"");
    assert_eq!(part(text, &found.conversation_start_span), "\"hello\"");
    assert_eq!(found.last_user_message.as_deref(), Some("hello"));
    assert_eq!((found.max_output_tokens, found.text_bytes), (Some(7), 8));
    assert_eq!(found.conversation_id.as_deref(), Some("conv_1"));

    let items = r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"x"},{"type":"input_image","image_url":"u"}]},
        {"type":"function_call","name":"f","arguments":"{}"},{"type":"function_call_output","output":"out"}],"conversation":"c"}"#;
    let found = info(Responses, items);
    assert_eq!(found.last_user_message.as_deref(), Some("x"));
    assert_eq!((found.required.images, found.text_bytes), (1, 1 + 2 + 3));
    assert_eq!(found.conversation_id.as_deref(), Some("c"));
    assert_eq!(
        info(Responses, r#"{"model":"m","prompt":{"id":"stored"}}"#).conversation_start_span,
        0..0
    );
}

/// The basis of an estimate: a limit of another protocol limits nothing, so it must not make a request look cheaper.
#[test]
fn only_the_limit_of_the_clients_own_protocol_counts() {
    const LIMITS: [&str; 3] = ["max_completion_tokens", "max_tokens", "max_output_tokens"];
    let table = [
        (ChatCompletions, r#""messages":[]"#, &LIMITS[..2]),
        (Completions, r#""prompt":"x""#, &LIMITS[1..2]),
        (Responses, r#""input":"x""#, &LIMITS[2..]),
        (AnthropicMessages, r#""messages":[]"#, &LIMITS[1..2]),
    ];
    for (format, content, known) in table {
        for name in LIMITS {
            let body = format!(r#"{{"model":"m",{content},"{name}":7}}"#);
            let expected = known.contains(&name).then_some(7);
            assert_eq!(
                info(format, &body).max_output_tokens,
                expected,
                "{format:?} {body}"
            );
            // Any value: the field is not part of the protocol.
            if expected.is_none() {
                let body = format!(r#"{{"model":"m",{content},"{name}":"x"}}"#);
                assert_eq!(
                    info(format, &body).max_output_tokens,
                    None,
                    "{format:?} {body}"
                );
            }
        }
    }
    // Servers differ in which one they read.
    for (first, second) in [(1, 100_000), (100_000, 1)] {
        let body = format!(
            r#"{{"model":"m","messages":[],"max_completion_tokens":{first},"max_tokens":{second}}}"#
        );
        assert_eq!(
            info(ChatCompletions, &body).max_output_tokens,
            Some(100_000)
        );
    }
    let embeddings = r#"{"model":"m","input":"x","max_tokens":9}"#;
    assert_eq!(info(Embeddings, embeddings).max_output_tokens, Some(0));
    let count = r#"{"model":"m","messages":[],"max_tokens":9}"#;
    assert_eq!(info(AnthropicCountTokens, count).max_output_tokens, Some(0));
}

#[test]
fn answers_are_counted_as_they_are_billed() {
    let table = [
        (ChatCompletions, "", 1),
        (ChatCompletions, r#","n":null"#, 1),
        (ChatCompletions, r#","n":0"#, 1),
        (ChatCompletions, r#","n":128"#, 128),
        (Completions, r#","n":2,"best_of":20"#, 20),
        (Completions, r#","best_of":3"#, 3),
        // Neither protocol has them.
        (Responses, r#","n":5"#, 1),
        (AnthropicMessages, r#","n":5"#, 1),
    ];
    for (format, member, choices) in table {
        let body = format!(r#"{{"model":"m","messages":[],"prompt":"x"{member}}}"#);
        assert_eq!(info(format, &body).choices, choices, "{format:?} {body}");
    }
}

#[test]
fn completions_and_embeddings_fields() {
    let table = [
        (
            Completions,
            r#"{"model":"m","prompt":"abc","n":1}"#,
            Some("abc"),
            3,
        ),
        (Completions, r#"{"model":"m"}"#, None, 0),
        (Embeddings, r#"{"model":"m","input":"abc"}"#, Some("abc"), 3),
        (Embeddings, r#"{"model":"m","input":["abc","de"]}"#, None, 5),
        (Embeddings, r#"{"model":"m","input":[1,2,3]}"#, None, 12),
        (Embeddings, r#"{"model":"m","input":[[1,2],[3]]}"#, None, 12),
    ];
    for (format, body, last, text_bytes) in table {
        let info = info(format, body);
        assert_eq!(
            (info.last_user_message.as_deref(), info.text_bytes),
            (last, text_bytes),
            "{body}"
        );
    }
}

#[test]
fn conversation_ids_have_an_order() {
    let table = [
        (
            json!({"metadata": {"session_id": "s", "conversation_id": "c"}, "prompt_cache_key": "p"}),
            Some("c"),
        ),
        (
            json!({"metadata": {"session_id": "s"}, "prompt_cache_key": "p", "conversation": "v"}),
            Some("s"),
        ),
        (
            json!({"metadata": {"conversation_id": ""}, "prompt_cache_key": "p"}),
            Some("p"),
        ),
        (
            json!({"metadata": {"conversation_id": 7}, "conversation": "v"}),
            Some("v"),
        ),
        (
            json!({"metadata": null, "prompt_cache_key": null, "conversation": null}),
            None,
        ),
        (json!({}), None),
    ];
    for (mut body, expected) in table {
        body["model"] = json!("m");
        body["messages"] = json!([]);
        let body = body.to_string();
        assert_eq!(
            info(ChatCompletions, &body).conversation_id.as_deref(),
            expected,
            "{body}"
        );
    }
}

#[test]
fn the_opening_stays_the_same_through_all_turns() {
    let turns = [
        r#"{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"1"}]}"#,
        r#"{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"1"},{"role":"assistant","content":"2"},{"role":"user","content":"3"}]}"#,
    ];
    let openings = turns
        .map(|body| part(body, &info(ChatCompletions, body).conversation_start_span).to_owned());
    assert_eq!(openings[0], openings[1]);
    let no_user = r#"{"model":"m","messages":[{"role":"system","content":"s"},{"role":"assistant","content":"2"}]}"#;
    assert_eq!(
        part(
            no_user,
            &info(ChatCompletions, no_user).conversation_start_span
        ),
        r#"{"role":"system","content":"s"}"#
    );
}

#[test]
fn required() {
    let table: &[(&str, RequiredCapabilities)] = &[
        (r#""tools":[]"#, RequiredCapabilities::default()),
        (r#""tools":null"#, RequiredCapabilities::default()),
        (
            r#""functions":[{}]"#,
            RequiredCapabilities {
                tools: true,
                ..RequiredCapabilities::default()
            },
        ),
        (
            r#""n":1,"logprobs":false,"top_logprobs":0"#,
            RequiredCapabilities::default(),
        ),
        (
            r#""logprobs":null,"n":null,"audio":null,"modalities":["text"]"#,
            RequiredCapabilities::default(),
        ),
        (
            r#""top_logprobs":2"#,
            RequiredCapabilities {
                logprobs: true,
                ..RequiredCapabilities::default()
            },
        ),
        (
            r#""modalities":["text","audio"]"#,
            RequiredCapabilities {
                audio: true,
                ..RequiredCapabilities::default()
            },
        ),
        (
            r#""audio":{"voice":"x"}"#,
            RequiredCapabilities {
                audio: true,
                ..RequiredCapabilities::default()
            },
        ),
    ];
    for (members, expected) in table {
        let body = format!(r#"{{"model":"m","messages":[],{members}}}"#);
        assert_eq!(
            info(ChatCompletions, &body).required,
            *expected,
            "{members}"
        );
    }
    let audio = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"A"}}]}]}"#;
    assert!(info(ChatCompletions, audio).required.audio);
}

#[test]
fn limits_are_whole_numbers() {
    for (text, expected) in [
        ("0", Some(0)),
        ("1e3", Some(1000)),
        ("12.0", Some(12)),
        ("99999999999", Some(u32::MAX)),
        ("null", None),
    ] {
        let body = format!(r#"{{"model":"m","messages":[],"max_tokens":{text}}}"#);
        assert_eq!(
            info(ChatCompletions, &body).max_output_tokens,
            expected,
            "{text}"
        );
    }
}

#[test]
fn what_is_wrong_is_named() {
    let chat = |members: &str| format!(r#"{{"model":"m","messages":[],{members}}}"#);
    let message = |content: &str| {
        format!(r#"{{"model":"m","messages":[{{"role":"user","content":{content}}}]}}"#)
    };
    let table: Vec<(String, &str, Option<&str>)> = vec![
        (
            "".into(),
            "the request body is not JSON: expected a value at byte 0, found the end of the text",
            None,
        ),
        (
            "[]".into(),
            "the request body: expected an object, found an array",
            None,
        ),
        (
            "\"x\"".into(),
            "the request body: expected an object, found a string",
            None,
        ),
        (
            "{\"model\":\"m\"".into(),
            "the request body is not JSON: expected `,` or `}` at byte 12, found the end of the text",
            None,
        ),
        (
            r#"{"model":"m","messages":[]} x"#.into(),
            "the request body is not JSON: expected the end of the body at byte 28, found `x`",
            None,
        ),
        (
            r#"{"messages":[]}"#.into(),
            "model: required, but missing",
            Some("model"),
        ),
        (
            r#"{"model":"m"}"#.into(),
            "messages: required, but missing",
            Some("messages"),
        ),
        (
            r#"{"model":7,"messages":[]}"#.into(),
            "model: expected a string, found a number",
            Some("model"),
        ),
        (
            r#"{"model":null,"messages":[]}"#.into(),
            "model: expected a string, found null",
            Some("model"),
        ),
        (
            r#"{"model":"","messages":[]}"#.into(),
            "model: expected a model name, found an empty string",
            Some("model"),
        ),
        (
            chat(r#""model":"n""#),
            "model: expected once, found twice",
            Some("model"),
        ),
        (
            chat(r#""mod\u0065l":"n""#),
            "model: expected once, found twice",
            Some("model"),
        ),
        (
            chat(r#""messages":[]"#),
            "messages: expected once, found twice",
            Some("messages"),
        ),
        (
            chat(r#""stream":"true""#),
            "stream: expected a boolean, found a string",
            Some("stream"),
        ),
        (
            chat(r#""stream_options":[]"#),
            "stream_options: expected an object, found an array",
            Some("stream_options"),
        ),
        (
            chat(r#""stream_options":{"include_usage":1}"#),
            "stream_options.include_usage: expected a boolean, found a number",
            Some("stream_options.include_usage"),
        ),
        (
            chat(r#""max_tokens":"5""#),
            "max_tokens: expected a number, found a string",
            Some("max_tokens"),
        ),
        (
            chat(r#""max_tokens":-5"#),
            "max_tokens: expected a whole number that is not negative, found -5",
            Some("max_tokens"),
        ),
        (
            chat(r#""n":1.5"#),
            "n: expected a whole number that is not negative, found 1.5",
            Some("n"),
        ),
        (
            chat(r#""tools":{}"#),
            "tools: expected an array, found an object",
            Some("tools"),
        ),
        (
            chat(r#""modalities":["text",1]"#),
            "modalities[1]: expected a string, found a number",
            Some("modalities[1]"),
        ),
        (
            chat(r#""metadata":"x""#),
            "metadata: expected an object, found a string",
            Some("metadata"),
        ),
        (
            chat(r#""prompt_cache_key":1"#),
            "prompt_cache_key: expected a string, found a number",
            Some("prompt_cache_key"),
        ),
        (
            r#"{"model":"m","messages":"hi"}"#.into(),
            "messages: expected an array, found a string",
            Some("messages"),
        ),
        (
            r#"{"model":"m","messages":[{},"hi"]}"#.into(),
            "messages[1]: expected an object, found a string",
            Some("messages[1]"),
        ),
        (
            r#"{"model":"m","messages":[{"role":1}]}"#.into(),
            "messages[0].role: expected a string, found a number",
            Some("messages[0].role"),
        ),
        (
            message("7"),
            "messages[0].content: expected a string or an array, found a number",
            Some("messages[0].content"),
        ),
        (
            message(r#"[{"type":"text","text":"a"},"b"]"#),
            "messages[0].content[1]: expected an object, found a string",
            Some("messages[0].content[1]"),
        ),
        (
            message(r#"[{"type":"text","text":5}]"#),
            "messages[0].content[0].text: expected a string, found a number",
            Some("messages[0].content[0].text"),
        ),
        (
            message(&format!("{}{}", "[".repeat(200), "]".repeat(200))),
            "messages[0].content[0]: expected an object, found an array",
            Some("messages[0].content[0]"),
        ),
    ];
    for (body, message, param) in table {
        let error = scan(ChatCompletions, body.as_bytes()).unwrap_err();
        assert_eq!(
            (error.message.as_str(), error.param.as_deref()),
            (message, param),
            "{body}"
        );
    }
    let invalid_utf8 = b"{\"model\":\"m\xff\",\"messages\":[]}";
    assert!(
        scan(ChatCompletions, invalid_utf8)
            .unwrap_err()
            .message
            .contains("UTF-8")
    );
}

#[test]
fn nesting_is_bounded_wherever_it_is() {
    let places = [
        r#"{"model":"m","messages":[],"x":@}"#,
        r#"{"model":"m","messages":[],"tools":[@]}"#,
        r#"{"model":"m","messages":[],"metadata":{"a":@}}"#,
    ];
    for place in places {
        let body = place.replace('@', &format!("{}{}", "[".repeat(300), "]".repeat(300)));
        let error = scan(ChatCompletions, body.as_bytes()).unwrap_err();
        assert!(
            error.message.contains("nested too deeply"),
            "{}",
            error.message
        );
    }
    // A result in a result in a result …
    let deep = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":{}"x"{}}}]}}"#,
        r#"[{"type":"tool_result","content":"#.repeat(5000),
        "}]".repeat(5000)
    );
    assert!(
        scan(AnthropicMessages, deep.as_bytes())
            .unwrap_err()
            .message
            .contains("nested too deeply")
    );
}

// There is no clock on wasm32-unknown-unknown.
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
#[test]
fn time_grows_with_length_and_no_faster() {
    let body = |messages: usize| {
        let list = vec![
            r#"{"role":"user","content":[{"type":"text","text":"some \"quoted\" text"}]}"#;
            messages
        ];
        format!(r#"{{"model":"m","messages":[{}]}}"#, list.join(","))
    };
    crate::translator::assert_linear(
        |size| body(size / 10),
        |body| assert!(scan(ChatCompletions, body.as_bytes()).is_ok()),
    );
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..80), format in proptest::sample::select(&ALL[..])) {
        let _ = scan(format, &bytes);
    }

    #[test]
    fn order_and_white_space_of_members_change_nothing(
        text in ".{0,20}",
        members in Just(vec!["model", "messages", "stream", "max_tokens", "other"]).prop_shuffle(),
        space in "[ \n\t\r]{0,3}",
    ) {
        let value = |name: &str| match name {
            "model" => json!("m"),
            "messages" => json!([{"role": "user", "content": text}]),
            "stream" => json!(true),
            "max_tokens" => json!(3),
            _ => json!({"model": [text]}),
        };
        let list: Vec<String> =
            members.iter().map(|name| format!("{space}\"{name}\"{space}:{space}{}", value(name))).collect();
        let body = format!("{space}{{{}{space}}}{space}", list.join(","));
        let info = info(ChatCompletions, &body);
        prop_assert_eq!(part(&body, &info.model_span), "\"m\"");
        prop_assert_eq!(info.text_bytes, text.len());
        prop_assert_eq!(info.last_user_message.as_deref().unwrap_or_default(), text.as_str());
        prop_assert!(info.stream && info.max_output_tokens == Some(3));
        prop_assert_eq!(part(&body, &info.conversation_start_span), json!({"role": "user", "content": text}).to_string());
    }
}

#[test]
fn names_that_events_headers_and_paths_cannot_bear_are_refused() {
    let longest = "x".repeat(512);
    let too_long = "x".repeat(513);
    let huge = "x".repeat(256 * 1024);
    let escaped = "\\u0061".repeat(512);
    let fields = [
        ("model", r#"{"model":"NAME","messages":[],"input":"x"}"#),
        (
            "metadata.conversation_id",
            r#"{"model":"m","messages":[],"input":"x","metadata":{"conversation_id":"NAME"}}"#,
        ),
        (
            "metadata.session_id",
            r#"{"model":"m","messages":[],"input":"x","metadata":{"session_id":"NAME"}}"#,
        ),
        (
            "prompt_cache_key",
            r#"{"model":"m","messages":[],"input":"x","prompt_cache_key":"NAME"}"#,
        ),
        (
            "conversation",
            r#"{"model":"m","messages":[],"input":"x","conversation":{"id":"NAME"}}"#,
        ),
    ];
    for format in ALL {
        for (field, body) in fields {
            for fine in [longest.as_str(), "a b/c", "modèle", escaped.as_str()] {
                let body = body.replace("NAME", fine);
                assert!(scan(format, body.as_bytes()).is_ok(), "{format:?} {field}");
            }
            let refused = [
                (too_long.as_str(), "found 513"),
                (huge.as_str(), "found 262144"),
                (r"gpt-4o\r\nset-cookie: evil=1", "found U+000D"),
                (r"gpt\u0000", "found U+0000"),
                (r"gpt\u007f", "found U+007F"),
                (r"gpt\u0085", "found U+0085"),
            ];
            for (bad, found) in refused {
                let body = body.replace("NAME", bad);
                let error = scan(format, body.as_bytes()).unwrap_err();
                assert_eq!(error.param.as_deref(), Some(field));
                assert_eq!(error.code, Some("invalid_value"));
                assert!(error.message.ends_with(found), "{}", error.message);
            }
        }
    }
}
