//! What the catalogue says of providers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use catalog::providers::*;
use catalog::{
    ERROR_RULES, Endpoint, ErrorKind, ErrorPattern, ErrorText, Fault, NamedToolChoice, OutputLimit,
    Provider, ReasoningField, ReasoningHistory, SeedField, StreamUsage, SystemMessages,
    ToolCallIds, UpstreamFormat,
};

#[test]
fn thirty_three_providers_and_the_one_for_all_others() {
    let names: Vec<&str> = Provider::all().map(Provider::name).collect();
    let mut expected = vec![
        "openai",
        "azure-openai",
        "anthropic",
        "bedrock",
        "gemini",
        "vertex",
        "mistral",
        "groq",
        "deepseek",
        "xai",
        "moonshot",
        "zai",
        "dashscope",
        "minimax",
        "xiaomi-mimo",
        "openrouter",
        "together",
        "fireworks",
        "cerebras",
        "sambanova",
        "perplexity",
        "cohere",
        "nvidia-nim",
        "huggingface",
        "github-models",
        "databricks",
        "cloudflare",
        "vllm",
        "sglang",
        "ollama",
        "llamacpp",
        "lmstudio",
        "litellm",
        "openai-compatible",
    ];
    expected.sort_unstable();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
}

#[test]
fn every_name_leads_to_its_provider_in_any_spelling() {
    for provider in Provider::all() {
        let profile = provider.profile();
        for name in profile
            .aliases
            .iter()
            .chain(profile.model_aliases)
            .chain([&profile.name])
        {
            for spelling in [
                (*name).to_owned(),
                name.to_ascii_uppercase(),
                name.replace('-', "_"),
                format!(" {name} "),
            ] {
                assert_eq!(Provider::named(&spelling), Some(provider), "{spelling}");
            }
        }
        for other in profile.same_models_as {
            assert!(Provider::named(other).is_some(), "{other}");
        }
    }
    assert_eq!(Provider::named("nobody"), None);
    assert_eq!(Provider::named(""), None);
}

#[test]
fn hosts_lead_to_providers() {
    for (host, provider) in [
        ("api.openai.com", Some(OPENAI)),
        ("eu.api.openai.com", Some(OPENAI)),
        ("API.ANTHROPIC.COM", Some(ANTHROPIC)),
        ("my-instance.openai.azure.com", Some(AZURE_OPENAI)),
        (".openai.azure.com", None),
        ("bedrock-runtime.us-east-1.amazonaws.com", Some(BEDROCK)),
        ("europe-west4-aiplatform.googleapis.com", Some(VERTEX)),
        ("dashscope-intl.aliyuncs.com", Some(DASHSCOPE)),
        ("adb-1.2.azuredatabricks.net", Some(DATABRICKS)),
        ("api.moonshot.cn", Some(MOONSHOT)),
        ("api.openai.com.evil.example", None),
        ("evilapi.openai.com", None),
        ("localhost", None),
        ("", None),
    ] {
        assert_eq!(Provider::of_host(host), provider, "{host}");
    }
    assert_eq!(Provider::of_port(11434), Some(OLLAMA));
    assert_eq!(Provider::of_port(443), None);
}

#[test]
fn ids_of_targets_lead_to_providers_but_not_by_the_names_of_models() {
    for (id, provider) in [
        ("local-ollama", Some(OLLAMA)),
        ("azure-openai-eu", Some(AZURE_OPENAI)),
        ("openai_2", Some(OPENAI)),
        ("together-ai", Some(TOGETHER)),
        ("eu.lm-studio", Some(LMSTUDIO)),
        ("qwen-on-our-server", None),
        ("kimi", None),
        ("openaix", None),
        ("custom", None),
        ("", None),
    ] {
        assert_eq!(Provider::of_id(id), provider, "{id}");
    }
    assert_eq!(Provider::named("qwen"), Some(DASHSCOPE));
}

#[test]
fn names_of_models_lead_to_their_makers() {
    for (model, provider) in [
        ("gpt-4o-mini", Some(OPENAI)),
        ("o1", Some(OPENAI)),
        ("o3-mini", Some(OPENAI)),
        ("o1x", None),
        ("claude-sonnet-4-20250514", Some(ANTHROPIC)),
        ("anthropic.claude-3-haiku-20240307-v1:0", Some(BEDROCK)),
        ("mistral.mistral-7b-instruct-v0:2", Some(BEDROCK)),
        ("mistral-large-latest", Some(MISTRAL)),
        ("gemini-2.0-flash", Some(GEMINI)),
        ("gpt4all", None),
        ("production-llm", None),
        ("", None),
    ] {
        assert_eq!(Provider::of_model(model), provider, "{model}");
    }
}

#[test]
fn what_is_sent_as_it_comes_is_also_served() {
    for provider in Provider::all() {
        let profile = provider.profile();
        let is_openai = provider.format() == UpstreamFormat::OpenAi;
        let always = [
            Endpoint::ChatCompletions,
            Endpoint::Completions,
            Endpoint::Embeddings,
            Endpoint::Models,
        ];
        for endpoint in profile.native_endpoints.iter() {
            // What any server of this format may be asked for, whether it serves it or not.
            let may_be_asked = is_openai && always.contains(&endpoint);
            assert!(
                profile.endpoints.contains(endpoint) || may_be_asked,
                "{provider:?} {endpoint:?}"
            );
        }
    }
}

/// What the strict providers of real agents' tests refuse.
#[test]
fn dialects_know_what_providers_refuse() {
    let mistral = MISTRAL.dialect(None, "mistral-medium-2604");
    assert_eq!(mistral.output_limit, OutputLimit::MaxTokens);
    assert_eq!(mistral.seed, SeedField::RandomSeed);
    assert_eq!(mistral.tool_call_ids, ToolCallIds::Alphanumeric9);
    assert_eq!(mistral.stream_usage, StreamUsage::Unasked);
    assert!(!mistral.user_after_tool);
    assert!(
        mistral.takes("reasoning_effort")
            && !mistral.takes("verbosity")
            && !mistral.takes("never-heard-of")
    );
    assert!(
        !MISTRAL
            .dialect(None, "codestral-latest")
            .takes("reasoning_effort")
    );

    let groq = GROQ.dialect(None, "openai/gpt-oss-120b");
    assert!(!groq.takes("verbosity") && groq.takes("service_tier"));
    assert_eq!(groq.reasoning_field, ReasoningField::Reasoning);

    let deepseek = DEEPSEEK.dialect(None, "deepseek-v4-pro");
    assert_eq!(deepseek.reasoning_history, ReasoningHistory::Required);
    assert!(deepseek.takes("never-heard-of"));

    let gemini = |model| GEMINI.dialect(None, model);
    assert_eq!(
        gemini("gemini-3.5-flash").reasoning_history,
        ReasoningHistory::Required
    );
    assert_eq!(
        gemini("gemini-2.5-flash").reasoning_history,
        ReasoningHistory::Accepted
    );
    for refused in [
        "metadata",
        "store",
        "prompt_cache_key",
        "verbosity",
        "frequency_penalty",
    ] {
        assert!(!gemini("gemini-3.5-flash").takes(refused), "{refused}");
    }

    assert_eq!(
        VLLM.dialect(None, "Qwen/Qwen3.5-27B").system_messages,
        SystemMessages::First
    );
    assert_eq!(
        VLLM.dialect(None, "mistralai/Mistral-Small-24B")
            .tool_call_ids,
        ToolCallIds::Alphanumeric9
    );
    assert_eq!(
        LMSTUDIO.dialect(None, "m").named_tool_choice,
        NamedToolChoice::Required
    );

    let unknown = Provider::COMPATIBLE.dialect(None, "gpt-5.4");
    assert!(unknown.takes("never-heard-of") && unknown.takes("max_tokens"));
}

#[test]
fn older_versions_of_an_api_differ() {
    for (version, limit, usage, responses) in [
        (None, OutputLimit::Either, StreamUsage::Ask, true),
        (
            Some("2024-06-01"),
            OutputLimit::MaxTokens,
            StreamUsage::Unasked,
            false,
        ),
        (
            Some("2024-09-01-preview"),
            OutputLimit::Either,
            StreamUsage::Ask,
            false,
        ),
        (
            Some("2024-10-21"),
            OutputLimit::Either,
            StreamUsage::Ask,
            false,
        ),
        (
            Some("2025-03-01-preview"),
            OutputLimit::Either,
            StreamUsage::Ask,
            true,
        ),
    ] {
        let dialect = AZURE_OPENAI.dialect(version, "my-deployment");
        assert_eq!(
            (dialect.output_limit, dialect.stream_usage),
            (limit, usage),
            "{version:?}"
        );
        assert_eq!(
            dialect.takes("stream_options"),
            usage == StreamUsage::Ask,
            "{version:?}"
        );
        let missing = version.map(|version| AZURE_OPENAI.endpoints_missing_in(version));
        let has_responses = missing.is_none_or(|missing| !missing.contains(Endpoint::Responses));
        assert_eq!(has_responses, responses, "{version:?}");
    }
}

/// What an error of `provider` with this status means, given its names and its message.
fn kind_of(provider: Provider, status: u16, names: &[&str], message: &str) -> Option<ErrorKind> {
    provider.kind_of_error(&ErrorText {
        names,
        message: &message.to_lowercase(),
        has_member: &|_| false,
        status: Some(status),
    })
}

#[test]
fn error_bodies_mean_what_the_files_say() {
    for (provider, status, names, message, expected) in [
        // What only this provider says.
        (ZAI, 429, &["1302"][..], "", Some(ErrorKind::RateLimited)),
        (ZAI, 401, &["1000"], "", Some(ErrorKind::Authentication)),
        (ZAI, 400, &["1000"], "", None),
        (OPENAI, 429, &["1302"], "", None),
        (
            MISTRAL,
            429,
            &[],
            "Service tier capacity exceeded",
            Some(ErrorKind::Overloaded),
        ),
        (MISTRAL, 400, &[], "capacity exceeded", None),
        (COHERE, 498, &[], "", Some(ErrorKind::Authentication)),
        (GROQ, 498, &[], "", Some(ErrorKind::Overloaded)),
        (
            GROQ,
            400,
            &[],
            "'messages.0' : property 'name' is unsupported",
            Some(ErrorKind::UnsupportedField),
        ),
        (
            BEDROCK,
            400,
            &["ValidationException"],
            "This model doesn't support the stopSequences field",
            Some(ErrorKind::UnsupportedField),
        ),
        (
            CEREBRAS,
            400,
            &["WRONG_API_FORMAT"],
            "",
            Some(ErrorKind::UnsupportedField),
        ),
        // What anybody may say.
        (
            MOONSHOT,
            429,
            &["engine_overloaded_error"],
            "",
            Some(ErrorKind::Overloaded),
        ),
        (
            DEEPSEEK,
            400,
            &["invalid_request_error"],
            "The supported API model names are a, b",
            Some(ErrorKind::ModelNotFound),
        ),
        (
            OPENAI,
            400,
            &["unsupported_parameter"],
            "Unsupported parameter: 'max_tokens'",
            Some(ErrorKind::UnsupportedField),
        ),
        (OPENAI, 400, &["invalid_value"], "Invalid 'x'", None),
        (Provider::COMPATIBLE, 404, &["not_found"], "model m", None),
    ] {
        assert_eq!(
            kind_of(provider, status, names, message),
            expected,
            "{provider:?} {status} {names:?} {message}"
        );
    }
}

fn texts(pattern: ErrorPattern) -> &'static [&'static str] {
    match pattern {
        ErrorPattern::Begins(texts) | ErrorPattern::Contains(texts) => texts,
        ErrorPattern::Any
        | ErrorPattern::Name(_)
        | ErrorPattern::Member(_)
        | ErrorPattern::Is(_) => &[],
    }
}

#[test]
fn every_shared_rule_is_reached() {
    let rules = [
        ERROR_RULES.contradictions,
        ERROR_RULES.names,
        ERROR_RULES.sentences,
    ];
    for rule in rules.into_iter().flatten() {
        let (name, message) = match rule.pattern {
            ErrorPattern::Name(name) => (name, String::new()),
            ErrorPattern::Is(text) => ("", format!("{text}.")),
            other => ("", texts(other).join(" … ")),
        };
        let statuses = match rule.statuses {
            [] => &[400, 403, 404, 422][..],
            statuses => statuses,
        };
        for status in statuses {
            let found = ERROR_RULES.kind_of(&ErrorText {
                names: &[name],
                message: &message,
                has_member: &|pointer| rule.pattern == ErrorPattern::Member(leaked(pointer)),
                status: Some(*status),
            });
            assert_eq!(found, Some(rule.kind), "{status} {rule:?}");
        }
    }
}

/// Patterns hold what lives as long as the program.
fn leaked(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

#[test]
fn nobody_can_blame_a_target_by_words_that_are_quoted_back() {
    let shared = ERROR_RULES
        .contradictions
        .iter()
        .chain(ERROR_RULES.sentences);
    let own = Provider::all().flat_map(|provider| provider.profile().errors);
    for rule in shared.chain(own) {
        let words = texts(rule.pattern).join(" ");
        if words.is_empty() {
            continue;
        }
        for message in [
            format!("'{words}' is not one of ['low', 'high']"),
            format!("invalid value: {words}"),
        ] {
            for (provider, status) in Provider::all()
                .flat_map(|provider| [400, 403, 404, 422].map(|status| (provider, status)))
            {
                let found = kind_of(provider, status, &["invalid_request_error"], &message);
                assert!(
                    found.is_none_or(|kind| kind.fault() != Fault::Target),
                    "{provider:?} {status} {message}"
                );
            }
        }
    }
}
