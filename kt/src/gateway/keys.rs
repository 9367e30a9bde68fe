//! The keys of a policy's targets, as they are in the run directory.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use envoy::{Gateway, live};
use policy::{Policy, Target};

use super::run_directory::RunDirectory;
use crate::secrets::{Key, KeyError, Secrets};

const LOG: &str = "keeptrusts::gateway";

/// Where keys come from.
pub(crate) enum KeySource<'a> {
    /// The user's.
    Real(Secrets<'a>),
    /// Simulated providers take any.
    Simulated,
}

/// The keys that Envoy has, and the targets that have none.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// What is in each secret file.
    written: BTreeMap<String, String>,
    /// Ids of targets that need a key and have none, in document order.
    pub(crate) missing: Vec<String>,
}

impl Keys {
    /// Brings the secret files of `gateway`'s targets up to date. True if targets gained or lost their key.
    /// Files of other targets stay until [`Self::forget_others`].
    pub(crate) fn update(
        &mut self,
        gateway: &Gateway,
        source: &KeySource,
        directory: &RunDirectory,
    ) -> io::Result<bool> {
        let mut missing = Vec::new();
        for target in &gateway.policy.targets {
            let key = match source.key(target) {
                Ok(None) => continue,
                Ok(Some(key)) => key,
                Err(error) => {
                    if !self.missing.contains(&target.id) {
                        log::warn!(target: LOG, "Provider {}: no key ({error}); it is left out until it has one", target.id);
                    }
                    missing.push(target.id.clone());
                    String::new()
                }
            };
            let file = live::secret_file(target, gateway);
            if self.written.get(&file) != Some(&key) {
                let resource = live::secret(&target.id, &key);
                directory.write(&file, &live::discovery_response("1", [&resource]))?;
                self.written.insert(file, key);
            }
        }
        for id in self.missing.iter().filter(|id| !missing.contains(id)) {
            log::info!(target: LOG, "Provider {id}: has its key now");
        }
        let changed = self.missing != missing;
        self.missing = missing;
        Ok(changed)
    }

    /// How many files there are, those of replaced policies included.
    pub(crate) fn count(&self) -> usize {
        self.written.len()
    }

    /// Removes all files but those that are `needed`.
    pub(crate) fn forget_others(&mut self, needed: &BTreeSet<String>, directory: &RunDirectory) {
        self.written.retain(|file, _| {
            let keep = needed.contains(file);
            if !keep {
                directory.remove(file);
            }
            keep
        });
    }
}

impl KeySource<'_> {
    /// Tells of key files that others can read.
    pub(crate) fn warn_of_exposed_files(&self, policy: &Policy) {
        let Self::Real(secrets) = self else { return };
        for target in &policy.targets {
            if let Some((file, mode)) = secrets.exposed_file(&target.credential) {
                log::warn!(target: LOG, "Provider {}: others can read its key in {} (mode {mode:04o}, expected 0600)", target.id, file.display());
            }
        }
    }

    fn key(&self, target: &Target) -> Result<Option<String>, KeyError> {
        match self {
            // Envoy signs with AWS's own credentials.
            _ if target.aws_sigv4_region.is_some() => Ok(None),
            Self::Real(secrets) => Ok(secrets
                .key(&target.credential)?
                .map(|key: Key| key.expose().to_owned())),
            Self::Simulated => match target.credential {
                policy::Credential::None => Ok(None),
                policy::Credential::Env(_) | policy::Credential::Store(_) => {
                    Ok(Some("simulated".to_owned()))
                }
            },
        }
    }
}
