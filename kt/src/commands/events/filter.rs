//! Options that say which events count.

use clap::Args;
use collector::{Condition, EventFilter, EventKind, parse_time};
use events::Timestamp;

use crate::commands::Failure;

#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// Only events whose FIELD is VALUE, as `model=reliable-chat` or `failover.triggered=true`. Again for more: other
    /// fields must hold too, the same field is an alternative; no VALUE is null
    #[arg(long = "filter", value_name = "FIELD=VALUE")]
    filters: Vec<String>,
    /// Not before: 30m, 24h, 7d, 2w ago, a day (2026-11-21) or a time in UTC (2026-11-21T13:37:00Z)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before: the same
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl FilterArgs {
    /// What the options say at the time `now`, with `default_since` where nothing else was said.
    pub(crate) fn filter(
        &self,
        default_since: Option<&str>,
        now: Timestamp,
    ) -> Result<EventFilter, Failure> {
        let mut filter = EventFilter::default();
        if let Some(since) = self.since.as_deref().or(default_since) {
            filter.since =
                Some(parse_time(since, now).map_err(|error| format!("--since: {error}"))?);
        }
        if let Some(until) = &self.until {
            filter.until =
                Some(parse_time(until, now).map_err(|error| format!("--until: {error}"))?);
        }
        for text in &self.filters {
            let (name, value) = text
                .split_once('=')
                .ok_or_else(|| format!("--filter: expected FIELD=VALUE, found {text:?}"))?;
            let (name, value) = (name.trim(), value.trim());
            if name == "event_type" {
                filter.kind = EventKind::parse(value).ok_or_else(|| {
                    format!("--filter: event_type is decision, gateway.health_changed or any, found {value:?}")
                })?;
                continue;
            }
            let condition =
                Condition::try_new(name, value).map_err(|error| format!("--filter: {error}"))?;
            filter.conditions.push(condition);
        }
        Ok(filter)
    }
}

/// The present, by the system's clock.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let micros = since.map_or(0, |since| since.as_micros());
    Timestamp::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use collector::Field;

    fn filter(filters: &[&str], since: Option<&str>) -> Result<EventFilter, String> {
        let args = FilterArgs {
            filters: filters.iter().map(|&text| text.to_owned()).collect(),
            since: since.map(str::to_owned),
            until: None,
        };
        args.filter(Some("1d"), Timestamp::from_millis(86_400_000 * 10))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn fields_and_members_of_fields() {
        let found = filter(
            &[
                "model=reliable-chat",
                "failover.triggered=true",
                "failover=true",
                "tag=",
            ],
            None,
        )
        .unwrap();
        let fields: Vec<(Field, &str)> = found
            .conditions
            .iter()
            .map(|condition| (condition.field, condition.value.as_str()))
            .collect();
        assert_eq!(
            fields,
            [
                (Field::Model, "reliable-chat"),
                (Field::FailoverTriggered, "true"),
                (Field::FailoverTriggered, "true"),
                (Field::Tag, ""),
            ]
        );
        assert_eq!(found.since, Some(Timestamp::from_millis(86_400_000 * 9)));
        let health = filter(&["event_type=gateway.health_changed"], Some("7d")).unwrap();
        assert_eq!(health.kind, EventKind::HealthChanged);
        assert_eq!(health.since, Some(Timestamp::from_millis(86_400_000 * 3)));
    }

    #[test]
    fn mistakes_are_one_line_that_says_where() {
        for (filters, since, part) in [
            (
                vec!["model"],
                None,
                "--filter: expected FIELD=VALUE, found \"model\"",
            ),
            (vec!["modle=x"], None, "\"modle\""),
            (vec!["status_code=ok"], None, "status_code"),
            (vec!["event_type=x"], None, "event_type"),
            (vec![], Some("yesterday"), "--since: "),
        ] {
            let error = filter(&filters, since).unwrap_err();
            assert!(error.contains(part) && !error.contains('\n'), "{error}");
        }
    }
}
