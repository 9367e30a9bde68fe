//! How many files this process and Envoy may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Enough for some thousand connections; programs that walk through all possible files are not slowed down.
const WANTED: u64 = 65_536;

/// Raises the soft limit to what the hard one allows. Many systems give a process 1,024, which a few hundred connections
/// use up; its children, and so Envoy, inherit it.
pub(crate) fn raise_limit() {
    let found = getrlimit(Resource::Nofile);
    let Some(raised) = raised(found.current, found.maximum) else {
        return;
    };
    let wanted = Rlimit {
        current: Some(raised),
        maximum: found.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, wanted) {
        log::warn!(
            target: "keeptrusts",
            "The limit of open files stays at {}: {error}",
            found.current.unwrap_or(u64::MAX)
        );
    }
}

/// The new soft limit, if there is to be one; `None` as a limit is none.
fn raised(soft: Option<u64>, hard: Option<u64>) -> Option<u64> {
    let target = hard.map_or(WANTED, |hard| hard.min(WANTED));
    soft.filter(|&soft| soft < target).map(|_| target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_it_may_and_never_lowered() {
        for (soft, hard, expected) in [
            (Some(1_024), Some(4_096), Some(4_096)),
            (Some(1_024), Some(1_048_576), Some(WANTED)),
            (Some(1_024), None, Some(WANTED)),
            (Some(256), Some(256), None),
            (Some(100_000), Some(1_048_576), None),
            (None, None, None),
        ] {
            assert_eq!(raised(soft, hard), expected, "{soft:?} {hard:?}");
        }
    }
}
