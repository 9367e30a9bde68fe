//! The two tokens of a collector: gateways deliver with one, people ask with the other.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The tokens. Neither does what the other does.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    /// For `POST /v1/events` and `GET /v1/control`.
    pub ingest: String,
    /// For everything else.
    pub api: String,
}

impl Tokens {
    /// Reads `ingest-token` and `api-token` from a folder; makes those that are not there, mode 0600.
    ///
    /// # Errors
    /// The folder cannot be read or written, or there is no random source.
    pub fn load_or_create(data_dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(data_dir)?;
        Ok(Self {
            ingest: load_or_create(&data_dir.join("ingest-token"), "kt_in_")?,
            api: load_or_create(&data_dir.join("api-token"), "kt_api_")?,
        })
    }
}

fn load_or_create(path: &Path, prefix: &str) -> io::Result<String> {
    let created = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match created {
        Ok(mut file) => {
            let token = format!("{prefix}{}", secret()?);
            file.write_all(token.as_bytes())?;
            file.sync_all()?;
            Ok(token)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let token = fs::read_to_string(path)?.trim().to_owned();
            if token.is_empty() {
                let message = format!("{} is empty: remove it", path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            Ok(token)
        }
        Err(error) => Err(error),
    }
}

/// 32 random bytes in 43 characters that need no escaping anywhere.
pub(crate) fn secret() -> io::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// 16 random bytes in hexadecimal digits, to tell things apart.
pub(crate) fn random_hex() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(events::key_hash_hex(&bytes))
}

/// HMAC-SHA256 of a text.
pub(crate) fn mac(secret: &[u8], text: &str) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        // HMAC takes keys of any length.
        return Vec::new();
    };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

// Tokens must not get into logs.
impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn are_made_once_and_only_for_their_owner() {
        let dir = tempfile::tempdir().unwrap();
        let tokens = Tokens::load_or_create(dir.path()).unwrap();
        assert_eq!(tokens, Tokens::load_or_create(dir.path()).unwrap());
        assert_ne!(tokens.ingest, tokens.api);
        for name in ["ingest-token", "api-token"] {
            let mode = fs::metadata(dir.path().join(name))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        fs::write(dir.path().join("api-token"), "\n").unwrap();
        assert!(Tokens::load_or_create(dir.path()).is_err());
    }
}
