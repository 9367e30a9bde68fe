//! Which parts of a time are read from which sums.

/// A time that sums are kept of. All begin where a multiple of their length since 1970 does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Span {
    Minute,
    Hour,
    Day,
}

/// From where a part of a report is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Events,
    Sums(Span),
}

impl Span {
    /// Its length in microseconds.
    pub(super) fn micros(self) -> i64 {
        match self {
            Self::Minute => 60_000_000,
            Self::Hour => 3_600_000_000,
            Self::Day => 86_400_000_000,
        }
    }

    /// Where the one that `at` lies in begins.
    pub(super) fn begin(self, at: i64) -> i64 {
        match at {
            i64::MIN | i64::MAX => at,
            at => at - at.rem_euclid(self.micros()),
        }
    }

    /// The first begin that is not before `at`.
    fn next(self, at: i64) -> i64 {
        let begin = self.begin(at);
        if begin == at {
            at
        } else {
            begin.saturating_add(self.micros())
        }
    }
}

/// A time, in microseconds, as parts: of each span of `spans`, coarse to fine, as many whole ones as there are, and the
/// events of what is left. Before `complete_from` there are only events. `i64::MIN` and `i64::MAX` stand for no bound.
pub(super) fn parts(
    (from, until): (i64, i64),
    complete_from: i64,
    spans: &[Span],
) -> Vec<(Source, i64, i64)> {
    let events = vec![(Source::Events, from, until)];
    let Some(finest) = spans.last() else {
        return events;
    };
    // With 0 it is complete from the first event on.
    let first = if from <= complete_from && complete_from <= 0 {
        from
    } else {
        finest.next(from.max(complete_from))
    };
    let last = finest.begin(until);
    // Less is not worth a look at the sums.
    if last.saturating_sub(first) < 2 * finest.micros() {
        return events;
    }
    let mut parts = Vec::new();
    cover((first, last), spans, &mut parts);
    parts.extend([(Source::Events, from, first), (Source::Events, last, until)]);
    parts.retain(|&(_, from, until)| from < until);
    parts
}

/// Whole spans; `from` and `until` are begins of the finest.
fn cover((from, until): (i64, i64), spans: &[Span], parts: &mut Vec<(Source, i64, i64)>) {
    let Some((&coarsest, finer)) = spans.split_first() else {
        return;
    };
    let (first, last) = (coarsest.next(from), coarsest.begin(until));
    if last <= first {
        return cover((from, until), finer, parts);
    }
    cover((from, first), finer, parts);
    parts.push((Source::Sums(coarsest), first, last));
    cover((last, until), finer, parts);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60_000_000;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const ALL: [Span; 3] = [Span::Day, Span::Hour, Span::Minute];

    #[test]
    fn whole_days_hours_and_minutes_are_taken_from_sums() {
        use Source::{Events, Sums};
        let at = |day: i64, hour: i64, minute: i64, rest: i64| {
            day * DAY + hour * HOUR + minute * MINUTE + rest
        };
        let mut found = parts((at(1, 5, 7, 3), at(4, 2, 0, 9)), 0, &ALL);
        found.sort_by_key(|&(_, from, _)| from);
        assert_eq!(
            found,
            [
                (Events, at(1, 5, 7, 3), at(1, 5, 8, 0)),
                (Sums(Span::Minute), at(1, 5, 8, 0), at(1, 6, 0, 0)),
                (Sums(Span::Hour), at(1, 6, 0, 0), at(2, 0, 0, 0)),
                (Sums(Span::Day), at(2, 0, 0, 0), at(4, 0, 0, 0)),
                (Sums(Span::Hour), at(4, 0, 0, 0), at(4, 2, 0, 0)),
                (Events, at(4, 2, 0, 0), at(4, 2, 0, 9)),
            ]
        );
        // All there is, from the first to the last.
        let all = (i64::MIN, i64::MAX);
        assert_eq!(parts(all, 0, &ALL), [(Sums(Span::Day), all.0, all.1)]);
        // What is shorter than two of the finest is not worth it.
        let short = (at(1, 5, 7, 0), at(1, 7, 9, 0));
        assert_eq!(parts(short, 0, &ALL[..2]), [(Events, short.0, short.1)]);
        assert_eq!(parts(short, 0, &[]), [(Events, short.0, short.1)]);
    }

    proptest! {
        #[test]
        fn parts_cover_the_time_once(
            from in prop::option::of(0_i64..40 * DAY),
            length in prop::option::of(0_i64..40 * DAY),
            complete in prop_oneof![Just(0), 1_i64..40],
            spans in prop::sample::select(vec![&ALL[..], &ALL[..2], &ALL[1..], &ALL[2..]]),
        ) {
            let complete_from = complete * HOUR;
            let from = from.unwrap_or(i64::MIN);
            let until = length.map_or(i64::MAX, |length| from.max(0) + length);
            prop_assume!(from < until);
            let mut parts = parts((from, until), complete_from, spans);
            parts.sort_by_key(|&(_, from, _)| from);
            prop_assert_eq!((parts[0].1, parts[parts.len() - 1].2), (from, until));
            for pair in parts.windows(2) {
                prop_assert_eq!(pair[0].2, pair[1].1);
            }
            for (source, from, until) in parts {
                let Source::Sums(span) = source else { continue };
                prop_assert!(spans.contains(&span));
                let span = span.micros();
                prop_assert!(from == i64::MIN && complete_from == 0 || from >= complete_from && from % span == 0);
                prop_assert!(until == i64::MAX || until % span == 0);
            }
        }
    }
}
