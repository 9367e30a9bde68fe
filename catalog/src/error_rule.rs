//! What a provider's error bodies mean.

words! {
    /// The kind of failure, whatever words and status the provider used.
    pub enum ErrorKind {
        /// The request itself is invalid.
        InvalidRequest = "invalid_request",
        /// The request has a field or value that this provider does not take; another one may.
        UnsupportedField = "unsupported_field",
        /// The prompt exceeds the model's context window.
        ContextLength = "context_length",
        /// The provider's content filter refused the prompt.
        ContentPolicy = "content_policy",
        /// The gateway's credential is missing, wrong, expired or disabled.
        Authentication = "authentication",
        /// The gateway's credential lacks the permission for any request.
        Permission = "permission",
        /// The provider refuses without blaming the credential: a firewall, an unsupported region, a request that exceeds
        /// the account's limits. Another provider may accept it.
        Refused = "refused",
        /// The provider does not serve this endpoint: a proxy without a backend, or a server that lacks it.
        EndpointNotFound = "endpoint_not_found",
        /// The model or deployment does not exist, is retired, or is not available to this account.
        ModelNotFound = "model_not_found",
        /// Something else was not found.
        NotFound = "not_found",
        /// The body exceeds the provider's size limit.
        RequestTooLarge = "request_too_large",
        /// Too many requests or tokens; retry later.
        RateLimited = "rate_limited",
        /// The account's quota or credit is exhausted.
        QuotaExhausted = "quota_exhausted",
        /// The provider is overloaded.
        Overloaded = "overloaded",
        /// The provider timed out.
        Timeout = "timeout",
        /// Any other failure of the provider.
        Server = "server",
    }
}

/// Who must act so that the failure does not recur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The client. The provider has read the request, so it is alive.
    Client,
    /// The provider, or whoever configured it in the gateway.
    Target,
    /// Unknown.
    Unknown,
}

impl ErrorKind {
    /// The HTTP status of this kind where the provider gave none, for example inside a stream.
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidRequest
            | Self::UnsupportedField
            | Self::ContextLength
            | Self::ContentPolicy => 400,
            Self::Authentication => 401,
            Self::Permission | Self::Refused => 403,
            Self::ModelNotFound | Self::NotFound | Self::EndpointNotFound => 404,
            Self::RequestTooLarge => 413,
            Self::RateLimited | Self::QuotaExhausted => 429,
            Self::Server => 500,
            Self::Overloaded => 503,
            Self::Timeout => 504,
        }
    }

    /// Whose fault it is. A client must not be able to take a target out of service for others, so a failure that a
    /// client can provoke is never the target's.
    pub fn fault(self) -> Fault {
        match self {
            Self::InvalidRequest
            | Self::UnsupportedField
            | Self::ContextLength
            | Self::ContentPolicy
            | Self::ModelNotFound
            | Self::NotFound
            | Self::RequestTooLarge => Fault::Client,
            Self::Refused | Self::EndpointNotFound => Fault::Unknown,
            Self::Authentication
            | Self::Permission
            | Self::RateLimited
            | Self::QuotaExhausted
            | Self::Overloaded
            | Self::Timeout
            | Self::Server => Fault::Target,
        }
    }
}

/// One kind of error body, and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorRule {
    /// What the body holds.
    pub pattern: ErrorPattern,
    /// The HTTP statuses it holds for; empty is every client error.
    pub statuses: &'static [u16],
    /// What it means.
    pub kind: ErrorKind,
}

/// What to look for in an error. Texts other than names are lower case and compared without regard to case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorPattern {
    /// Nothing: the status says it.
    Any,
    /// `code`, `type`, `status`, a reason in `details`, or the class in a header.
    Name(&'static str),
    /// The error object has a member at this JSON pointer.
    Member(&'static str),
    /// The whole message, apart from a trailing full stop.
    Is(&'static str),
    /// The message begins with the first and contains the others.
    Begins(&'static [&'static str]),
    /// The message contains all of these.
    Contains(&'static [&'static str]),
}

/// The parts of an error that rules are about.
pub struct ErrorText<'a> {
    /// Every string that may name the kind, most specific first.
    pub names: &'a [&'a str],
    /// Lower case.
    pub message: &'a str,
    /// Whether the error object has a member at a JSON pointer.
    pub has_member: &'a dyn Fn(&str) -> bool,
    /// `None` inside a stream that gives none.
    pub status: Option<u16>,
}

/// Rules that hold whoever answers, by precedence. Within one of these the first that fits counts.
#[derive(Debug)]
pub struct ErrorRules {
    /// Phrases that contradict a name beside them.
    pub contradictions: &'static [ErrorRule],
    /// Names; the most specific name of an error counts.
    pub names: &'static [ErrorRule],
    /// Sentences, if no name is known.
    pub sentences: &'static [ErrorRule],
    /// Names that fit many failures: for errors inside a stream, if nothing else tells.
    pub vague_names: &'static [ErrorRule],
}

impl ErrorRules {
    /// What `error` means by its words; `None` where they are unknown.
    pub fn kind_of(&self, error: &ErrorText<'_>) -> Option<ErrorKind> {
        first(self.contradictions, error)
            .or_else(|| by_name(self.names, error))
            .or_else(|| first(self.sentences, error))
    }

    /// What `error` may mean by a name that fits many failures.
    pub fn vague_kind_of(&self, error: &ErrorText<'_>) -> Option<ErrorKind> {
        by_name(self.vague_names, error)
    }
}

/// By the first of `rules` that fits.
pub(crate) fn first(rules: &[ErrorRule], error: &ErrorText<'_>) -> Option<ErrorKind> {
    rules
        .iter()
        .find(|rule| rule.fits(error))
        .map(|rule| rule.kind)
}

/// By the first of the error's names that one of `rules` has. Names are trusted with any status.
fn by_name(rules: &[ErrorRule], error: &ErrorText<'_>) -> Option<ErrorKind> {
    error.names.iter().find_map(|name| {
        let has_name = |rule: &&ErrorRule| matches!(rule.pattern, ErrorPattern::Name(known) if known.eq_ignore_ascii_case(name));
        rules.iter().find(has_name).map(|rule| rule.kind)
    })
}

impl ErrorRule {
    /// Whether `error` is of this kind.
    pub fn fits(&self, error: &ErrorText<'_>) -> bool {
        let by_status = match error.status {
            Some(status) if self.statuses.is_empty() => {
                matches!(self.pattern, ErrorPattern::Name(_)) || (400..500).contains(&status)
            }
            Some(status) => self.statuses.contains(&status),
            None => self.pattern != ErrorPattern::Any,
        };
        by_status && self.pattern.fits(error)
    }
}

impl ErrorPattern {
    fn fits(&self, error: &ErrorText<'_>) -> bool {
        let message = error.message;
        match self {
            Self::Any => true,
            Self::Name(known) => {
                let mut names = error.names.iter();
                names.any(|name| name.eq_ignore_ascii_case(known))
            }
            Self::Member(pointer) => (error.has_member)(pointer),
            Self::Is(text) => message.trim_end_matches('.') == *text,
            Self::Begins(texts) => {
                let (begin, others) = texts
                    .split_first()
                    .map_or(("", &[][..]), |(first, rest)| (*first, rest));
                message.starts_with(begin) && others.iter().all(|text| message.contains(text))
            }
            Self::Contains(texts) => texts.iter().all(|text| message.contains(text)),
        }
    }
}
