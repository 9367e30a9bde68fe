//! Providers' keys: from the environment, or from files that only their owner can read.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use std::time::{Duration, SystemTime};

use policy::Credential;

use crate::files;
use crate::paths::Variables;

/// No header is longer.
const MOST_BYTES: usize = 64 * 1024;
/// How long somebody may take to write a key file.
const SETTLES_WITHIN: Duration = Duration::from_secs(2);

/// A provider's key. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key(String);

/// A key as it was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) key: Key,
    /// Its file was written just now, and may still be.
    pub(crate) is_fresh: bool,
}

/// Where keys come from.
#[derive(Clone)]
pub(crate) struct Secrets<'a> {
    /// Folder of `secret_key_ref.store`.
    pub(crate) folder: PathBuf,
    /// The environment.
    pub(crate) variables: Variables<'a>,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// `secret_key_ref.env`
    #[error("environment variable {0} is not set")]
    NoVariable(String),
    /// `secret_key_ref.store`
    #[error("no file {file} and no environment variable {name}", file = .file.display())]
    NoFile { file: PathBuf, name: String },
    /// A name such as `../x`.
    #[error("store name {0:?} is not a file name")]
    NotAName(String),
    /// There, but not readable.
    #[error("cannot read {file}: {source}", file = .file.display())]
    Unreadable { file: PathBuf, source: io::Error },
    /// Would end the header and begin another.
    #[error("the key in {0} is empty or holds characters that no HTTP header can carry")]
    NotAHeaderValue(String),
}

impl KeyError {
    /// There is nothing, rather than something that is no key.
    pub(crate) fn is_absence(&self) -> bool {
        match self {
            Self::NoVariable(_) | Self::NoFile { .. } => true,
            Self::NotAName(_) | Self::Unreadable { .. } | Self::NotAHeaderValue(_) => false,
        }
    }
}

impl Key {
    pub(crate) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The key itself, for the one file that Envoy reads.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Secrets<'_> {
    /// The key of `credential`; `Ok(None)` where none is needed.
    pub(crate) fn key(&self, credential: &Credential) -> Result<Option<Key>, KeyError> {
        Ok(self.find(credential)?.map(|found| found.key))
    }

    /// The same, with what is known of how it got there.
    pub(crate) fn find(&self, credential: &Credential) -> Result<Option<Found>, KeyError> {
        match credential {
            Credential::None => Ok(None),
            Credential::Env(name) => match (self.variables)(name) {
                Some(value) => of_variable(&value, name).map(Some),
                None => Err(KeyError::NoVariable(name.clone())),
            },
            Credential::Store(name) => self.stored(name).map(Some),
        }
    }

    /// Whether the file of `credential` can be read by others than its owner; the file and its mode then.
    pub(crate) fn exposed_file(&self, credential: &Credential) -> Option<(PathBuf, u32)> {
        let Credential::Store(name) = credential else {
            return None;
        };
        let file = self.file(name).ok()?;
        let mode = fs::metadata(&file).ok()?.permissions().mode() & 0o777;
        (mode & 0o077 != 0).then_some((file, mode))
    }

    fn stored(&self, name: &str) -> Result<Found, KeyError> {
        let file = self.file(name)?;
        match files::read_text(&file, MOST_BYTES) {
            Ok(content) => Ok(Found {
                key: checked(&content, &file.display().to_string())?,
                is_fresh: is_fresh(&file),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match (self.variables)(name) {
                Some(value) => of_variable(&value, name),
                None => Err(KeyError::NoFile {
                    file,
                    name: name.to_owned(),
                }),
            },
            Err(source) => Err(KeyError::Unreadable { file, source }),
        }
    }

    fn file(&self, name: &str) -> Result<PathBuf, KeyError> {
        let mut components = Path::new(name).components();
        match (components.next(), components.next()) {
            (Some(Component::Normal(_)), None) => Ok(self.folder.join(name)),
            _ => Err(KeyError::NotAName(name.to_owned())),
        }
    }
}

/// Variables do not change.
fn of_variable(value: &str, name: &str) -> Result<Found, KeyError> {
    Ok(Found {
        key: checked(value, name)?,
        is_fresh: false,
    })
}

/// Written within the last seconds, or at a time that has not come yet.
fn is_fresh(file: &Path) -> bool {
    let modified = fs::metadata(file).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|time| {
        time.elapsed().is_ok_and(|age| age < SETTLES_WITHIN) || time > SystemTime::now()
    })
}

/// Editors and `echo` end files with a line break that is not part of the key.
fn checked(value: &str, place: &str) -> Result<Key, KeyError> {
    let key = value.trim();
    if key.is_empty()
        || !key
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic())
    {
        return Err(KeyError::NotAHeaderValue(place.to_owned()));
    }
    Ok(Key(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("kt-secrets-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_file_goes_before_a_variable_and_its_line_break_is_not_part_of_the_key() {
        let folder = scratch("order");
        fs::write(folder.join("BOTH"), "sk-file\n").unwrap();
        fs::write(folder.join("BROKEN"), "sk\r\nx-admin: 1").unwrap();
        fs::write(folder.join("EMPTY"), "\n").unwrap();
        let variables =
            |name: &str| matches!(name, "BOTH" | "ONLY_VARIABLE").then(|| "sk-variable".to_owned());
        let secrets = Secrets {
            folder: folder.clone(),
            variables: &variables,
        };
        let key = |credential: Credential| match secrets.key(&credential) {
            Ok(key) => Ok(key.map(|key| key.expose().to_owned())),
            Err(error) => Err(error.to_string()),
        };
        let store = |name: &str| key(Credential::Store(name.into()));
        assert_eq!(store("BOTH").unwrap().unwrap(), "sk-file");
        assert_eq!(store("ONLY_VARIABLE").unwrap().unwrap(), "sk-variable");
        assert_eq!(
            key(Credential::Env("BOTH".into())).unwrap().unwrap(),
            "sk-variable"
        );
        assert_eq!(key(Credential::None), Ok(None));
        assert!(
            key(Credential::Env("NONE".into()))
                .unwrap_err()
                .contains("NONE is not set")
        );
        assert!(
            store("NONE")
                .unwrap_err()
                .contains("no environment variable NONE")
        );
        assert!(
            store("BROKEN")
                .unwrap_err()
                .contains("no HTTP header can carry")
        );
        assert!(store("EMPTY").unwrap_err().contains("is empty"));
        for name in ["../BOTH", "/etc/passwd", "a/b", "..", ""] {
            assert!(
                store(name).unwrap_err().contains("not a file name"),
                "{name}"
            );
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_that_others_can_read_is_noticed() {
        let folder = scratch("mode");
        let secrets = Secrets {
            folder: folder.clone(),
            variables: &|_| None,
        };
        for (name, mode) in [("OPEN", 0o644), ("CLOSED", 0o600)] {
            fs::write(folder.join(name), "sk").unwrap();
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        let exposed = |name: &str| secrets.exposed_file(&Credential::Store(name.into()));
        assert_eq!(exposed("OPEN").unwrap().1, 0o644);
        assert_eq!(exposed("CLOSED"), None);
        assert_eq!(exposed("ABSENT"), None);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(format!("{:?}", Key("sk-secret".into())), "Key(..)");
    }
}
