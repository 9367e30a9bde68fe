//! The event of a target that changed its health.

use std::borrow::Cow;

use events::{Event, HealthChangedEvent, Timestamp};
use routing::Random;
use routing::health::Transition;

use crate::config::GatewayConfig;

/// Told once, by whoever's write made the change.
pub(crate) struct HealthChanged<'a> {
    pub(crate) config: &'a GatewayConfig,
    pub(crate) instance_id: &'a str,
    pub(crate) target_id: &'a str,
    pub(crate) change: &'a Transition,
    pub(crate) consecutive_failures: u32,
}

impl<'a> HealthChanged<'a> {
    /// The event, in the words of `/health`.
    pub(crate) fn event(&self, random: &mut Random, now_ms: u64) -> Event<'a> {
        Event::HealthChanged(HealthChangedEvent {
            id: super::id(random, now_ms),
            timestamp: Timestamp::from_millis(now_ms),
            provider: Cow::Borrowed(self.target_id),
            from: Cow::Borrowed(self.change.from.status()),
            to: Cow::Borrowed(self.change.to.status()),
            reason: Cow::Borrowed(self.change.reason.name()),
            consecutive_failures: self.consecutive_failures,
            gateway_id: Cow::Borrowed(&self.config.runtime.gateway_id),
            instance_id: Cow::Borrowed(self.instance_id),
            config_version: Cow::Borrowed(&self.config.runtime.config_version),
            truncated: Vec::new(),
        })
    }
}
