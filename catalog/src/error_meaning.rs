//! What a provider's error bodies mean.

words! {
    /// Why a provider refused, whatever its status says.
    pub enum ErrorMeaning {
        /// Too many requests or tokens for now.
        RateLimit = "rate_limit",
        /// The account's quota or money is used up.
        Quota = "quota",
        /// The prompt is longer than the model takes.
        ContextLength = "context_length",
        /// The provider's filter refused the content.
        ContentPolicy = "content_policy",
        /// The provider is overloaded.
        Overloaded = "overloaded",
        /// The model is unknown, retired or not open to this account.
        ModelNotFound = "model_not_found",
        /// The key is missing, wrong, expired or disabled.
        InvalidKey = "invalid_key",
        /// The key may not do this.
        AccessDenied = "access_denied",
        /// The region is not served.
        Region = "region",
        /// The request has a field or value that this provider does not take.
        UnsupportedField = "unsupported_field",
        /// The body is too large.
        TooLarge = "too_large",
        /// The provider gave up waiting.
        Timeout = "timeout",
    }
}

/// One kind of error body. What a rule leaves open fits anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorRule {
    /// The HTTP status; 0 is any.
    pub status: u16,
    /// The machine-readable code, type or status of the body, in any case; empty is any.
    pub code: &'static str,
    /// Words of the message, in any case; empty is any.
    pub text: &'static str,
    /// What it means.
    pub meaning: ErrorMeaning,
}

impl ErrorRule {
    /// Whether an answer of `status` with these machine-readable `names` and this message is of this kind.
    pub fn fits(&self, status: u16, names: &[&str], message: &str) -> bool {
        let is_code = |name: &&str| name.eq_ignore_ascii_case(self.code);
        (self.status == 0 || self.status == status)
            && (self.code.is_empty() || names.iter().any(is_code))
            && (self.text.is_empty() || contains_ignoring_case(message, self.text))
    }
}

/// Whether `text` contains `part`, which is not empty, in any case of ASCII letters.
fn contains_ignoring_case(text: &str, part: &str) -> bool {
    text.as_bytes()
        .windows(part.len().max(1))
        .any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}
