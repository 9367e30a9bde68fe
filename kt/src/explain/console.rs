//! Explanations for the console: with the policy in force at a gateway, and its providers' health as it reports it.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use collector::{ExplainQuestion, Explainer};
use protocols::ClientFormat;
use serde_json::Value;

use super::{Asked, AssumedHealth, Assumptions, explain};
use crate::paths::{self, variable};
use crate::policy_file;
use crate::secrets::Secrets;

/// What a collector asks for plans.
pub(crate) fn explainer() -> Explainer {
    Arc::new(answer)
}

fn answer(question: &ExplainQuestion<'_>) -> Result<Value, String> {
    let client = ClientFormat::from_path(question.path).ok_or_else(|| {
        format!(
            "path: no endpoint that goes to a model: {:?}",
            question.path
        )
    })?;
    let secrets = Secrets {
        folder: paths::secrets_folder(&variable, None),
        variables: &variable,
    };
    let (policy, findings) = policy_file::lint(question.policy, &secrets, false);
    let policy = policy.ok_or_else(|| {
        let first = findings.first().map(|finding| finding.message.clone());
        format!(
            "the gateway's policy cannot be read here: {}",
            first.unwrap_or_default()
        )
    })?;
    let seen = question.providers.iter();
    let assumptions = Assumptions {
        health: seen
            .filter_map(|provider| AssumedHealth::reported(&provider.id, &provider.breaker))
            .filter(|assumed| {
                policy
                    .targets
                    .iter()
                    .any(|target| assumed.is_of(&target.id))
            })
            .collect(),
        ..Assumptions::default()
    };
    let asked = Asked {
        client,
        headers: &[],
        body: question.request.as_bytes(),
    };
    let now_ms = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0));
    let explanation =
        explain(policy, &asked, &assumptions, now_ms).map_err(|error| error.to_string())?;
    serde_json::to_value(&explanation).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use events::ProviderReport;

    use super::*;

    const POLICY: &str = "
pack: {name: p, version: 1.0.0, enabled: true}
providers:
  targets:
    - {id: openai, provider: openai, secret_key_ref: {env: OPENAI_API_KEY}}
    - {id: anthropic, provider: anthropic, secret_key_ref: {env: ANTHROPIC_API_KEY}}
model_groups:
  - name: chat
    routing: failover
    models:
      - {provider: openai, model: gpt-4o, priority: 1}
      - {provider: anthropic, model: claude-sonnet-4-20250514, priority: 2}
policies: {chain: []}
";

    fn ask(request: &str, breaker: &'static str) -> Result<Value, String> {
        let provider = ProviderReport {
            id: "openai".into(),
            vendor: "openai".into(),
            status: "unhealthy".into(),
            breaker: breaker.into(),
            reason: None,
            consecutive_failures: 3,
            retry_at_ms: None,
            last_check_ms: None,
            probe_latency_ms: None,
        };
        answer(&ExplainQuestion {
            policy: POLICY,
            path: "/v1/chat/completions",
            request,
            providers: &[provider],
        })
    }

    #[test]
    fn the_plan_is_that_of_the_providers_health() {
        let request = r#"{"model": "chat", "messages": [{"role": "user", "content": "hi"}]}"#;
        let heads = ["closed", "open"].map(|breaker| {
            let explained = ask(request, breaker).unwrap();
            explained["plan"][0]["provider"].clone()
        });
        assert_eq!(heads, ["openai", "anthropic"]);
        let refused = ask("[]", "closed").unwrap_err();
        assert!(refused.contains("400"), "{refused}");
    }
}
