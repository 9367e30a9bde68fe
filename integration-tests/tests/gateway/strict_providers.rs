//! One conversation to providers that refuse what the real ones refuse, from clients of three protocols.

use harness::{Dialect, Gateway, PolicyText, Provider, Upstream};
use serde_json::{Value, json};

/// Vendors, and a model of each.
const VENDORS: [(&str, &str); 6] = [
    ("openai", "gpt-5.1"),
    ("mistral", "mistral-medium-3"),
    ("groq", "gpt-oss-120b"),
    ("gemini", "gemini-2.5-flash"),
    ("vllm", "qwen-3.5"),
    ("ollama", "qwen3"),
];
const LONG_NAME: &str =
    "mcp__a-server-of-plugins-with-a-very-long-name__and-a-tool.with-a-name-longer-still";

/// A tool loop with everything that some provider refuses.
fn requests(model: &str) -> [(&'static str, Value); 3] {
    let schema = json!({"type": "object"});
    let chat = json!({
        "model": model, "max_tokens": 50, "store": false, "verbosity": "low", "prompt_cache_key": "k",
        "stop": ["a", "b", "c", "d", "e"], "reasoning_effort": "xhigh",
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "name": "Ann", "content": "Look."},
            {"role": "assistant", "content": null, "reasoning_content": "r", "reasoning_signature": "s",
                "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": LONG_NAME, "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "x"},
            {"role": "user", "content": "Well?"},
            {"role": "system", "content": "Two words."},
        ],
        "tools": [{"type": "function", "function": {"name": LONG_NAME, "parameters": schema}}],
    });
    let messages = json!({
        "model": model, "max_tokens": 50, "system": "Be brief.", "stop_sequences": ["a", "b", "c", "d", "e"],
        "output_config": {"effort": "max"},
        "messages": [
            {"role": "user", "content": "Look."},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": LONG_NAME, "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"}, {"type": "text", "text": "Well?"}]},
            {"role": "system", "content": "Two words."},
        ],
        "tools": [{"name": LONG_NAME, "input_schema": schema}],
    });
    let responses = json!({
        "model": model, "max_output_tokens": 50, "instructions": "Be brief.", "prompt_cache_key": "k",
        "text": {"verbosity": "low"}, "reasoning": {"effort": "xhigh"},
        "input": [
            {"role": "user", "content": "Look."},
            {"type": "function_call", "call_id": "call_1", "name": LONG_NAME, "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "x"},
            {"role": "user", "content": "Well?"},
            {"role": "developer", "content": "Two words."},
        ],
        "tools": [{"type": "function", "name": LONG_NAME, "parameters": schema}],
    });
    [
        ("/v1/chat/completions", chat),
        ("/v1/messages", messages),
        ("/v1/responses", responses),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_is_taken_by_providers_that_refuse_what_real_ones_refuse() {
    let mut providers = Vec::new();
    let mut upstreams = Vec::new();
    let mut rest = String::from("model_groups:\n");
    for (vendor, model) in VENDORS {
        let provider = Provider::start(vendor, Dialect::OpenAi).await.unwrap();
        provider.keep_rules_of(vendor);
        let upstream = Upstream::at(vendor, &provider, Dialect::OpenAi).vendor(vendor);
        upstreams.push(match vendor {
            "openai" => upstream.with("endpoints: [chat_completions]"),
            _ => upstream,
        });
        let group = json!({"name": format!("group-{vendor}"), "models": [{"provider": vendor, "model": model}]});
        rest.push_str(&format!("  - {group}\n"));
        providers.push(provider);
    }
    let gateway = Gateway::serving(&PolicyText::over(&upstreams, &rest)).await;
    let client = gateway.client();
    for (vendor, _) in VENDORS {
        for (path, body) in requests(&format!("group-{vendor}")) {
            let answer = client.post(path, &body).await;
            assert_eq!(answer.status, 200, "{vendor} {path}: {}", answer.json());
        }
    }
}
