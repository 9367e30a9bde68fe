#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use catalog::{Provider, providers};

use super::*;
use crate::exchange::in_dialect::InDialect;
use crate::translator::{Streamed, stream_every_way, test_attempt};

fn attempt(provider: Provider) -> Attempt {
    test_attempt(ClientFormat::ChatCompletions, provider)
}

fn streamed(attempt: Attempt, input: &str) -> Streamed {
    stream_every_way(
        || Box::new(OpenAiPassThrough::new(attempt.clone()).unwrap()),
        input.as_bytes(),
    )
}

/// As the exchange uses it.
fn translator(attempt: Attempt) -> Result<Box<dyn Translator>, RequestError> {
    let attempt = Rc::new(attempt);
    let as_is = OpenAiPassThrough::new(Rc::clone(&attempt))?;
    Ok(match attempt.client {
        ClientFormat::ChatCompletions => {
            let dialect = attempt.dialect();
            Box::new(InDialect::new(attempt, dialect, as_is))
        }
        _ => Box::new(as_is),
    })
}

/// The upstream's body for a client's body.
fn body(attempt: Attempt, client_body: &str) -> Result<String, RequestError> {
    let info = crate::request_info::scan(attempt.client, client_body.as_bytes())?;
    let attempt = Attempt {
        model_span: info.model_span,
        traits: info.traits,
        ..attempt
    };
    let outgoing = translator(attempt)?.request(client_body.as_bytes())?;
    let sent = outgoing.body.applied(client_body.as_bytes());
    Ok(String::from_utf8(sent.into_owned()).unwrap())
}

fn chunk(delta: &str, finish: &str) -> String {
    format!(
        "data: {{\"id\":\"c\",\"model\":\"m-1\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
    )
}

#[test]
fn only_the_model_changes() {
    let before = "{ \"messages\" : [{\"role\":\"user\",\"content\":\"\\u00e9 \\/\"}],\t\"model\" : \"grand\", \"x\":1.50 }";
    let named = |model: &str| Attempt {
        model: model.to_owned(),
        ..attempt(Provider::COMPATIBLE)
    };
    assert_eq!(
        body(named("gpt-4o"), before).unwrap(),
        before.replace("\"grand\"", "\"gpt-4o\"")
    );
    assert_eq!(
        body(named("a\"b\\c\n"), before).unwrap(),
        before.replace("\"grand\"", r#""a\"b\\c\n""#)
    );
    assert_eq!(body(named("grand"), before).unwrap(), before);
}

#[test]
fn a_body_that_is_not_the_scanned_one_is_refused() {
    for span in [0..3, 5..500, 0..0] {
        let attempt = Attempt {
            model_span: span,
            ..attempt(Provider::COMPATIBLE)
        };
        assert!(
            OpenAiPassThrough::new(attempt)
                .unwrap()
                .request(b"{\"model\":\"m\"}")
                .is_err()
        );
    }
}

#[test]
fn each_endpoint_has_its_path() {
    let table = [
        (ClientFormat::ChatCompletions, "/v1/chat/completions"),
        (ClientFormat::Completions, "/v1/completions"),
        (ClientFormat::Embeddings, "/v1/embeddings"),
        (ClientFormat::Responses, "/v1/responses"),
    ];
    for (client, path) in table {
        let attempt = Attempt {
            model_span: 9..12,
            native_responses: true,
            ..test_attempt(client, Provider::COMPATIBLE)
        };
        let outgoing = OpenAiPassThrough::new(attempt)
            .unwrap()
            .request(b"{\"model\":\"m\"}")
            .unwrap();
        assert_eq!(outgoing.path, path);
    }
    assert!(
        OpenAiPassThrough::new(test_attempt(ClientFormat::Responses, Provider::COMPATIBLE))
            .is_err()
    );
    assert!(
        OpenAiPassThrough::new(test_attempt(
            ClientFormat::AnthropicMessages,
            Provider::COMPATIBLE
        ))
        .is_err()
    );
}

#[test]
fn ollama_knows_max_tokens_only() {
    let request = |members: &str| format!(r#"{{"model":"m","messages":[],{members}}}"#);
    let table = [
        (r#""max_completion_tokens":5"#, r#""max_tokens":5"#),
        (
            r#""max_completion_tokens":5,"max_tokens":9"#,
            r#""max_tokens":5"#,
        ),
        (
            r#""max_tokens":9,"max_completion_tokens":5"#,
            r#""max_tokens":5"#,
        ),
        (
            r#""max_tokens":9,"max_completion_tokens":null"#,
            r#""max_tokens":9"#,
        ),
        (r#""max_tokens":9"#, r#""max_tokens":9"#),
    ];
    for (before, after) in table {
        let expected = request(after).replace("\"m\"", "\"upstream-model\"");
        assert_eq!(
            body(attempt(providers::OLLAMA), &request(before)).unwrap(),
            expected
        );
    }
    let untouched = request(r#""max_completion_tokens":5"#);
    assert!(
        body(attempt(Provider::COMPATIBLE), &untouched)
            .unwrap()
            .contains("max_completion_tokens")
    );
}

#[test]
fn ollama_fetches_no_images() {
    let request = |url: &str| {
        format!(
            r#"{{"model":"m","messages":[{{"role":"system","content":"s"}},{{"role":"user","content":[{{"type":"text","text":"x"}},{{"type":"image_url","image_url":{url}}}]}}]}}"#
        )
    };
    for accepted in [
        r#"{"url":"data:image/png;base64,AAAA"}"#,
        r#"{"url":"DATA:image/png;base64,AAAA"}"#,
        r#""data:x""#,
    ] {
        assert!(
            body(attempt(providers::OLLAMA), &request(accepted)).is_ok(),
            "{accepted}"
        );
    }
    for refused in [
        r#"{"url":"https://example.com/i.png"}"#,
        r#"{"detail":"low","url":"http://x"}"#,
        r#""https://x""#,
        r#"{"url":""}"#,
    ] {
        let error = body(attempt(providers::OLLAMA), &request(refused)).unwrap_err();
        assert_eq!(
            error.param.as_deref(),
            Some("messages[1].content[1].image_url.url"),
            "{refused}"
        );
    }
    assert!(
        body(
            attempt(Provider::COMPATIBLE),
            &request(r#"{"url":"https://x"}"#)
        )
        .is_ok()
    );
}

#[test]
fn a_stream_passes_as_it_is() {
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n";
    let ends = [("\n", "\n\n"), ("\r\n", "\r\n\r\n"), ("\r", "\r\r")];
    let stream = format!(
        ": keep-alive\n\n{}{}{}{}data: [DONE]\n\n",
        chunk(r#"{"role":"assistant","content":""}"#, "null"),
        chunk(r#"{"content":"h\u00e9 \u2028"}"#, "null"),
        chunk("{}", "\"stop\""),
        usage
    );
    for (_, blank) in ends {
        let stream = stream.replace("\n\n", blank);
        let streamed = streamed(attempt(Provider::COMPATIBLE), &stream);
        assert_eq!(streamed.out, stream);
        assert_eq!(streamed.state, StreamState::Complete);
        assert_eq!(
            streamed.usage,
            Some(Usage {
                prompt: 3,
                completion: 2,
                ..Usage::default()
            })
        );
        assert_eq!(streamed.served_model.as_deref(), Some("m-1"));
    }
}

#[test]
fn whole_events_pass_without_a_copy() {
    let mut translator = OpenAiPassThrough::new(attempt(Provider::COMPATIBLE)).unwrap();
    let mut out = Vec::new();
    let event = chunk(r#"{"content":"a"}"#, "null");
    assert!(translator.stream(event.as_bytes(), &mut out) && out.is_empty());
    let (head, tail) = event.split_at(20);
    assert!(!translator.stream(head.as_bytes(), &mut out));
    assert!(out.is_empty(), "a part of an event went out");
    assert!(!translator.stream(tail.as_bytes(), &mut out));
    assert_eq!(out, event.as_bytes());
}

#[test]
fn what_passes_stands_in_its_place_between_what_does_not() {
    let text = |text: &str| chunk(&format!(r#"{{"content":"{text}"}}"#), "null");
    let usage =
        r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;
    let attempt = Attempt {
        stream: true,
        ask_for_usage: true,
        ..attempt(Provider::COMPATIBLE)
    };
    let run = format!("{}{}{}", text("a"), text("b\\n\\ud800"), text("c"));
    let stream = format!(
        "{run}: keep-alive\n\n{run}data: {usage}\n\n{run}{}data: [DONE]\n\n{run}",
        chunk("{}", "\"stop\"")
    );
    let expected = format!(
        "{run}: keep-alive\n\n{run}{run}{}data: [DONE]\n\n",
        chunk("{}", "\"stop\"")
    );
    let streamed = streamed(attempt.clone(), &stream);
    assert_eq!(streamed.out, expected);
    let mut translator = OpenAiPassThrough::new(attempt).unwrap();
    translator.stream(stream.as_bytes(), &mut Vec::new());
    assert_eq!(translator.text_bytes(), 3 * (1 + 9 + 1));
}

#[test]
fn usage_is_read_from_any_chunk_and_the_last_counts() {
    let stream = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\n\
        data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n\
        data: {\"choices\":[],\"usage\":null}\n\ndata: [DONE]\n\n";
    let streamed = streamed(attempt(Provider::COMPATIBLE), stream);
    assert_eq!(
        streamed.usage,
        Some(Usage {
            prompt: 3,
            completion: 2,
            ..Usage::default()
        })
    );
    assert_eq!(streamed.out, stream);
}

#[test]
fn what_counts_as_content() {
    let table = [
        (r#"{"role":"assistant"}"#, "null", false),
        (
            r#"{"role":"assistant","content":"","refusal":null}"#,
            "null",
            false,
        ),
        (r#"{"content":null,"tool_calls":[]}"#, "null", false),
        ("{}", "\"stop\"", false),
        ("{}", "\"length\"", true),
        ("{}", "\"content_filter\"", true),
        (r#"{"content":" "}"#, "null", true),
        (r#"{"refusal":"no"}"#, "null", true),
        (r#"{"reasoning_content":"hm"}"#, "null", true),
        (r#"{"reasoning":"hm"}"#, "null", true),
        (r#"{"tool_calls":[{"index":0}]}"#, "null", true),
        (r#"{"function_call":{"name":"f"}}"#, "null", true),
        (r#"{"audio":{"id":"a"}}"#, "null", true),
    ];
    for (delta, finish, content) in table {
        let mut translator = OpenAiPassThrough::new(attempt(Provider::COMPATIBLE)).unwrap();
        translator.stream(chunk(delta, finish).as_bytes(), &mut Vec::new());
        let expected = if content {
            StreamState::Content
        } else {
            StreamState::BeforeContent
        };
        assert_eq!(*translator.stream_state(), expected, "{delta} {finish}");
    }
    let completions = Attempt {
        client: ClientFormat::Completions,
        ..attempt(Provider::COMPATIBLE)
    };
    let mut translator = OpenAiPassThrough::new(completions).unwrap();
    translator.stream(
        b"data: {\"choices\":[{\"text\":\"\",\"index\":0}]}\n\n",
        &mut Vec::new(),
    );
    assert_eq!(*translator.stream_state(), StreamState::BeforeContent);
    translator.stream(
        b"data: {\"choices\":[{\"text\":\"a\",\"index\":0}]}\n\n",
        &mut Vec::new(),
    );
    assert_eq!(*translator.stream_state(), StreamState::Content);
}

#[test]
fn a_stream_without_content_is_cut_off_or_has_nothing_to_say() {
    for (stream, state) in [
        ("", StreamState::BeforeContent),
        ("data: [DONE]\n\n", StreamState::Empty),
        (
            &format!("{}data: [DONE]\n\n", chunk("{}", "\"stop\"")),
            StreamState::Empty,
        ),
        (": x\n\n", StreamState::BeforeContent),
    ] {
        let found = streamed(attempt(Provider::COMPATIBLE), stream).state;
        assert_eq!(found, state, "{stream:?}");
    }
}

#[test]
fn a_stream_that_breaks_off_ends_with_an_error_event() {
    let hello = chunk(r#"{"content":"Hello"}"#, "null");
    for rest in ["", "data: {\"choices\":[{\"ind", ": comment", "data"] {
        let streamed = streamed(attempt(Provider::COMPATIBLE), &format!("{hello}{rest}"));
        let error = streamed.out.strip_prefix(&hello).unwrap();
        assert!(
            error.starts_with("data: {\"error\":{\"message\":\"the provider's stream broke off"),
            "{error}"
        );
        assert!(error.ends_with("}\n\n") && !streamed.out.contains("[DONE]"));
        assert!(matches!(streamed.state, StreamState::Failed(_)));
    }
}

#[test]
fn an_error_in_the_stream_is_the_last_event() {
    let hello = chunk(r#"{"content":"Hello"}"#, "null");
    for frame in [
        r#"{"error":{"message":"boom","type":"server_error","param":null,"code":null}}"#,
        r#"{"error":{"message":"boom","code":502}}"#,
        r#"{"object":"error","message":"boom","type":"ServerError","code":500}"#,
        r#"{"error":"boom"}"#,
    ] {
        let streamed = streamed(
            attempt(Provider::COMPATIBLE),
            &format!("{hello}data: {frame}\n\n{hello}data: [DONE]\n\n"),
        );
        let error = streamed.out.strip_prefix(&hello).unwrap();
        let error: serde_json::Value =
            serde_json::from_str(error.strip_prefix("data: ").unwrap().trim_end()).unwrap();
        assert_eq!(error["error"]["message"], "boom");
        assert_eq!(error["error"]["type"], "server_error");
        assert!(error["error"]["code"].is_null() || error["error"]["code"].is_string());
        assert!(
            matches!(streamed.state, StreamState::Failed(ref error) if error.kind == ErrorKind::Server)
        );
    }
}

#[test]
fn what_is_not_the_protocol_is_not_passed_on() {
    let hello = chunk(r#"{"content":"Hello"}"#, "null");
    for garbage in ["data: <html>\n\n", "data: {\"a\":\n\n", "data: {} {}\n\n"] {
        let done = "data: [DONE]\n\n";
        let stream = format!("{hello}{garbage}{done}");
        let mut translator = OpenAiPassThrough::new(attempt(Provider::COMPATIBLE)).unwrap();
        let mut out = Vec::new();
        translator.stream(stream.as_bytes(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), format!("{hello}{done}"));
        assert_eq!(translator.skipped_events(), 1, "{garbage}");
    }
    for garbage in ["data: [1]\n\n", "data: 7\n\n"] {
        let streamed = streamed(
            attempt(Provider::COMPATIBLE),
            &format!("{hello}{garbage}data: [DONE]\n\n"),
        );
        assert!(
            streamed.out.starts_with(&hello) && streamed.out.contains("cannot be read"),
            "{}",
            streamed.out
        );
        assert!(!streamed.out.contains("[DONE]") && !streamed.out.contains("<html>"));
    }
}

#[test]
fn the_last_frame_may_be_missing_when_all_else_has_come() {
    let all = format!(
        "{}{}",
        chunk(r#"{"content":"a"}"#, "null"),
        chunk("{}", "\"stop\"")
    );
    let done = streamed(attempt(Provider::COMPATIBLE), &all);
    assert_eq!(
        (done.out.as_str(), done.state),
        (
            format!("{all}data: [DONE]\n\n").as_str(),
            StreamState::Complete
        )
    );
    let asked_for_usage = Attempt {
        include_usage: true,
        ..attempt(Provider::COMPATIBLE)
    };
    assert!(matches!(
        streamed(asked_for_usage, &all).state,
        StreamState::Failed(_)
    ));
    let second = all.replace("\"index\":0,\"delta\":{}", "\"index\":1,\"delta\":{}");
    assert!(
        matches!(
            streamed(attempt(Provider::COMPATIBLE), &second).state,
            StreamState::Failed(_)
        ),
        "choice 0 is not finished"
    );
}

#[test]
fn usage_is_asked_for_in_the_clients_place_and_kept_from_it() {
    let asks = Attempt {
        ask_for_usage: true,
        stream: true,
        model: "m".to_owned(),
        ..attempt(Provider::COMPATIBLE)
    };
    let before = r#" {"model":"grand","stream":true,"messages":[]}"#;
    assert_eq!(
        body(asks.clone(), before).unwrap(),
        r#" {"stream_options":{"include_usage":true},"model":"m","stream":true,"messages":[]}"#
    );
    let content = chunk(r#"{"content":"a"}"#, "\"stop\"");
    let count = "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n";
    let stream = format!("{content}{count}data: [DONE]\n\n");
    let mut translator = OpenAiPassThrough::new(asks.clone()).unwrap();
    translator.stream(stream.as_bytes(), &mut Vec::new());
    assert_eq!(translator.usage().map(|usage| usage.total()), Some(7));
    let kept = streamed(asks.clone(), &stream);
    assert_eq!(kept.out, format!("{content}data: [DONE]\n\n"));
    assert_eq!(kept.state, StreamState::Complete);
    // A client that asked for usage gets it; a response that is not a stream is left alone.
    let asked = Attempt {
        include_usage: true,
        ..asks.clone()
    };
    assert_eq!(streamed(asked, &stream).out, stream);
    let json = Attempt {
        stream: false,
        ..asks
    };
    assert!(!body(json, before).unwrap().contains("stream_options"));
}

#[test]
fn a_last_event_without_its_blank_line_gets_one() {
    let start = chunk(r#"{"content":"a"}"#, "\"stop\"");
    for done in ["data: [DONE]", "data: [DONE]\n"] {
        let streamed = streamed(attempt(Provider::COMPATIBLE), &format!("{start}{done}"));
        assert_eq!(streamed.out, format!("{start}data: [DONE]\n\n"));
        assert_eq!(streamed.state, StreamState::Complete);
    }
}

#[test]
fn a_filter_before_any_content_may_be_cured_elsewhere() {
    let stream = format!("{}data: [DONE]\n\n", chunk("{}", "\"content_filter\""));
    assert_eq!(
        streamed(attempt(Provider::COMPATIBLE), &stream).state,
        StreamState::Complete
    );
    let fails_over = Attempt {
        fail_over_on_content_policy: true,
        ..attempt(Provider::COMPATIBLE)
    };
    let failed = streamed(fails_over, &stream).state;
    assert!(matches!(failed, StreamState::Failed(error) if error.kind == ErrorKind::ContentPolicy));
}

#[test]
fn azures_streams_lose_what_clients_refuse() {
    let input = [
        r#"{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0}]}"#,
        r#"{"choices":[{"content_filter_results":{},"delta":{"content":"","role":"assistant"},"index":0}],"id":"c","model":"gpt-5"}"#,
        r#"{"choices":[{"content_filter_results":{"hate":{}},"delta":{"content":"Hi"},"index":0}],"id":"c","model":"gpt-5"}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"stop","index":0}],"id":"c","model":"gpt-5"}"#,
        r#"{"choices":[{"content_filter_offsets":{"start":1},"content_filter_results":{},"finish_reason":null,"index":0}],"id":"","model":""}"#,
        r#"{"choices":[],"id":"c","model":"gpt-5","usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
    ];
    let expected = [
        r#"{"choices":[{"delta":{"content":"","role":"assistant"},"index":0}],"id":"c","model":"gpt-5"}"#,
        r#"{"choices":[{"delta":{"content":"Hi"},"index":0}],"id":"c","model":"gpt-5"}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"stop","index":0}],"id":"c","model":"gpt-5"}"#,
        r#"{"choices":[],"id":"c","model":"gpt-5","usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
    ];
    let frames = |list: &[&str]| {
        list.iter()
            .map(|data| format!("data: {data}\n\n"))
            .chain(["data: [DONE]\n\n".to_owned()])
            .collect::<String>()
    };
    let streamed = streamed(attempt(providers::AZURE_OPENAI), &frames(&input));
    assert_eq!(streamed.out, frames(&expected));
    assert_eq!(streamed.state, StreamState::Complete);
    assert_eq!(streamed.served_model.as_deref(), Some("gpt-5"));
}

#[test]
fn ollamas_reasoning_gets_the_usual_name_and_one_role() {
    let stream = [
        chunk(
            r#"{"role":"assistant","content":"","reasoning":"hm"}"#,
            "null",
        ),
        chunk(r#"{"role":"assistant","content":"Hi"}"#, "null"),
        chunk("{}", "\"stop\""),
        "data: [DONE]\n\n".to_owned(),
    ];
    let expected = [
        chunk(
            r#"{"role":"assistant","content":"","reasoning_content":"hm"}"#,
            "null",
        ),
        chunk(r#"{"content":"Hi"}"#, "null"),
        stream[2].clone(),
        stream[3].clone(),
    ];
    let streamed = streamed(attempt(providers::OLLAMA), &stream.concat());
    assert_eq!(streamed.out, expected.concat());

    let mut translator = OpenAiPassThrough::new(attempt(providers::OLLAMA)).unwrap();
    let response = r#"{"model":"llama","choices":[{"index":0,"message":{"role":"assistant","content":"Hi","reasoning":"hm"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    let changed = translator.response(response.as_bytes()).unwrap().unwrap();
    assert_eq!(
        String::from_utf8(changed).unwrap(),
        response.replace("\"reasoning\"", "\"reasoning_content\"")
    );
    assert_eq!(translator.usage().map(|usage| usage.total()), Some(3));
    let plain = response.replace(",\"reasoning\":\"hm\"", "");
    assert_eq!(
        OpenAiPassThrough::new(attempt(providers::OLLAMA))
            .unwrap()
            .response(plain.as_bytes()),
        Ok(None)
    );
}

#[test]
fn what_becomes_of_an_event_becomes_of_those_like_it() {
    let event = |role: &str, text: &str, filter: &str, padding: &str| {
        format!(
            r#"data: {{"choices":[{{"index":0,"delta":{{{role}"content":"{text}"}}{filter}}}]{padding}}}"#
        ) + "\n\n"
    };
    let role = r#""role":"assistant","#;
    let filter = r#","content_filter_results":{}"#;
    let padded = |padding: &str| format!(r#","obfuscation":"{padding}""#);
    let texts = ["a", "a", r"b\n", "bc", "a", r#"\""#, "d", "e"];
    let paddings = ["x", "x", "x", "x", "y", "z", "x", "y"];
    let each = |written: &dyn Fn(usize, &str, &str) -> String| -> String {
        let all = texts.iter().zip(paddings).enumerate();
        all.map(|(number, (text, padding))| written(number, text, &padded(padding)))
            .collect()
    };
    let azure = streamed(
        attempt(providers::AZURE_OPENAI),
        &each(&|_, text, padding| event("", text, filter, padding)),
    );
    let cleaned = each(&|_, text, _| event("", text, "", ""));
    assert!(azure.out.starts_with(&cleaned), "{}", azure.out);
    let ollama = streamed(
        attempt(providers::OLLAMA),
        &each(&|_, text, padding| event(role, text, "", padding)),
    );
    let once = |number| if number == 0 { role } else { "" };
    let cleaned = each(&|number, text, padding| event(once(number), text, "", padding));
    assert!(ollama.out.starts_with(&cleaned), "{}", ollama.out);
}

#[test]
fn responses_streams() {
    let native = Attempt {
        native_responses: true,
        ..test_attempt(ClientFormat::Responses, Provider::COMPATIBLE)
    };
    let frame =
        |kind: &str, rest: &str| format!("event: {kind}\ndata: {{\"type\":\"{kind}\"{rest}}}\n\n");
    let created = frame(
        "response.created",
        r#","response":{"id":"r","model":"gpt-4o","usage":null,"error":null}"#,
    );
    let delta = frame("response.output_text.delta", r#","delta":"Hi""#);
    let completed = frame(
        "response.completed",
        r#","response":{"model":"gpt-4o","usage":{"input_tokens":3,"output_tokens":2}}"#,
    );
    let stream = format!("{created}{delta}{completed}");
    let done = streamed(native.clone(), &stream);
    assert_eq!(
        (done.out.as_str(), done.state),
        (stream.as_str(), StreamState::Complete)
    );
    assert_eq!(
        done.usage,
        Some(Usage {
            prompt: 3,
            completion: 2,
            ..Usage::default()
        })
    );
    assert_eq!(done.served_model.as_deref(), Some("gpt-4o"));

    let failed = frame(
        "response.failed",
        r#","response":{"error":{"code":"server_error","message":"boom"}}"#,
    );
    let done = streamed(native.clone(), &format!("{created}{delta}{failed}"));
    assert!(done.out.ends_with(&failed), "clients know this event");
    assert!(matches!(done.state, StreamState::Failed(ref error) if error.message == "boom"));

    let cut = streamed(native.clone(), &format!("{created}{delta}"));
    assert!(cut.out.contains("event: error\ndata: {\"type\":\"error\""));
    assert_eq!(streamed(native, &created).state, StreamState::BeforeContent);
}

#[test]
fn json_answers_are_watched_while_they_pass() {
    let mut translator = OpenAiPassThrough::new(attempt(Provider::COMPATIBLE)).unwrap();
    assert!(translator.forwards_json());
    let response = r#"{"choices":[{"message":{"content":"\"usage\":{\"prompt_tokens\":9}"}}],"model":"gpt-4o","usage":{"prompt_tokens":3,"completion_tokens":2}}"#;
    for byte in response.as_bytes() {
        assert_ne!(*translator.stream_state(), StreamState::Complete);
        translator.observe_json(&[*byte]);
    }
    assert_eq!(*translator.stream_state(), StreamState::Complete);
    assert_eq!(
        translator.usage(),
        Some(Usage {
            prompt: 3,
            completion: 2,
            ..Usage::default()
        })
    );
    assert_eq!(translator.served_model(), Some("gpt-4o"));
}

#[test]
fn parts_of_a_body_are_as_good_as_the_whole() {
    let bodies = [
        r#"{"model":"gpt","messages":[]}"#,
        r#"  {"messages":[{"content":"{\"model\":1}"}],"model" : "upstream-model"}"#,
        r#"{"messages":[],"stream":true,"model":"gpt"}"#,
    ];
    for upstream in [Provider::COMPATIBLE, providers::AZURE_OPENAI] {
        for (stream, ask_for_usage) in [(false, true), (true, true), (true, false)] {
            for body in bodies {
                let scanned =
                    crate::request_info::scan(ClientFormat::ChatCompletions, body.as_bytes());
                let info = scanned.unwrap();
                let model_span = info.model_span;
                let attempt = Attempt {
                    stream,
                    ask_for_usage,
                    model_span: model_span.clone(),
                    traits: info.traits,
                    ..test_attempt(ClientFormat::ChatCompletions, upstream)
                };
                let mut translator = translator(attempt).unwrap();
                assert!(translator.needs_only_prefix());
                let prefix = BodyPrefix {
                    start: &body.as_bytes()[..5],
                    model: &body.as_bytes()[model_span],
                };
                let whole = translator.request(body.as_bytes()).unwrap();
                assert_eq!(
                    translator.request_from_prefix(prefix).unwrap().unwrap(),
                    whole
                );
                let nothing = BodyPrefix {
                    start: b" ",
                    ..prefix
                };
                let is_enough = translator.request_from_prefix(nothing).is_some();
                assert_eq!(is_enough, translator.changes_only_the_model());
                assert_eq!(is_enough, !(stream && ask_for_usage));
            }
        }
    }
}

#[test]
fn what_is_looked_for_in_all_of_a_body_needs_the_whole() {
    for (client, upstream) in [
        (ClientFormat::ChatCompletions, providers::OLLAMA),
        (ClientFormat::Responses, Provider::COMPATIBLE),
    ] {
        let attempt = Attempt {
            native_responses: true,
            ..test_attempt(client, upstream)
        };
        let mut translator = translator(attempt).unwrap();
        let prefix = BodyPrefix {
            start: b"{",
            model: b"\"m\"",
        };
        assert!(
            !translator.needs_only_prefix() && translator.request_from_prefix(prefix).is_none()
        );
    }
}
