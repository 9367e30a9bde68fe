//! A filter as SQL. Only names from tables in this file get into the text of a statement; values are bound.

use rusqlite::types::Value;

use crate::query::{EventFilter, EventKind, Field, FieldKind};

/// `WHERE` clause and its values.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    clauses: Vec<String>,
    values: Vec<Value>,
    /// The text of the event is needed.
    pub(super) reads_text: bool,
    /// A row for each attempt.
    pub(super) joins_attempts: bool,
}

/// Where a field is.
enum Place {
    /// In a column of `event`.
    Column(&'static str),
    /// In the text, by its path.
    Text(&'static str),
    /// In each member of a list in the text: the list's path, the member's.
    Member(&'static str, &'static str),
    /// The id.
    Id,
}

fn place(field: Field) -> Place {
    use Place::{Column, Id, Member, Text};
    match field {
        Field::Id => Id,
        Field::Decision => Column("decision"),
        Field::Model => Column("model"),
        Field::ModelGroup => Column("model_group"),
        Field::ResolvedModel => Column("resolved_model"),
        Field::Provider => Column("provider"),
        Field::Vendor => Column("vendor"),
        Field::Tag => Column("tag"),
        Field::Region => Column("region"),
        Field::Strategy => Column("strategy"),
        Field::StatusCode => Column("status_code"),
        Field::FailoverTriggered => Column("failover"),
        Field::IsError => {
            Column("(decision IS NOT 'blocked' AND (COALESCE(status_code, 0) >= 400 OR is_broken))")
        }
        Field::KeyName => Column("key_name"),
        Field::Team => Column("team"),
        Field::Simulated => Column("is_simulated"),
        Field::GatewayId => Column("gateway_id"),
        Field::InstanceId => Column("instance_id"),
        Field::LatencyMs => Column("latency_ms"),
        Field::TimeToFirstTokenMs => Column("ttft_ms"),
        Field::RequestId => Text("$.request_id"),
        Field::Stream => Text("$.stream"),
        Field::ErrorCode => Text("$.error_code"),
        Field::ClientGone => Text("$.client_gone"),
        Field::FallbackCount => Text("$.fallback_count"),
        Field::FailoverOriginalProvider => Text("$.failover.original_provider"),
        Field::FailoverReason => Text("$.failover.reason"),
        Field::ConversationId => Text("$.conversation_id"),
        Field::ConfigVersion => Text("$.config_version"),
        Field::UpstreamLatencyMs => Text("$.upstream_latency_ms"),
        // Not the columns: there, no tokens are 0.
        Field::TokensPrompt => Text("$.tokens.prompt"),
        Field::TokensCompletion => Text("$.tokens.completion"),
        Field::TokensCached => Text("$.tokens.cached"),
        Field::TokensTotal => Text("$.tokens.total"),
        Field::TokensEstimated => Text("$.tokens.estimated"),
        Field::Policy => Member("$.policies_evaluated", "$.name"),
        Field::PolicyResult => Member("$.policies_evaluated", "$.result"),
        Field::AttemptProvider => Member("$.attempts", "$.provider"),
        Field::AttemptReason => Member("$.attempts", "$.reason"),
        Field::PassedOverProvider => Member("$.passed_over", "$.provider"),
        Field::PassedOverReason => Member("$.passed_over", "$.reason"),
        Field::From => Text("$.from"),
        Field::To => Text("$.to"),
        Field::Reason => Text("$.reason"),
    }
}

impl Conditions {
    /// Of a filter; `decisions_only` whatever its kind is.
    pub(super) fn of(filter: &EventFilter, decisions_only: bool) -> Self {
        let mut all = Self::default();
        match filter.kind {
            EventKind::HealthChanged if !decisions_only => all.add("is_decision = 0"),
            EventKind::Any if !decisions_only => {}
            EventKind::Decision | EventKind::HealthChanged | EventKind::Any => {
                all.add("is_decision = 1");
            }
        }
        for (moment, comparison) in [(filter.since, ">="), (filter.until, "<")] {
            if let Some(moment) = moment {
                let bound = all.bind(Value::Integer(micros(moment)));
                all.add(&format!("ts {comparison} {bound}"));
            }
        }
        for (index, condition) in filter.conditions.iter().enumerate() {
            let field = condition.field;
            let is_of_field = |other: &&crate::query::Condition| other.field == field;
            if filter
                .conditions
                .iter()
                .take(index)
                .any(|one| one.field == field)
            {
                continue;
            }
            let alternatives: Vec<String> = filter
                .conditions
                .iter()
                .filter(is_of_field)
                .map(|one| all.alternative(field, &one.value))
                .collect();
            all.add(&format!("({})", alternatives.join(" OR ")));
        }
        all
    }

    /// Adds a clause.
    pub(super) fn add(&mut self, clause: &str) {
        self.clauses.push(clause.to_owned());
    }

    /// Binds a value, and gives its place in the text.
    pub(super) fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("?{}", self.values.len())
    }

    /// The `FROM` and `WHERE` of a statement; with `text`, `event_text` is joined even if no condition needs it.
    pub(super) fn sources(&self, text: bool) -> String {
        self.with_sources("event", text)
    }

    /// The same for a report over so much that an index would be a detour, over the rows on one side of a row.
    pub(super) fn scan(&mut self, comparison: &str, row: i64) -> String {
        let bound = self.bind(Value::Integer(row));
        self.add(&format!("event.seq {comparison} {bound}"));
        self.with_sources("event NOT INDEXED", false)
    }

    fn with_sources(&self, event: &str, text: bool) -> String {
        let mut sql = format!("FROM {event}");
        if text || self.reads_text {
            sql.push_str(" JOIN event_text USING (seq)");
        }
        if self.joins_attempts {
            sql.push_str(" JOIN attempt USING (seq)");
        }
        sql.push_str(&self.wherever());
        sql
    }

    /// The `WHERE` of a statement, if there is any.
    pub(super) fn wherever(&self) -> String {
        if self.clauses.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", self.clauses.join(" AND "))
        }
    }

    /// The values, in order.
    pub(super) fn values(&self) -> impl rusqlite::Params + '_ {
        rusqlite::params_from_iter(self.values.iter())
    }

    fn alternative(&mut self, field: Field, value: &str) -> String {
        let expression = match place(field) {
            Place::Id => {
                return match events::EventId::parse(value) {
                    Some(id) => {
                        let bound = self.bind(Value::Blob(id.to_bytes().to_vec()));
                        format!("id = {bound}")
                    }
                    None => "0".to_owned(),
                };
            }
            Place::Column(name) => name.to_owned(),
            Place::Text(path) => {
                self.reads_text = true;
                format!("json_extract(event_text.json, '{path}')")
            }
            Place::Member(list, member) => {
                self.reads_text = true;
                let inside = format!("json_extract(member.value, '{member}')");
                // `json` alone would be a hidden column of `json_each`.
                let members = format!("FROM json_each(event_text.json, '{list}') AS member");
                return if value.is_empty() {
                    format!("NOT EXISTS (SELECT 1 {members} WHERE {inside} IS NOT NULL)")
                } else {
                    let bound = self.bind(Value::Text(value.to_owned()));
                    format!("EXISTS (SELECT 1 {members} WHERE {inside} = {bound})")
                };
            }
        };
        if value.is_empty() {
            return format!("({expression} IS NULL OR {expression} = '')");
        }
        match field.kind() {
            FieldKind::Flag => {
                let bound = self.bind(Value::Integer(i64::from(value == "true")));
                format!("COALESCE({expression}, 0) = {bound}")
            }
            FieldKind::Number => match value.parse() {
                Ok(number) => {
                    let bound = self.bind(Value::Integer(number));
                    format!("{expression} = {bound}")
                }
                Err(_) => "0".to_owned(),
            },
            FieldKind::Text | FieldKind::List => {
                let bound = self.bind(Value::Text(value.to_owned()));
                format!("{expression} = {bound}")
            }
        }
    }
}

/// As the column holds it.
pub(super) fn micros(moment: events::Timestamp) -> i64 {
    i64::try_from(moment.micros()).unwrap_or(i64::MAX)
}
