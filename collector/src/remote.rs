//! The API behind HTTP.

/// The API of a collector elsewhere.
pub struct Remote {
    base_url: String,
    token: String,
}

impl Remote {
    /// At `http://host:port` or `https://host:port`, with its API token. Nothing is sent yet.
    pub fn new(base_url: &str, token: &str) -> Self {
        Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            token: token.to_owned(),
        }
    }
}
