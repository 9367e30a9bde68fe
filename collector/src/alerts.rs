//! Health thresholds: what of a provider's last minutes is worth telling somebody. The five panels and their thresholds are those
//! that the product's documentation names.

mod watch;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::ApiError;
use crate::records;
use crate::store::{RecordKind, Store, StoreError, Totals};

pub(crate) use watch::Watch;

/// Attempts in a window below which shares and percentiles say nothing.
const MIN_ATTEMPTS: u64 = 20;
/// Alerts that are over and still shown.
const MAX_ENDED: usize = 200;

/// What is watched of each provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Panel {
    /// Share of attempts that did not fail.
    Availability,
    /// 99th percentile of answers, in milliseconds.
    Latency,
    /// Share of attempts that were answered with 4xx or 5xx, or not at all.
    ErrorRate,
    /// Answers of 429 in a minute.
    RateLimiting,
    /// Cost of a successful request, in times of its baseline: the seven days before.
    CostEfficiency,
}

/// Unit of a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdUnit {
    /// 0 to 1.
    Ratio,
    /// Milliseconds.
    Ms,
    /// In a minute.
    PerMinute,
    /// Times the baseline.
    XBaseline,
}

/// A threshold in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// What it is about.
    pub panel: Panel,
    /// For this provider only; `None` for all that have none of their own.
    pub provider: Option<String>,
    /// Below it (availability) or above it (all others) there is an alert.
    pub value: f64,
    /// Where nobody has changed it.
    pub default: f64,
    /// Of both.
    pub unit: ThresholdUnit,
    /// How far back is looked, in seconds.
    pub window_seconds: u64,
}

/// Asks for another threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewThreshold {
    /// What it is about.
    pub panel: Panel,
    /// For this provider only; `None` for all.
    #[serde(default)]
    pub provider: Option<String>,
    /// See [`Threshold::value`].
    pub value: f64,
}

/// A provider that is beyond a threshold, or was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// `alr_…`
    pub id: String,
    /// What it is about.
    pub panel: Panel,
    /// Target id.
    pub provider: String,
    /// As measured last while it was open.
    pub value: f64,
    /// That it was beyond.
    pub threshold: f64,
    /// Unix milliseconds.
    pub since_ms: u64,
    /// Unix milliseconds; `None` while it lasts.
    pub ended_ms: Option<u64>,
}

// === impl Panel ===

impl Panel {
    /// In the order of the documentation.
    pub const ALL: [Self; 5] = [
        Self::Availability,
        Self::Latency,
        Self::ErrorRate,
        Self::RateLimiting,
        Self::CostEfficiency,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::Latency => "latency",
            Self::ErrorRate => "error_rate",
            Self::RateLimiting => "rate_limiting",
            Self::CostEfficiency => "cost_efficiency",
        }
    }

    fn default(self) -> f64 {
        match self {
            Self::Availability => 0.995,
            Self::Latency => 5_000.0,
            Self::ErrorRate => 0.01,
            Self::RateLimiting => 5.0,
            Self::CostEfficiency => 2.0,
        }
    }

    fn unit(self) -> ThresholdUnit {
        match self {
            Self::Availability | Self::ErrorRate => ThresholdUnit::Ratio,
            Self::Latency => ThresholdUnit::Ms,
            Self::RateLimiting => ThresholdUnit::PerMinute,
            Self::CostEfficiency => ThresholdUnit::XBaseline,
        }
    }

    fn window_seconds(self) -> u64 {
        match self {
            Self::CostEfficiency => 3_600,
            Self::Availability | Self::Latency | Self::ErrorRate | Self::RateLimiting => 300,
        }
    }

    /// Whether a value is on the wrong side.
    fn is_breached(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Availability => value < threshold,
            Self::Latency | Self::ErrorRate | Self::RateLimiting | Self::CostEfficiency => {
                value > threshold
            }
        }
    }

    /// The value of a provider's window; `None` where there is too little to say anything. `baseline` are the sums of the
    /// time before.
    fn value(self, window: &Totals, baseline: Option<&Totals>) -> Option<f64> {
        use crate::query::Metric;
        let enough = window.requests >= MIN_ATTEMPTS;
        match self {
            Self::Availability => window.metric(Metric::Availability).filter(|_| enough),
            Self::Latency => window.metric(Metric::LatencyP99).filter(|_| enough),
            Self::ErrorRate => window.metric(Metric::ErrorRate).filter(|_| enough),
            // 429s are counted, not shared out: few attempts are enough.
            #[allow(clippy::cast_precision_loss)]
            Self::RateLimiting => {
                let minutes = self.window_seconds() as f64 / 60.0;
                window
                    .metric(Metric::RateLimitedCount)
                    .map(|count| count / minutes)
            }
            Self::CostEfficiency => {
                let baseline = baseline.filter(|totals| totals.successes >= MIN_ATTEMPTS)?;
                let (now, before) = (
                    window.metric(Metric::CostPerSuccess).filter(|_| enough)?,
                    baseline.metric(Metric::CostPerSuccess)?,
                );
                (before > 0.0).then(|| now / before)
            }
        }
    }
}

/// What was changed, by panel and provider.
type Changed = BTreeMap<(Panel, Option<String>), f64>;

fn changed(store: &dyn Store) -> Result<Changed, StoreError> {
    let stored = records::all::<NewThreshold>(store, RecordKind::Threshold, "provider")?.readable;
    Ok(stored
        .into_iter()
        .map(|one| ((one.panel, one.provider), one.value))
        .collect())
}

/// The threshold for a provider: its own, else the general one, else the default.
fn threshold_of(changed: &Changed, panel: Panel, provider: &str) -> f64 {
    let own = changed.get(&(panel, Some(provider.to_owned())));
    let general = changed.get(&(panel, None));
    own.or(general).copied().unwrap_or_else(|| panel.default())
}

/// All in force: one for each panel, then those of providers.
pub(crate) fn thresholds(store: &dyn Store) -> Result<Vec<Threshold>, ApiError> {
    let changed = changed(store)?;
    let entry = |panel: Panel, provider: Option<String>, value| Threshold {
        panel,
        provider,
        value,
        default: panel.default(),
        unit: panel.unit(),
        window_seconds: panel.window_seconds(),
    };
    let general = Panel::ALL.map(|panel| {
        let value = changed.get(&(panel, None)).copied();
        entry(panel, None, value.unwrap_or_else(|| panel.default()))
    });
    let own = changed.iter().filter_map(|((panel, provider), value)| {
        Some(entry(*panel, Some(provider.clone()?), *value))
    });
    Ok(general.into_iter().chain(own).collect())
}

/// Changes one.
pub(crate) fn set_threshold(store: &dyn Store, new: &NewThreshold) -> Result<(), ApiError> {
    let is_share = new.panel.unit() == ThresholdUnit::Ratio;
    if !new.value.is_finite() || new.value < 0.0 || (is_share && new.value > 1.0) {
        let expected = if is_share { "0 to 1" } else { "0 or more" };
        return Err(ApiError::Invalid(format!(
            "value: expected {expected}, found {}",
            new.value
        )));
    }
    if let Some(provider) = &new.provider {
        records::check_name("provider", provider)?;
    }
    records::put(
        store,
        RecordKind::Threshold,
        &id_of(new.panel, new.provider.as_deref()),
        new,
    )
}

/// Goes back to the default, or to the general one.
pub(crate) fn reset_threshold(
    store: &dyn Store,
    panel: Panel,
    provider: Option<&str>,
) -> Result<(), ApiError> {
    records::delete(
        store,
        RecordKind::Threshold,
        "threshold",
        &id_of(panel, provider),
    )
}

fn id_of(panel: Panel, provider: Option<&str>) -> String {
    format!("{}:{}", panel.name(), provider.unwrap_or_default())
}

/// Those that last first, then those that are over, latest first.
pub(crate) fn alerts(store: &dyn Store) -> Result<Vec<Alert>, ApiError> {
    let mut all = records::all::<Alert>(store, RecordKind::Alert, "provider")?.readable;
    all.sort_by_key(|alert| {
        (
            alert.ended_ms.is_some(),
            std::cmp::Reverse(alert.ended_ms.unwrap_or(alert.since_ms)),
        )
    });
    Ok(all)
}

/// What changes when windows are looked at anew.
#[derive(Debug, Clone, Default, PartialEq)]
struct Findings {
    /// New or still open, with the latest value.
    open: Vec<Alert>,
    /// Those of `open` that nobody knew of.
    breached: Vec<Alert>,
    /// Those that are over now.
    recovered: Vec<Alert>,
}

/// Compares each provider's windows with its thresholds. `window` gives the sums of a provider's last seconds,
/// `baseline` those of the time before.
fn evaluate<'a>(
    known: &[Alert],
    changed: &Changed,
    providers: impl IntoIterator<Item = &'a str>,
    window: impl Fn(Panel, &str) -> Option<&'a Totals>,
    baseline: impl Fn(&str) -> Option<&'a Totals>,
    now_ms: u64,
) -> Findings {
    let mut findings = Findings::default();
    let is_open = |panel: Panel, provider: &str| {
        let same = |alert: &&Alert| {
            alert.ended_ms.is_none() && alert.panel == panel && alert.provider == provider
        };
        known.iter().find(same)
    };
    let mut seen = Vec::new();
    for provider in providers {
        for panel in Panel::ALL {
            let threshold = threshold_of(changed, panel, provider);
            let value =
                window(panel, provider).and_then(|totals| panel.value(totals, baseline(provider)));
            let Some(value) = value.filter(|value| panel.is_breached(*value, threshold)) else {
                continue;
            };
            seen.push((panel, provider));
            let open = is_open(panel, provider);
            let alert = Alert {
                id: open.map_or_else(
                    || {
                        records::id_of(
                            "alr_",
                            format!("{} {now_ms}", id_of(panel, Some(provider))).as_bytes(),
                        )
                    },
                    |alert| alert.id.clone(),
                ),
                panel,
                provider: provider.to_owned(),
                value,
                threshold,
                since_ms: open.map_or(now_ms, |alert| alert.since_ms),
                ended_ms: None,
            };
            if open.is_none() {
                findings.breached.push(alert.clone());
            }
            findings.open.push(alert);
        }
    }
    // Also one without traffic is over: nothing says that it lasts.
    let over = known.iter().filter(|alert| {
        alert.ended_ms.is_none() && !seen.contains(&(alert.panel, alert.provider.as_str()))
    });
    findings.recovered = over
        .map(|alert| Alert {
            ended_ms: Some(now_ms),
            ..alert.clone()
        })
        .collect();
    findings
}

#[cfg(test)]
mod tests;
