//! Embeddings clients, Amazon Titan text embeddings through Bedrock's InvokeModel.
//!
//! Titan takes one text at a time and always returns numbers; base64 is encoded here.

use catalog::Provider;
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

    fn error(
        &self,
        provider: Provider,
        status: u16,
        headers: &HeaderSlice<'_>,
        body: &[u8],
    ) -> ProviderError {
        bedrock_converse::read_error(provider, status, headers, body)
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
mod tests;
