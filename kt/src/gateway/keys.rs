//! The keys of a policy's targets, as they are in the run directory.

mod settled;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use envoy::{Gateway, live};
use policy::{Policy, Target};
use tokio::time::Instant;

use self::settled::{News, Settled};
use super::run_directory::RunDirectory;
use crate::secrets::{Found, Key, KeyError, Secrets};

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
    /// By secret file: its key, and what of it was written.
    files: BTreeMap<String, SecretFile>,
    /// Ids of targets that need a key and have none, in document order.
    pub(crate) missing: Vec<String>,
}

#[derive(Debug, Default)]
struct SecretFile {
    settled: Settled,
    /// `None` before it is there; empty where there is no key.
    written: Option<String>,
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
        let now = Instant::now();
        let mut missing = Vec::new();
        for target in &gateway.policy.targets {
            let Some(found) = source.find(target) else {
                continue;
            };
            let file = live::secret_file(target, gateway);
            let secret = self.files.entry(file.clone()).or_default();
            if let Some(news) = secret.settled.look(found, now) {
                tell(&target.id, &news);
            }
            let key = secret.settled.key().unwrap_or_default();
            if key.is_empty() {
                missing.push(target.id.clone());
            }
            if secret.written.as_deref() != Some(key) {
                let resource = live::secret(&target.id, key);
                directory.write(&file, &live::discovery_response("1", [&resource]))?;
                secret.written = Some(key.to_owned());
            }
        }
        let still: BTreeSet<&String> = missing.iter().collect();
        for id in self.missing.iter().filter(|id| !still.contains(id)) {
            log::info!(target: LOG, "Provider {id}: has its key now");
        }
        let changed = self.missing != missing;
        self.missing = missing;
        Ok(changed)
    }

    /// A key was found that may be half there: another look will tell.
    pub(crate) fn is_settling(&self) -> bool {
        self.files
            .values()
            .any(|secret| secret.settled.is_settling())
    }

    /// How many files there are, those of replaced policies included.
    pub(crate) fn count(&self) -> usize {
        self.files.len()
    }

    /// Removes all files but those that are `needed`.
    pub(crate) fn forget_others(&mut self, needed: &BTreeSet<String>, directory: &RunDirectory) {
        self.files.retain(|file, _| {
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

    /// What the target's key is now; `None` where it needs none.
    fn find(&self, target: &Target) -> Option<Result<Found, KeyError>> {
        match self {
            // Envoy signs with AWS's own credentials.
            _ if target.aws_sigv4_region.is_some() => None,
            Self::Real(secrets) => secrets.find(&target.credential).transpose(),
            Self::Simulated => match target.credential {
                policy::Credential::None => None,
                policy::Credential::Env(_) | policy::Credential::Store(_) => Some(Ok(Found {
                    key: Key::of("simulated"),
                    is_fresh: false,
                })),
            },
        }
    }
}

fn tell(id: &str, news: &News) {
    match news {
        News::Changed => {}
        News::Missing(why) => {
            log::warn!(target: LOG, "Provider {id}: no key ({why}); it is left out until it has one");
        }
        News::Lost(why) => {
            log::warn!(target: LOG, "Provider {id}: no key any more ({why}); it is left out until it has one");
        }
        News::Kept(why) => {
            log::warn!(target: LOG, "Provider {id}: its new key cannot be used ({why}); the one that it has stays in force");
        }
        News::Back => log::info!(target: LOG, "Provider {id}: its key can be read again"),
    }
}
