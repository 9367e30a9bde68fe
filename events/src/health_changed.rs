//! The health event: a target changed its state.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::event::EventId;
use crate::timestamp::Timestamp;

/// One change of one target's health, sent once however many workers saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthChangedEvent<'a> {
    /// `evt_…`
    pub id: EventId,
    /// When it changed.
    pub timestamp: Timestamp,
    /// Target id.
    pub provider: Cow<'a, str>,
    /// State before, as `/health` names it.
    pub from: Cow<'a, str>,
    /// State now.
    pub to: Cow<'a, str>,
    /// What made it change.
    pub reason: Cow<'a, str>,
    /// Failures in a row.
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
    /// Names of the fields of which something was cut, see [`crate::MAX_EVENT_BYTES`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub truncated: Vec<Cow<'a, str>>,
}
