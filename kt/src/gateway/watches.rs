//! How many key files Envoy can watch.
//!
//! Envoy takes an instance of inotify for each file that it follows. Linux grants a user 128 of them by default, and Envoy
//! aborts where it gets none.

use std::fs;

/// Four that Envoy has beside those for keys, seen in 1.40.0, and as many for other processes of the user.
const OTHERS: usize = 8;
const LIMIT: &str = "/proc/sys/fs/inotify/max_user_instances";

/// More key files than can be watched.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{keys} targets have keys that Envoy has to watch, each with an instance of inotify; expected at most {} of them, \
    for this system grants {limit} to all processes of a user: raise that with \
    `sudo sysctl fs.inotify.max_user_instances={}`",
    limit.saturating_sub(OTHERS),
    (keys + OTHERS).next_power_of_two() * 2
)]
pub(crate) struct TooManyKeys {
    keys: usize,
    limit: usize,
}

/// Whether Envoy can watch so many key files on this system.
pub(crate) fn check(keys: usize) -> Result<(), TooManyKeys> {
    // Other systems have no such file, and no such limit.
    let limit = fs::read_to_string(LIMIT).ok();
    let limit = limit.and_then(|limit| limit.trim().parse().ok());
    check_against(keys, limit.unwrap_or(usize::MAX))
}

fn check_against(keys: usize, limit: usize) -> Result<(), TooManyKeys> {
    if keys.saturating_add(OTHERS) > limit {
        return Err(TooManyKeys { keys, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_keys_than_the_system_lets_envoy_watch_are_told_with_the_cure() {
        assert_eq!(check_against(120, 128), Ok(()));
        let refused = check_against(121, 128).unwrap_err().to_string();
        for part in ["121 targets", "at most 120", "grants 128", "instances=512"] {
            assert!(refused.contains(part), "{refused}");
        }
    }
}
