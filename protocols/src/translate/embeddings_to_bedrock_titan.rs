//! Embeddings clients, Amazon Titan text embeddings through Bedrock's InvokeModel.
//!
//! Titan takes one text at a time and always returns numbers; base64 is encoded here.

use std::rc::Rc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::body_edit::BodyEdit;
use crate::error::{self, ProviderError, RequestError};
use crate::formats::bedrock_converse::{self, Operation};
use crate::headers::HeaderSlice;
use crate::json::{self, Object, Text, Writer, lenient};
use crate::translate::dropped_param::{self, DropWhen, DroppedParam};
use crate::translator::{Attempt, OutgoingRequest, StreamState, Translator};
use crate::usage::Usage;

/// Fields that are dropped, with reasons; every other field is translated or refused.
pub const DROPPED_PARAMS: &[DroppedParam] = &[
    DroppedParam {
        name: "user",
        when: DropWhen::Always,
        reason: "tells OpenAI whose request it is; Bedrock has no such field",
    },
    DroppedParam {
        name: "encoding_format",
        when: DropWhen::Where("always"),
        reason: "Titan answers with numbers; the gateway turns them into base64 where that was asked for",
    },
];

/// Translates one attempt.
#[derive(Debug)]
pub struct EmbeddingsToBedrockTitan {
    attempt: Rc<Attempt>,
    encoding: Encoding,
    usage: Option<Usage>,
    state: StreamState,
}

/// `encoding_format`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Float,
    /// Little-endian 32-bit floats, then base64.
    Base64,
}

/// The client's request.
struct EmbeddingsRequest<'a> {
    input: Text<'a>,
    dimensions: Option<u64>,
    /// Titan's own: normalize the vector to length 1. Defaults to true.
    normalize: Option<bool>,
    encoding: Encoding,
}

/// Titan's response.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct TitanResponse<'a> {
    #[serde(borrow, default)]
    embedding: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "lenient")]
    embeddings_by_type: Option<ByType<'a>>,
    #[serde(default, deserialize_with = "lenient")]
    input_text_token_count: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct ByType<'a> {
    #[serde(borrow, default)]
    float: Option<&'a RawValue>,
}

impl EmbeddingsToBedrockTitan {
    /// A translator for one attempt.
    pub fn new(attempt: impl Into<Rc<Attempt>>) -> Self {
        let attempt = attempt.into();
        Self {
            attempt,
            encoding: Encoding::Float,
            usage: None,
            state: StreamState::BeforeContent,
        }
    }
}

impl Translator for EmbeddingsToBedrockTitan {
    fn request(&mut self, body: &[u8]) -> Result<OutgoingRequest, RequestError> {
        refuse_other_families(&self.attempt.model)?;
        let request = EmbeddingsRequest::read(body)?;
        self.encoding = request.encoding;
        let mut out = Vec::with_capacity(body.len());
        Writer::new(&mut out).object(|w| {
            w.field("inputText").text(request.input);
            if let Some(dimensions) = request.dimensions {
                w.field("dimensions").number(dimensions);
            }
            if let Some(normalize) = request.normalize {
                w.field("normalize").bool(normalize);
            }
        });
        Ok(OutgoingRequest {
            path: bedrock_converse::path(&self.attempt, Operation::InvokeModel)?,
            headers: Vec::new(),
            body: BodyEdit::Replace(out),
        })
    }

    fn response(&mut self, body: &[u8]) -> Result<Option<Vec<u8>>, ProviderError> {
        let response: TitanResponse<'_> =
            json::parse(body).map_err(ProviderError::invalid_response)?;
        let by_type = response.embeddings_by_type.and_then(|types| types.float);
        let Some(embedding) = response.embedding.or(by_type) else {
            return Err(error::classify_in_stream("", body));
        };
        let numbers: Vec<f32> =
            json::parse_text(embedding.get()).map_err(ProviderError::invalid_response)?;
        let tokens = response.input_text_token_count;
        self.usage = tokens.map(|prompt| Usage {
            prompt,
            ..Usage::default()
        });
        let tokens = tokens.unwrap_or(0);
        let mut out = Vec::with_capacity(body.len());
        Writer::new(&mut out).object(|w| {
            w.field("object").string("list");
            w.field("data").array(|w| {
                w.object(|w| {
                    w.field("object").string("embedding");
                    w.field("index").number(0);
                    match self.encoding {
                        Encoding::Float => w.field("embedding").raw(embedding),
                        Encoding::Base64 => w.field("embedding").string(&base64_of(&numbers)),
                    }
                });
            });
            w.field("model").string(&self.attempt.model);
            w.field("usage").object(|w| {
                w.field("prompt_tokens").number(tokens);
                w.field("total_tokens").number(tokens);
            });
        });
        Ok(Some(out))
    }

    /// InvokeModel does not stream.
    fn stream(&mut self, _chunk: &[u8], _out: &mut Vec<u8>) -> bool {
        self.state = StreamState::Failed(ProviderError::invalid_response(
            "a stream in answer to a request for embeddings",
        ));
        false
    }

    fn stream_end(&mut self, out: &mut Vec<u8>) {
        self.stream(&[], out);
    }

    fn stream_state(&self) -> &StreamState {
        &self.state
    }

    fn error(&self, status: u16, headers: &HeaderSlice<'_>, body: &[u8]) -> ProviderError {
        bedrock_converse::read_error(status, headers, body)
    }

    fn usage(&self) -> Option<Usage> {
        self.usage
    }

    fn text_bytes(&self) -> u64 {
        0
    }

    /// The response does not name the model: it is the requested one.
    fn served_model(&self) -> Option<&str> {
        None
    }
}

impl<'a> EmbeddingsRequest<'a> {
    fn read(body: &'a [u8]) -> Result<Self, RequestError> {
        let fields: Object<'_> = json::parse(body)
            .map_err(|error| RequestError::new(format!("expected a JSON object: {error}")))?;
        for (name, value) in fields.fields() {
            if !["model", "input", "dimensions", "normalize"].contains(&name) {
                dropped_param::drop_or_refuse(DROPPED_PARAMS, name, name, value)?;
            }
        }
        let input = fields
            .get("input")
            .ok_or_else(|| RequestError::missing("input"))?;
        Ok(Self {
            input: one_text(input)?,
            dimensions: match fields.get("dimensions") {
                Some(raw) => Some(json::read(raw, "dimensions", "a whole number")?),
                None => None,
            },
            normalize: match fields.get("normalize") {
                Some(raw) => Some(json::read(raw, "normalize", "a boolean")?),
                None => None,
            },
            encoding: match fields.get("encoding_format") {
                Some(raw) => Encoding::read(raw)?,
                None => Encoding::Float,
            },
        })
    }
}

impl Encoding {
    fn read(raw: &RawValue) -> Result<Self, RequestError> {
        const PATH: &str = "encoding_format";
        match json::characters(raw, PATH)?.as_ref() {
            "float" => Ok(Self::Float),
            "base64" => Ok(Self::Base64),
            found => Err(RequestError::invalid_value(
                PATH,
                format_args!("expected float or base64, found {found:?}"),
            )),
        }
    }
}

/// Other embedding models on Bedrock have their own request formats. An id that names no family is assumed to be
/// Titan's.
fn refuse_other_families(model: &str) -> Result<(), RequestError> {
    let family = ["cohere.", "amazon.nova", "twelvelabs.", "titan-embed-image"]
        .into_iter()
        .find(|family| model.contains(family));
    match family {
        None => Ok(()),
        Some(family) => Err(RequestError::unsupported(
            "model",
            format_args!(
                "embeddings on Bedrock are translated for Titan text models only, found {family:?} in the model's id"
            ),
        )),
    }
}

/// The text of `input`: a string, or a list with one string.
fn one_text(raw: &RawValue) -> Result<Text<'_>, RequestError> {
    const PATH: &str = "input";
    let text = match Text::of(raw) {
        Some(text) => text,
        None => {
            let items: Vec<&RawValue> =
                json::read(raw, PATH, "a string or an array of one string")?;
            match items.as_slice() {
                [one] => json::text(one, "input[0]")?,
                items => {
                    return Err(RequestError {
                        code: Some("unsupported_value"),
                        ..RequestError::unsupported(
                            PATH,
                            format_args!(
                                "the target of this request takes one text at a time, found a list of {}",
                                items.len()
                            ),
                        )
                    });
                }
            }
        }
    };
    if text.is_empty() {
        return Err(RequestError::invalid_value(
            PATH,
            "expected a text, found an empty one",
        ));
    }
    Ok(text)
}

/// OpenAI's `base64` encoding: little-endian 32-bit floats.
fn base64_of(numbers: &[f32]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    let bytes: Vec<u8> = numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    let mut text = String::with_capacity(bytes.len().div_ceil(3).saturating_mul(4));
    for chunk in bytes.chunks(3) {
        let mut three = chunk.iter().copied().chain(std::iter::repeat(0));
        let mut next = || u32::from(three.next().unwrap_or(0));
        let bits = (next() << 16) | (next() << 8) | next();
        for place in 0..4_usize {
            // Six bits at a time; one byte fills two digits, two bytes fill three.
            let digit = (bits >> (18 - 6 * place)) & 0x3f;
            let digit = DIGITS.get(digit as usize).filter(|_| place <= chunk.len());
            text.push(digit.map_or('=', |digit| char::from(*digit)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
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
}
