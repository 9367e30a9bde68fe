//! Finds what `kt` needs but does not contain: the filter module, Envoy, certificate authorities.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use envoy::EnvoyVersion;

use crate::paths::Variables;

/// File name of the module, as `make wasm` leaves it in the target folder.
const MODULE: &str = "keeptrusts_filter.wasm";
/// Where `make install` and the image put what `kt` needs, from the folder above that of `kt`.
const INSTALLED: &str = "lib/keeptrusts";

/// What is not there, with the places that were looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFound {
    /// The filter module.
    #[error(
        "no filter module: looked at {places}; build it with `make build`, or name it with --filter-wasm or KEEPTRUSTS_FILTER_WASM"
    )]
    Module {
        /// Comma-separated.
        places: String,
    },
    /// Envoy.
    #[error(
        "no Envoy: looked at {places}; get it with `scripts/setup`, or name a binary of version 1.36 or later in ENVOY_BIN"
    )]
    Envoy {
        /// Comma-separated.
        places: String,
    },
}

/// The binary is no Envoy that can serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnusableEnvoy {
    /// It cannot be started.
    #[error("cannot start {binary}: {error}", binary = .binary.display())]
    Start {
        /// The file.
        binary: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It lacks what the gateway stands on.
    #[error(
        "{binary} is Envoy {version}; expected {oldest} or later",
        binary = .binary.display(),
        oldest = EnvoyVersion::OLDEST
    )]
    TooOld {
        /// The file.
        binary: PathBuf,
        /// What it says it is.
        version: EnvoyVersion,
    },
    /// It does not answer as Envoy does.
    #[error("{binary} does not say its version as Envoy does", binary = .binary.display())]
    Unknown {
        /// The file.
        binary: PathBuf,
    },
}

/// The filter module: `named` on the command line, else beside `kt`, else where it was installed, else in a checkout's
/// target folder.
pub(crate) fn module(named: Option<&Path>, kt: Option<&Path>) -> Result<PathBuf, NotFound> {
    let places = match named {
        Some(path) => vec![path.to_owned()],
        None => {
            let beside = kt.and_then(Path::parent).map(|folder| folder.join(MODULE));
            let built = upwards(kt).map(|folder| folder.join("target").join(MODULE));
            let installed = installed(kt).map(|folder| folder.join(MODULE));
            beside.into_iter().chain(installed).chain(built).collect()
        }
    };
    first_file(&places)
        // Envoy may run in another folder.
        .and_then(|path| std::path::absolute(path).ok())
        .ok_or_else(|| NotFound::Module {
            places: listed(&places),
        })
}

/// Envoy: `ENVOY_BIN`, else the one installed with `kt`, else what a checkout's set-up has fetched, else `envoy` on the PATH.
pub(crate) fn envoy(variables: Variables, kt: Option<&Path>) -> Result<PathBuf, NotFound> {
    let places = match variables("ENVOY_BIN") {
        Some(path) => vec![PathBuf::from(path)],
        None => {
            let path = variables("PATH").unwrap_or_default();
            let installed = installed(kt).map(|folder| folder.join("envoy"));
            let fetched = upwards(kt).map(|folder| folder.join(".tools/envoy/envoy"));
            let on_path = std::env::split_paths(&path).map(|folder| folder.join("envoy"));
            installed
                .into_iter()
                .chain(fetched)
                .chain(on_path)
                .collect()
        }
    };
    first_file(&places).ok_or_else(|| NotFound::Envoy {
        places: listed(&places),
    })
}

/// The version of the Envoy at `binary`, as it says itself.
pub(crate) fn envoy_version(binary: &Path) -> Result<EnvoyVersion, UnusableEnvoy> {
    let binary = binary.to_owned();
    let output = match Command::new(&binary).arg("--version").output() {
        Ok(output) => output,
        Err(error) => return Err(UnusableEnvoy::Start { binary, error }),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    match EnvoyVersion::of_output(&text) {
        Some(version) if version >= EnvoyVersion::OLDEST => Ok(version),
        Some(version) => Err(UnusableEnvoy::TooOld { binary, version }),
        None => Err(UnusableEnvoy::Unknown { binary }),
    }
}

/// The file of certificate authorities of this machine.
pub(crate) fn ca_file(variables: Variables) -> Option<String> {
    envoy::find_ca_file(variables("SSL_CERT_FILE").as_deref(), Path::is_file)
}

/// The checkout is the current folder, or the one that `kt` was built in.
fn upwards(kt: Option<&Path>) -> impl Iterator<Item = PathBuf> {
    let current = std::env::current_dir().ok();
    let built_in = kt
        .into_iter()
        .flat_map(Path::ancestors)
        .filter(|folder| folder.join("Cargo.toml").is_file())
        .map(Path::to_owned);
    current.into_iter().chain(built_in.collect::<Vec<_>>())
}

fn installed(kt: Option<&Path>) -> Option<PathBuf> {
    Some(kt?.parent()?.parent()?.join(INSTALLED))
}

fn first_file(places: &[PathBuf]) -> Option<PathBuf> {
    places.iter().find(|path| path.is_file()).cloned()
}

fn listed(places: &[PathBuf]) -> String {
    const SHOWN: usize = 4;
    let mut names: Vec<String> = places
        .iter()
        .take(SHOWN)
        .map(|path| path.display().to_string())
        .collect();
    if places.len() > SHOWN {
        names.push(format!("{} more", places.len() - SHOWN));
    }
    if names.is_empty() {
        "no place at all".to_owned()
    } else {
        names.join(", ")
    }
}
