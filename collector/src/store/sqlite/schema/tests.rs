use super::*;

/// A file as the program wrote it that knew four steps: no vendors in spending, no sums.
fn older() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    for step in MIGRATIONS.iter().take(4) {
        connection.execute_batch(step).unwrap();
    }
    connection.pragma_update(None, "user_version", 4).unwrap();
    connection
        .execute_batch(
            "INSERT INTO event (id, ts, is_decision, failover, prompt_tokens, completion_tokens, cached_tokens,
                total_tokens, cost_nanos, provider, vendor)
             VALUES (x'01', 7205000000, 1, 0, 1, 1, 0, 2, 5, 'openai-main', 'openai');
             INSERT INTO spent (day, provider, key_name, instance_id, nanos)
             VALUES (0, 'openai-main', 'ci', 'i', 5), (0, 'gone', 'ci', 'i', 7);",
        )
        .unwrap();
    connection
}

#[test]
fn spending_of_an_older_file_gets_its_vendors() {
    let mut connection = older();
    migrate(&mut connection).unwrap();
    let mut statement = connection
        .prepare("SELECT provider, vendor, nanos FROM spent ORDER BY provider")
        .unwrap();
    let rows: Vec<(String, String, i64)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let row = |provider: &str, vendor: &str, nanos| (provider.to_owned(), vendor.to_owned(), nanos);
    assert_eq!(rows, [row("gone", "", 7), row("openai-main", "openai", 5)]);
}

#[test]
fn sums_of_an_older_file_begin_with_the_next_hour() {
    let mut connection = older();
    migrate(&mut connection).unwrap();
    let from = |connection: &Connection| -> i64 {
        let sql = "SELECT complete_from FROM rollup_state";
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    // Its last event is of the third hour of 1970.
    assert_eq!(from(&connection), 3 * 3_600_000_000);
    let mut new = Connection::open_in_memory().unwrap();
    migrate(&mut new).unwrap();
    assert_eq!(from(&new), 0);
    // Nothing is done twice.
    migrate(&mut connection).unwrap();
    assert_eq!(from(&connection), 3 * 3_600_000_000);
}
