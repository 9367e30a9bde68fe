//! Where commands find events, budgets and keys: a collector that answers, or the store itself.

use std::path::{Path, PathBuf};

use clap::Args;
use collector::{Api, Local, Remote, StoreLocation};

use super::Failure;
use crate::files;
use crate::paths::{self, variable};

/// Options of every command that asks. The first that is there counts: `--api-url`, `--store`, `--data-dir`,
/// `KEEPTRUSTS_API_URL`, `KEEPTRUSTS_STORE`, and then the store of the user's data folder.
#[derive(Debug, Args)]
pub(crate) struct Source {
    /// Collector to ask, http(s)://host[:port] (or KEEPTRUSTS_API_URL) [default: none, the store is opened]
    #[arg(long, value_name = "URL", help_heading = "Where to look")]
    api_url: Option<String>,
    /// Its token (or KEEPTRUSTS_API_TOKEN, which no process list shows) [default: the one in the data folder]
    #[arg(long, value_name = "TOKEN", help_heading = "Where to look")]
    api_token: Option<String>,
    /// The store, sqlite:PATH or clickhouse://host/database (or KEEPTRUSTS_STORE) [default: the data folder's]
    #[arg(
        long,
        value_name = "URL",
        help_heading = "Where to look",
        conflicts_with = "api_url"
    )]
    store: Option<String>,
    /// Where `kt gateway run` keeps its files [default: the user's data folder]
    #[arg(long, value_name = "DIR", help_heading = "Where to look")]
    data_dir: Option<PathBuf>,
}

/// What the options come to.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Remote { url: String, token: String },
    Store(StoreLocation),
}

impl Source {
    /// For commands that read: a store that is not there is not made.
    pub(crate) fn for_reading(&self) -> Result<Box<dyn Api>, Failure> {
        let place = self.place()?;
        if let Place::Store(StoreLocation::Sqlite(file)) = &place
            && !file.is_file()
        {
            return Err(format!(
                "there is no store at {}: run `kt gateway run` first, or name a collector with --api-url or another folder with --data-dir",
                file.display()
            )
            .into());
        }
        open(place)
    }

    /// For commands that write: they may come before the first gateway.
    pub(crate) fn for_writing(&self) -> Result<Box<dyn Api>, Failure> {
        let place = self.place()?;
        if let Place::Store(StoreLocation::Sqlite(file)) = &place
            && let Some(folder) = file.parent()
        {
            crate::gateway::private_folder(folder)
                .map_err(|error| format!("cannot use {}: {error}", folder.display()))?;
        }
        open(place)
    }

    /// Where `kt gateway run` keeps its files.
    pub(crate) fn data_folder(&self) -> PathBuf {
        self.data_dir
            .clone()
            .unwrap_or_else(|| paths::data_folder(&variable))
    }

    fn place(&self) -> Result<Place, Failure> {
        let named = self.store.is_some() || self.data_dir.is_some();
        let url = match &self.api_url {
            Some(url) => Some(url.clone()),
            None if named => None,
            None => variable("KEEPTRUSTS_API_URL"),
        };
        if let Some(url) = url {
            crate::collector_url::parse(&url).map_err(|error| format!("--api-url: {error}"))?;
            let token = self.token(&self.data_folder())?;
            return Ok(Place::Remote { url, token });
        }
        let store = match &self.store {
            Some(store) => Some(store.clone()),
            None if named => None,
            None => variable("KEEPTRUSTS_STORE"),
        };
        Ok(Place::Store(match store {
            Some(url) => StoreLocation::parse(&url)?,
            None => StoreLocation::below(&self.data_folder()),
        }))
    }

    fn token(&self, data_folder: &Path) -> Result<String, Failure> {
        let given = self
            .api_token
            .clone()
            .or_else(|| variable("KEEPTRUSTS_API_TOKEN"));
        let file = data_folder.join("api-token");
        given
            .or_else(|| files::read_token(&file).ok())
            .filter(|token| !token.is_empty())
            .ok_or_else(|| {
                format!(
                    "the collector wants a token: set KEEPTRUSTS_API_TOKEN (it is in the file api-token of the collector's data folder; there is none at {})",
                    file.display()
                )
                .into()
            })
    }
}

fn open(place: Place) -> Result<Box<dyn Api>, Failure> {
    Ok(match place {
        Place::Remote { url, token } => Box::new(Remote::new(&url, &token)),
        Place::Store(location) => Box::new(Local::new(collector::open(&location)?)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(api_url: Option<&str>, store: Option<&str>, data_dir: Option<&str>) -> Source {
        Source {
            api_url: api_url.map(str::to_owned),
            api_token: Some("t".to_owned()),
            store: store.map(str::to_owned),
            data_dir: data_dir.map(PathBuf::from),
        }
    }

    #[test]
    fn what_is_named_counts() {
        let remote = Place::Remote {
            url: "http://127.0.0.1:1".to_owned(),
            token: "t".to_owned(),
        };
        for (source, expected) in [
            (source(Some("http://127.0.0.1:1"), None, Some("/d")), remote),
            (
                source(None, Some("sqlite:/s.db"), Some("/d")),
                Place::Store(StoreLocation::Sqlite("/s.db".into())),
            ),
            (
                source(None, None, Some("/d")),
                Place::Store(StoreLocation::below(Path::new("/d"))),
            ),
        ] {
            assert_eq!(source.place().unwrap(), expected);
        }
        assert!(source(Some("nowhere"), None, None).place().is_err());
        assert!(source(None, Some("mysql://h"), None).place().is_err());
    }
}
