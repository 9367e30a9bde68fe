//! Statements over ClickHouse's HTTP interface. Values are parameters of the request, never part of the statement.

use std::time::Duration;

use serde::de::DeserializeOwned;
use ureq::Agent;

use crate::store::{ClickHouseLocation, StoreError};

/// A report over a large store takes its time.
const PATIENCE: Duration = Duration::from_secs(60);
const LARGEST_ANSWER: u64 = 256 << 20;

/// Talks to one database.
pub(super) struct Connection {
    location: ClickHouseLocation,
    agent: Agent,
}

/// A statement and its values.
#[derive(Debug, Default)]
pub(super) struct Statement {
    pub(super) sql: String,
    values: Vec<String>,
}

impl Statement {
    pub(super) fn new(sql: impl Into<String>) -> Self {
        Self {
            sql: sql.into(),
            values: Vec::new(),
        }
    }

    /// Binds a text, and gives its place in the statement.
    pub(super) fn text(&mut self, value: &str) -> String {
        // Parameters are read like tab-separated values.
        let mut escaped = String::with_capacity(value.len());
        for character in value.chars() {
            match character {
                '\\' => escaped.push_str("\\\\"),
                '\t' => escaped.push_str("\\t"),
                '\n' => escaped.push_str("\\n"),
                '\r' => escaped.push_str("\\r"),
                '\0' => escaped.push_str("\\0"),
                other => escaped.push(other),
            }
        }
        self.bind(escaped, "String")
    }

    /// Binds a whole number.
    pub(super) fn number(&mut self, value: i64) -> String {
        self.bind(value.to_string(), "Int64")
    }

    fn bind(&mut self, value: String, kind: &str) -> String {
        self.values.push(value);
        format!("{{p{}:{kind}}}", self.values.len() - 1)
    }
}

impl Connection {
    pub(super) fn new(location: &ClickHouseLocation) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .build();
        Self {
            location: location.clone(),
            agent: config.into(),
        }
    }

    /// Runs a statement without rows.
    pub(super) fn execute(&self, statement: &Statement) -> Result<(), StoreError> {
        self.send(Vec::new(), statement, statement.sql.as_bytes())
            .map(drop)
    }

    /// Inserts rows, one JSON object a line. Returns when they are stored.
    pub(super) fn insert(&self, table: &str, rows: &str) -> Result<(), StoreError> {
        let sql = format!("INSERT INTO {table} FORMAT JSONEachRow");
        let parameters = vec![
            ("query".to_owned(), sql),
            ("async_insert".to_owned(), "0".to_owned()),
        ];
        self.send(parameters, &Statement::default(), rows.as_bytes())
            .map(drop)
    }

    /// Reads rows as arrays of their columns.
    pub(super) fn rows<T: DeserializeOwned>(
        &self,
        statement: &Statement,
    ) -> Result<Vec<T>, StoreError> {
        let sql = format!("{} FORMAT JSONCompactEachRow", statement.sql);
        let quoting = "output_format_json_quote_64bit_integers".to_owned();
        let answer = self.send(vec![(quoting, "0".to_owned())], statement, sql.as_bytes())?;
        answer
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| {
                serde_json::from_slice(line).map_err(|error| {
                    StoreError::Damaged(format!(
                        "ClickHouse sent something else than asked for: {error}"
                    ))
                })
            })
            .collect()
    }

    fn send(
        &self,
        mut parameters: Vec<(String, String)>,
        statement: &Statement,
        body: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        parameters.push(("database".to_owned(), self.location.database.clone()));
        // An error after the first rows is an error, not half an answer.
        parameters.push(("wait_end_of_query".to_owned(), "1".to_owned()));
        for (number, value) in statement.values.iter().enumerate() {
            parameters.push((format!("param_p{number}"), value.clone()));
        }
        let unavailable = |reason: &dyn std::fmt::Display| {
            StoreError::Unavailable(format!(
                "ClickHouse at {}: {reason}",
                self.location.base_url
            ))
        };
        let mut answer = self
            .agent
            .post(format!("{}/", self.location.base_url))
            .query_pairs(parameters)
            .header("x-clickhouse-user", &self.location.user)
            .header("x-clickhouse-key", &self.location.password)
            .send(body)
            .map_err(|error| unavailable(&error))?;
        let status = answer.status();
        let body = answer
            .body_mut()
            .with_config()
            .limit(LARGEST_ANSWER)
            .read_to_vec()
            .map_err(|error| unavailable(&error))?;
        if status.is_success() {
            return Ok(body);
        }
        let text = String::from_utf8_lossy(&body);
        let first = text.lines().next().unwrap_or_default();
        let reason: String = first.chars().take(500).collect();
        Err(unavailable(&format_args!("{status}: {reason}")))
    }
}
