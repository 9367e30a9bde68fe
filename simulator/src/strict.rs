//! What real providers refuse, one rule each, with the place where the refusal is documented or reported. A simulated
//! provider that keeps rules refuses as the real one does, so that a test cannot pass because the simulator is lenient.

use serde_json::Value;

use crate::behaviour::Behaviour;
use crate::record::Received;

/// One rule.
struct Rule {
    /// The vendors that have it.
    vendors: &'static [&'static str],
    /// Where it is documented or reported.
    source: &'static str,
    /// What is refused, in the words of the refusal; `None` where the request keeps the rule.
    broken: fn(&Value) -> Option<String>,
}

const RULES: &[Rule] = &[
    Rule {
        vendors: &["openai", "azure-openai"],
        source: "OpenAI API reference, function.name: letters, digits, _ and -, at most 64",
        broken: |body| {
            let name = functions(body).find_map(|function| {
                let name = function["name"].as_str()?;
                let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
                (name.len() > 64 || !name.chars().all(fits)).then_some(name)
            })?;
            Some(format!("Invalid 'tools[0].function.name': {name}"))
        },
    },
    Rule {
        vendors: &["openai", "azure-openai"],
        source: "github.com/diegosouzapw/OmniRoute, issue 1898: object schema missing properties",
        broken: |body| {
            let lacks = |function: &Value| {
                let parameters = &function["parameters"];
                parameters["type"] == "object" && parameters.get("properties").is_none()
            };
            functions(body)
                .any(lacks)
                .then(|| "Invalid schema for function: object schema missing properties".to_owned())
        },
    },
    Rule {
        vendors: &["openai", "azure-openai"],
        source: "OpenAI API reference, stop: up to 4 sequences",
        broken: |body| {
            let stops = body["stop"].as_array()?.len();
            (stops > 4).then(|| format!("Invalid 'stop': array too long, found {stops}"))
        },
    },
    Rule {
        vendors: &["openai"],
        source: "OpenAI API reference, max_tokens: not compatible with reasoning models",
        broken: |body| {
            let thinks = body["model"].as_str()?.starts_with("gpt-5");
            (thinks && body.get("max_tokens").is_some())
                .then(|| "Unsupported parameter: 'max_tokens'".to_owned())
        },
    },
    Rule {
        vendors: &["mistral"],
        source: "Mistral API reference, chat/completions; github.com/editor-code-assistant/eca, issue 231",
        broken: |body| {
            unknown(
                body,
                "model messages temperature top_p max_tokens stream stop random_seed metadata response_format tools \
                 tool_choice presence_penalty frequency_penalty n prediction parallel_tool_calls prompt_mode \
                 prompt_cache_key safe_prompt reasoning_effort guardrails",
            )
        },
    },
    Rule {
        vendors: &["mistral"],
        source: "github.com/charmbracelet/crush, issue 1590",
        broken: |body| {
            messages(body).find_map(|message| {
                unknown(message, "role content name tool_calls tool_call_id prefix")
            })
        },
    },
    Rule {
        vendors: &["mistral"],
        source: "github.com/mistralai/mistral-common, validators: ids of calls",
        broken: |body| {
            let fits = |id: &str| id.len() == 9 && id.chars().all(|c| c.is_ascii_alphanumeric());
            let id = call_ids(body).find(|id| !fits(id))?;
            Some(format!(
                "Tool call id was {id} but must be a-z, A-Z, 0-9, with a length of 9."
            ))
        },
    },
    Rule {
        vendors: &["mistral"],
        source: "github.com/BerriAI/litellm, issue 17761",
        broken: |body| {
            let roles: Vec<&Value> = messages(body).map(|message| &message["role"]).collect();
            let refused = roles.windows(2).any(|pair| {
                let [before, role] = pair else { return false };
                *before == "tool" && *role == "user"
            });
            refused.then(|| "Unexpected role 'user' after role 'tool'".to_owned())
        },
    },
    Rule {
        vendors: &["groq"],
        source: "github.com/janhq/jan, issue 8136",
        broken: |body| {
            messages(body).find_map(|message| {
                unknown(
                    message,
                    "role content name tool_calls tool_call_id function_call reasoning refusal annotations audio",
                )
            })
        },
    },
    Rule {
        vendors: &["gemini"],
        source: "github.com/looplj/axonhub, issue 1123; github.com/ed-donner/agents, issue 45",
        broken: |body| {
            let refused = [
                "frequency_penalty",
                "logit_bias",
                "metadata",
                "prediction",
                "prompt_cache_key",
                "safety_identifier",
                "store",
                "thinking",
                "verbosity",
            ];
            let name = refused.iter().find(|name| body.get(**name).is_some())?;
            Some(format!(
                "Invalid JSON payload received. Unknown name \"{name}\""
            ))
        },
    },
    Rule {
        vendors: &["vllm"],
        source: "github.com/vllm-project/vllm, issue 41114: Qwen's chat template",
        broken: |body| {
            let is_system = |message: &Value| {
                ["system", "developer"]
                    .iter()
                    .any(|role| message["role"] == *role)
            };
            messages(body)
                .skip(1)
                .any(is_system)
                .then(|| "System message must be at the beginning.".to_owned())
        },
    },
    Rule {
        vendors: &["ollama"],
        source: "github.com/ollama/ollama, openai/openai.go: FromChatRequest",
        broken: |body| {
            let effort = body["reasoning_effort"].as_str()?;
            let known = ["high", "medium", "low", "max", "none"];
            (!known.contains(&effort)).then(|| format!("invalid reasoning value: '{effort}'"))
        },
    },
];

/// How the vendor refuses the request; `None` where it takes it.
pub(crate) fn refusal(vendor: &str, received: &Received) -> Option<Behaviour> {
    if !received.path.contains("chat/completions") {
        return None;
    }
    let body = received.json();
    RULES
        .iter()
        .filter(|rule| rule.vendors.contains(&vendor))
        .find_map(|rule| {
            let message = (rule.broken)(&body)?;
            let message = format!("{message} (simulated: {})", rule.source);
            Some(Behaviour::error(
                400,
                "invalid_request_error",
                "invalid_request",
                &message,
            ))
        })
}

fn messages(body: &Value) -> impl Iterator<Item = &Value> {
    body["messages"].as_array().into_iter().flatten()
}

fn functions(body: &Value) -> impl Iterator<Item = &Value> {
    let tools = body["tools"].as_array().into_iter().flatten();
    tools.filter_map(|tool| tool.get("function"))
}

fn call_ids(body: &Value) -> impl Iterator<Item = &str> {
    messages(body).flat_map(|message| {
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        let made = calls.filter_map(|call| call["id"].as_str());
        made.chain(message["tool_call_id"].as_str())
    })
}

/// The first member that is none of `known`.
fn unknown(object: &Value, known: &str) -> Option<String> {
    let name = object
        .as_object()?
        .keys()
        .find(|name| known.split_whitespace().all(|known| known != *name))?;
    Some(format!("Extra inputs are not permitted: {name}"))
}

#[cfg(test)]
mod tests;
