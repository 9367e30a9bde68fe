//! The names of Envoy clusters, shared by the renderer and the filter.
//!
//! A target is reached through one cluster for each timeout that any member gives it, because Envoy's
//! whole-answer timeout (`max_stream_duration`) belongs to the cluster. Streams whose plan mixes timeouts go through
//! [`FIRST_BYTE`], an internal listener whose inner route times the first byte of each attempt on its own.
//!
//! A target that the filter itself asks while a request waits, for embeddings or a moderation, has one more cluster
//! without the filter in its chain: the answer would have to re-enter the VM that is asking.

use std::collections::BTreeSet;

use crate::model::{ContentPolicyKind, Policy, Strategy, Target, TargetId};

/// The cluster that leads to the internal listener for first-byte timeouts.
pub const FIRST_BYTE: &str = "kt/first-byte";
/// Request header, seen only inside Envoy, with which the first-byte hop names the inner cluster.
pub const INNER_CLUSTER_HEADER: &str = "x-kt-inner-cluster";
/// Response header, seen only inside Envoy, with which the hop's listener says that there is no such cluster.
pub const NO_CLUSTER_HEADER: &str = "x-kt-no-cluster";
/// Response header, seen only inside Envoy, with which the upstream filter tells the router how many seconds to wait before it
/// tries again.
pub const RETRY_AFTER_HEADER: &str = "x-kt-retry-after";
/// Filter state key under which the filter leaves the cluster of the next attempt (set from wasm as `kt_cluster`).
pub const CLUSTER_FILTER_STATE: &str = "wasm.kt_cluster";

/// Milliseconds: a connection that is not there after this time never will be, whatever time the answer may take.
const LONGEST_CONNECT_MS: u64 = 5_000;

/// Who uses a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Attempts at clients' requests, and probes.
    Attempts,
    /// Calls that the filter makes itself.
    Calls,
}

/// One cluster of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSpec {
    /// Envoy's cluster name.
    pub name: String,
    /// Who is behind it.
    pub target: TargetId,
    /// Milliseconds for the whole answer.
    pub timeout_ms: u64,
    /// Who uses it.
    pub purpose: Purpose,
}

/// The cluster that reaches `target` with `timeout_ms` for the whole answer.
pub fn cluster_name(target: &Target, timeout_ms: u64) -> String {
    format!("kt/{}/{timeout_ms}ms", target.id)
}

/// Milliseconds for a new connection in the cluster with `timeout_ms` for the whole answer.
pub fn connect_timeout_ms(timeout_ms: u64) -> u64 {
    timeout_ms.min(LONGEST_CONNECT_MS)
}

/// The cluster by which the filter itself calls `target`.
pub fn call_cluster_name(target: &Target) -> String {
    format!("kt/{}/calls", target.id)
}

/// Every cluster that a plan or the filter itself can name, in a stable order.
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
    let attempts = pairs.into_iter().filter_map(|(id, timeout_ms)| {
        Some(ClusterSpec {
            name: cluster_name(policy.target(id)?, timeout_ms),
            target: id,
            timeout_ms,
            purpose: Purpose::Attempts,
        })
    });
    let calls = called(policy).into_iter().filter_map(|id| {
        let target = policy.target(id)?;
        Some(ClusterSpec {
            name: call_cluster_name(target),
            target: id,
            timeout_ms: target.timeout_ms,
            purpose: Purpose::Calls,
        })
    });
    attempts.chain(calls).collect()
}

/// Targets that the filter itself calls.
fn called(policy: &Policy) -> BTreeSet<TargetId> {
    let embedding = policy
        .groups
        .iter()
        .filter_map(|group| match &group.strategy {
            Strategy::Semantic(settings) => Some(settings.embedding.as_ref()?.target),
            _ => None,
        });
    let moderation = policy
        .content_policies
        .iter()
        .filter_map(|content| match &content.kind {
            ContentPolicyKind::ContentFilter { moderation, .. } => {
                Some(moderation.as_ref()?.target)
            }
            ContentPolicyKind::AuditLogger { .. } => None,
        });
    embedding.chain(moderation).collect()
}
