//! The words of providers' errors and what each means: one table, with the source of each row.
//!
//! Rows have three ranks, in this order:
//!
//! 1. phrases that contradict a name beside them: Bedrock says `AccessDeniedException` both for a wrong key and for a
//!    model that is not enabled;
//! 2. machine-readable names, trusted with any status;
//! 3. sentences of providers that report errors as a plain bad request.
//!
//! Providers quote their clients ("'…' is not one of …"). A sentence that blames the target therefore counts only
//! at the start of the message; otherwise a client could take a target out of service by sending those words.

use serde_json::Value;

use super::ErrorKind::{
    self, Authentication, ContentPolicy, ContextLength, EndpointNotFound, InvalidRequest,
    ModelNotFound, NotFound, Overloaded, Permission, QuotaExhausted, RateLimited, Refused,
    RequestTooLarge, Server, Timeout,
};

/// One row of the table.
#[derive(Debug)]
pub(super) struct Wording {
    pub(super) rank: Rank,
    pub(super) pattern: Pattern,
    /// The statuses it applies to; empty means every client error.
    pub(super) statuses: &'static [u16],
    pub(super) kind: ErrorKind,
    /// The source. Grades come from a survey of providers: A documentation or SDK, B several reports, C one report, D
    /// general knowledge.
    #[cfg(test)]
    pub(super) source: &'static str,
}

/// Precedence among matching rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    /// Before any name.
    Contradiction,
    /// The first known name of the error.
    Name,
    /// If no name is known.
    Sentence,
    /// If no name, sentence or status is known: inside a stream.
    VagueName,
}

/// What to look for. Texts other than names are lower case and compared without regard to case.
#[derive(Debug)]
pub(super) enum Pattern {
    /// `code`, `type`, `status`, a reason in `details`, or the class in a header.
    Name(&'static str),
    /// The error object has a member at this JSON pointer.
    Member(&'static str),
    /// The whole message, apart from a trailing full stop.
    Is(&'static str),
    /// The message starts with the first and contains the others.
    Begins(&'static [&'static str]),
    /// The message contains all of these.
    Contains(&'static [&'static str]),
}

/// The parts of an error that wordings match against.
pub(super) struct Spoken<'a> {
    /// Every string that may name the kind, most specific first.
    pub(super) names: &'a [&'a str],
    /// Lower case.
    pub(super) message: &'a str,
    /// The error object.
    pub(super) object: Option<&'a Value>,
    /// `None` inside a stream that gives none.
    pub(super) status: Option<u16>,
}

/// The kind given by the rows of `rank`; `None` if none matches.
pub(super) fn kind_of(spoken: &Spoken<'_>, rank: Rank) -> Option<ErrorKind> {
    let rows = || WORDINGS.iter().filter(|row| row.rank == rank);
    match rank {
        Rank::Name | Rank::VagueName => spoken.names.iter().find_map(|name| {
            let is_it = |row: &&Wording| matches!(row.pattern, Pattern::Name(known) if known.eq_ignore_ascii_case(name));
            rows().find(is_it).map(|row| row.kind)
        }),
        Rank::Contradiction | Rank::Sentence => {
            rows().find(|row| row.matches(spoken)).map(|row| row.kind)
        }
    }
}

impl Wording {
    fn matches(&self, spoken: &Spoken<'_>) -> bool {
        let beside = match spoken.status {
            Some(status) if self.statuses.is_empty() => (400..500).contains(&status),
            Some(status) => self.statuses.contains(&status),
            None => true,
        };
        beside && self.pattern.matches(spoken)
    }
}

impl Pattern {
    fn matches(&self, spoken: &Spoken<'_>) -> bool {
        let message = spoken.message;
        match self {
            Self::Name(name) => spoken
                .names
                .iter()
                .any(|one| one.eq_ignore_ascii_case(name)),
            Self::Member(pointer) => {
                (spoken.object).is_some_and(|object| object.pointer(pointer).is_some())
            }
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

macro_rules! wordings {
    ($($rank:ident $pattern:ident($text:expr) $([$($status:literal),+])? => $kind:ident, $source:literal;)+) => {
        &[$(Wording {
            rank: Rank::$rank,
            pattern: Pattern::$pattern($text),
            statuses: &[$($($status),+)?],
            kind: $kind,
            #[cfg(test)]
            source: $source,
        }),+]
    };
}

pub(super) const WORDINGS: &[Wording] = wordings! {
    // This one request exceeds what the account may send in a minute: waiting does not help, and other clients are not
    // affected.
    Contradiction Begins(&["request too large for"]) [413, 429] => Refused, "OpenAI 429, Groq 413: limit of tokens per minute (B)";

    // The prompt was moderated.
    Contradiction Member("/metadata/flagged_input") [403] => ContentPolicy, "OpenRouter, documentation (A)";
    Contradiction Member("/metadata/reasons") [403] => ContentPolicy, "OpenRouter, documentation (A)";
    Contradiction Contains(&["requires moderation", "flagged"]) [403] => ContentPolicy, "OpenRouter, documentation (A)";
    Contradiction Contains(&["content violates usage guidelines"]) [400, 403] => ContentPolicy, "xAI (B)";

    // The model is unknown, retired, or not available to this account.
    Contradiction Contains(&["access to the model with the specified model id"]) => ModelNotFound, "Bedrock: AccessDeniedException or ValidationException, 403 (A)";
    Contradiction Begins(&["model access is denied"]) => ModelNotFound, "Bedrock: AccessDeniedException, 403 (B)";
    Contradiction Contains(&["is not authorized to perform", "foundation-model/"]) [403] => ModelNotFound, "Bedrock: AccessDeniedException of IAM that names the model (A)";
    Contradiction Contains(&["is not authorized to perform", "inference-profile/"]) [403] => ModelNotFound, "Bedrock: AccessDeniedException of IAM that names the model (A)";
    Contradiction Contains(&["denied on resource", "/models/"]) [403] => ModelNotFound, "Vertex: PERMISSION_DENIED of IAM that names the model (B)";
    Contradiction Contains(&["marked by provider as legacy"]) => ModelNotFound, "Bedrock: ResourceNotFoundException (B)";
    Contradiction Contains(&["does not have access to model"]) => ModelNotFound, "OpenAI: a project without the model, 403 or 404 (B)";

    // The key is at fault, reported under a less specific name.
    Contradiction Begins(&["authentication failed: please make sure your api key is valid"]) [400, 401, 403] => Authentication, "Bedrock: AccessDeniedException of a Bedrock key (B)";
    Contradiction Begins(&["your api key was reported as leaked"]) [400, 401, 403] => Authentication, "Gemini: PERMISSION_DENIED (B)";
    Contradiction Begins(&["api key not valid"]) => Authentication, "Gemini: INVALID_ARGUMENT, 400 (B)";
    Contradiction Begins(&["api key not found"]) => Authentication, "Gemini: INVALID_ARGUMENT, 400 (B)";
    Contradiction Begins(&["api key expired"]) => Authentication, "Gemini: INVALID_ARGUMENT, 400 (B)";

    // No credit, reported under a less specific name.
    Contradiction Begins(&["your credit balance is too low"]) => QuotaExhausted, "Anthropic: invalid_request_error, 400 (A)";

    Name Name("context_length_exceeded") => ContextLength, "OpenAI (A), Azure, Groq, Cerebras (B)";
    Name Name("exceed_context_size_error") => ContextLength, "llama.cpp (D)";
    Name Name("tokens_limit_reached") => ContextLength, "GitHub Models, 413 (D)";
    Name Name("ContextWindowExceededError") => ContextLength, "LiteLLM (C)";
    Name Name("1261") => ContextLength, "Z.ai (D)";
    Name Name("3051") => ContextLength, "Mistral (C)";

    Name Name("content_filter") => ContentPolicy, "OpenAI, Azure (B), Moonshot (A)";
    Name Name("content_policy_violation") => ContentPolicy, "OpenAI (B), OpenRouter (A)";
    Name Name("ResponsibleAIPolicyViolation") => ContentPolicy, "Azure (A)";
    Name Name("moderation_blocked") => ContentPolicy, "OpenAI images (B)";
    Name Name("invalid_prompt") => ContentPolicy, "OpenAI reasoning models (B)";
    Name Name("data_inspection_failed") => ContentPolicy, "DashScope (D)";
    Name Name("DataInspectionFailed") => ContentPolicy, "DashScope (D)";
    Name Name("ContentPolicyViolationError") => ContentPolicy, "LiteLLM (C)";
    Name Name("1301") => ContentPolicy, "Z.ai (D)";

    Name Name("invalid_api_key") => Authentication, "OpenAI (A), SambaNova (C)";
    Name Name("wrong_api_key") => Authentication, "Cerebras (B)";
    Name Name("InvalidApiKey") => Authentication, "DashScope (D)";
    Name Name("account_deactivated") => Authentication, "OpenAI (B)";
    Name Name("authentication_error") => Authentication, "Anthropic (A)";
    Name Name("invalid_authentication_error") => Authentication, "Moonshot (A)";
    Name Name("authorized_error") => Authentication, "MiniMax (B)";
    Name Name("UNAUTHENTICATED") => Authentication, "Google (A)";
    Name Name("API_KEY_INVALID") => Authentication, "Google, ErrorInfo.reason (A)";
    Name Name("API_KEY_SERVICE_BLOCKED") => Authentication, "Google, ErrorInfo.reason (A)";
    Name Name("API_KEY_HTTP_REFERRER_BLOCKED") => Authentication, "Google, ErrorInfo.reason (A)";
    Name Name("API_KEY_IP_ADDRESS_BLOCKED") => Authentication, "Google, ErrorInfo.reason (A)";
    Name Name("ACCESS_TOKEN_EXPIRED") => Authentication, "Google, ErrorInfo.reason (A)";
    Name Name("ACCESS_TOKEN_SCOPE_INSUFFICIENT") => Permission, "Google, ErrorInfo.reason (A)";
    Name Name("ACCOUNT_STATE_INVALID") => Authentication, "Google, ErrorInfo.reason (A)";
    Name Name("CREDENTIALS_MISSING") => Authentication, "Google, ErrorInfo.reason (A)";
    Name Name("CONSUMER_INVALID") => Authentication, "Google, ErrorInfo.reason (A)";
    Name Name("CONSUMER_SUSPENDED") => Authentication, "Google, ErrorInfo.reason (A)";
    Name Name("SERVICE_DISABLED") => Permission, "Google, ErrorInfo.reason (A)";
    Name Name("BILLING_DISABLED") => QuotaExhausted, "Google, ErrorInfo.reason (A)";
    Name Name("UnrecognizedClientException") => Authentication, "AWS (A)";
    Name Name("InvalidSignatureException") => Authentication, "AWS (A)";
    Name Name("IncompleteSignatureException") => Authentication, "AWS (A)";
    Name Name("IncompleteSignature") => Authentication, "AWS (A)";
    Name Name("InvalidClientTokenId") => Authentication, "AWS (A)";
    Name Name("MissingAuthenticationTokenException") => Authentication, "AWS (A)";
    Name Name("MissingAuthenticationToken") => Authentication, "AWS (A)";
    Name Name("ExpiredTokenException") => Authentication, "AWS (A)";
    Name Name("OptInRequired") => Permission, "AWS (A)";
    Name Name("permission_error") => Permission, "Anthropic: the key may not use this resource (A)";
    Name Name("permission_denied_error") => Permission, "Moonshot (A)";
    Name Name("PermissionDenied") => Permission, "Azure: a principal without the role (B)";

    Name Name("unsupported_country_region_territory") => Refused, "OpenAI, 403 (A)";
    Name Name("LOCATION_POLICY_VIOLATED") => Refused, "Google, ErrorInfo.reason (A)";

    Name Name("model_not_found") => ModelNotFound, "OpenAI (A), Groq, Cerebras (B), DashScope (D)";
    Name Name("DeploymentNotFound") => ModelNotFound, "Azure (C)";
    Name Name("OperationNotSupported") => ModelNotFound, "Azure: the deployment's model lacks this endpoint, 400 (C)";
    Name Name("model_decommissioned") => ModelNotFound, "Groq, 400 (B)";
    Name Name("model_not_supported") => ModelNotFound, "Hugging Face, 400 (B)";
    Name Name("invalid_model") => ModelNotFound, "Perplexity, 400 (C)";
    Name Name("unknown_model") => ModelNotFound, "GitHub Models (D)";
    Name Name("ENDPOINT_NOT_FOUND") => ModelNotFound, "Databricks: endpoints are models (D)";
    Name Name("1211") => ModelNotFound, "Z.ai, 400 (B)";
    Name Name("unknown_url") => EndpointNotFound, "OpenAI, Groq, 404 (B)";

    Name Name("request_too_large") => RequestTooLarge, "Anthropic (A)";
    Name Name("insufficient_quota") => QuotaExhausted, "OpenAI (A), Perplexity, 401 (C)";
    Name Name("billing_error") => QuotaExhausted, "Anthropic (A)";
    Name Name("billing_hard_limit_reached") => QuotaExhausted, "OpenAI (B)";
    Name Name("billing_not_active") => QuotaExhausted, "OpenAI (B)";
    Name Name("quota_exceeded") => QuotaExhausted, "OpenAI-compatible servers (C)";
    Name Name("exceeded_current_quota_error") => QuotaExhausted, "Moonshot (A)";
    Name Name("token_quota_exceeded") => QuotaExhausted, "Cerebras (B)";
    Name Name("payment_required") => QuotaExhausted, "Cerebras (B)";
    Name Name("PAYMENT_METHOD_REQUIRED") => QuotaExhausted, "SambaNova (C)";
    Name Name("Arrearage") => QuotaExhausted, "DashScope, 400 (D)";
    Name Name("AccessDenied.Unpurchased") => QuotaExhausted, "DashScope, 403 (D)";
    Name Name("1113") => QuotaExhausted, "Z.ai (B)";
    Name Name("ServiceQuotaExceededException") => QuotaExhausted, "Bedrock (A)";
    Name Name("rate_limit_error") => RateLimited, "Anthropic (A)";
    Name Name("rate_limit_exceeded") => RateLimited, "OpenAI (A), Groq (B)";
    Name Name("rate_limit_reached_error") => RateLimited, "Moonshot (A)";
    Name Name("RateLimitReached") => RateLimited, "Azure (C)";
    Name Name("too_many_requests") => RateLimited, "Cerebras (B)";
    Name Name("RESOURCE_EXHAUSTED") => RateLimited, "Google (A)";
    Name Name("ThrottlingException") => RateLimited, "Bedrock (A)";
    Name Name("TooManyRequestsException") => RateLimited, "AWS (A)";
    Name Name("ModelNotReadyException") => RateLimited, "Bedrock (A)";
    Name Name("overloaded_error") => Overloaded, "Anthropic (A)";
    Name Name("engine_overloaded_error") => Overloaded, "Moonshot (A)";
    Name Name("overloaded") => Overloaded, "OpenAI (B)";
    Name Name("engine_overloaded") => Overloaded, "OpenAI (B)";
    Name Name("UNAVAILABLE") => Overloaded, "Google (A)";
    Name Name("ServiceUnavailableException") => Overloaded, "Bedrock (A)";
    Name Name("timeout_error") => Timeout, "Anthropic (A)";
    Name Name("ModelTimeoutException") => Timeout, "Bedrock (A)";
    Name Name("DEADLINE_EXCEEDED") => Timeout, "Google (A)";
    Name Name("ModelErrorException") => Server, "Bedrock (A)";
    Name Name("ModelStreamErrorException") => Server, "Bedrock (A)";
    Name Name("InternalServerException") => Server, "Bedrock (A)";

    Sentence Contains(&["prompt is too long"]) => ContextLength, "Anthropic (A)";
    Sentence Contains(&["input is too long"]) => ContextLength, "Bedrock: ValidationException (A)";
    Sentence Contains(&["input tokens exceed"]) => ContextLength, "Bedrock, Nova (C)";
    Sentence Contains(&["maximum context length"]) => ContextLength, "OpenAI, vLLM, Mistral, OpenRouter (B)";
    Sentence Contains(&["exceeds the context window"]) => ContextLength, "OpenAI Responses (B)";
    Sentence Contains(&["maximum prompt length"]) => ContextLength, "xAI (B)";
    Sentence Contains(&["exceed context limit"]) => ContextLength, "Anthropic (A)";
    Sentence Contains(&["exceeds the maximum number of tokens allowed"]) => ContextLength, "Gemini (C)";
    Sentence Contains(&["exceeds the available context size"]) => ContextLength, "llama.cpp (D)";
    Sentence Contains(&["exceeded model token limit"]) => ContextLength, "Moonshot (A)";
    Sentence Contains(&["range of input length should be"]) => ContextLength, "DashScope (D)";
    Sentence Begins(&["too many tokens"]) => ContextLength, "Cohere (A)";

    Sentence Contains(&["content management policy"]) => ContentPolicy, "Azure (A)";
    Sentence Contains(&["blocked by content filtering policy"]) => ContentPolicy, "Anthropic (A)";
    Sentence Contains(&["result of our safety system"]) => ContentPolicy, "OpenAI (B)";
    Sentence Contains(&["content exists risk"]) => ContentPolicy, "DeepSeek (B)";

    Sentence Begins(&["you have reached your specified api usage limits"]) => QuotaExhausted, "Anthropic, 400 (B)";
    Sentence Begins(&["you exceeded your current quota"]) => QuotaExhausted, "OpenAI (A)";
    Sentence Begins(&["insufficient balance"]) => QuotaExhausted, "DeepSeek, 402 (B)";
    Sentence Begins(&["insufficient credits"]) => QuotaExhausted, "OpenRouter, 402 (A)";
    Sentence Begins(&["your newly created team", "have any credits"]) [403, 429] => QuotaExhausted, "xAI (B)";
    Sentence Begins(&["your team", "used all available credits"]) [403, 429] => QuotaExhausted, "xAI (B)";

    Sentence Begins(&["incorrect api key provided"]) => Authentication, "OpenAI, 401 (A); xAI, 400 (B)";
    Sentence Begins(&["invalid api key"]) => Authentication, "Groq, Mistral and others (B)";
    Sentence Begins(&["this organization has been disabled"]) => Authentication, "Anthropic, 400 (B)";
    Sentence Begins(&["your api key does not have permission"]) => Permission, "Anthropic, 403 (A)";
    Sentence Begins(&["you have insufficient permissions for this operation"]) => Permission, "OpenAI, 401 and 403: missing scopes (B)";
    Sentence Begins(&["principal does not have access"]) => Permission, "Azure (B)";
    Sentence Begins(&["access denied due to invalid subscription key"]) => Authentication, "Azure (A)";
    Sentence Begins(&["the security token included in the request is"]) => Authentication, "AWS (A)";
    Sentence Begins(&["missing authentication token"]) => Authentication, "AWS (A)";

    Sentence Contains(&["user location is not supported"]) => Refused, "Gemini: FAILED_PRECONDITION, 400 (B)";
    Sentence Contains(&["country, region, or territory not supported"]) => Refused, "OpenAI, 403 (A)";
    Sentence Contains(&["not available in your region"]) => Refused, "OpenRouter, xAI (C)";
    Sentence Contains(&["not supported in your region"]) => Refused, "OpenAI-compatible servers (C)";

    Sentence Contains(&["provided model identifier is invalid"]) => ModelNotFound, "Bedrock: ValidationException, 400 (A)";
    Sentence Contains(&["on-demand throughput isn", "supported"]) => ModelNotFound, "Bedrock: ValidationException, 400 (B)";
    Sentence Begins(&["this model", "reached the end of its life"]) => ModelNotFound, "Bedrock: ResourceNotFoundException (B)";
    Sentence Contains(&["not a valid model id"]) => ModelNotFound, "OpenRouter, 400 (B)";
    Sentence Contains(&["no endpoints found"]) => ModelNotFound, "OpenRouter, 404 (B)";
    Sentence Begins(&["the supported api model names are"]) => ModelNotFound, "DeepSeek, 400 (B)";
    Sentence Begins(&["model not exist"]) => ModelNotFound, "DeepSeek, 400 (B)";
    Sentence Begins(&["invalid model"]) => ModelNotFound, "Mistral, 400 (C); LiteLLM, 400 (C)";
    Sentence Begins(&["no such model"]) => ModelNotFound, "Cloudflare, 400 (C)";
    Sentence Contains(&["model", "not supported by any provider"]) => ModelNotFound, "Hugging Face, 400 (B)";
    Sentence Begins(&["the model", "does not exist"]) => ModelNotFound, "OpenAI-compatible servers (B)";
    Sentence Begins(&["the model", "is not available"]) => ModelNotFound, "OpenAI-compatible servers (C)";
    Sentence Begins(&["the model", "decommissioned"]) => ModelNotFound, "Groq (B)";
    Sentence Begins(&["the model", "has been deprecated"]) => ModelNotFound, "OpenAI (B)";
    Sentence Begins(&["the model", "retired"]) => ModelNotFound, "Azure, Anthropic (C)";
    Sentence Begins(&["the model", "no longer available"]) => ModelNotFound, "OpenAI-compatible servers (C)";

    Sentence Is("not found") [404, 410] => EndpointNotFound, "FastAPI, Spring, AWS API Gateway (A)";
    Sentence Is("404 not found") [404] => EndpointNotFound, "Go, Rails (A)";
    Sentence Is("404 page not found") [404] => EndpointNotFound, "Go (A)";
    Sentence Is("resource not found") [404] => EndpointNotFound, "Azure, Azure API Management (A)";
    Sentence Is("application not found") [404] => EndpointNotFound, "Railway (C)";
    Sentence Begins(&["no route matched"]) [404] => EndpointNotFound, "Kong (A)";
    Sentence Begins(&["invalid url ("]) [404] => EndpointNotFound, "OpenAI (B)";
    Sentence Begins(&["unrecognized request url"]) [404] => EndpointNotFound, "OpenAI (B)";

    Sentence Contains(&["is currently overloaded"]) [429] => Overloaded, "OpenAI (B)";
    Sentence Begins(&["the model is overloaded"]) => Overloaded, "Gemini (C)";
    Sentence Begins(&["service tier capacity exceeded"]) => Overloaded, "Mistral, 429 (C)";

    VagueName Name("invalid_request_error") => InvalidRequest, "OpenAI, Anthropic (A)";
    VagueName Name("ValidationException") => InvalidRequest, "Bedrock (A)";
    VagueName Name("BadRequestError") => InvalidRequest, "vLLM (B)";
    VagueName Name("INVALID_ARGUMENT") => InvalidRequest, "Google (A)";
    VagueName Name("FAILED_PRECONDITION") => InvalidRequest, "Google (A)";
    VagueName Name("not_found_error") => NotFound, "Anthropic (A)";
    VagueName Name("NotFoundError") => NotFound, "vLLM (B)";
    VagueName Name("NOT_FOUND") => NotFound, "Google (A)";
    VagueName Name("ResourceNotFoundException") => NotFound, "Bedrock (A)";
    VagueName Name("PERMISSION_DENIED") => Refused, "Google: does not say that the key is at fault (A)";
    VagueName Name("AccessDeniedException") => Refused, "AWS: does not say that the key is at fault (A)";
    VagueName Name("requests") => RateLimited, "OpenAI (A)";
    VagueName Name("tokens") => RateLimited, "OpenAI (A)";
};

#[cfg(test)]
mod tests;
