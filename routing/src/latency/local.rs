//! The samples of one worker since its last merge.

use std::collections::BTreeMap;

use super::bucket::{Series, number_at};
use super::{DeploymentKey, MAX_DEPLOYMENTS, Sample, codec};

/// Samples of one worker that wait for the next merge.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LocalWindow {
    deployments: BTreeMap<DeploymentKey, Series>,
}

impl LocalWindow {
    /// Records an attempt that has just ended.
    pub fn record(&mut self, deployment: DeploymentKey, sample: Sample, now_ms: u64) {
        if self.deployments.len() >= MAX_DEPLOYMENTS && !self.deployments.contains_key(&deployment)
        {
            return;
        }
        let series = self.deployments.entry(deployment).or_default();
        if let Some(bucket) = series.bucket(number_at(now_ms)) {
            bucket.record(sample);
        }
    }

    /// There is nothing to merge.
    pub fn is_empty(&self) -> bool {
        self.deployments.is_empty()
    }

    /// Number of waiting attempts per deployment.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (DeploymentKey, u32)> {
        self.deployments.iter().map(|(deployment, series)| {
            let samples = series
                .0
                .iter()
                .map(|bucket| bucket.successes.saturating_add(bucket.failures));
            (*deployment, samples.fold(0, u32::saturating_add))
        })
    }

    /// The shared value with this worker's samples added and old samples removed. The caller writes it with
    /// compare-and-swap: on success it calls [`Self::clear`], and if it loses the race it merges again into the newer
    /// value.
    pub fn merge_into(&self, blob: &[u8], now_ms: u64) -> Vec<u8> {
        let mut shared = codec::decode(blob);
        for (deployment, series) in &self.deployments {
            if shared.len() < MAX_DEPLOYMENTS || shared.contains_key(deployment) {
                shared.entry(*deployment).or_default().merge(series);
            }
        }
        shared.retain(|_, series| {
            series.tidy(now_ms);
            !series.0.is_empty()
        });
        codec::encode(&shared)
    }

    /// Discards what was merged.
    pub fn clear(&mut self) {
        self.deployments.clear();
    }
}
