//! The health event: a target's state has changed.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::event::EventId;
use crate::timestamp::Timestamp;

/// One change of one target's health, sent once however many workers observed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthChangedEvent<'a> {
    /// `evt_…`
    pub id: EventId,
    /// When it changed.
    pub timestamp: Timestamp,
    /// Target id.
    pub provider: Cow<'a, str>,
    /// Previous state, as named by `/health`.
    pub from: Cow<'a, str>,
    /// New state.
    pub to: Cow<'a, str>,
    /// Why it changed.
    pub reason: Cow<'a, str>,
    /// Consecutive failures.
    pub consecutive_failures: u32,
    /// The gateway's name.
    #[serde(default)]
    pub gateway_id: Cow<'a, str>,
    /// The Envoy process.
    #[serde(default)]
    pub instance_id: Cow<'a, str>,
    /// Version of the policy in force.
    #[serde(default)]
    pub config_version: Cow<'a, str>,
    /// Names of the fields that were truncated, see [`crate::MAX_EVENT_BYTES`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub truncated: Vec<Cow<'a, str>>,
}
