//! The tables. Each collapses rows that came twice: reads say `FINAL`, so that merges need not have happened yet.

/// Statements that make what is not there, in this order. What has been released is never changed, only added to.
pub(super) const TABLES: [&str; 12] = [
    "CREATE TABLE IF NOT EXISTS kt_event (
        id String,
        ts UInt64,
        arrived UInt64,
        is_decision UInt8,
        status_code UInt16,
        failover UInt8,
        latency_ms Nullable(UInt64),
        latency_bucket UInt32,
        ttft_ms Nullable(UInt64),
        ttft_bucket UInt32,
        prompt_tokens UInt64,
        completion_tokens UInt64,
        cached_tokens UInt64,
        total_tokens UInt64,
        cost_nanos UInt64,
        decision LowCardinality(String),
        provider LowCardinality(String),
        vendor LowCardinality(String),
        model String,
        resolved_model LowCardinality(String),
        model_group LowCardinality(String),
        tag LowCardinality(String),
        region LowCardinality(String),
        strategy LowCardinality(String),
        key_name LowCardinality(String),
        gateway_id LowCardinality(String),
        instance_id String,
        json String
    ) ENGINE = ReplacingMergeTree
    PARTITION BY toYYYYMM(toDateTime(intDiv(ts, 1000000), 'UTC'))
    ORDER BY (ts, id)",
    // Costs, kept when the events are forgotten; by event, so that they too collapse.
    "CREATE TABLE IF NOT EXISTS kt_spent (
        day UInt32,
        id String,
        provider LowCardinality(String),
        key_name LowCardinality(String),
        instance_id String,
        nanos UInt64
    ) ENGINE = ReplacingMergeTree
    ORDER BY (day, id)",
    "CREATE TABLE IF NOT EXISTS kt_record (
        kind String,
        id String,
        json String,
        deleted UInt8,
        version UInt64
    ) ENGINE = ReplacingMergeTree(version)
    ORDER BY (kind, id)",
    // Whether the cost is known: what is not known is not nothing. Of rows without the column, their text tells.
    "ALTER TABLE kt_event ADD COLUMN IF NOT EXISTS
        is_priced UInt8 DEFAULT JSONType(json, 'actual_cost_usd') IN ('Double', 'Int64', 'UInt64')",
    // What was said of events: one score for each event and label.
    "CREATE TABLE IF NOT EXISTS kt_feedback (
        id String,
        label String,
        ts UInt64,
        score_millionths UInt32,
        given_at_ms UInt64,
        version UInt64
    ) ENGINE = ReplacingMergeTree(version)
    ORDER BY (id, label)",
    // Budgets of vendors: what all targets of one have spent.
    "ALTER TABLE kt_spent ADD COLUMN IF NOT EXISTS vendor LowCardinality(String)",
    "ALTER TABLE kt_event ADD COLUMN IF NOT EXISTS team LowCardinality(String) DEFAULT JSONExtractString(json, 'team')",
    "ALTER TABLE kt_event ADD COLUMN IF NOT EXISTS is_simulated UInt8 DEFAULT JSONExtractBool(json, 'simulated')",
    // Which collector wrote it, and as its how many-th. Rows without the columns are of one writer, numbered by their time.
    "ALTER TABLE kt_event ADD COLUMN IF NOT EXISTS writer LowCardinality(String)",
    "ALTER TABLE kt_event ADD COLUMN IF NOT EXISTS seq UInt64 DEFAULT arrived",
    // Whether the answer began well and failed on its way to the client.
    "ALTER TABLE kt_event ADD COLUMN IF NOT EXISTS
        is_broken UInt8 DEFAULT status_code >= 200 AND status_code < 400 AND JSONExtractString(json, 'error_code') != ''",
    // How long providers were in which state, by minute since 1970: rows are added up.
    "CREATE TABLE IF NOT EXISTS kt_health (
        minute UInt64,
        gateway_id LowCardinality(String),
        provider LowCardinality(String),
        healthy_ms UInt64,
        degraded_ms UInt64,
        unhealthy_ms UInt64
    ) ENGINE = SummingMergeTree
    ORDER BY (minute, gateway_id, provider)",
];
