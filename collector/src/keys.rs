//! Gateway keys in a store: hashes, never keys.

use serde::{Deserialize, Serialize};

use crate::api::ApiError;
use crate::budgets::EVERYBODY;
use crate::fleet;
use crate::key::{CreatedKey, KeyInfo, KeyLimit, KeyState, NewKey};
use crate::period;
use crate::records::{self, Records, Unreadable};
use crate::store::{RecordKind, Spender, Store, StoreError};

/// As it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredKey {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) prefix: String,
    pub(crate) sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) team: Option<String>,
    pub(crate) models: Option<Vec<String>>,
    pub(crate) requests_per_minute: Option<u32>,
    pub(crate) limit: Option<KeyLimit>,
    pub(crate) created_at_ms: u64,
    pub(crate) expires_at_ms: Option<u64>,
    pub(crate) revoked_at_ms: Option<u64>,
    /// Unix milliseconds of when the key itself was made anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rotated_at_ms: Option<u64>,
    /// The key itself before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) former: Option<FormerKey>,
}

/// What a key was before it was rotated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FormerKey {
    pub(crate) sha256: String,
    /// Unix milliseconds; from then on it opens no more.
    pub(crate) until_ms: u64,
}

/// How many keys may be in force: every gateway asks for all of them every second.
const MAX_KEYS_IN_FORCE: usize = 10_000;
/// A former key that opens for longer than that is no former key.
const MAX_GRACE_MS: u64 = 90 * 24 * 3_600 * 1_000;
/// Characters of a key that are shown to tell it from others: 6 of its 43 random ones.
const SHOWN: usize = events::KEY_PREFIX.len() + 6;

pub(crate) fn stored(store: &dyn Store) -> Result<Records<StoredKey>, StoreError> {
    records::all(store, RecordKind::Key, "name")
}

pub(crate) fn list(store: &dyn Store, now_ms: u64) -> Result<Vec<KeyInfo>, ApiError> {
    let Records {
        readable: mut keys,
        unreadable,
    } = stored(store)?;
    keys.sort_by(|a, b| (b.created_at_ms, &a.name, &a.id).cmp(&(a.created_at_ms, &b.name, &b.id)));
    let readable = keys
        .into_iter()
        .map(|key| Ok(info(store, now_ms, key)?))
        .collect::<Result<Vec<_>, ApiError>>()?;
    let unreadable = unreadable.into_iter().map(unreadable_info);
    // First, because something has to be done about them.
    Ok(unreadable.chain(readable).collect())
}

pub(crate) fn create(store: &dyn Store, now_ms: u64, new: &NewKey) -> Result<CreatedKey, ApiError> {
    records::check_name("name", &new.name)?;
    if let Some(team) = &new.team {
        records::check_name("team", team)?;
    }
    if let Some(limit) = new.limit {
        records::check_limit(limit.limit_usd)?;
    }
    if new.models.as_ref().is_some_and(Vec::is_empty) {
        return Err(ApiError::Invalid(
            "models: expected at least one group or model, or none for all, found an empty list"
                .to_owned(),
        ));
    }
    for model in new.models.iter().flatten() {
        records::check_name("models", model)?;
    }
    if new.requests_per_minute == Some(0) || new.expires_in_seconds == Some(0) {
        return Err(ApiError::Invalid(
            "requests_per_minute and expires_in_seconds: expected more than 0, found 0".to_owned(),
        ));
    }
    let active = |key: &&StoredKey| key.state(now_ms) == KeyState::Active;
    if stored(store)?.readable.iter().filter(active).count() >= MAX_KEYS_IN_FORCE {
        return Err(ApiError::Conflict(format!(
            "{MAX_KEYS_IN_FORCE} keys are in force: revoke one first"
        )));
    }
    let (key, prefix, sha256) = fresh()?;
    let stored = StoredKey {
        id: records::id_of("key_", sha256.as_bytes()),
        name: new.name.clone(),
        prefix,
        sha256,
        team: new.team.clone(),
        models: new.models.clone(),
        requests_per_minute: new.requests_per_minute,
        limit: new.limit,
        created_at_ms: now_ms,
        expires_at_ms: new
            .expires_in_seconds
            .map(|seconds| now_ms.saturating_add(seconds.saturating_mul(1_000))),
        revoked_at_ms: None,
        rotated_at_ms: None,
        former: None,
    };
    let name = new.name.clone();
    let has_the_name =
        move |other: &StoredKey| other.name == name && other.state(now_ms) == KeyState::Active;
    if !records::put_unless(store, RecordKind::Key, &stored.id, &stored, has_the_name)? {
        return Err(ApiError::Conflict(format!(
            "a key with the name {:?} is in force: revoke it first, or choose another name",
            new.name
        )));
    }
    let info = info(store, now_ms, stored)?;
    let models = info.models.clone().unwrap_or_default();
    let warnings = fleet::unknown_groups(store, &models)?;
    Ok(CreatedKey {
        key,
        info,
        warnings,
    })
}

/// A key, what is shown of it, and its hash.
fn fresh() -> Result<(String, String, String), ApiError> {
    let key = format!("{}{}", events::KEY_PREFIX, records::secret()?);
    let prefix = key.chars().take(SHOWN).collect();
    let sha256 = records::sha256_hex(key.as_bytes());
    Ok((key, prefix, sha256))
}

/// Makes the key itself anew; everything else of it stays, what it has spent too. What it was before opens for `grace_ms`
/// more, so that clients can change.
pub(crate) fn rotate(
    store: &dyn Store,
    now_ms: u64,
    id_or_name: &str,
    grace_ms: u64,
) -> Result<CreatedKey, ApiError> {
    if grace_ms > MAX_GRACE_MS {
        return Err(ApiError::Invalid(format!(
            "grace_seconds: expected at most {}, found {}",
            MAX_GRACE_MS / 1_000,
            grace_ms / 1_000
        )));
    }
    let is_meant = |key: &StoredKey| key.id == id_or_name || key.name == id_or_name;
    let keys = stored(store)?.readable;
    let in_force = |key: &&StoredKey| is_meant(key) && key.state(now_ms) == KeyState::Active;
    let Some(found) = keys.iter().find(in_force) else {
        return Err(if keys.iter().any(is_meant) {
            ApiError::Conflict(format!(
                "the key {id_or_name:?} is revoked or expired: make a new one"
            ))
        } else {
            ApiError::NotFound {
                what: "key",
                id: id_or_name.to_owned(),
            }
        });
    };
    let (key, prefix, sha256) = fresh()?;
    let stored = StoredKey {
        prefix,
        sha256,
        rotated_at_ms: Some(now_ms),
        former: (grace_ms > 0).then(|| FormerKey {
            sha256: found.sha256.clone(),
            until_ms: now_ms.saturating_add(grace_ms),
        }),
        ..found.clone()
    };
    records::put(store, RecordKind::Key, &stored.id, &stored)?;
    let info = info(store, now_ms, stored)?;
    let models = info.models.clone().unwrap_or_default();
    let warnings = fleet::unknown_groups(store, &models)?;
    Ok(CreatedKey {
        key,
        info,
        warnings,
    })
}

pub(crate) fn revoke(
    store: &dyn Store,
    now_ms: u64,
    id_or_name: &str,
) -> Result<KeyInfo, ApiError> {
    let Records {
        readable: keys,
        unreadable,
    } = stored(store)?;
    let of_name = |key: &&StoredKey| key.name == id_or_name && key.revoked_at_ms.is_none();
    let found = keys
        .iter()
        .find(|key| key.id == id_or_name)
        // An expired one may have the name of one in force, which is then meant.
        .or_else(|| {
            keys.iter()
                .filter(of_name)
                .max_by_key(|key| key.created_at_ms)
        });
    let mut key = match found {
        Some(found) => found.clone(),
        None => unreadable
            .into_iter()
            .find(|key| key.id == id_or_name || key.name == id_or_name)
            .map(StoredKey::in_place_of)
            .ok_or_else(|| ApiError::NotFound {
                what: "key",
                id: id_or_name.to_owned(),
            })?,
    };
    key.revoked_at_ms = key.revoked_at_ms.or(Some(now_ms));
    records::put(store, RecordKind::Key, &key.id, &key)?;
    Ok(info(store, now_ms, key)?)
}

impl StoredKey {
    /// What can be kept of a key whose record cannot be read: that there was one.
    fn in_place_of(unreadable: Unreadable) -> Self {
        Self {
            id: unreadable.id,
            name: unreadable.name,
            prefix: String::new(),
            sha256: String::new(),
            team: None,
            models: Some(Vec::new()),
            requests_per_minute: None,
            limit: None,
            created_at_ms: 0,
            expires_at_ms: None,
            revoked_at_ms: None,
            rotated_at_ms: None,
            former: None,
        }
    }

    /// What it was before it was rotated, while that opens.
    pub(crate) fn former(&self, now_ms: u64) -> Option<&FormerKey> {
        self.former
            .as_ref()
            .filter(|former| now_ms < former.until_ms)
    }

    pub(crate) fn state(&self, now_ms: u64) -> KeyState {
        if self.revoked_at_ms.is_some() {
            KeyState::Revoked
        } else if self.expires_at_ms.is_some_and(|end| end <= now_ms) {
            KeyState::Expired
        } else {
            KeyState::Active
        }
    }
}

fn info(store: &dyn Store, now_ms: u64, key: StoredKey) -> Result<KeyInfo, StoreError> {
    let spent = key.limit.map(|limit| {
        let days = period::around(limit.period, now_ms);
        store.spent(Spender::Key(&key.name), days, EVERYBODY)
    });
    Ok(KeyInfo {
        former_until_ms: key.former(now_ms).map(|former| former.until_ms),
        rotated_at_ms: key.rotated_at_ms,
        state: key.state(now_ms),
        id: key.id,
        name: key.name,
        prefix: key.prefix,
        team: key.team,
        models: key.models,
        requests_per_minute: key.requests_per_minute,
        limit: key.limit,
        spent_usd: spent
            .transpose()?
            .map(|spent| events::usd(spent.everywhere())),
        created_at_ms: key.created_at_ms,
        expires_at_ms: key.expires_at_ms,
        revoked_at_ms: key.revoked_at_ms,
        error: None,
    })
}

fn unreadable_info(key: Unreadable) -> KeyInfo {
    KeyInfo {
        id: key.id,
        name: key.name,
        prefix: String::new(),
        state: KeyState::Unreadable,
        team: None,
        models: Some(Vec::new()),
        requests_per_minute: None,
        limit: None,
        spent_usd: None,
        created_at_ms: 0,
        expires_at_ms: None,
        revoked_at_ms: None,
        rotated_at_ms: None,
        former_until_ms: None,
        error: Some(key.reason),
    }
}
