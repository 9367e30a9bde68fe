//! Numbers of the proxy-wasm ABI 0.2.1. A test holds them against the proxy-wasm SDK's.

/// Header maps.
pub(crate) mod map {
    pub(crate) const REQUEST_HEADERS: u32 = 0;
    pub(crate) const RESPONSE_HEADERS: u32 = 2;
    pub(crate) const CALL_RESPONSE_HEADERS: u32 = 6;
}

/// Buffers.
pub(crate) mod buffer {
    pub(crate) const REQUEST_BODY: u32 = 0;
    pub(crate) const RESPONSE_BODY: u32 = 1;
    pub(crate) const CALL_RESPONSE_BODY: u32 = 4;
    pub(crate) const PLUGIN_CONFIGURATION: u32 = 7;
}

/// The two halves of an HTTP stream.
pub(crate) mod stream {
    pub(crate) const REQUEST: u32 = 0;
    pub(crate) const RESPONSE: u32 = 1;
}

/// What a call of the proxy returns.
pub(crate) mod status {
    pub(crate) const OK: u32 = 0;
    pub(crate) const NOT_FOUND: u32 = 1;
    pub(crate) const BAD_ARGUMENT: u32 = 2;
    pub(crate) const EMPTY: u32 = 7;
    pub(crate) const CAS_MISMATCH: u32 = 8;
}

/// What a callback returns.
pub(crate) mod action {
    pub(crate) const CONTINUE: u32 = 0;
    pub(crate) const PAUSE: u32 = 1;
}

#[cfg(test)]
mod tests {
    use proxy_wasm::types::{
        Action, BufferType, LogLevel, MapType, MetricType, Status, StreamType,
    };

    use super::{action, buffer, map, status, stream};

    #[test]
    fn are_those_of_the_sdk() {
        for (ours, sdk) in [
            (map::REQUEST_HEADERS, MapType::HttpRequestHeaders as u32),
            (map::RESPONSE_HEADERS, MapType::HttpResponseHeaders as u32),
            (
                map::CALL_RESPONSE_HEADERS,
                MapType::HttpCallResponseHeaders as u32,
            ),
            (buffer::REQUEST_BODY, BufferType::HttpRequestBody as u32),
            (buffer::RESPONSE_BODY, BufferType::HttpResponseBody as u32),
            (
                buffer::CALL_RESPONSE_BODY,
                BufferType::HttpCallResponseBody as u32,
            ),
            (
                buffer::PLUGIN_CONFIGURATION,
                BufferType::PluginConfiguration as u32,
            ),
            (status::OK, Status::Ok as u32),
            (status::NOT_FOUND, Status::NotFound as u32),
            (status::BAD_ARGUMENT, Status::BadArgument as u32),
            (status::EMPTY, Status::Empty as u32),
            (status::CAS_MISMATCH, Status::CasMismatch as u32),
            (stream::REQUEST, StreamType::HttpRequest as u32),
            (stream::RESPONSE, StreamType::HttpResponse as u32),
            (action::CONTINUE, Action::Continue as u32),
            (action::PAUSE, Action::Pause as u32),
            (0, MetricType::Counter as u32),
            (1, MetricType::Gauge as u32),
            (0, LogLevel::Trace as u32),
            (5, LogLevel::Critical as u32),
        ] {
            assert_eq!(ours, sdk);
        }
    }
}
