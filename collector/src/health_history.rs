//! The history of providers' health: how long each was in which state in each minute, as gateways report it once a second.

use std::collections::HashMap;
use std::time::Duration;

use events::{GatewayReport, Timestamp};
use serde::{Deserialize, Serialize};

use crate::api::ApiError;
use crate::query::{InvalidTime, parse_time};
use crate::store::{HealthMinutes, Store};

const MS_PER_MINUTE: u64 = 60_000;
/// Steps of an answer, about: more than a screen shows are of no use.
const STEPS: u64 = 120;
/// Minutes of a step; the first that makes few enough is taken.
const STEP_MINUTES: [u64; 9] = [1, 5, 10, 30, 60, 180, 360, 720, 1_440];
/// Providers of gateways whose minutes wait for the store; more are not kept.
const MAX_WAITING: usize = 100_000;

/// Minutes that are not stored yet.
#[derive(Default)]
pub(crate) struct Waiting {
    minutes: HashMap<(u64, String, String), [u64; 3]>,
}

/// What is asked of the history.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryQuery {
    /// See [`parse_time`]; a day ago unless it is said.
    since: Option<String>,
    until: Option<String>,
    gateway_id: Option<String>,
    provider: Option<String>,
}

/// States of providers over time.
#[derive(Debug, Serialize)]
pub(crate) struct History {
    /// How long a step is.
    step_minutes: u64,
    /// By time, gateway and provider; what nobody reported has no row.
    data: Vec<HistoryStep>,
}

/// How long a provider was in which state, as one gateway's processes saw it: they are added up.
#[derive(Debug, Serialize)]
struct HistoryStep {
    /// Begin of the step in UTC.
    time: String,
    gateway_id: String,
    provider: String,
    healthy_seconds: f64,
    degraded_seconds: f64,
    unhealthy_seconds: f64,
}

impl Waiting {
    /// Counts what a report says for the time since the one before it.
    pub(crate) fn count(&mut self, report: &GatewayReport<'_>, lasted: Duration, now_ms: u64) {
        let ms = u64::try_from(lasted.as_millis()).unwrap_or(0);
        for provider in &report.providers {
            let key = (
                now_ms / MS_PER_MINUTE,
                report.gateway_id.to_string(),
                provider.id.to_string(),
            );
            if self.minutes.len() >= MAX_WAITING && !self.minutes.contains_key(&key) {
                continue;
            }
            let [healthy, degraded, unhealthy] = self.minutes.entry(key).or_default();
            *match &*provider.status {
                "healthy" => healthy,
                "degraded" => degraded,
                _ => unhealthy,
            } += ms;
        }
    }

    /// Takes the minutes before the one of `now_ms` out.
    pub(crate) fn take_before(&mut self, now_ms: u64) -> Vec<HealthMinutes> {
        let current = now_ms / MS_PER_MINUTE;
        let over = self.minutes.extract_if(|(minute, ..), _| *minute < current);
        over.map(|((minute, gateway_id, provider), ms)| HealthMinutes {
            minute,
            gateway_id,
            provider,
            ms,
        })
        .collect()
    }
}

/// Answers a question.
pub(crate) fn history(
    store: &dyn Store,
    query: &HistoryQuery,
    now_ms: u64,
) -> Result<History, ApiError> {
    let now = Timestamp::from_millis(now_ms);
    let moment = |text: Option<&str>, otherwise: u64| match text.filter(|text| !text.is_empty()) {
        Some(text) => parse_time(text, now)
            .map(Timestamp::millis)
            .map_err(|error: InvalidTime| ApiError::Invalid(error.to_string())),
        None => Ok(otherwise),
    };
    let from = moment(query.since.as_deref(), now_ms.saturating_sub(86_400_000))? / MS_PER_MINUTE;
    let until = moment(query.until.as_deref(), now_ms)?.div_ceil(MS_PER_MINUTE);
    let minutes = until.saturating_sub(from);
    let step = STEP_MINUTES
        .into_iter()
        .find(|step| minutes / step <= STEPS);
    let step = step.unwrap_or(1_440);
    let only = |wanted: &Option<String>, found: &str| {
        wanted
            .as_deref()
            .is_none_or(|wanted| wanted.is_empty() || wanted == found)
    };
    let rows = store.health(from, until, step)?;
    let data = rows
        .into_iter()
        .filter(|row| {
            only(&query.gateway_id, &row.gateway_id) && only(&query.provider, &row.provider)
        })
        .map(|row| {
            #[allow(clippy::cast_precision_loss)]
            let [healthy_seconds, degraded_seconds, unhealthy_seconds] =
                row.ms.map(|ms| ms as f64 / 1_000.0);
            HistoryStep {
                time: Timestamp::from_millis(row.minute * MS_PER_MINUTE).to_string(),
                gateway_id: row.gateway_id,
                provider: row.provider,
                healthy_seconds,
                degraded_seconds,
                unhealthy_seconds,
            }
        })
        .collect();
    Ok(History {
        step_minutes: step,
        data,
    })
}
