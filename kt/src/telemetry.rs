//! What a policy exports by OTLP, with the secrets that it only names.

use std::time::Duration;

use collector::{LabelChoice, OtlpSettings, OtlpTarget};
use policy::{HeaderValue, OtlpEndpoint, Policy};

use crate::secrets::{KeyError, Secrets};

const LOG: &str = "keeptrusts::telemetry";

/// What the collector is to export. A signal whose secrets cannot be had is not.
pub(crate) fn otlp_settings(policy: &Policy, secrets: &Secrets<'_>) -> OtlpSettings {
    let telemetry = &policy.telemetry;
    let labels = telemetry.labels;
    let target = |name: &str, endpoint: &Option<OtlpEndpoint>| {
        let endpoint = endpoint.as_ref()?;
        match otlp_target(endpoint, secrets) {
            Ok(target) => Some(target),
            Err(error) => {
                log::warn!(target: LOG, "{name} are not exported: {error}");
                None
            }
        }
    };
    OtlpSettings {
        service_name: telemetry.service_name.clone(),
        traces: target("traces", &telemetry.traces),
        metrics: target("metrics", &telemetry.metrics),
        logs: target("logs", &telemetry.logs),
        labels: LabelChoice {
            provider: labels.provider,
            model: labels.model,
            group: labels.group,
            key: labels.key,
            team: labels.team,
        },
        interval: Duration::from_millis(telemetry.interval_ms),
    }
}

/// Whether the policy exports anything by OTLP.
pub(crate) fn exports(policy: &Policy) -> bool {
    let telemetry = &policy.telemetry;
    telemetry.traces.is_some() || telemetry.metrics.is_some() || telemetry.logs.is_some()
}

fn otlp_target(endpoint: &OtlpEndpoint, secrets: &Secrets<'_>) -> Result<OtlpTarget, KeyError> {
    let url = &endpoint.url;
    let mut headers = Vec::new();
    for (name, value) in &endpoint.headers {
        let value = match value {
            HeaderValue::Text(text) => text.clone(),
            HeaderValue::Secret { prefix, credential } => {
                let key = secrets.key(credential)?;
                format!("{prefix}{}", key.as_ref().map_or("", |key| key.expose()))
            }
        };
        headers.push((name.clone(), value));
    }
    Ok(OtlpTarget {
        url: format!("{}://{}{}", url.scheme(), url.authority(), url.path),
        headers,
    })
}
