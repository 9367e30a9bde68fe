//! What a request line asks of the gateway.

use std::borrow::Cow;

use protocols::upstream_path::percent_decoded;
use protocols::{ClientFormat, RequestError, check_name};

/// The endpoints on the gateway's port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint<'a> {
    /// Goes to a model.
    Model(ClientFormat),
    /// `GET /v1/models`
    ModelList,
    /// `GET /v1/models/{name}`
    ModelEntry(Cow<'a, str>),
    /// `GET /health`, with the target of `?provider=`.
    Health(Option<Cow<'a, str>>),
    /// `GET /metrics`: a route of Envoy answers it.
    Metrics,
    /// The path exists for another method, which is given.
    WrongMethod(&'static str),
    /// A name in path or query that is none.
    BadName(RequestError),
    /// Nothing is here.
    Unknown,
}

const MODELS: &str = "/v1/models";

/// Sorts a request line. Trailing slashes and queries do not matter. Names are percent-decoded, once.
pub fn endpoint<'a>(method: &str, target: &'a str) -> Endpoint<'a> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = if path.len() > 1 {
        path.trim_end_matches('/')
    } else {
        path
    };
    let found = if let Some(format) = ClientFormat::from_path(path) {
        Endpoint::Model(format)
    } else {
        match path {
            MODELS => Endpoint::ModelList,
            "/health" => match query_value(query, "provider").map(|id| name("provider", id)) {
                None => Endpoint::Health(None),
                Some(Ok(id)) => Endpoint::Health(Some(id)),
                Some(Err(error)) => Endpoint::BadName(error),
            },
            "/metrics" => Endpoint::Metrics,
            _ => match path
                .strip_prefix(MODELS)
                .and_then(|rest| rest.strip_prefix('/'))
            {
                Some(model) if !model.is_empty() => match name("model", model) {
                    Ok(model) => Endpoint::ModelEntry(model),
                    Err(error) => Endpoint::BadName(error),
                },
                _ => return Endpoint::Unknown,
            },
        }
    };
    let wanted = if matches!(found, Endpoint::Model(_)) {
        "POST"
    } else {
        "GET"
    };
    let allowed = method == wanted || (wanted == "GET" && method == "HEAD");
    if allowed {
        found
    } else {
        Endpoint::WrongMethod(wanted)
    }
}

/// The name that stands in a path or query.
fn name<'a>(param: &'static str, text: &'a str) -> Result<Cow<'a, str>, RequestError> {
    let Some(name) = percent_decoded(text) else {
        let why = "expected UTF-8 with percent-encoded octets, found something else";
        return Err(RequestError::invalid_value(param, why));
    };
    match check_name(&name) {
        Ok(()) => Ok(name),
        Err(why) => Err(RequestError::invalid_value(param, why)),
    }
}

fn query_value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_lines_find_their_endpoint() {
        let cases = [
            (
                "POST",
                "/v1/chat/completions",
                Endpoint::Model(ClientFormat::ChatCompletions),
            ),
            (
                "POST",
                "/v1/chat/completions?api-version=1",
                Endpoint::Model(ClientFormat::ChatCompletions),
            ),
            (
                "POST",
                "/v1/messages/",
                Endpoint::Model(ClientFormat::AnthropicMessages),
            ),
            ("GET", "/v1/chat/completions", Endpoint::WrongMethod("POST")),
            ("GET", "/v1/models", Endpoint::ModelList),
            (
                "GET",
                "/v1/models/fast-chat",
                Endpoint::ModelEntry("fast-chat".into()),
            ),
            (
                "GET",
                "/v1/models/org/model",
                Endpoint::ModelEntry("org/model".into()),
            ),
            (
                "GET",
                "/v1/models/org%2Fmodel%3Afree/",
                Endpoint::ModelEntry("org/model:free".into()),
            ),
            (
                "GET",
                "/health?provider=a%2Eb",
                Endpoint::Health(Some("a.b".into())),
            ),
            ("POST", "/v1/models", Endpoint::WrongMethod("GET")),
            ("POST", "/v1/models/%zz", Endpoint::WrongMethod("GET")),
            ("GET", "/health", Endpoint::Health(None)),
            ("HEAD", "/health", Endpoint::Health(None)),
            (
                "GET",
                "/health?a=b&provider=openai",
                Endpoint::Health(Some("openai".into())),
            ),
            ("GET", "/metrics", Endpoint::Metrics),
            ("GET", "/", Endpoint::Unknown),
            ("POST", "/v1/chat", Endpoint::Unknown),
            ("GET", "/v1/modelsx", Endpoint::Unknown),
            ("", "", Endpoint::Unknown),
        ];
        for (method, target, expected) in cases {
            assert_eq!(endpoint(method, target), expected, "{method} {target}");
        }
    }

    #[test]
    fn names_that_are_none_are_the_clients_fault() {
        let too_long = format!("/v1/models/{}", "x".repeat(513));
        for (target, param) in [
            ("/v1/models/%zz", "model"),
            ("/v1/models/a%", "model"),
            ("/v1/models/%ff", "model"),
            ("/v1/models/a%0d%0aset-cookie:%20evil=1", "model"),
            ("/v1/models/%00", "model"),
            (&too_long, "model"),
            ("/health?provider=%f", "provider"),
        ] {
            match endpoint("GET", target) {
                Endpoint::BadName(error) => assert_eq!(error.param.as_deref(), Some(param)),
                other => panic!("{target}: {other:?}"),
            }
        }
    }
}
