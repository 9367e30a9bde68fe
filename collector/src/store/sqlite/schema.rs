//! The tables, and how an older file becomes a newer one.

use rusqlite::{Connection, TransactionBehavior};

use crate::store::StoreError;

/// Step n makes version n + 1 of version n. What has been released is never changed, only added to.
const MIGRATIONS: [&str; 11] = [
    "
    -- What is filtered and summed, apart from the text, so that a report reads little.
    CREATE TABLE event (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id BLOB NOT NULL,
        ts INTEGER NOT NULL,
        is_decision INTEGER NOT NULL,
        status_code INTEGER,
        failover INTEGER NOT NULL,
        latency_ms INTEGER,
        ttft_ms INTEGER,
        prompt_tokens INTEGER NOT NULL,
        completion_tokens INTEGER NOT NULL,
        cached_tokens INTEGER NOT NULL,
        total_tokens INTEGER NOT NULL,
        cost_nanos INTEGER NOT NULL,
        decision TEXT,
        provider TEXT,
        vendor TEXT,
        model TEXT,
        resolved_model TEXT,
        model_group TEXT,
        tag TEXT,
        region TEXT,
        strategy TEXT,
        key_name TEXT,
        gateway_id TEXT,
        instance_id TEXT
    );
    CREATE UNIQUE INDEX event_by_id ON event (id);
    CREATE INDEX event_by_time ON event (ts, id);
    CREATE TABLE event_text (
        seq INTEGER PRIMARY KEY,
        json TEXT NOT NULL
    );
    -- Sums for budgets, kept when the events are forgotten.
    CREATE TABLE spent (
        day INTEGER NOT NULL,
        provider TEXT NOT NULL,
        key_name TEXT NOT NULL,
        instance_id TEXT NOT NULL,
        nanos INTEGER NOT NULL,
        PRIMARY KEY (day, provider, key_name, instance_id)
    ) WITHOUT ROWID;
    -- Every gateway asks every few seconds: by these, what one has spent is read without what others have.
    CREATE INDEX spent_by_provider ON spent (provider, day, instance_id, nanos);
    CREATE INDEX spent_by_key ON spent (key_name, day, instance_id, nanos);
    CREATE TABLE record (
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        json TEXT NOT NULL,
        PRIMARY KEY (kind, id)
    ) WITHOUT ROWID;
",
    "
    -- Attempts of requests, so that what failed and was rescued by another target counts for its own target.
    CREATE TABLE attempt (
        seq INTEGER NOT NULL,
        number INTEGER NOT NULL,
        attempt_provider TEXT,
        attempt_model TEXT,
        attempt_status INTEGER,
        attempt_failed INTEGER NOT NULL,
        attempt_latency_ms INTEGER,
        PRIMARY KEY (seq, number)
    ) WITHOUT ROWID;
    INSERT INTO attempt
        SELECT seq, CAST(one.key AS INTEGER), json_extract(one.value, '$.provider'), json_extract(one.value, '$.model'),
            json_extract(one.value, '$.status_code'), json_extract(one.value, '$.reason') IS NOT NULL,
            json_extract(one.value, '$.latency_ms')
        FROM event_text, json_each(iif(json_valid(event_text.json), event_text.json, '{}'), '$.attempts') AS one;
",
    "
    -- One row: which store this is, and how often keys and budgets have changed.
    CREATE TABLE identity (
        id TEXT NOT NULL,
        generation INTEGER NOT NULL
    );
    INSERT INTO identity (id, generation) VALUES (lower(hex(randomblob(16))), 0);
",
    "
    -- Whether the cost is known: what is not known is not nothing.
    ALTER TABLE event ADD COLUMN is_priced INTEGER NOT NULL DEFAULT 0;
    UPDATE event SET is_priced = 1 WHERE cost_nanos > 0;
    UPDATE event SET is_priced = 1 WHERE cost_nanos = 0 AND seq IN (
        SELECT seq FROM event_text WHERE json_extract(iif(json_valid(json), json, '{}'), '$.actual_cost_usd') IS NOT NULL
    );
",
    "
    -- What applications and people say of answers: one score for each event and label.
    CREATE TABLE feedback (
        seq INTEGER NOT NULL,
        label TEXT NOT NULL,
        score_millionths INTEGER NOT NULL,
        given_at_ms INTEGER NOT NULL,
        PRIMARY KEY (seq, label)
    ) WITHOUT ROWID;
    -- Their mean, so that reports need not look there.
    ALTER TABLE event ADD COLUMN score_millionths INTEGER;
",
    "
    -- Budgets of vendors: what all targets of one have spent.
    ALTER TABLE spent RENAME TO spent_before;
    DROP INDEX spent_by_provider;
    DROP INDEX spent_by_key;
    CREATE TABLE spent (
        day INTEGER NOT NULL,
        provider TEXT NOT NULL,
        vendor TEXT NOT NULL,
        key_name TEXT NOT NULL,
        instance_id TEXT NOT NULL,
        nanos INTEGER NOT NULL,
        PRIMARY KEY (day, provider, vendor, key_name, instance_id)
    ) WITHOUT ROWID;
    INSERT INTO spent
        SELECT day, provider, COALESCE(known.vendor, ''), key_name, instance_id, nanos
        FROM spent_before LEFT JOIN (SELECT provider, max(vendor) AS vendor FROM event GROUP BY provider) AS known
        USING (provider);
    DROP TABLE spent_before;
    CREATE INDEX spent_by_provider ON spent (provider, day, vendor, instance_id, nanos);
    CREATE INDEX spent_by_vendor ON spent (vendor, day, provider, instance_id, nanos);
    CREATE INDEX spent_by_key ON spent (key_name, day, instance_id, nanos);
",
    "
    ALTER TABLE event ADD COLUMN team TEXT;
    ALTER TABLE event ADD COLUMN is_simulated INTEGER NOT NULL DEFAULT 0;
",
    "
    -- Sums by hour and by day, kept when events are removed; see `rollup.rs`.
    CREATE TABLE rollup_key (
        key_id INTEGER PRIMARY KEY,
        key BLOB NOT NULL,
        is_simulated INTEGER NOT NULL,
        is_attempt INTEGER NOT NULL,
        status_code INTEGER,
        provider TEXT,
        vendor TEXT,
        resolved_model TEXT,
        model_group TEXT,
        tag TEXT,
        region TEXT,
        strategy TEXT,
        decision TEXT,
        key_name TEXT,
        team TEXT,
        gateway_id TEXT,
        attempt_provider TEXT,
        attempt_model TEXT
    );
    CREATE UNIQUE INDEX rollup_key_by_key ON rollup_key (key);
    CREATE TABLE rollup (
        span INTEGER NOT NULL,
        ts INTEGER NOT NULL,
        key_id INTEGER NOT NULL,
        totals BLOB NOT NULL,
        PRIMARY KEY (span, ts, key_id)
    ) WITHOUT ROWID;
    -- One row: what came before the first whole hour without an older event is in no sum.
    CREATE INDEX event_with_score ON event (ts) WHERE score_millionths IS NOT NULL;
    CREATE TABLE rollup_state (complete_from INTEGER NOT NULL);
    INSERT INTO rollup_state SELECT COALESCE((max(ts) / 3600000000 + 1) * 3600000000, 0) FROM event;
",
    "
    -- Whether the answer began well and failed on its way to the client.
    ALTER TABLE event ADD COLUMN is_broken INTEGER NOT NULL DEFAULT 0;
",
    "
    -- Sums by minute, hour and day by few fields, for pages that ask every few seconds; see `rollup.rs`.
    CREATE TABLE rollup_brief (
        span INTEGER NOT NULL,
        ts INTEGER NOT NULL,
        key_id INTEGER NOT NULL,
        totals BLOB NOT NULL,
        PRIMARY KEY (span, ts, key_id)
    ) WITHOUT ROWID;
    ALTER TABLE rollup_state ADD COLUMN brief_complete_from INTEGER NOT NULL DEFAULT 0;
    -- Where events were removed, the other sums tell of them.
    UPDATE rollup_state SET brief_complete_from = COALESCE((
        SELECT (max(ts) / 3600000000 + 1) * 3600000000 FROM (
            SELECT max(ts) AS ts FROM event UNION ALL SELECT max(ts) FROM rollup WHERE span = 3600000000
        )
    ), 0);
",
    "
    -- How long providers were in which state, by minute since 1970.
    CREATE TABLE health (
        minute INTEGER NOT NULL,
        gateway_id TEXT NOT NULL,
        provider TEXT NOT NULL,
        healthy_ms INTEGER NOT NULL,
        degraded_ms INTEGER NOT NULL,
        unhealthy_ms INTEGER NOT NULL,
        PRIMARY KEY (minute, gateway_id, provider)
    ) WITHOUT ROWID;
",
];

/// Brings a file to the version that this program writes.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    // Immediate: of two programs that open a new file at once, one waits for the other.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    let done = usize::try_from(found).unwrap_or(0);
    for step in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests;
