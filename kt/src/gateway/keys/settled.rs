//! Which key is in force while its file changes.
//!
//! A file is written in steps, and for moments it is empty, half there or not readable. A key that serves is replaced only by
//! another one that two looks in a row have found, and never by something that cannot be a key.

use std::time::Duration;

use tokio::time::Instant;

use crate::secrets::{Found, KeyError};

/// A file that is gone this long was taken away; before, it may be on its way.
const GONE_AFTER: Duration = Duration::from_secs(5);

/// What one target's key is, look after look.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// In force.
    key: Option<String>,
    /// Found by the last look, and by no other yet.
    coming: Option<String>,
    /// Since when nothing good was there instead of the key in force.
    gone_since: Option<Instant>,
    was_looked_at: bool,
    told: bool,
}

/// What a look has changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// There is another key.
    Changed,
    /// What was found instead of the key in force cannot be used, and is told for the first time.
    Kept(String),
    /// The key that was in force for want of a better one stands in its place again.
    Back,
    /// There was none, and why is told for the first time.
    Missing(String),
    /// It was taken away.
    Lost(String),
}

impl Settled {
    /// The key in force.
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// A key was found by one look only.
    pub(super) fn is_settling(&self) -> bool {
        self.coming.is_some()
    }

    /// Takes over what was found at `now`.
    pub(super) fn look(&mut self, found: Result<Found, KeyError>, now: Instant) -> Option<News> {
        let is_first = !std::mem::replace(&mut self.was_looked_at, true);
        match found {
            Ok(found) => self.good(found, is_first),
            Err(error) => self.bad(&error, now),
        }
    }

    fn good(&mut self, found: Found, is_first: bool) -> Option<News> {
        self.gone_since = None;
        let Found { key, is_fresh } = found;
        let key = key.expose().to_owned();
        let was_told = std::mem::replace(&mut self.told, false);
        if self.key.as_ref() == Some(&key) {
            self.coming = None;
            return was_told.then_some(News::Back);
        }
        // A file that nobody has touched for a while is complete.
        let has_settled = self.coming.as_ref() == Some(&key) || (is_first && !is_fresh);
        if !has_settled {
            self.coming = Some(key);
            self.told = was_told;
            return None;
        }
        self.coming = None;
        self.key = Some(key);
        Some(News::Changed)
    }

    fn bad(&mut self, error: &KeyError, now: Instant) -> Option<News> {
        self.coming = None;
        let is_told = std::mem::replace(&mut self.told, true);
        if self.key.is_none() {
            return (!is_told).then(|| News::Missing(error.to_string()));
        }
        if !error.is_absence() {
            self.gone_since = None;
        } else if now.duration_since(*self.gone_since.get_or_insert(now)) >= GONE_AFTER {
            self.key = None;
            self.gone_since = None;
            return Some(News::Lost(error.to_string()));
        }
        (!is_told).then(|| News::Kept(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Key;

    fn key(text: &str) -> Result<Found, KeyError> {
        Ok(Found {
            key: Key::of(text),
            is_fresh: true,
        })
    }

    fn empty() -> Result<Found, KeyError> {
        Err(KeyError::NotAHeaderValue("file".to_owned()))
    }

    fn gone() -> Result<Found, KeyError> {
        Err(KeyError::NoVariable("NAME".to_owned()))
    }

    /// One that has "good".
    fn settled() -> (Settled, Instant) {
        let now = Instant::now();
        let mut settled = Settled::default();
        settled.look(key("good"), now);
        settled.look(key("good"), now);
        assert_eq!(settled.key(), Some("good"));
        (settled, now)
    }

    #[test]
    fn another_key_counts_when_two_looks_have_found_it() {
        let (mut settled, now) = settled();
        for half in ["be", "bett"] {
            assert_eq!(settled.look(key(half), now), None);
            assert_eq!(settled.key(), Some("good"));
        }
        assert_eq!(settled.look(key("better"), now), None);
        assert_eq!(settled.look(key("better"), now), Some(News::Changed));
        assert_eq!(settled.key(), Some("better"));
        // A look that has found nothing does not stand between two that have.
        settled.look(key("best"), now);
        settled.look(empty(), now);
        assert_eq!(settled.look(key("best"), now), None);
        assert_eq!(settled.key(), Some("better"));
    }

    #[test]
    fn what_cannot_be_a_key_never_replaces_one_and_is_told_once() {
        let (mut settled, now) = settled();
        let later = now + 10 * GONE_AFTER;
        assert!(matches!(settled.look(empty(), now), Some(News::Kept(_))));
        assert_eq!(settled.look(empty(), later), None);
        assert_eq!(settled.key(), Some("good"));
        assert_eq!(settled.look(key("good"), later), Some(News::Back));
        assert!(matches!(settled.look(empty(), now), Some(News::Kept(_))));
    }

    #[test]
    fn a_file_that_stays_away_was_taken_away() {
        let (mut settled, now) = settled();
        assert!(matches!(settled.look(gone(), now), Some(News::Kept(_))));
        let soon = now + GONE_AFTER - Duration::from_millis(1);
        assert_eq!(settled.look(gone(), soon), None);
        assert_eq!(settled.key(), Some("good"));
        let lost = settled.look(gone(), now + GONE_AFTER);
        assert!(matches!(lost, Some(News::Lost(_))));
        assert_eq!(settled.key(), None);
        // It was there in between.
        let (mut settled, now) = self::settled();
        settled.look(gone(), now);
        settled.look(empty(), soon);
        settled.look(gone(), now + GONE_AFTER);
        assert_eq!(settled.key(), Some("good"));
    }

    #[test]
    fn the_first_look_is_enough_where_nobody_is_writing() {
        let now = Instant::now();
        let mut settled = Settled::default();
        let old = Found {
            key: Key::of("old"),
            is_fresh: false,
        };
        assert_eq!(settled.look(Ok(old), now), Some(News::Changed));
        let mut settled = Settled::default();
        assert_eq!(settled.look(key("new"), now), None);
        assert_eq!(settled.key(), None);
        let mut settled = Settled::default();
        assert!(matches!(settled.look(gone(), now), Some(News::Missing(_))));
        assert_eq!(settled.look(gone(), now), None);
    }
}
