//! The names of Envoy clusters, shared by the renderer and the filter.
//!
//! A target is reached through one cluster for each timeout that any member gives it, because Envoy's
//! whole-answer timeout (`max_stream_duration`) belongs to the cluster. Streams whose plan mixes timeouts go through
//! [`FIRST_BYTE`], an internal listener whose inner route times the first byte of each attempt on its own.

use std::collections::BTreeSet;

use crate::model::{Policy, Target, TargetId};

/// The cluster that leads to the internal listener for first-byte timeouts.
pub const FIRST_BYTE: &str = "kt/first-byte";
/// Request header, seen only inside Envoy, with which the first-byte hop names the inner cluster.
pub const INNER_CLUSTER_HEADER: &str = "x-kt-inner-cluster";
/// Filter state key under which the filter leaves the cluster of the next attempt (set from wasm as `kt_cluster`).
pub const CLUSTER_FILTER_STATE: &str = "wasm.kt_cluster";

/// One (target, timeout) pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSpec {
    /// Envoy's cluster name.
    pub name: String,
    /// Who is behind it.
    pub target: TargetId,
    /// Milliseconds for the whole answer.
    pub timeout_ms: u64,
}

/// The cluster that reaches `target` with `timeout_ms` for the whole answer.
pub fn cluster_name(target: &Target, timeout_ms: u64) -> String {
    format!("kt/{}/{timeout_ms}ms", target.id)
}

/// Every cluster that a plan of this policy can name, in a stable order.
/// Each target has at least the one for its own timeout.
pub fn clusters(policy: &Policy) -> Vec<ClusterSpec> {
    let mut pairs: BTreeSet<(TargetId, u64)> = policy
        .targets
        .iter()
        .enumerate()
        .map(|(index, target)| (TargetId(index), target.timeout_ms))
        .collect();
    pairs.extend(
        policy
            .groups
            .iter()
            .flat_map(|group| &group.members)
            .map(|member| (member.target, member.timeout_ms)),
    );
    pairs
        .into_iter()
        .filter_map(|(target, timeout_ms)| {
            let name = cluster_name(policy.target(target)?, timeout_ms);
            Some(ClusterSpec {
                name,
                target,
                timeout_ms,
            })
        })
        .collect()
}
