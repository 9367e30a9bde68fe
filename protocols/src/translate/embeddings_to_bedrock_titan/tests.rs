#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use proptest::prelude::*;
use serde_json::{Value, json};

use catalog::providers;

use super::*;
use crate::ClientFormat::Embeddings;
use crate::translator::test_attempt;

fn translator() -> EmbeddingsToBedrockTitan {
    EmbeddingsToBedrockTitan::new(Attempt {
        model: "amazon.titan-embed-text-v2:0".to_owned(),
        ..test_attempt(Embeddings, providers::BEDROCK)
    })
}

fn sent(request: &Value) -> Result<(String, Value), RequestError> {
    let sent = translator().request(request.to_string().as_bytes())?;
    let BodyEdit::Replace(body) = sent.body else {
        panic!("a body of its own")
    };
    Ok((sent.path, serde_json::from_slice(&body).unwrap()))
}

#[test]
fn one_text_is_sent_in_titans_words() {
    for (request, expected) in [
        (
            json!({"model": "e", "input": "a\n\"b\""}),
            json!({"inputText": "a\n\"b\""}),
        ),
        (
            json!({"model": "e", "input": ["one"], "dimensions": 256, "normalize": false, "user": "u",
                    "encoding_format": "base64"}),
            json!({"inputText": "one", "dimensions": 256, "normalize": false}),
        ),
        (
            json!({"input": "x", "dimensions": null, "encoding_format": null}),
            json!({"inputText": "x"}),
        ),
    ] {
        let (path, body) = sent(&request).unwrap();
        assert_eq!(path, "/model/amazon.titan-embed-text-v2%3A0/invoke");
        assert_eq!(body, expected);
    }
}

#[test]
fn what_titan_cannot_do_is_refused_by_name() {
    for (request, param) in [
        (json!({"input": ["a", "b"]}), "input"),
        (json!({"input": []}), "input"),
        (json!({"input": [[1, 2]]}), "input[0]"),
        (json!({"input": [1, 2, 3]}), "input"),
        (json!({"input": [1]}), "input[0]"),
        (json!({"input": ""}), "input"),
        (json!({"input": 7}), "input"),
        (json!({"model": "e"}), "input"),
        (json!({"input": "a", "dimensions": "256"}), "dimensions"),
        (
            json!({"input": "a", "encoding_format": "int8"}),
            "encoding_format",
        ),
        (json!({"input": "a", "truncate": "END"}), "truncate"),
    ] {
        let error = sent(&request).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(param), "{request}");
    }
    let mut other = translator();
    Rc::make_mut(&mut other.attempt).model = "cohere.embed-english-v3".to_owned();
    let error = other.request(br#"{"input":"a"}"#).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("model"));
}

#[test]
fn answers_have_openais_shape() {
    let titan = br#"{"embedding":[1.0,-0.5,2.25e-1],"embeddingsByType":{"float":[9]},"inputTextTokenCount":7}"#;
    // 1.0, -0.5 and 0.225 as little-endian 32-bit floats: 0000803f 000000bf 6666663e
    for (encoding, embedding) in [
        ("float", json!([1.0, -0.5, 0.225])),
        ("base64", json!("AACAPwAAAL9mZmY+")),
    ] {
        let mut translator = translator();
        let request = json!({"input": "a", "encoding_format": encoding});
        translator.request(request.to_string().as_bytes()).unwrap();
        let response = translator.response(titan).unwrap().unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&response).unwrap(),
            json!({
                "object": "list",
                "data": [{"object": "embedding", "index": 0, "embedding": embedding}],
                "model": "amazon.titan-embed-text-v2:0",
                "usage": {"prompt_tokens": 7, "total_tokens": 7},
            })
        );
        let usage = translator.usage().unwrap();
        assert_eq!((usage.prompt, usage.completion), (7, 0));
    }
}

#[test]
fn answers_that_are_none_are_the_providers_failure() {
    for (body, message) in [
        (&b"{}"[..], "without a message"),
        (br#"{"message":"no such operation"}"#, "no such operation"),
        (br#"{"embedding":"x"}"#, "cannot be read"),
        (b"<html>", "cannot be read"),
    ] {
        let error = translator().response(body).unwrap_err();
        assert!(error.message.contains(message), "{error:?}");
    }
    let by_type = br#"{"embeddingsByType":{"float":[0.5]}}"#;
    let response = translator().response(by_type).unwrap().unwrap();
    let response: Value = serde_json::from_slice(&response).unwrap();
    assert_eq!(response["data"][0]["embedding"], json!([0.5]));
}

proptest! {
    #[test]
    fn base64_gives_the_numbers_back(numbers in proptest::collection::vec(any::<f32>(), 0..40)) {
        let text = base64_of(&numbers);
        prop_assert_eq!(text.len() % 4, 0);
        let value = |c: char| match c {
            'A'..='Z' => c as u32 - 'A' as u32,
            'a'..='z' => c as u32 - 'a' as u32 + 26,
            '0'..='9' => c as u32 - '0' as u32 + 52,
            '+' => 62,
            '/' => 63,
            _ => panic!("{c}"),
        };
        let mut bits = 0_u32;
        let mut count = 0;
        let mut bytes = Vec::new();
        for c in text.trim_end_matches('=').chars() {
            bits = (bits << 6) | value(c);
            count += 6;
            if count >= 8 {
                count -= 8;
                bytes.push((bits >> count) as u8);
            }
        }
        let expected: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        prop_assert_eq!(bytes, expected);
    }
}
