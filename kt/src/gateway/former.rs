//! Policies that were replaced: what Envoy keeps of each until no request needs it any more.

use std::collections::BTreeSet;

use envoy::live::Clusters;
use tokio::time::Instant;

/// What belongs to one policy.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parts {
    pub(crate) clusters: Clusters,
    /// Secret files, below the run directory.
    pub(crate) files: BTreeSet<String>,
}

/// Replaced policies, the oldest first. Each has its own end, so that frequent changes do not keep what is long over.
#[derive(Debug, Default)]
pub(crate) struct Former(Vec<(Instant, Parts)>);

impl Former {
    /// `parts` were replaced, and are needed until then.
    pub(crate) fn keep(&mut self, parts: Parts, until: Instant) {
        self.0.push((until, parts));
    }

    /// Forgets what nobody needs at `now`; `false` where that is nothing.
    pub(crate) fn forget(&mut self, now: Instant) -> bool {
        let before = self.0.len();
        self.0.retain(|(until, _)| now < *until);
        self.0.len() < before
    }

    /// These and those of `newest`, which win where they have the same name.
    pub(crate) fn with(&self, newest: &Parts) -> Parts {
        let mut all = Parts::default();
        for parts in self.0.iter().map(|(_, parts)| parts).chain([newest]) {
            all.clusters.extend(&parts.clusters);
            all.files.extend(parts.files.iter().cloned());
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn parts(names: &[&str]) -> Parts {
        Parts {
            clusters: (names.iter())
                .map(|name| ((*name).to_owned(), json!({ "name": name })))
                .collect(),
            files: names.iter().map(|name| format!("{name}.json")).collect(),
        }
    }

    fn names(parts: &Parts) -> Vec<&str> {
        let names: Vec<&str> = parts.clusters.names().collect();
        let files: Vec<String> = names.iter().map(|name| format!("{name}.json")).collect();
        assert!(parts.files.iter().eq(&files));
        names
    }

    #[test]
    fn each_replaced_policy_goes_at_its_own_time() {
        let start = Instant::now();
        let minute = |count: u64| start + Duration::from_secs(60 * count);
        let mut former = Former::default();
        former.keep(parts(&["a", "b"]), minute(1));
        former.keep(parts(&["b", "c"]), minute(2));
        let newest = parts(&["c", "d"]);
        assert_eq!(names(&former.with(&newest)), ["a", "b", "c", "d"]);
        assert!(!former.forget(start));
        assert!(former.forget(minute(1)));
        assert_eq!(names(&former.with(&newest)), ["b", "c", "d"]);
        assert!(former.forget(minute(2)));
        assert_eq!(names(&former.with(&newest)), ["c", "d"]);
    }

    #[test]
    fn the_newest_cluster_of_a_name_wins() {
        let one = |port: u16| Parts {
            clusters: [("a".to_owned(), json!({ "port": port }))]
                .into_iter()
                .collect(),
            files: BTreeSet::new(),
        };
        let mut former = Former::default();
        let soon = Instant::now() + Duration::from_secs(60);
        former.keep(one(1), soon);
        former.keep(one(2), soon);
        let all = former.with(&one(3)).clusters;
        assert!(all.resources().eq([&json!({ "port": 3 })]));
    }
}
