//! What a request line asks of the gateway.

use protocols::ClientFormat;

/// The endpoints on the gateway's port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint<'a> {
    /// Goes to a model.
    Model(ClientFormat),
    /// `GET /v1/models`
    ModelList,
    /// `GET /v1/models/{name}`
    ModelEntry(&'a str),
    /// `GET /health`, with the target of `?provider=`.
    Health(Option<&'a str>),
    /// `GET /metrics`: a route of Envoy answers it.
    Metrics,
    /// The path exists for another method, which is given.
    WrongMethod(&'static str),
    /// Nothing is here.
    Unknown,
}

const MODELS: &str = "/v1/models";

/// Sorts a request line. Trailing slashes and queries do not matter.
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
            "/health" => Endpoint::Health(query_value(query, "provider")),
            "/metrics" => Endpoint::Metrics,
            _ => match path
                .strip_prefix(MODELS)
                .and_then(|rest| rest.strip_prefix('/'))
            {
                Some(name) if !name.is_empty() => Endpoint::ModelEntry(name),
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
                Endpoint::ModelEntry("fast-chat"),
            ),
            (
                "GET",
                "/v1/models/org/model",
                Endpoint::ModelEntry("org/model"),
            ),
            ("POST", "/v1/models", Endpoint::WrongMethod("GET")),
            ("GET", "/health", Endpoint::Health(None)),
            ("HEAD", "/health", Endpoint::Health(None)),
            (
                "GET",
                "/health?a=b&provider=openai",
                Endpoint::Health(Some("openai")),
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
}
