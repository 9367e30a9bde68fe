//! Errors of every provider, each kind that its documentation or reports show, in its own body.
//!
//! Source: `errors` of the files that `catalog/providers/*.toml` name as theirs.

use catalog::{ErrorKind, Provider};
use protocols::exchange::ResponseAction;

use super::asked;
use ErrorKind::{
    Authentication, ContentPolicy, ContextLength, ModelNotFound, Overloaded, QuotaExhausted,
    RateLimited, RequestTooLarge, Timeout, UnsupportedField,
};

/// Provider, status, body, what it means.
type Row = (&'static str, u16, &'static str, ErrorKind);

#[rustfmt::skip]
const ERRORS: &[Row] = &[
    ("openai", 401, r#"{"error":{"message":"Incorrect API key provided: sk-x.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#, Authentication),
    ("openai", 429, r#"{"error":{"message":"Rate limit reached for gpt-4o","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#, RateLimited),
    ("openai", 429, r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#, QuotaExhausted),
    ("openai", 400, r#"{"error":{"message":"This model's maximum context length is 128000 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#, ContextLength),
    ("openai", 400, r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}"#, UnsupportedField),
    ("openai", 404, r#"{"error":{"message":"The model `gpt-9` does not exist","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#, ModelNotFound),
    ("openai", 503, r#"{"error":{"message":"The engine is currently overloaded","type":"server_error","param":null,"code":null}}"#, Overloaded),
    ("azure-openai", 404, r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#, ModelNotFound),
    ("azure-openai", 429, r#"{"error":{"code":"RateLimitReached","message":"Please retry after 6 seconds."}}"#, RateLimited),
    ("azure-openai", 400, r#"{"error":{"message":"The response was filtered","code":"content_filter","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#, ContentPolicy),
    ("azure-openai", 400, r#"{"error":{"message":"Unrecognized request argument supplied: stream_options","type":"invalid_request_error","param":null,"code":null}}"#, UnsupportedField),
    ("anthropic", 529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, Overloaded),
    ("anthropic", 429, r#"{"type":"error","error":{"type":"rate_limit_error","message":"Number of requests exceeded"}}"#, RateLimited),
    ("anthropic", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}"#, QuotaExhausted),
    ("anthropic", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#, ContextLength),
    ("anthropic", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"thread: Extra inputs are not permitted"}}"#, UnsupportedField),
    ("anthropic", 404, r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-9"}}"#, ModelNotFound),
    ("anthropic", 413, r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#, RequestTooLarge),
    ("anthropic", 504, r#"{"type":"error","error":{"type":"timeout_error","message":"Request timed out"}}"#, Timeout),
    ("bedrock", 429, r#"{"__type":"ThrottlingException","message":"Too many requests"}"#, RateLimited),
    ("bedrock", 400, r#"{"__type":"ServiceQuotaExceededException","message":"You have exceeded your quota"}"#, QuotaExhausted),
    ("bedrock", 400, r#"{"__type":"ValidationException","message":"Input is too long for requested model."}"#, ContextLength),
    ("bedrock", 503, r#"{"__type":"ServiceUnavailableException","message":"The service is unavailable"}"#, Overloaded),
    ("bedrock", 408, r#"{"__type":"ModelTimeoutException","message":"The model took too long"}"#, Timeout),
    ("bedrock", 404, r#"{"__type":"ResourceNotFoundException","message":"Could not resolve it"}"#, ModelNotFound),
    ("bedrock", 400, r#"{"__type":"ValidationException","message":"This model doesn't support the stopSequences field."}"#, UnsupportedField),
    ("gemini", 429, r#"[{"error":{"code":429,"message":"Resource has been exhausted","status":"RESOURCE_EXHAUSTED"}}]"#, RateLimited),
    ("gemini", 400, r#"[{"error":{"code":400,"message":"The input token count exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}]"#, ContextLength),
    ("gemini", 400, r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}]"#, Authentication),
    ("gemini", 400, r#"[{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"seed\": Cannot find field.","status":"INVALID_ARGUMENT"}}]"#, UnsupportedField),
    ("gemini", 503, r#"[{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}]"#, Overloaded),
    ("gemini", 404, r#"[{"error":{"code":404,"message":"models/x is not found","status":"NOT_FOUND"}}]"#, ModelNotFound),
    ("vertex", 429, r#"[{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED"}}]"#, RateLimited),
    ("vertex", 503, r#"{"error":{"code":503,"message":"Unavailable","status":"UNAVAILABLE"}}"#, Overloaded),
    ("vertex", 404, r#"{"error":{"code":404,"message":"It was not found","status":"NOT_FOUND"}}"#, ModelNotFound),
    ("mistral", 429, r#"{"object":"error","message":"Requests rate limit exceeded","type":"rate_limited","param":null,"code":"1300"}"#, RateLimited),
    ("mistral", 429, r#"{"object":"error","message":"Service tier capacity exceeded for this model.","type":"service_tier_capacity_exceeded","param":null,"code":"3505"}"#, Overloaded),
    ("mistral", 429, r#"{"message":"You have reached your monthly limit"}"#, QuotaExhausted),
    ("mistral", 400, r#"{"object":"error","message":"Prompt contains 40000 tokens, too large for model with 32768 maximum context length","type":"invalid_request_error","param":null,"code":"3051"}"#, ContextLength),
    ("mistral", 400, r#"{"object":"error","message":"Invalid model: x","type":"invalid_model","param":null,"code":"1500"}"#, ModelNotFound),
    ("mistral", 422, r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted"}]},"type":"invalid_request_error","param":null,"code":null}"#, UnsupportedField),
    ("groq", 429, r#"{"error":{"message":"Rate limit reached for model","type":"tokens","code":"rate_limit_exceeded"}}"#, RateLimited),
    ("groq", 498, r#"{"error":{"message":"Flex tier capacity exceeded","type":"capacity"}}"#, Overloaded),
    ("groq", 400, r#"{"error":{"message":"The model `x` has been decommissioned","type":"invalid_request_error","code":"model_decommissioned"}}"#, ModelNotFound),
    ("groq", 400, r#"{"error":{"message":"'messages.0' : property 'name' is unsupported","type":"invalid_request_error"}}"#, UnsupportedField),
    ("deepseek", 402, r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}"#, QuotaExhausted),
    ("deepseek", 400, r#"{"error":{"message":"Content Exists Risk","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}"#, ContentPolicy),
    ("deepseek", 400, r#"{"error":{"message":"The supported API model names are deepseek-v4 or deepseek-r2, but you passed x.","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}"#, ModelNotFound),
    ("deepseek", 422, r#"{"error":{"message":"Failed to deserialize: messages[0]: unknown variant `developer`","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}"#, UnsupportedField),
    ("xai", 400, r#"{"code":"Client specified an invalid argument","error":"Model grok-4 does not support parameter reasoningEffort."}"#, UnsupportedField),
    ("xai", 400, r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***"}"#, Authentication),
    ("xai", 429, r#"{"code":"Some resource has been exhausted","error":"Your team has used all available credits"}"#, QuotaExhausted),
    ("moonshot", 429, r#"{"error":{"message":"The engine is currently overloaded, please try again later","type":"engine_overloaded_error"}}"#, Overloaded),
    ("moonshot", 429, r#"{"error":{"message":"Your account has insufficient balance","type":"exceeded_current_quota_error"}}"#, QuotaExhausted),
    ("moonshot", 429, r#"{"error":{"message":"max RPM: 3","type":"rate_limit_reached_error"}}"#, RateLimited),
    ("moonshot", 404, r#"{"error":{"message":"Not found the model x or Permission denied","type":"resource_not_found_error"}}"#, ModelNotFound),
    ("moonshot", 400, r#"{"error":{"message":"Invalid request: Your request exceeded model token limit: 131072","type":"invalid_request_error"}}"#, ContextLength),
    ("zai", 429, r#"{"error":{"code":"1302","message":"High concurrency"}}"#, RateLimited),
    ("zai", 429, r#"{"error":{"code":"1113","message":"Insufficient balance"}}"#, QuotaExhausted),
    ("zai", 429, r#"{"error":{"code":"1305","message":"Overloaded"}}"#, Overloaded),
    ("zai", 400, r#"{"error":{"code":"1211","message":"Unknown model"}}"#, ModelNotFound),
    ("zai", 400, r#"{"error":{"code":"1214","message":"Invalid parameter"}}"#, UnsupportedField),
    ("zai", 401, r#"{"error":{"code":"1000","message":"Failed"}}"#, Authentication),
    ("dashscope", 429, r#"{"error":{"message":"Requests throttled","type":"Throttling.RateQuota","param":null,"code":"Throttling.RateQuota"},"request_id":"r"}"#, RateLimited),
    ("dashscope", 400, r#"{"error":{"message":"Access denied, account in arrears","type":"Arrearage","param":null,"code":"Arrearage"},"request_id":"r"}"#, QuotaExhausted),
    ("dashscope", 400, r#"{"error":{"message":"<400> Range of input length should be [1, 129024]","type":"invalid_request_error","param":null,"code":"invalid_parameter_error"},"request_id":"r"}"#, ContextLength),
    ("dashscope", 400, r#"{"error":{"message":"parameter.enable_thinking must be set to false for non-streaming calls","type":"invalid_request_error","param":null,"code":"invalid_parameter_error"},"request_id":"r"}"#, UnsupportedField),
    ("minimax", 429, r#"{"error":{"message":"rate limit","type":"rate_limit_error","code":"1002"}}"#, RateLimited),
    ("minimax", 400, r#"{"error":{"message":"insufficient balance","type":"x","code":"1008"}}"#, QuotaExhausted),
    ("minimax", 401, r#"{"error":{"message":"login fail","type":"authorized_error"}}"#, Authentication),
    ("minimax", 400, r#"{"error":{"message":"sensitive","type":"x","code":"1026"}}"#, ContentPolicy),
    ("xiaomi-mimo", 429, r#"{"error":{"message":"Too many requests","type":"x","code":null}}"#, RateLimited),
    ("xiaomi-mimo", 401, r#"{"error":{"message":"Invalid API Key","type":"x","code":null}}"#, Authentication),
    ("openrouter", 402, r#"{"error":{"code":402,"message":"Insufficient credits"}}"#, QuotaExhausted),
    ("openrouter", 403, r#"{"error":{"code":403,"message":"Input was flagged","metadata":{"reasons":["violence"],"flagged_input":"x"}}}"#, ContentPolicy),
    ("openrouter", 404, r#"{"error":{"code":404,"message":"No endpoints found that support tool use."}}"#, ModelNotFound),
    ("openrouter", 524, r#"{"error":{"code":524,"message":"Provider timed out"}}"#, Timeout),
    ("together", 404, r#"{"error":{"message":"Unable to access it","type":"invalid_request_error","param":null,"code":null}}"#, ModelNotFound),
    ("together", 429, r#"{"error":{"message":"You have reached the rate limit","type":"rate_limit","param":null,"code":null}}"#, RateLimited),
    ("together", 503, r#"{"error":{"message":"The server is overloaded","type":"service_unavailable","param":null,"code":null}}"#, Overloaded),
    ("fireworks", 412, r#"{"error":{"message":"Account suspended","type":"error"}}"#, QuotaExhausted),
    ("fireworks", 404, r#"{"error":{"message":"Not deployed","type":"error","code":"NOT_FOUND"}}"#, ModelNotFound),
    ("fireworks", 400, r#"{"error":{"message":"Extra inputs are not permitted, field: 'store'","type":"invalid_request_error"}}"#, UnsupportedField),
    ("cerebras", 429, r#"{"message":"Tokens per day limit exceeded","type":"too_many_tokens_error","param":"quota","code":"token_quota_exceeded"}"#, QuotaExhausted),
    ("cerebras", 400, r#"{"message":"Please reduce the length","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}"#, ContextLength),
    ("cerebras", 400, r#"{"message":"body.seed: not supported","type":"invalid_request_error","param":"seed","code":"wrong_api_format"}"#, UnsupportedField),
    ("cerebras", 401, r#"{"message":"Wrong API Key","type":"invalid_request_error","param":"api_key","code":"wrong_api_key"}"#, Authentication),
    ("sambanova", 429, r#"{"error":{"message":"The model is experiencing high demand","type":"x","code":null,"param":null}}"#, Overloaded),
    ("sambanova", 402, r#"{"error":{"message":"A payment method is required","type":"x","code":"PAYMENT_METHOD_REQUIRED","param":null}}"#, QuotaExhausted),
    ("perplexity", 401, r#"{"error":{"message":"You exceeded your quota","type":"insufficient_quota","code":"insufficient_quota"}}"#, QuotaExhausted),
    ("perplexity", 400, r#"{"error":{"message":"Invalid model 'x'","type":"invalid_model","code":400}}"#, ModelNotFound),
    ("cohere", 400, r#"{"message":"too many tokens: total number of tokens in the prompt cannot exceed 128000","id":"i"}"#, ContextLength),
    ("cohere", 429, r#"{"message":"You are using a Trial key, which is limited to 1000 API calls / month"}"#, QuotaExhausted),
    ("cohere", 498, r#"{"message":"blocked token"}"#, Authentication),
    ("cohere", 404, r#"{"message":"model 'x' not found"}"#, ModelNotFound),
    ("nvidia-nim", 429, r#"{"status":429,"title":"Too Many Requests","detail":"slow down"}"#, RateLimited),
    ("nvidia-nim", 400, r#"{"detail":"Extra inputs are not permitted: store"}"#, UnsupportedField),
    ("huggingface", 400, r#"{"error":{"message":"The requested model 'x' is not supported by any provider you have enabled.","type":"invalid_request_error","param":"model","code":"model_not_supported"}}"#, ModelNotFound),
    ("huggingface", 402, r#"{"error":"You have exceeded your monthly included credits"}"#, QuotaExhausted),
    ("github-models", 429, r#"{"error":{"code":"RateLimitReached","message":"Rate limit of 15 per 60s exceeded","details":"x"}}"#, RateLimited),
    ("github-models", 413, r#"{"error":{"code":"tokens_limit_reached","message":"Request body too large","details":"x"}}"#, ContextLength),
    ("github-models", 404, r#"{"error":{"code":"unknown_model","message":"Unknown","details":"x"}}"#, ModelNotFound),
    ("databricks", 429, r#"{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"Slow down"}"#, RateLimited),
    ("databricks", 404, r#"{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"It does not exist"}"#, ModelNotFound),
    ("databricks", 503, r#"{"error_code":"TEMPORARILY_UNAVAILABLE","message":"Try again"}"#, Overloaded),
    ("cloudflare", 400, r#"{"success":false,"errors":[{"code":5007,"message":"No such model @cf/x or task"}],"result":{},"messages":[]}"#, ModelNotFound),
    ("cloudflare", 429, r#"{"success":false,"errors":[{"code":3036,"message":"You have used up your daily free allocation of 10,000 neurons"}],"result":{},"messages":[]}"#, QuotaExhausted),
    ("cloudflare", 401, r#"{"success":false,"errors":[{"code":10000,"message":"Authentication error"}],"result":null,"messages":[]}"#, Authentication),
    ("vllm", 404, r#"{"error":{"message":"The model `x` does not exist.","type":"NotFoundError","param":"model","code":404}}"#, ModelNotFound),
    ("vllm", 400, r#"{"error":{"message":"This model's maximum context length is 8192 tokens. However, you requested 9000.","type":"BadRequestError","param":null,"code":400}}"#, ContextLength),
    ("sglang", 400, r#"{"object":"error","message":"The input is longer than the model's context length (4096 tokens).","type":"BadRequestError","param":null,"code":400}"#, ContextLength),
    ("sglang", 503, r#"{"object":"error","message":"Overloaded","type":"x","param":null,"code":503}"#, Overloaded),
    ("ollama", 404, r#"{"error":{"message":"model \"x\" not found, try pulling it first","type":"not_found_error","param":null,"code":null}}"#, ModelNotFound),
    ("ollama", 503, r#"{"error":{"message":"server busy, please try again","type":"api_error","param":null,"code":null}}"#, Overloaded),
    ("llamacpp", 400, r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"#, ContextLength),
    ("llamacpp", 503, r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#, Overloaded),
    ("lmstudio", 400, r#"{"error":"Invalid tool_choice type: 'object'. Supported string values: none, auto, required"}"#, UnsupportedField),
    ("lmstudio", 404, r#"{"error":"No model is loaded"}"#, ModelNotFound),
    ("litellm", 400, r#"{"error":{"message":"litellm.ContextWindowExceededError: too long","type":"invalid_request_error","param":null,"code":"400"}}"#, ContextLength),
    ("litellm", 400, r#"{"error":{"message":"litellm.UnsupportedParamsError: x does not support parameters","type":"None","param":null,"code":"400"}}"#, UnsupportedField),
    ("litellm", 429, r#"{"error":{"message":"Budget has been exceeded! Current cost: 2, Max budget: 1","type":"budget_exceeded","param":null,"code":"429"}}"#, QuotaExhausted),
    ("litellm", 400, r#"{"error":{"message":"litellm.ContentPolicyViolationError: refused","type":"None","param":null,"code":"400"}}"#, ContentPolicy),
];

#[test]
fn every_providers_errors_mean_what_it_says() {
    let mut wrong = Vec::new();
    for (name, status, body, expected) in ERRORS {
        let provider = Provider::named(name).unwrap_or_else(|| panic!("{name}"));
        for client in super::CLIENTS {
            let (mut exchange, _) = asked(provider, client, false);
            let head: [(&str, &[u8]); 1] = [("content-type", b"application/json")];
            exchange.response_head(*status, &head, false);
            let action = exchange.response_body(body.as_bytes(), true, &mut Vec::new());
            let found = exchange.report().error.map(|error| error.kind);
            if found != Some(*expected) {
                wrong.push(format!(
                    "{name} {status} {body}: {found:?} for {expected:?}"
                ));
            }
            // Only what the client itself is at fault for is its answer at once.
            let is_retried = matches!(action, ResponseAction::Failover(_));
            if is_retried != (*expected != RequestTooLarge) {
                wrong.push(format!("{name} {status} {client:?}: {action:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_provider_has_errors_here() {
    for provider in Provider::all().filter(|provider| *provider != Provider::COMPATIBLE) {
        let rows = ERRORS.iter().filter(|(name, ..)| *name == provider.name());
        assert!(rows.count() >= 2, "{provider:?}");
    }
}
