//! Which store, as a URL says it.

use std::path::{Path, PathBuf};

/// Where events are kept.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreLocation {
    /// `sqlite:PATH`: a file of its own.
    Sqlite(PathBuf),
    /// `clickhouse://user:password@host:port/database`: over HTTP; `clickhouses://` over HTTPS.
    ClickHouse(ClickHouseLocation),
}

/// A ClickHouse server.
#[derive(Clone, PartialEq, Eq)]
pub struct ClickHouseLocation {
    /// `http://host:port` or `https://host:port`.
    pub base_url: String,
    /// Its user; `default` unless named.
    pub user: String,
    /// Its password; may be empty.
    pub password: String,
    /// Its database, which must exist; `default` unless named.
    pub database: String,
}

/// A text that names no store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected sqlite:PATH or clickhouse://user:password@host:port/database, found a location that begins with {0:?}"
)]
pub struct InvalidLocation(pub String);

impl StoreLocation {
    /// The store of a data folder.
    pub fn below(data_dir: &Path) -> Self {
        Self::Sqlite(data_dir.join("events.db"))
    }

    /// Reads a URL.
    ///
    /// # Errors
    /// Another scheme, or a part is missing.
    pub fn parse(url: &str) -> Result<Self, InvalidLocation> {
        // Not more of it: there may be a password further on.
        let invalid = || InvalidLocation(url.chars().take_while(|&c| c != ':').collect());
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() {
                Err(invalid())
            } else {
                Ok(Self::Sqlite(PathBuf::from(path)))
            };
        }
        let (scheme, default_port, rest) = if let Some(rest) = url.strip_prefix("clickhouse://") {
            ("http", "8123", rest)
        } else if let Some(rest) = url.strip_prefix("clickhouses://") {
            ("https", "8443", rest)
        } else {
            return Err(invalid());
        };
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (user_info, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(invalid());
        }
        let with_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
        let port = if with_port {
            String::new()
        } else {
            format!(":{default_port}")
        };
        let or_default = |text: &str| {
            let text = percent_decoded(text);
            if text.is_empty() {
                "default".to_owned()
            } else {
                text
            }
        };
        Ok(Self::ClickHouse(ClickHouseLocation {
            base_url: format!("{scheme}://{host}{port}"),
            user: or_default(user),
            password: percent_decoded(password),
            database: or_default(database),
        }))
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let decoded = match (first, tail) {
            (b'%', [high, low, after @ ..]) => std::str::from_utf8(&[*high, *low])
                .ok()
                .and_then(|digits| u8::from_str_radix(digits, 16).ok())
                .map(|byte| (byte, after)),
            _ => None,
        };
        let (byte, after) = decoded.unwrap_or((*first, tail));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Without the password.
impl std::fmt::Debug for StoreLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::ClickHouse(location) => write!(f, "{location:?}"),
        }
    }
}

/// Without the password.
impl std::fmt::Debug for ClickHouseLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "ClickHouse at {}, database {}",
            self.base_url, self.database
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clickhouse(base_url: &str, user: &str, password: &str, database: &str) -> StoreLocation {
        StoreLocation::ClickHouse(ClickHouseLocation {
            base_url: base_url.into(),
            user: user.into(),
            password: password.into(),
            database: database.into(),
        })
    }

    #[test]
    fn urls_of_both_stores() {
        for (url, expected) in [
            (
                "sqlite:events.db",
                StoreLocation::Sqlite("events.db".into()),
            ),
            (
                "sqlite:///var/lib/e.db",
                StoreLocation::Sqlite("/var/lib/e.db".into()),
            ),
            (
                "clickhouse://h",
                clickhouse("http://h:8123", "default", "", "default"),
            ),
            (
                "clickhouse://u:p%40ss@h:9000/d",
                clickhouse("http://h:9000", "u", "p@ss", "d"),
            ),
            (
                "clickhouses://u@h/d",
                clickhouse("https://h:8443", "u", "", "d"),
            ),
        ] {
            assert_eq!(StoreLocation::parse(url), Ok(expected), "{url}");
        }
    }

    #[test]
    fn other_texts_are_refused_without_showing_a_password() {
        for url in [
            "",
            "sqlite:",
            "clickhouse://",
            "postgres://u:secret@h/d",
            "events.db",
        ] {
            let error = StoreLocation::parse(url).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{url}");
        }
        let location = StoreLocation::parse("clickhouse://u:secret@h/d").unwrap();
        assert!(!format!("{location:?}").contains("secret"));
    }
}
