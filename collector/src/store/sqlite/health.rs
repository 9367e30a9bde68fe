//! The history of providers' health.

use rusqlite::{Connection, Transaction, params};

use super::writer::signed;
use crate::store::{HealthMinutes, StoreError};

pub(super) fn add(
    transaction: &Transaction<'_>,
    minutes: &[HealthMinutes],
) -> Result<usize, StoreError> {
    let mut row = transaction.prepare_cached(
        "INSERT INTO health (minute, gateway_id, provider, healthy_ms, degraded_ms, unhealthy_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (minute, gateway_id, provider) DO UPDATE SET healthy_ms = healthy_ms + excluded.healthy_ms,
            degraded_ms = degraded_ms + excluded.degraded_ms, unhealthy_ms = unhealthy_ms + excluded.unhealthy_ms",
    )?;
    for one in minutes {
        let [healthy, degraded, unhealthy] = one.ms.map(signed);
        row.execute(params![
            signed(one.minute),
            one.gateway_id,
            one.provider,
            healthy,
            degraded,
            unhealthy
        ])?;
    }
    Ok(minutes.len())
}

pub(super) fn between(
    connection: &Connection,
    (from, until): (u64, u64),
    step: u64,
) -> Result<Vec<HealthMinutes>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT minute / ?3 * ?3 AS begin, gateway_id, provider, SUM(healthy_ms), SUM(degraded_ms), SUM(unhealthy_ms)
         FROM health WHERE minute >= ?1 AND minute < ?2
         GROUP BY begin, gateway_id, provider ORDER BY begin, gateway_id, provider",
    )?;
    let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
    let bounds = params![signed(from), signed(until), signed(step.max(1))];
    let rows = statement.query_map(bounds, |row| {
        Ok(HealthMinutes {
            minute: unsigned(row.get(0)?),
            gateway_id: row.get(1)?,
            provider: row.get(2)?,
            ms: [
                unsigned(row.get(3)?),
                unsigned(row.get(4)?),
                unsigned(row.get(5)?),
            ],
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Removes what is older than a minute.
pub(super) fn forget_before(transaction: &Transaction<'_>, minute: u64) -> Result<(), StoreError> {
    transaction
        .prepare_cached("DELETE FROM health WHERE minute < ?1")?
        .execute([signed(minute)])?;
    Ok(())
}
