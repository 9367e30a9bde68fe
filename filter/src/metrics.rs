//! What the filter counts for `/metrics`.
//!
//! Envoy's statistics of wasm modules have no labels. The names here have the form `keeptrusts.NAME.LABEL.VALUE…`, from
//! which Envoy takes the labels by the `stats_tags` of the rendered bootstrap. Dots separate the parts of a statistic's name; a
//! target's id may have some, so it comes last. They are few: one for each target and state that it was ever in, and never
//! freed.

use std::cell::RefCell;
use std::collections::HashMap;

use routing::health::Transition;

use crate::host::{Host, HostResult, MetricKind};

/// Metrics that this VM has defined.
#[derive(Debug, Default)]
pub struct Metrics {
    ids: RefCell<HashMap<String, u32>>,
}

impl Metrics {
    /// The health of `target` changed.
    pub fn health_changed(&self, host: &impl Host, target: &str, change: &Transition) {
        let name = format!(
            "keeptrusts.health_transitions.to.{}.reason.{}.target.{target}",
            change.to.name(),
            change.reason.name()
        );
        let counted = self
            .id(host, MetricKind::Counter, name)
            .and_then(|id| host.add_to_metric(id, 1));
        // A statistic is never worth a request.
        if let Err(error) = counted {
            log::debug!("a change of health was not counted: {error}");
        }
    }

    /// So many events of a stream of `target` were left out because they are no JSON.
    pub(crate) fn malformed_events(&self, host: &impl Host, target: &str, count: u32) {
        let name = format!("keeptrusts.malformed_events.target.{target}");
        let counted = self
            .id(host, MetricKind::Counter, name)
            .and_then(|id| host.add_to_metric(id, i64::from(count)));
        if let Err(error) = counted {
            log::debug!("malformed events were not counted: {error}");
        }
    }

    /// Whether `target` may be used now.
    pub fn target_up(&self, host: &impl Host, target: &str, up: bool) {
        let name = format!("keeptrusts.target_up.target.{target}");
        let set = self
            .id(host, MetricKind::Gauge, name)
            .and_then(|id| host.set_metric(id, u64::from(up)));
        if let Err(error) = set {
            log::debug!("a gauge was not set: {error}");
        }
    }

    fn id(&self, host: &impl Host, kind: MetricKind, name: String) -> HostResult<u32> {
        if let Some(id) = self.ids.borrow().get(&name) {
            return Ok(*id);
        }
        let id = host.define_metric(kind, &name)?;
        self.ids.borrow_mut().insert(name, id);
        Ok(id)
    }
}
