//! Looks at the windows every few seconds, keeps the alerts, and says what to tell.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use events::Timestamp;
use serde_json::json;

use super::{Alert, MAX_ENDED, Panel, alerts, changed, evaluate};
use crate::api::ApiError;
use crate::local::Local;
use crate::query::{Dimension, EventFilter, Metric};
use crate::records;
use crate::store::{RecordKind, Totals};
use crate::webhook::WebhookEvent;

/// How long a baseline is good before it is read anew, in milliseconds.
const BASELINE_INTERVAL_MS: u64 = 10 * 60 * 1_000;
/// Days of a baseline.
const BASELINE_MS: u64 = 7 * 24 * 3_600 * 1_000;

/// All that any panel is computed from.
const METRICS: [Metric; 5] = [
    Metric::Availability,
    Metric::LatencyP99,
    Metric::ErrorRate,
    Metric::RateLimitedCount,
    Metric::CostPerSuccess,
];

type ByProvider = HashMap<String, Totals>;

/// Watches all providers.
#[derive(Default)]
pub(crate) struct Watch {
    baseline: ByProvider,
    baseline_ms: Option<u64>,
}

impl Watch {
    /// Looks once. What is new is stored, and returned as messages for webhooks.
    pub(crate) fn look(&mut self, api: &Local) -> Result<Vec<(WebhookEvent, String)>, ApiError> {
        let now_ms = api.now_ms();
        let store = api.store.as_ref();
        let known = alerts(store)?;
        let changed = changed(store)?;
        let mut windows: HashMap<u64, ByProvider> = HashMap::new();
        for panel in Panel::ALL {
            let seconds = panel.window_seconds();
            if let Entry::Vacant(free) = windows.entry(seconds) {
                let from_ms = now_ms.saturating_sub(seconds * 1_000);
                free.insert(sums(api, from_ms, now_ms)?);
            }
        }
        let longest_ms = Panel::CostEfficiency.window_seconds() * 1_000;
        if self
            .baseline_ms
            .is_none_or(|at| now_ms.abs_diff(at) >= BASELINE_INTERVAL_MS)
        {
            let until_ms = now_ms.saturating_sub(longest_ms);
            self.baseline = sums(api, until_ms.saturating_sub(BASELINE_MS), until_ms)?;
            self.baseline_ms = Some(now_ms);
        }
        let providers: BTreeSet<&str> = windows
            .values()
            .flat_map(|one| one.keys().map(String::as_str))
            .collect();
        let findings = evaluate(
            &known,
            &changed,
            providers,
            |panel, provider| windows.get(&panel.window_seconds())?.get(provider),
            |provider| self.baseline.get(provider),
            now_ms,
        );
        for alert in findings.open.iter().chain(&findings.recovered) {
            let unchanged = known.iter().any(|other| other == alert);
            if !unchanged {
                records::put(store, RecordKind::Alert, &alert.id, alert)?;
            }
        }
        for ended in known
            .iter()
            .filter(|alert| alert.ended_ms.is_some())
            .skip(MAX_ENDED)
        {
            store.delete_record(RecordKind::Alert, &ended.id)?;
        }
        let breached = findings
            .breached
            .iter()
            .map(|alert| (WebhookEvent::ThresholdBreached, alert));
        let recovered = findings
            .recovered
            .iter()
            .map(|alert| (WebhookEvent::ThresholdRecovered, alert));
        let message =
            |(about, alert): (WebhookEvent, &Alert)| (about, message(about, alert, now_ms));
        Ok(breached.chain(recovered).map(message).collect())
    }
}

/// Sums of attempts by provider.
fn sums(api: &Local, from_ms: u64, until_ms: u64) -> Result<ByProvider, ApiError> {
    let filter = EventFilter {
        since: Some(Timestamp::from_millis(from_ms)),
        until: Some(Timestamp::from_millis(until_ms)),
        ..EventFilter::default()
    };
    let groups = api
        .store
        .aggregate(&filter, &[Dimension::AttemptProvider], &METRICS)?;
    let named = groups
        .into_iter()
        .filter_map(|group| Some((group.key.into_iter().next()??, group.totals)));
    Ok(named.collect())
}

fn message(about: WebhookEvent, alert: &Alert, now_ms: u64) -> String {
    json!({
        "event_type": about.name(),
        "id": records::id_of("ntc_", format!("{} {}", alert.id, about.name()).as_bytes()),
        "timestamp": Timestamp::from_millis(now_ms).to_string(),
        "provider": alert.provider,
        "panel": alert.panel,
        "value": alert.value,
        "threshold": alert.threshold,
        "since_ms": alert.since_ms,
        "ended_ms": alert.ended_ms,
    })
    .to_string()
}
