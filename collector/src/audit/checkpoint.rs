//! Which records there must be, signed.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::AuditError;
use super::record::Seal;

/// The trail goes on from `base` (nothing, or the last record that retention removed) at least to `head`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    base_number: u64,
    base_hash: String,
    head_number: u64,
    head_hash: String,
    /// The store that the last records are from. Trails of earlier versions do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    store_id: Option<String>,
    /// HMAC-SHA-256 of the rest.
    signature: String,
}

/// Signs checkpoints.
pub(super) struct Key(Vec<u8>);

impl Key {
    /// Reads `audit-key` from the data folder.
    pub(super) fn load(data_dir: &Path) -> Result<Option<Self>, AuditError> {
        let path = path_of_key(data_dir);
        match fs::read(&path) {
            Ok(bytes) if bytes.is_empty() => Err(AuditError::at(&path, "the key is empty")),
            Ok(bytes) => Ok(Some(Self(bytes))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(AuditError::at(&path, error)),
        }
    }

    /// A new one, not yet stored.
    pub(super) fn generate(data_dir: &Path) -> Result<Self, AuditError> {
        crate::tokens::secret()
            .map(|secret| Self(secret.into_bytes()))
            .map_err(|error| AuditError::at(data_dir, error))
    }

    /// Stores it whole, mode 0600, where none was before.
    pub(super) fn store(&self, data_dir: &Path) -> Result<(), AuditError> {
        let path = path_of_key(data_dir);
        let write = || {
            let beside = data_dir.join(format!("audit-key.{}", std::process::id()));
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&beside)?;
            file.write_all(&self.0)?;
            file.sync_all()?;
            // Unlike renaming, this replaces nothing.
            let stored = fs::hard_link(&beside, &path);
            fs::remove_file(&beside)?;
            stored
        };
        write().map_err(|error| AuditError::at(&path, error))
    }

    /// Tells this trail from every other, and tells nothing of the key.
    pub(super) fn trail_id(&self) -> Option<String> {
        let mac = self.mac("keeptrusts audit trail")?;
        let mut id = events::key_hash_hex(&mac.finalize().into_bytes());
        id.truncate(32);
        Some(id)
    }

    fn mac(&self, text: &str) -> Option<Hmac<Sha256>> {
        // HMAC takes keys of any length.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(text.as_bytes());
        Some(mac)
    }
}

fn path_of_key(data_dir: &Path) -> PathBuf {
    data_dir.join("audit-key")
}

fn path(folder: &Path) -> PathBuf {
    folder.join("checkpoint.json")
}

impl Checkpoint {
    pub(super) fn new(key: &Key, base: &Seal, head: &Seal, store_id: Option<&str>) -> Self {
        let mut checkpoint = Self {
            base_number: base.number,
            base_hash: base.hash.clone(),
            head_number: head.number,
            head_hash: head.hash.clone(),
            store_id: store_id.map(str::to_owned),
            signature: String::new(),
        };
        if let Some(mac) = key.mac(&checkpoint.signed()) {
            checkpoint.signature = events::key_hash_hex(&mac.finalize().into_bytes());
        }
        checkpoint
    }

    pub(super) fn base(&self) -> Seal {
        Seal {
            number: self.base_number,
            hash: self.base_hash.clone(),
        }
    }

    pub(super) fn head(&self) -> Seal {
        Seal {
            number: self.head_number,
            hash: self.head_hash.clone(),
        }
    }

    pub(super) fn store_id(&self) -> Option<&str> {
        self.store_id.as_deref()
    }

    /// Whether the one with the key wrote it.
    pub(super) fn is_signed_by(&self, key: &Key) -> bool {
        let Some(mac) = key.mac(&self.signed()) else {
            return false;
        };
        events::key_hash_hex(&mac.finalize().into_bytes()) == self.signature
    }

    fn signed(&self) -> String {
        let Self {
            base_number,
            base_hash,
            head_number,
            head_hash,
            store_id,
            signature: _,
        } = self;
        let range = format!("keeptrusts audit {base_number} {base_hash} {head_number} {head_hash}");
        match store_id {
            None => range,
            Some(store_id) => format!("{range} {store_id}"),
        }
    }

    /// `None` if there is none.
    pub(super) fn load(folder: &Path) -> Result<Option<Self>, AuditError> {
        let path = path(folder);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| AuditError::at(&path, error)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(AuditError::at(&path, error)),
        }
    }

    /// Writes it whole or not at all.
    pub(super) fn store(&self, folder: &Path) -> Result<(), AuditError> {
        let path = path(folder);
        let write = || {
            let json = serde_json::to_vec(self)?;
            let beside = folder.join("checkpoint.json.new");
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&beside)?;
            file.write_all(&json)?;
            file.sync_all()?;
            fs::rename(&beside, &path)
        };
        write().map_err(|error: std::io::Error| AuditError::at(&path, error))
    }
}
