//! Errors, sorted by whose fault they are: the client's request, or the provider.

/// What kind of failure a provider reported, whatever words and status it used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is wrong in itself.
    InvalidRequest,
    /// The prompt is longer than the model can take.
    ContextLength,
    /// The provider's content filter refused the prompt.
    ContentPolicy,
    /// The gateway's credential is missing or wrong.
    Authentication,
    /// The gateway's credential may not do this.
    Permission,
    /// No such model or deployment.
    ModelNotFound,
    /// Something else was not found.
    NotFound,
    /// The body is too large for the provider.
    RequestTooLarge,
    /// Too many requests or tokens for now.
    RateLimited,
    /// The account's quota or credit is used up.
    QuotaExhausted,
    /// The provider is overloaded.
    Overloaded,
    /// The provider gave up waiting.
    Timeout,
    /// Any other failure of the provider.
    Server,
}

/// A failure that a provider reported, in neutral terms.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderError {
    /// The provider's HTTP status; for an error inside a stream the status that it stands for.
    pub status: u16,
    /// What it means.
    pub kind: ErrorKind,
    /// The provider's own words, or a sentence of ours where it gave none.
    pub message: String,
    /// The provider's machine-readable code.
    pub code: Option<String>,
    /// The request field it complains about.
    pub param: Option<String>,
    /// Milliseconds after which the provider wants to be asked again.
    pub retry_after_ms: Option<u64>,
}

/// The client's request cannot be served, or not by this upstream: 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequestError {
    /// Says what was expected and what was found.
    pub message: String,
    /// Path of the field at fault, such as `messages[2].content`.
    pub param: Option<String>,
    /// OpenAI's error code, such as `unsupported_parameter`.
    pub code: Option<&'static str>,
}
