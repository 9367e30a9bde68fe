//! Answers to questions about events.

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use crate::query::{Dimension, Metric, Unit};

/// Some events.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct EventPage {
    /// Each as its gateway wrote it; `events::Event` reads it.
    pub data: Vec<Box<RawValue>>,
    /// Where to go on; `null` after the last page. When following there is always one.
    pub next_cursor: Option<String>,
}

/// Numbers, a row for each group.
#[derive(Debug, Clone, PartialEq)]
pub struct AggregateReport {
    /// What the rows are grouped by.
    pub group_by: Vec<Dimension>,
    /// The columns.
    pub metrics: Vec<Metric>,
    /// By time if grouped by time, else most requests first. Where there are more than were asked for: those with most
    /// requests, or the latest ones.
    pub rows: Vec<AggregateRow>,
    /// How many rows there are, those beyond the limit included.
    pub total_rows: usize,
}

/// The numbers of one group. In JSON: an object with the names of dimensions and metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct AggregateRow {
    /// Its value of each dimension; `None` for events without one.
    pub group: Vec<Option<String>>,
    /// Its value of each metric; `None` where there is nothing to compute it from, as a latency without requests.
    pub values: Vec<Option<f64>>,
}

// === impl AggregateReport ===

impl AggregateReport {
    /// There are more rows than were asked for.
    pub fn is_truncated(&self) -> bool {
        self.total_rows > self.rows.len()
    }

    fn row_json(&self, row: &AggregateRow) -> Map<String, Value> {
        let group = self
            .group_by
            .iter()
            .zip(&row.group)
            .map(|(dimension, value)| (dimension.name().to_owned(), Value::from(value.clone())));
        let values = self
            .metrics
            .iter()
            .zip(&row.values)
            .map(|(metric, value)| (metric.name().to_owned(), number(*metric, *value)));
        group.chain(values).collect()
    }
}

/// Counts and milliseconds are whole numbers.
fn number(metric: Metric, value: Option<f64>) -> Value {
    let Some(value) = value else {
        return Value::Null;
    };
    match metric.unit() {
        // Saturating, and below 2^53 in any real store.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Unit::Count | Unit::Millis => Value::from(value.round() as u64),
        Unit::Usd | Unit::Ratio => Number::from_f64(value).map_or(Value::Null, Value::Number),
    }
}

impl Serialize for AggregateReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows: Vec<_> = self.rows.iter().map(|row| self.row_json(row)).collect();
        let group_by: Vec<_> = self.group_by.iter().map(|one| one.name()).collect();
        let metrics: Vec<_> = self.metrics.iter().map(|one| one.name()).collect();
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("data", &rows)?;
        map.serialize_entry("group_by", &group_by)?;
        map.serialize_entry("metrics", &metrics)?;
        map.serialize_entry("truncated", &self.is_truncated())?;
        map.serialize_entry("total_rows", &self.total_rows)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for AggregateReport {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Wire {
            data: Vec<Map<String, Value>>,
            group_by: Vec<String>,
            metrics: Vec<String>,
            total_rows: Option<usize>,
        }
        let wire = Wire::deserialize(deserializer)?;
        let group_by: Vec<Dimension> = wire
            .group_by
            .iter()
            .map(|name| Dimension::parse(name))
            .collect::<Option<_>>()
            .ok_or_else(|| D::Error::custom("unknown dimension in a report"))?;
        let metrics: Vec<Metric> = wire
            .metrics
            .iter()
            .map(|name| Metric::parse(name))
            .collect::<Option<_>>()
            .ok_or_else(|| D::Error::custom("unknown metric in a report"))?;
        let rows: Vec<_> = wire
            .data
            .iter()
            .map(|row| AggregateRow {
                group: group_by
                    .iter()
                    .map(|one| {
                        row.get(one.name())
                            .and_then(Value::as_str)
                            .map(str::to_owned)
                    })
                    .collect(),
                values: metrics
                    .iter()
                    .map(|one| row.get(one.name()).and_then(Value::as_f64))
                    .collect(),
            })
            .collect();
        Ok(Self {
            group_by,
            metrics,
            total_rows: wire.total_rows.unwrap_or(rows.len()),
            rows,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_flat_objects_and_come_back_from_them() {
        let report = AggregateReport {
            group_by: vec![Dimension::Provider, Dimension::StatusCode],
            metrics: vec![Metric::RequestCount, Metric::LatencyP50, Metric::Cost],
            rows: vec![
                AggregateRow {
                    group: vec![Some("openai".into()), Some("200".into())],
                    values: vec![Some(3.0), Some(812.0), Some(0.25)],
                },
                AggregateRow {
                    group: vec![None, Some("404".into())],
                    values: vec![Some(1.0), None, Some(0.0)],
                },
            ],
            total_rows: 7,
        };
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(
            json["data"],
            json!([
                {"provider": "openai", "status_code": "200", "request_count": 3, "latency_p50": 812, "cost": 0.25},
                {"provider": null, "status_code": "404", "request_count": 1, "latency_p50": null, "cost": 0.0},
            ])
        );
        assert_eq!(json["truncated"], true);
        assert_eq!(
            serde_json::from_value::<AggregateReport>(json).unwrap(),
            report
        );
    }
}
