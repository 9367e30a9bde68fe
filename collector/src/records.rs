//! What people make, as records of a store: JSON in, JSON out.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::api::ApiError;
use crate::store::{Record, RecordKind, Store, StoreError};

/// All records of a kind. One that cannot be read takes no other down.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Records<T> {
    /// Those that can be read.
    pub(crate) readable: Vec<T>,
    /// Those that cannot: damaged, or written by a newer program.
    pub(crate) unreadable: Vec<Unreadable>,
}

/// A record that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// By which it can be removed.
    pub(crate) id: String,
    /// What stands where its name should be; may be empty.
    pub(crate) name: String,
    /// Why it cannot be read.
    pub(crate) reason: String,
}

/// All of a kind; `name_field` is where the JSON of this kind has a name for people.
pub(crate) fn all<T: DeserializeOwned>(
    store: &dyn Store,
    kind: RecordKind,
    name_field: &str,
) -> Result<Records<T>, StoreError> {
    let mut records = Records {
        readable: Vec::new(),
        unreadable: Vec::new(),
    };
    for record in store.records(kind)? {
        match serde_json::from_str(&record.json) {
            Ok(content) => records.readable.push(content),
            Err(error) => records.unreadable.push(Unreadable {
                name: text_member(&record.json, name_field),
                id: record.id,
                reason: error.to_string(),
            }),
        }
    }
    Ok(records)
}

fn text_member(json: &str, name: &str) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(json).ok();
    let member = value.as_ref().and_then(|value| value.get(name)?.as_str());
    member.unwrap_or_default().to_owned()
}

impl<T> Records<T> {
    /// There is none, readable or not.
    pub(crate) fn is_empty(&self) -> bool {
        self.readable.is_empty() && self.unreadable.is_empty()
    }
}

/// Writes one.
pub(crate) fn put<T: Serialize>(
    store: &dyn Store,
    kind: RecordKind,
    id: &str,
    content: &T,
) -> Result<(), ApiError> {
    Ok(store.put_record(kind, &record(id, content)?)?)
}

/// Writes one, unless one of those there is in its way; `false` if one was. What cannot be read is in nobody's way.
pub(crate) fn put_unless<T: Serialize + DeserializeOwned>(
    store: &dyn Store,
    kind: RecordKind,
    id: &str,
    content: &T,
    is_in_the_way: impl Fn(&T) -> bool + Send + 'static,
) -> Result<bool, ApiError> {
    let obstacle = move |other: &Record| {
        serde_json::from_str(&other.json).is_ok_and(|other| is_in_the_way(&other))
    };
    Ok(store.put_record_unless(kind, &record(id, content)?, Box::new(obstacle))?)
}

fn record<T: Serialize>(id: &str, content: &T) -> Result<Record, ApiError> {
    let json =
        serde_json::to_string(content).map_err(|error| ApiError::Invalid(error.to_string()))?;
    let id = id.to_owned();
    Ok(Record { id, json })
}

/// Removes one that must be there.
pub(crate) fn delete(
    store: &dyn Store,
    kind: RecordKind,
    what: &'static str,
    id: &str,
) -> Result<(), ApiError> {
    if store.delete_record(kind, id)? {
        Ok(())
    } else {
        let id = id.to_owned();
        Err(ApiError::NotFound { what, id })
    }
}

/// SHA-256 in lower-case hexadecimal digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    events::key_hash_hex(&Sha256::digest(bytes))
}

/// Prefix and 16 hexadecimal digits that say the same of the same content.
pub(crate) fn id_of(prefix: &str, content: &[u8]) -> String {
    let digits: String = sha256_hex(content).chars().take(16).collect();
    format!("{prefix}{digits}")
}

/// A secret for people to keep.
pub(crate) fn secret() -> Result<String, ApiError> {
    crate::tokens::secret()
        .map_err(|error| ApiError::Invalid(format!("there is no random source: {error}")))
}

/// An amount that can be a limit.
pub(crate) fn check_limit(limit_usd: f64) -> Result<(), ApiError> {
    // Above that, nano US dollars are not exact any more.
    const MOST: f64 = 9e6;
    if limit_usd > 0.0 && limit_usd <= MOST {
        Ok(())
    } else {
        Err(ApiError::Invalid(format!(
            "limit_usd: expected more than 0 and at most {MOST}, found {limit_usd}"
        )))
    }
}

/// A name that people and URLs can bear.
pub(crate) fn check_name(what: &str, name: &str) -> Result<(), ApiError> {
    let good = !name.is_empty() && name.len() <= 200 && !name.chars().any(char::is_control);
    if good {
        Ok(())
    } else {
        Err(ApiError::Invalid(format!(
            "{what}: expected 1 to 200 bytes without control characters, found {name:?}"
        )))
    }
}
