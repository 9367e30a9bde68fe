use super::*;

fn health(to: &str) -> String {
    json!({
        "event_type": "gateway.health_changed", "id": "evt_1", "timestamp": "2026-11-21T13:37:00.000000Z",
        "provider": "openai", "from": "healthy", "to": to, "reason": "upstream_timeout", "consecutive_failures": 3,
        "gateway_id": "eu <west>",
    })
    .to_string()
}

fn threshold(about: &str) -> String {
    json!({
        "event_type": about, "id": "ntc_1", "timestamp": "2026-11-21T13:37:00.000000Z", "provider": "openai",
        "panel": "error_rate", "value": 0.052, "threshold": 0.01, "since_ms": 1_763_732_100_000_u64,
    })
    .to_string()
}

fn budget() -> String {
    json!({
        "event_type": "budget.threshold_reached", "id": "ntc_2", "timestamp": "2026-11-21T13:37:00.000000Z",
        "provider": "openai", "period": "monthly", "period_start_ms": 1_793_491_200_000_u64, "limit_usd": 5_000,
        "spent_usd": 4_012.5, "threshold_percent": 80,
    })
    .to_string()
}

fn written(format: WebhookFormat, message: &str) -> Value {
    let body = write(format, message, Some("0123456789abcdef0123456789abcdef")).unwrap();
    serde_json::from_str(&body).unwrap()
}

#[test]
fn generic_messages_are_passed_on_as_they_are() {
    let text = "{ \"event_type\" : 1 }";
    assert_eq!(write(WebhookFormat::Generic, text, None).unwrap(), text);
}

#[test]
fn slack_reads_a_sentence_without_its_own_characters() {
    for (message, expected) in [
        (
            health("unhealthy"),
            "[critical] openai is unhealthy at gateway eu &lt;west&gt;: upstream_timeout, 3 failures in a row",
        ),
        (
            health("healthy"),
            "[resolved] openai is healthy again at gateway eu &lt;west&gt;",
        ),
        (
            threshold("health.threshold_breached"),
            "[warning] openai: error rate is 5.20 %, beyond 1.00 %",
        ),
        (
            budget(),
            "[warning] openai has reached 80 % of its monthly budget: $4012.50 of $5000.00 are spent",
        ),
    ] {
        assert_eq!(
            written(WebhookFormat::Slack, &message),
            json!({"text": expected})
        );
    }
}

/// The fields that the Events API wants, and one key for what begins and what ends it.
#[test]
fn pagerduty_triggers_and_resolves_the_same_alert() {
    for (begin, end, severity) in [
        (health("unhealthy"), health("healthy"), "critical"),
        (
            threshold("health.threshold_breached"),
            threshold("health.threshold_recovered"),
            "warning",
        ),
    ] {
        let begin = written(WebhookFormat::PagerDuty, &begin);
        let end = written(WebhookFormat::PagerDuty, &end);
        assert_eq!(begin["routing_key"], "0123456789abcdef0123456789abcdef");
        assert_eq!(
            (&begin["event_action"], &end["event_action"]),
            (&json!("trigger"), &json!("resolve"))
        );
        assert_eq!(begin["dedup_key"], end["dedup_key"]);
        assert_eq!(begin["payload"]["severity"], severity);
        for wanted in ["summary", "source"] {
            assert_ne!(begin["payload"][wanted], "", "{wanted}");
        }
    }
    let other = written(WebhookFormat::PagerDuty, &budget());
    assert_eq!(
        other["dedup_key"],
        "KeeptrustsBudgetThreshold/openai/monthly/80"
    );
}

#[test]
fn long_texts_are_cut_where_pagerduty_refuses_them() {
    let long: Value = serde_json::from_str(&health("unhealthy")).unwrap();
    let mut long = long;
    long["provider"] = json!("ä".repeat(2_000));
    let body = written(WebhookFormat::PagerDuty, &long.to_string());
    let chars = |value: &Value| value.as_str().unwrap().chars().count();
    assert_eq!(chars(&body["payload"]["summary"]), SUMMARY_CHARS);
    assert_eq!(chars(&body["dedup_key"]), KEY_CHARS);
}

#[test]
fn an_alertmanager_knows_an_alert_by_the_same_labels_when_it_ends() {
    let begin = written(WebhookFormat::Alertmanager, &health("unhealthy"));
    let end = written(WebhookFormat::Alertmanager, &health("healthy"));
    assert_eq!(
        begin[0]["labels"],
        json!({"alertname": "KeeptrustsProviderHealth", "provider": "openai", "gateway": "eu <west>"})
    );
    assert_eq!(begin[0]["labels"], end[0]["labels"]);
    // It lasts until somebody says that it is over, or a day.
    assert_eq!(begin[0]["endsAt"], "2026-11-22T13:37:00.000000Z");
    assert_eq!(end[0]["endsAt"], "2026-11-21T13:37:00.000000Z");
    // A budget is open again with the next period.
    let budget = written(WebhookFormat::Alertmanager, &budget());
    assert_eq!(budget[0]["endsAt"], "2026-12-01T00:00:00.000000Z");
    let breach = written(
        WebhookFormat::Alertmanager,
        &threshold("health.threshold_breached"),
    );
    assert_eq!(breach[0]["startsAt"], "2025-11-21T13:35:00.000000Z");
}

#[test]
fn a_test_says_so_everywhere() {
    let test =
        json!({"event_type": TEST, "id": "ntc_3", "timestamp": "2026-11-21T13:37:00.000000Z"})
            .to_string();
    assert_eq!(
        written(WebhookFormat::Slack, &test),
        json!({"text": "[info] Keeptrusts: this is a test, the webhook works"})
    );
    assert_eq!(
        written(WebhookFormat::PagerDuty, &test)["payload"]["severity"],
        "info"
    );
    assert_eq!(
        written(WebhookFormat::Alertmanager, &test)[0]["labels"],
        json!({"alertname": "KeeptrustsTest"})
    );
}
