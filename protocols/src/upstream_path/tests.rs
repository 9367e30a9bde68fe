#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use catalog::{Provider, providers};

use super::*;
use crate::ClientFormat::ChatCompletions;
use crate::translator::test_attempt;

#[test]
fn model_names_that_may_stand_in_a_path() {
    let accepted = [
        ("gpt-4o", "gpt-4o"),
        ("gpt-4.1_mini~x", "gpt-4.1_mini~x"),
        ("...", "..."),
        ("a/b", "a%2Fb"),
        ("../other/operation#", "..%2Fother%2Foperation%23"),
        ("a?api-version=other&x=y", "a%3Fapi-version%3Dother%26x%3Dy"),
        ("a%2fb", "a%252fb"),
        (
            "anthropic.claude-3-haiku-20240307-v1:0",
            "anthropic.claude-3-haiku-20240307-v1%3A0",
        ),
        (
            "arn:aws:bedrock:us-east-1:1:inference-profile/x",
            "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx",
        ),
        ("a b\\c;d", "a%20b%5Cc%3Bd"),
        ("modèle", "mod%C3%A8le"),
    ];
    for (model, expected) in accepted {
        assert_eq!(segment(model).as_deref(), Ok(expected), "{model}");
    }
    for refused in ["", ".", "..", "a\nb", "a\0", "\r", "a\u{7f}", "a\u{85}b"] {
        let error = segment(refused).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("model"), "{refused:?}");
    }
}

#[test]
fn what_was_encoded_is_read_once() {
    for text in ["", "gpt-4o", "org/model", "a%2fb", "modèle ?&=#", "\0\r\n"] {
        assert_eq!(
            percent_decoded(&percent_encoded(text)).as_deref(),
            Some(text)
        );
    }
    for (text, expected) in [
        ("org%2Fmodel", Some("org/model")),
        ("org%2fmodel%3Afree", Some("org/model:free")),
        ("a%252Fb", Some("a%2Fb")),
        ("%41%42%", None),
        ("%4", None),
        ("%+1", None),
        ("%4é", None),
        ("%zz", None),
        ("a%ffb", None),
        ("%c3%a8", Some("è")),
    ] {
        assert_eq!(percent_decoded(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn paths_of_openai_and_azure() {
    let table = [
        (Provider::COMPATIBLE, "", None, "/v1/chat/completions"),
        (Provider::COMPATIBLE, "/v1", None, "/v1/chat/completions"),
        (
            Provider::COMPATIBLE,
            "/v1beta/openai",
            None,
            "/v1beta/openai/chat/completions",
        ),
        (providers::OLLAMA, "", None, "/v1/chat/completions"),
        (providers::OLLAMA, "/v1", None, "/v1/chat/completions"),
        (
            providers::AZURE_OPENAI,
            "",
            None,
            "/openai/v1/chat/completions",
        ),
        (
            providers::AZURE_OPENAI,
            "/openai/v1",
            None,
            "/openai/v1/chat/completions",
        ),
        (
            providers::AZURE_OPENAI,
            "/openai/v1",
            Some("preview"),
            "/openai/v1/chat/completions?api-version=preview",
        ),
        (
            providers::AZURE_OPENAI,
            "",
            Some("2024-02-01"),
            "/openai/deployments/a%2Fb/chat/completions?api-version=2024-02-01",
        ),
        (
            providers::AZURE_OPENAI,
            "/openai",
            Some("1&x=y"),
            "/openai/deployments/a%2Fb/chat/completions?api-version=1%26x%3Dy",
        ),
        (
            providers::AZURE_OPENAI,
            "/team",
            Some("1"),
            "/team/openai/deployments/a%2Fb/chat/completions?api-version=1",
        ),
        (
            providers::AZURE_OPENAI,
            "/team/openai",
            None,
            "/team/openai/v1/chat/completions",
        ),
        (
            providers::AZURE_OPENAI,
            "/openai/deployments/gpt-4o",
            Some("2024-10-21"),
            "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
        ),
    ];
    for (upstream, base_path, api_version, expected) in table {
        let attempt = Attempt {
            base_path: base_path.to_owned(),
            api_version: api_version.map(str::to_owned),
            model: "a/b".to_owned(),
            ..test_attempt(ChatCompletions, upstream)
        };
        assert_eq!(
            openai(&attempt, "chat/completions").as_deref(),
            Ok(expected),
            "{upstream:?} {base_path}"
        );
    }
}

#[test]
fn responses_are_not_below_a_deployment() {
    let azure = test_attempt(crate::ClientFormat::Responses, providers::AZURE_OPENAI);
    let dated = Attempt {
        api_version: Some("2025-04-01-preview".to_owned()),
        ..azure.clone()
    };
    assert_eq!(
        openai(&dated, "responses").as_deref(),
        Ok("/openai/responses?api-version=2025-04-01-preview")
    );
    assert_eq!(
        openai(&azure, "responses").as_deref(),
        Ok("/openai/v1/responses")
    );
}

#[test]
fn paths_of_anthropic() {
    for (base, expected) in [
        ("", "/v1/messages"),
        ("/v1", "/v1/messages"),
        ("/anthropic", "/anthropic/v1/messages"),
    ] {
        assert_eq!(anthropic(base, "messages"), expected);
    }
}
