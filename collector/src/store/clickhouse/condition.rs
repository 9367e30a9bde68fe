//! A filter as ClickHouse's SQL. Only names from this file get into the text of a statement; values are bound.

use super::connection::Statement;
use crate::query::{Condition, EventFilter, EventKind, Field, FieldKind};

/// The conditions of a filter, to be joined by `AND`; `decisions_only` whatever its kind is.
pub(super) fn conditions(
    statement: &mut Statement,
    filter: &EventFilter,
    decisions_only: bool,
) -> Vec<String> {
    let mut all = Vec::new();
    match filter.kind {
        EventKind::HealthChanged if !decisions_only => all.push("is_decision = 0".to_owned()),
        EventKind::Any if !decisions_only => {}
        EventKind::Decision | EventKind::HealthChanged | EventKind::Any => {
            all.push("is_decision = 1".to_owned());
        }
    }
    for (moment, comparison) in [(filter.since, ">="), (filter.until, "<")] {
        if let Some(moment) = moment {
            let bound = statement.number(micros(moment));
            all.push(format!("ts {comparison} {bound}"));
        }
    }
    for (index, condition) in filter.conditions.iter().enumerate() {
        let same = |other: &&Condition| other.field == condition.field;
        if filter.conditions.iter().take(index).any(|one| same(&one)) {
            continue;
        }
        let alternatives: Vec<String> = filter
            .conditions
            .iter()
            .filter(same)
            .map(|one| alternative(statement, one.field, &one.value))
            .collect();
        all.push(format!("({})", alternatives.join(" OR ")));
    }
    all
}

/// As the column holds it.
pub(super) fn micros(moment: events::Timestamp) -> i64 {
    i64::try_from(moment.micros()).unwrap_or(i64::MAX)
}

/// Texts in columns: no text is the empty one.
fn column(field: Field) -> Option<&'static str> {
    match field {
        Field::Decision
        | Field::Model
        | Field::ModelGroup
        | Field::ResolvedModel
        | Field::Provider
        | Field::Vendor
        | Field::Tag
        | Field::Region
        | Field::Strategy
        | Field::KeyName
        | Field::Team
        | Field::GatewayId
        | Field::InstanceId => Some(field.name()),
        Field::Id
        | Field::RequestId
        | Field::Stream
        | Field::StatusCode
        | Field::ErrorCode
        | Field::IsError
        | Field::ClientGone
        | Field::FallbackCount
        | Field::FailoverTriggered
        | Field::FailoverOriginalProvider
        | Field::FailoverReason
        | Field::Simulated
        | Field::ConversationId
        | Field::ConfigVersion
        | Field::LatencyMs
        | Field::UpstreamLatencyMs
        | Field::TimeToFirstTokenMs
        | Field::TokensPrompt
        | Field::TokensCompletion
        | Field::TokensCached
        | Field::TokensTotal
        | Field::TokensEstimated
        | Field::Policy
        | Field::PolicyResult
        | Field::AttemptProvider
        | Field::AttemptReason
        | Field::PassedOverProvider
        | Field::PassedOverReason
        | Field::From
        | Field::To
        | Field::Reason => None,
    }
}

fn alternative(statement: &mut Statement, field: Field, value: &str) -> String {
    if field == Field::Id {
        let bound = statement.text(value);
        return format!("id = {bound}");
    }
    if field == Field::IsError {
        let bound = statement.number(i64::from(value == "true"));
        return format!("(decision != 'blocked' AND (status_code >= 400 OR is_broken)) = {bound}");
    }
    if let Some(column) = column(field) {
        let bound = statement.text(value);
        return format!("{column} = {bound}");
    }
    let name = match field {
        Field::FailoverTriggered => "failover.triggered",
        other => other.name(),
    };
    let path = name
        .split('.')
        .map(|part| format!("'{part}'"))
        .collect::<Vec<_>>()
        .join(", ");
    match field.kind() {
        FieldKind::Text => {
            let bound = statement.text(value);
            format!("JSONExtractString(json, {path}) = {bound}")
        }
        FieldKind::Flag => {
            let bound = statement.number(i64::from(value == "true"));
            format!("JSONExtractBool(json, {path}) = {bound}")
        }
        FieldKind::Number => {
            let number = format!("JSONExtract(json, {path}, 'Nullable(Int64)')");
            match value.parse() {
                Ok(wanted) => {
                    let bound = statement.number(wanted);
                    format!("ifNull({number} = {bound}, 0)")
                }
                Err(_) => format!("{number} IS NULL"),
            }
        }
        FieldKind::List => {
            let (list, member) = name.split_once('.').unwrap_or((name, ""));
            let bound = statement.text(value);
            let quantor = if value.is_empty() {
                "arrayAll"
            } else {
                "arrayExists"
            };
            format!(
                "{quantor}(x -> JSONExtractString(x, '{member}') = {bound}, JSONExtractArrayRaw(json, '{list}'))"
            )
        }
    }
}
