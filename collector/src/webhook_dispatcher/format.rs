//! Messages as their receivers read them. Pure: a message in, a body out.

use events::{BudgetPeriod, Timestamp};
use serde_json::{Value, json};

use crate::webhook::{WebhookEvent, WebhookFormat};

/// What a test message is called.
pub(super) const TEST: &str = "webhook.test";

/// Where an alert has no end of its own: whoever does not hear of one believes it over after that time.
const LASTS_MS: u64 = 24 * 3_600 * 1_000;
/// PagerDuty's limits of `payload.summary` and `dedup_key`, in characters.
const SUMMARY_CHARS: usize = 1_024;
const KEY_CHARS: usize = 255;

/// The message cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the message is no JSON object: {0}")]
pub(super) struct Unwritable(#[from] serde_json::Error);

/// What a message tells, whoever reads it.
struct Alarm<'a> {
    message: &'a Value,
    /// One sentence.
    summary: String,
    severity: &'static str,
    /// Whether it tells that something has ended.
    is_over: bool,
    /// What it is about: the same when it begins and when it ends.
    subject: Vec<(&'static str, String)>,
    /// As Alertmanager names kinds of alerts.
    alert_name: &'static str,
    starts: String,
    ends: String,
}

/// The body of a message in a format.
///
/// # Errors
/// The message is no JSON.
pub(super) fn write(
    format: WebhookFormat,
    message: &str,
    routing_key: Option<&str>,
) -> Result<String, Unwritable> {
    if format == WebhookFormat::Generic {
        return Ok(message.to_owned());
    }
    let message: Value = serde_json::from_str(message)?;
    let alarm = Alarm::of(&message);
    let body = match format {
        WebhookFormat::Generic => message.clone(),
        WebhookFormat::Slack => alarm.for_slack(),
        WebhookFormat::PagerDuty => alarm.for_pagerduty(routing_key.unwrap_or_default()),
        WebhookFormat::Alertmanager => alarm.for_alertmanager(),
    };
    Ok(body.to_string())
}

impl<'a> Alarm<'a> {
    fn of(message: &'a Value) -> Self {
        let kind = text(message, "event_type");
        let provider = text(message, "provider");
        let starts = text(message, "timestamp");
        let lasting = ends_after(&starts, LASTS_MS);
        let named = |name: WebhookEvent| kind == name.name();
        let mut alarm = Self {
            message,
            summary: format!("Keeptrusts: {kind}"),
            severity: "info",
            is_over: false,
            subject: vec![("provider", provider.clone())],
            alert_name: "KeeptrustsTest",
            ends: lasting,
            starts,
        };
        if named(WebhookEvent::HealthChanged) {
            alarm.health(&provider);
        } else if named(WebhookEvent::BudgetThresholdReached) {
            alarm.budget(&provider);
        } else if named(WebhookEvent::ThresholdBreached) || named(WebhookEvent::ThresholdRecovered)
        {
            alarm.threshold(&provider, named(WebhookEvent::ThresholdRecovered));
        } else if kind == TEST {
            "Keeptrusts: this is a test, the webhook works".clone_into(&mut alarm.summary);
            alarm.subject.clear();
        }
        if alarm.is_over {
            // Over, as Alertmanager understands it: it ended at the time of the message.
            alarm.ends = text(message, "timestamp");
        }
        alarm
    }

    fn health(&mut self, provider: &str) {
        let message = self.message;
        let (gateway, to) = (text(message, "gateway_id"), text(message, "to"));
        self.alert_name = "KeeptrustsProviderHealth";
        self.subject.push(("gateway", gateway.clone()));
        self.is_over = to == "healthy";
        self.severity = if to == "unhealthy" {
            "critical"
        } else {
            "warning"
        };
        self.summary = if self.is_over {
            format!("{provider} is healthy again at gateway {gateway}")
        } else {
            let failures = message.get("consecutive_failures").and_then(Value::as_u64);
            format!(
                "{provider} is {to} at gateway {gateway}: {}, {} failures in a row",
                text(message, "reason"),
                failures.unwrap_or(0)
            )
        };
    }

    fn budget(&mut self, provider: &str) {
        let message = self.message;
        let period = text(message, "period");
        let percent = number(message, "threshold_percent");
        let start_ms = message.get("period_start_ms").and_then(Value::as_u64);
        let parsed: Option<BudgetPeriod> = serde_json::from_value(json!(period)).ok();
        if let Some((period, start_ms)) = parsed.zip(start_ms) {
            self.ends = Timestamp::from_millis(period.around(start_ms).end).to_string();
        }
        self.alert_name = "KeeptrustsBudgetThreshold";
        self.severity = if percent >= 100.0 {
            "critical"
        } else {
            "warning"
        };
        self.summary = format!(
            "{provider} has reached {percent} % of its {period} budget: ${:.2} of ${:.2} are spent",
            number(message, "spent_usd"),
            number(message, "limit_usd")
        );
        self.subject.push(("period", period));
        self.subject
            .push(("threshold_percent", percent.to_string()));
    }

    fn threshold(&mut self, provider: &str, is_over: bool) {
        let message = self.message;
        let panel = text(message, "panel");
        let shown = |name: &str| {
            let value = number(message, name);
            match panel.as_str() {
                "availability" | "error_rate" => format!("{:.2} %", value * 100.0),
                "latency" => format!("{value:.0} ms"),
                "rate_limiting" => format!("{value:.1} a minute"),
                _ => format!("{value:.2} times its baseline"),
            }
        };
        self.alert_name = "KeeptrustsHealthThreshold";
        self.severity = "warning";
        self.is_over = is_over;
        let words = panel.replace('_', " ");
        self.summary = if is_over {
            format!("{provider}: {words} is within its threshold again")
        } else {
            format!(
                "{provider}: {words} is {}, beyond {}",
                shown("value"),
                shown("threshold")
            )
        };
        if let Some(since_ms) = message.get("since_ms").and_then(Value::as_u64) {
            self.starts = Timestamp::from_millis(since_ms).to_string();
        }
        self.subject.push(("panel", panel));
    }

    /// <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>; `&`, `<` and `>` are Slack's own
    /// characters: <https://docs.slack.dev/messaging/formatting-message-text#escaping>.
    fn for_slack(&self) -> Value {
        let word = if self.is_over {
            "resolved"
        } else {
            self.severity
        };
        let text = format!("[{word}] {}", self.summary)
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        json!({"text": text})
    }

    /// <https://developer.pagerduty.com/docs/send-alert-event>
    fn for_pagerduty(&self, routing_key: &str) -> Value {
        let action = if self.is_over { "resolve" } else { "trigger" };
        let subject = self.subject.iter().map(|(_, value)| value.as_str());
        let parts: Vec<&str> = std::iter::once(self.alert_name).chain(subject).collect();
        let source = text(self.message, "gateway_id");
        json!({
            "routing_key": routing_key,
            "event_action": action,
            "dedup_key": cut(&parts.join("/"), KEY_CHARS),
            "payload": {
                "summary": cut(&self.summary, SUMMARY_CHARS),
                "source": if source.is_empty() { "keeptrusts" } else { source.as_str() },
                "severity": self.severity,
                "timestamp": text(self.message, "timestamp"),
                "component": text(self.message, "provider"),
                "class": text(self.message, "event_type"),
                "custom_details": self.message,
            },
            "client": "Keeptrusts",
        })
    }

    /// <https://prometheus.io/docs/alerting/latest/alerts_api/>: labels are what an alert is known by, so they are the same
    /// when it ends.
    fn for_alertmanager(&self) -> Value {
        let mut labels = serde_json::Map::new();
        labels.insert("alertname".to_owned(), json!(self.alert_name));
        for (name, value) in &self.subject {
            labels.insert((*name).to_owned(), json!(value));
        }
        json!([{
            "labels": labels,
            "annotations": {"summary": self.summary, "severity": self.severity},
            "startsAt": self.starts,
            "endsAt": self.ends,
        }])
    }
}

fn text(message: &Value, name: &str) -> String {
    let found = message.get(name).and_then(Value::as_str);
    found.unwrap_or_default().to_owned()
}

fn number(message: &Value, name: &str) -> f64 {
    message.get(name).and_then(Value::as_f64).unwrap_or(0.0)
}

fn ends_after(timestamp: &str, ms: u64) -> String {
    let start = Timestamp::parse(timestamp).map_or(0, Timestamp::millis);
    Timestamp::from_millis(start.saturating_add(ms)).to_string()
}

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

#[cfg(test)]
mod tests;
