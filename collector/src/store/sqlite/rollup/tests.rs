use proptest::prelude::*;

use super::*;

#[test]
fn whole_days_and_hours_are_taken_from_sums() {
    use Source::{Days, Events, Hours};
    let at = |day: i64, hour: i64, rest: i64| day * DAY + hour * HOUR + rest;
    assert_eq!(
        parts((at(1, 5, 7), at(4, 2, 9)), 0, false),
        [
            (Hours, at(1, 6, 0), at(2, 0, 0)),
            (Days, at(2, 0, 0), at(4, 0, 0)),
            (Hours, at(4, 0, 0), at(4, 2, 0)),
            (Events, at(1, 5, 7), at(1, 6, 0)),
            (Events, at(4, 2, 0), at(4, 2, 9)),
        ]
    );
    // All there is, from the first to the last.
    assert_eq!(
        parts((i64::MIN, i64::MAX), 0, false),
        [(Days, i64::MIN, i64::MAX)]
    );
    // Minutes are not worth it.
    let short = (at(1, 5, 7), at(1, 7, 9));
    assert_eq!(parts(short, 0, false), [(Events, short.0, short.1)]);
}

proptest! {
    #[test]
    fn parts_cover_the_time_once(
        from in prop::option::of(0_i64..40 * DAY),
        length in prop::option::of(0_i64..40 * DAY),
        complete in prop_oneof![Just(0), 1_i64..40],
        by_hour: bool,
    ) {
        let complete_from = complete * HOUR;
        let from = from.unwrap_or(i64::MIN);
        let until = length.map_or(i64::MAX, |length| from.max(0) + length);
        prop_assume!(from < until);
        let mut parts = parts((from, until), complete_from, by_hour);
        parts.sort_by_key(|&(_, from, _)| from);
        prop_assert_eq!((parts[0].1, parts[parts.len() - 1].2), (from, until));
        for pair in parts.windows(2) {
            prop_assert_eq!(pair[0].2, pair[1].1);
        }
        for (source, from, until) in parts {
            let span = match source {
                Source::Events => continue,
                Source::Hours => HOUR,
                Source::Days => DAY,
            };
            prop_assert!(from == i64::MIN && complete_from == 0 || from >= complete_from && from % span == 0);
            prop_assert!(until == i64::MAX || until % span == 0);
        }
    }
}

/// A file that an older program began: what came before its sums is read from the events, and nothing twice.
#[test]
fn what_is_older_than_the_sums_is_read_from_events() {
    let mut connection = Connection::open_in_memory().unwrap();
    super::super::schema::migrate(&mut connection).unwrap();
    let complete_from = 30 * HOUR;
    let insert = "INSERT INTO event (id, ts, is_decision, failover, prompt_tokens, completion_tokens, cached_tokens,
            total_tokens, cost_nanos, provider) VALUES (?1, ?2, 1, 0, 1, 0, 0, 1, 0, 'p')";
    let columns = Columns {
        is_decision: true,
        provider: Some("p".to_owned()),
        ..Columns::default()
    };
    for hour in 0..60_i64 {
        let ts = hour * HOUR + 1;
        connection.execute(insert, params![hour, ts]).unwrap();
        if ts >= complete_from {
            let event = NewEvent {
                id: events::EventId::new(0, 1),
                timestamp: events::Timestamp::from_micros(u64::try_from(ts).unwrap()),
                columns: columns.clone(),
                json: String::new(),
            };
            let transaction = connection.transaction().unwrap();
            add(&transaction, std::iter::once(&event)).unwrap();
            transaction.commit().unwrap();
        }
    }
    connection
        .execute(
            "UPDATE rollup_state SET complete_from = ?1",
            [complete_from],
        )
        .unwrap();
    let filter = EventFilter::default();
    let question = Question {
        filter: &filter,
        group_by: &[Dimension::Provider],
        measures: &[],
    };
    let groups = aggregate(&connection, question).unwrap().unwrap();
    let requests: Vec<u64> = groups.values().map(|group| group.totals.requests).collect();
    assert_eq!(requests, [60]);
}
