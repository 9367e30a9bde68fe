use super::*;

const HOUR: i64 = 3_600_000_000;

/// A file that an older program began: what came before its sums is read from the events, and nothing twice.
#[test]
fn what_is_older_than_the_sums_is_read_from_events() {
    // Brief sums as old as the detailed ones, and younger ones.
    for brief_complete_from in [30 * HOUR, 40 * HOUR] {
        all_hours_are_counted_once(brief_complete_from);
    }
}

fn all_hours_are_counted_once(brief_complete_from: i64) {
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
            "UPDATE rollup_state SET complete_from = ?1, brief_complete_from = ?2",
            [complete_from, brief_complete_from],
        )
        .unwrap();
    let filter = EventFilter::default();
    // By what brief sums know, and by what only detailed ones do.
    for dimension in [Dimension::Provider, Dimension::ResolvedModel] {
        let question = Question {
            filter: &filter,
            group_by: &[dimension],
            measures: &[],
        };
        let groups = aggregate(&connection, question).unwrap().unwrap();
        let requests: Vec<u64> = groups.values().map(|group| group.totals.requests).collect();
        assert_eq!(requests, [60], "{dimension:?}");
    }
    let question = Question {
        filter: &filter,
        group_by: &[Dimension::Minute],
        measures: &[],
    };
    let minutes = aggregate(&connection, question).unwrap().unwrap();
    assert_eq!(minutes.len(), 60);
    assert!(minutes.values().all(|group| group.totals.requests == 1));
}
