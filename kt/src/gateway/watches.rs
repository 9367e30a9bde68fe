//! Whether the system lets Envoy watch all key files.
//!
//! Envoy takes an instance of inotify for each file that it follows. Linux grants all processes of a user 128 of them by
//! default, and Envoy aborts where it gets none.

/// Files that Envoy follows beside those of keys: clusters, routes, the filter, the collector's token.
pub(crate) const BESIDE_KEYS: usize = 4;

/// More key files than can be watched.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{keys} more targets have keys that Envoy has to watch, each with an instance of inotify; expected at most {}, for \
    this system grants {limit} to all processes of a user: raise that with `sudo sysctl fs.inotify.max_user_instances={}`",
    left.saturating_sub(*beside),
    limit.saturating_add(keys + beside).next_power_of_two().saturating_mul(2)
)]
pub(crate) struct TooManyKeys {
    keys: usize,
    beside: usize,
    limit: usize,
    /// Of the limit, for keys and what is beside them.
    left: usize,
}

/// Whether Envoy can watch so many more keys, and files `beside` them.
pub(crate) fn check(keys: usize, beside: usize) -> Result<(), TooManyKeys> {
    let limit = system::limit();
    // Others would get none while we find out.
    let left = system::left((keys + beside).min(limit));
    if left < keys + beside {
        return Err(TooManyKeys {
            keys,
            beside,
            limit,
            left,
        });
    }
    Ok(())
}

#[cfg(target_os = "linux")]
mod system {
    use rustix::fs::inotify::{CreateFlags, init};

    /// Instances that we get, up to so many. They are given back at once: it takes microseconds, and nothing else tells
    /// what other processes of the user have.
    pub(super) fn left(wanted: usize) -> usize {
        let instances: Vec<_> = (0..wanted)
            .map_while(|_| init(CreateFlags::CLOEXEC).ok())
            .collect();
        instances.len()
    }

    pub(super) fn limit() -> usize {
        let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_instances").ok();
        limit
            .and_then(|limit| limit.trim().parse().ok())
            .unwrap_or(128)
    }
}

/// Other systems have no such limit.
#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn left(wanted: usize) -> usize {
        wanted
    }

    pub(super) fn limit() -> usize {
        usize::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_keys_than_the_system_lets_envoy_watch_are_told_with_the_cure() {
        let refused = TooManyKeys {
            keys: 121,
            beside: 4,
            limit: 128,
            left: 100,
        };
        let refused = refused.to_string();
        for part in ["121 more", "at most 96", "grants 128", "instances=512"] {
            assert!(refused.contains(part), "{refused}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_system_has_some_left_and_never_more_than_its_limit() {
        assert_eq!(check(1, 0), Ok(()));
        let refused = check(system::limit(), 1).unwrap_err();
        assert!(refused.left <= refused.limit, "{refused}");
    }
}
