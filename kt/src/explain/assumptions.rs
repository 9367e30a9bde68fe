//! The state of the world that a plan is explained in: all well and nothing measured, but for what the user says.

use std::str::FromStr;

use ::policy::{Policy, TargetId};
use routing::health::{HealthTable, Phase, Reason};
use routing::latency::LatencySnapshot;
use routing::{Budgeted, PolicyIndex, StateSnapshot};
use thiserror::Error;

/// As many samples as the largest `min_sample_count` asks for, so that an assumed latency always counts.
const SAMPLES: u32 = 10_000;

/// `id=unhealthy`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AssumedHealth {
    id: String,
    phase: Phase,
}

/// `id=800ms`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AssumedLatency {
    id: String,
    milliseconds: u64,
}

/// What the user wants assumed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Assumptions {
    pub(crate) health: Vec<AssumedHealth>,
    pub(crate) latency: Vec<AssumedLatency>,
    /// Of the random source.
    pub(crate) seed: u64,
}

/// The state that follows from assumptions.
pub(crate) struct World {
    health: HealthTable,
    latency: LatencySnapshot,
}

/// An assumption that cannot be read.
#[derive(Debug, Error)]
pub(crate) enum BadAssumption {
    #[error("expected ID=VALUE, found {0:?}")]
    NoEqualsSign(String),
    #[error("expected one of {known}, found {0:?}", known = names())]
    UnknownHealth(String),
    #[error("expected milliseconds or a duration such as 800ms or 2s, found {0:?}")]
    NotADuration(String),
}

/// An assumption about nobody.
#[derive(Debug, Error)]
#[error("no target {id:?} in this policy: known are {known}")]
pub(crate) struct UnknownTarget {
    id: String,
    known: String,
}

const HEALTH: [(&str, Phase); 5] = [
    ("healthy", Phase::Closed),
    ("unhealthy", Phase::Open),
    ("half_open", Phase::HalfOpen),
    ("cooling_down", Phase::RateLimited),
    ("credential_missing", Phase::NoCredential),
];

// === impl AssumedHealth ===

impl FromStr for AssumedHealth {
    type Err = BadAssumption;

    fn from_str(text: &str) -> Result<Self, BadAssumption> {
        let (id, value) = split(text)?;
        let found = HEALTH.iter().find(|(name, _)| *name == value);
        let (_, phase) = found.ok_or_else(|| BadAssumption::UnknownHealth(value.to_owned()))?;
        Ok(Self {
            id: id.to_owned(),
            phase: *phase,
        })
    }
}

impl AssumedHealth {
    /// What a gateway reports of a target's breaker; `None` for a word that is none.
    pub(crate) fn reported(id: &str, breaker: &str) -> Option<Self> {
        let phase = match breaker {
            "closed" => Phase::Closed,
            "open" => Phase::Open,
            "half_open" => Phase::HalfOpen,
            "cooling" | "rate_limited" => Phase::RateLimited,
            "no_credential" => Phase::NoCredential,
            _ => return None,
        };
        let id = id.to_owned();
        Some(Self { id, phase })
    }

    /// Whether it is about this target.
    pub(crate) fn is_of(&self, id: &str) -> bool {
        self.id == id
    }
}

// === impl AssumedLatency ===

impl FromStr for AssumedLatency {
    type Err = BadAssumption;

    fn from_str(text: &str) -> Result<Self, BadAssumption> {
        let (id, value) = split(text)?;
        let milliseconds =
            milliseconds(value).ok_or_else(|| BadAssumption::NotADuration(value.to_owned()))?;
        Ok(Self {
            id: id.to_owned(),
            milliseconds,
        })
    }
}

// === impl Assumptions ===

impl Assumptions {
    /// The state at `now_ms`.
    pub(crate) fn world(&self, index: &PolicyIndex, now_ms: u64) -> Result<World, UnknownTarget> {
        let mut health = HealthTable::default();
        for assumed in &self.health {
            let target = target(index.policy(), &assumed.id)?;
            if let Some((key, _)) = index.health_config(target) {
                health = health.assuming(key, assumed.phase, reason(assumed.phase), now_ms);
            }
        }
        let mut latency = LatencySnapshot::default();
        for assumed in &self.latency {
            for pair in index.deployment_keys(target(index.policy(), &assumed.id)?) {
                latency = latency.assuming(pair, assumed.milliseconds, SAMPLES, now_ms);
            }
        }
        Ok(World { health, latency })
    }
}

// === impl World ===

impl World {
    pub(crate) fn view(&self) -> StateSnapshot<'_> {
        StateSnapshot {
            health: &self.health,
            latency: &self.latency,
            over_budget: &[],
            budgeted: Budgeted::None,
        }
    }
}

/// What would have led there.
fn reason(phase: Phase) -> Reason {
    match phase {
        Phase::Closed => Reason::None,
        Phase::Open | Phase::HalfOpen => Reason::Upstream5xx,
        Phase::RateLimited => Reason::UpstreamRateLimited,
        Phase::NoCredential => Reason::CredentialMissing,
    }
}

fn target(policy: &Policy, id: &str) -> Result<TargetId, UnknownTarget> {
    let position = policy.targets.iter().position(|target| target.id == id);
    position.map(TargetId).ok_or_else(|| {
        let known: Vec<&str> = policy.targets.iter().map(|one| one.id.as_str()).collect();
        UnknownTarget {
            id: id.to_owned(),
            known: known.join(", "),
        }
    })
}

fn split(text: &str) -> Result<(&str, &str), BadAssumption> {
    text.split_once('=')
        .ok_or_else(|| BadAssumption::NoEqualsSign(text.to_owned()))
}

fn milliseconds(text: &str) -> Option<u64> {
    let (number, unit_ms) = match text.strip_suffix("ms") {
        Some(number) => (number, 1.0),
        None => match text.strip_suffix('s') {
            Some(number) => (number, 1_000.0),
            None => (text, 1.0),
        },
    };
    let milliseconds = number.trim().parse::<f64>().ok()? * unit_ms;
    // A day is more than anybody waits; above it a cast could lose its way.
    (0.0..=86_400_000.0)
        .contains(&milliseconds)
        .then_some(milliseconds as u64)
}

fn names() -> String {
    HEALTH.map(|(name, _)| name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_milliseconds_or_have_a_unit() {
        for (text, expected) in [
            ("a=800ms", Some(800)),
            ("a=800", Some(800)),
            ("a=1.5s", Some(1_500)),
            ("a=-1ms", None),
            ("a=fast", None),
            ("a=1e300s", None),
            ("a", None),
        ] {
            let read = text.parse::<AssumedLatency>().ok();
            assert_eq!(read.map(|read| read.milliseconds), expected, "{text}");
        }
    }

    #[test]
    fn health_is_one_of_the_known_words() {
        assert_eq!(
            "a=unhealthy".parse::<AssumedHealth>().unwrap(),
            AssumedHealth {
                id: "a".into(),
                phase: Phase::Open
            }
        );
        let error = "a=sick".parse::<AssumedHealth>().unwrap_err().to_string();
        assert!(
            error.contains("healthy, unhealthy") && error.contains("sick"),
            "{error}"
        );
    }
}
