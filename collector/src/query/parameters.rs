//! Queries as parameters of a URL, read by the server and written by the client.

use events::Timestamp;

use super::{
    AggregateQuery, CompareQuery, Condition, Cursor, Dimension, EventFilter, EventKind, EventQuery,
    Field, InvalidCursor, InvalidTime, Metric, Order, parse_time,
};

/// A question that cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuery {
    /// Nothing has this name.
    #[error("no event field or parameter has the name {found:?}; fields are {fields}", fields = names(Field::ALL, Field::name))]
    UnknownField {
        /// What was asked for.
        found: String,
    },
    /// Nothing can be grouped by this.
    #[error("cannot group by {found:?}; expected {dimensions}", dimensions = names(&Dimension::ALL, Dimension::name))]
    UnknownDimension {
        /// What was asked for.
        found: String,
    },
    /// No such number.
    #[error("there is no metric {found:?}; expected {metrics}", metrics = names(Metric::ALL, Metric::name))]
    UnknownMetric {
        /// What was asked for.
        found: String,
    },
    /// A parameter has a value that it cannot have.
    #[error("{parameter}: expected {expected}, found {found:?}")]
    BadValue {
        /// Its name.
        parameter: String,
        /// What it may be.
        expected: &'static str,
        /// What it was.
        found: String,
    },
    /// A store works on each of them.
    #[error("expected at most {most} conditions on fields, found more")]
    TooManyConditions {
        /// What is allowed.
        most: usize,
    },
    /// `since` or `until`.
    #[error("{0}")]
    Time(#[from] InvalidTime),
    /// `cursor`.
    #[error("{0}")]
    Cursor(#[from] InvalidCursor),
}

fn names<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> String {
    all.iter()
        .map(|&one| name(one))
        .collect::<Vec<_>>()
        .join(", ")
}

/// What a URL asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Events.
    Events(EventQuery),
    /// Numbers.
    Aggregate(AggregateQuery),
    /// New events as they come; how many seconds to wait for the first one.
    Follow(EventQuery, u64),
}

/// Conditions of one question.
const MAX_CONDITIONS: usize = 200;

/// The longest that a follower is kept waiting, in seconds: proxies between cut connections that are silent.
pub(crate) const LONGEST_WAIT_SECONDS: u64 = 50;

/// Reads the parameters of `GET /v1/events`.
pub(crate) fn read<'a>(
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    now: Timestamp,
) -> Result<Asked, InvalidQuery> {
    let mut query = EventQuery::default();
    let mut limit = None;
    let mut group_by = Vec::new();
    let mut metrics = Vec::new();
    let mut follow = false;
    let mut wait = 0;
    for (name, value) in pairs {
        match name {
            "group_by" => group_by.extend(dimensions(value)?),
            "metrics" => {
                for found in list(value) {
                    metrics.push(Metric::parse(found).ok_or_else(|| {
                        InvalidQuery::UnknownMetric {
                            found: found.to_owned(),
                        }
                    })?);
                }
            }
            "limit" => limit = Some(number(name, value)?),
            "cursor" => query.cursor = Some(Cursor::parse(value)?),
            "follow" => follow = flag(name, value)?,
            "wait" => wait = number::<u64>(name, value)?.min(LONGEST_WAIT_SECONDS),
            "order" => {
                query.order = match value {
                    "asc" => Order::OldestFirst,
                    "desc" => Order::NewestFirst,
                    _ => return Err(bad(name, "asc or desc", value)),
                }
            }
            _ => filter_parameter(&mut query.filter, name, value, now)?,
        }
    }
    if !group_by.is_empty() || !metrics.is_empty() {
        return Ok(Asked::Aggregate(AggregateQuery {
            filter: query.filter,
            group_by,
            metrics,
            limit,
        }));
    }
    query.limit = limit.unwrap_or(query.limit);
    Ok(if follow {
        Asked::Follow(query, wait)
    } else {
        Asked::Events(query)
    })
}

/// Reads the parameters of `GET /v1/compare`.
pub(crate) fn read_comparison<'a>(
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    now: Timestamp,
) -> Result<CompareQuery, InvalidQuery> {
    let mut query = CompareQuery::default();
    for (name, value) in pairs {
        match name {
            "by" => query.by = dimensions(value)?,
            _ => filter_parameter(&mut query.filter, name, value, now)?,
        }
    }
    Ok(query)
}

fn filter_parameter(
    filter: &mut EventFilter,
    name: &str,
    value: &str,
    now: Timestamp,
) -> Result<(), InvalidQuery> {
    match name {
        "since" => filter.since = Some(parse_time(value, now)?),
        "until" => filter.until = Some(parse_time(value, now)?),
        "event_type" => {
            filter.kind = EventKind::parse(value)
                .ok_or_else(|| bad(name, "decision, gateway.health_changed or any", value))?;
        }
        _ if filter.conditions.len() >= MAX_CONDITIONS => {
            return Err(InvalidQuery::TooManyConditions {
                most: MAX_CONDITIONS,
            });
        }
        _ => filter.conditions.push(Condition::try_new(name, value)?),
    }
    Ok(())
}

impl Condition {
    /// From `name` and `value` as people write them.
    ///
    /// # Errors
    /// No field has this name, or it cannot have this value.
    pub fn try_new(name: &str, value: &str) -> Result<Self, InvalidQuery> {
        let field = Field::parse(name).ok_or_else(|| InvalidQuery::UnknownField {
            found: name.to_owned(),
        })?;
        match field.kind() {
            super::FieldKind::Number if !value.is_empty() => {
                number::<i64>(name, value)?;
            }
            super::FieldKind::Flag => {
                flag(name, value)?;
            }
            _ => {}
        }
        Ok(Self {
            field,
            value: value.to_owned(),
        })
    }
}

impl EventFilter {
    /// The parameters that say this.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        pairs.extend(self.since.map(|since| ("since", since.to_string())));
        pairs.extend(self.until.map(|until| ("until", until.to_string())));
        if self.kind != EventKind::default() {
            pairs.push(("event_type", self.kind.name().to_owned()));
        }
        for condition in &self.conditions {
            pairs.push((condition.field.name(), condition.value.clone()));
        }
        pairs
    }
}

impl EventQuery {
    /// The parameters that say this.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut pairs = self.filter.parameters();
        pairs.push(("limit", self.limit.to_string()));
        if self.order == Order::OldestFirst {
            pairs.push(("order", "asc".to_owned()));
        }
        pairs.extend(
            self.cursor
                .as_ref()
                .map(|cursor| ("cursor", cursor.to_string())),
        );
        pairs
    }
}

impl AggregateQuery {
    /// The parameters that say this.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut pairs = self.filter.parameters();
        if !self.group_by.is_empty() {
            pairs.push(("group_by", names(&self.group_by, Dimension::name)));
        }
        let metrics = if self.metrics.is_empty() {
            &Metric::USUAL[..]
        } else {
            &self.metrics
        };
        pairs.push(("metrics", names(metrics, Metric::name)));
        pairs.extend(self.limit.map(|limit| ("limit", limit.to_string())));
        pairs
    }
}

impl CompareQuery {
    /// The parameters that say this.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut pairs = self.filter.parameters();
        pairs.push(("by", names(&self.by, Dimension::name)));
        pairs
    }
}

fn dimensions(value: &str) -> Result<Vec<Dimension>, InvalidQuery> {
    list(value)
        .map(|found| {
            Dimension::parse(found).ok_or_else(|| InvalidQuery::UnknownDimension {
                found: found.to_owned(),
            })
        })
        .collect()
}

/// The members of a list with commas.
fn list(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(',')
        .map(str::trim)
        .filter(|one| !one.is_empty())
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, InvalidQuery> {
    value
        .parse()
        .map_err(|_| bad(name, "a whole number", value))
}

fn flag(name: &str, value: &str) -> Result<bool, InvalidQuery> {
    value.parse().map_err(|_| bad(name, "true or false", value))
}

fn bad(parameter: &str, expected: &'static str, found: &str) -> InvalidQuery {
    InvalidQuery::BadValue {
        parameter: parameter.to_owned(),
        expected,
        found: found.to_owned(),
    }
}
