//! Takes Envoy from one policy to the next while requests are in flight.
//!
//! The order makes every moment in between consistent: keys, then clusters of the old and the new policy, then routes
//! over both, then the filter that makes plans by the new policy. Plans made before stay valid, because the old
//! clusters stay for a while.

use std::io;
use std::time::Duration;

use std::collections::BTreeMap;

use envoy::live::{self, Clusters};
use envoy::{Gateway, RenderError};
use policy::BaseUrl;
use tokio::time::{Instant, sleep};

use super::admin::AdminClient;
use super::former::{Former, Parts};
use super::keys::{KeySource, Keys};
use super::place::Place;
use super::run_directory::RunDirectory;
use super::watches::{self, TooManyKeys};
use crate::policy_file::Document;

/// New clusters wait for their names to be resolved, which a silent name server may take this long to refuse.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);
/// After which a key file that has not changed is complete.
const SECOND_LOOK: Duration = Duration::from_millis(250);
/// Plans that name a retired cluster were made before; their requests are over, or will never use it, after this.
const SHORTEST_RETIREMENT: Duration = Duration::from_secs(60);
const LONGEST_RETIREMENT: Duration = Duration::from_secs(3600);

/// What Envoy works with.
pub(crate) struct Served<'a> {
    directory: RunDirectory,
    place: Place,
    source: KeySource<'a>,
    document: Document,
    keys: Keys,
    /// Of the policy that plans are made by.
    parts: Parts,
    /// Of those that plans were made by before.
    former: Former,
    /// All that Envoy has.
    clusters: Clusters,
    /// Counts what was written, so that each file's version is a new one.
    changes: u64,
}

/// Why Envoy stays with what it had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    /// Cannot be expressed.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// Cannot be written, or Envoy cannot be asked.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Envoy would abort.
    #[error(transparent)]
    TooManyKeys(#[from] TooManyKeys),
    /// Envoy does not accept it.
    #[error("Envoy refused {file}; its reason is in the log above")]
    Refused {
        /// Of the run directory.
        file: &'static str,
    },
    /// Envoy does not say anything.
    #[error("Envoy did not take {file} within {} s", PATIENCE.as_secs())]
    Silent {
        /// Of the run directory.
        file: &'static str,
    },
}

impl<'a> Served<'a> {
    /// Writes everything for an Envoy that is about to start.
    pub(crate) async fn prepare(
        directory: RunDirectory,
        place: Place,
        source: KeySource<'a>,
        document: Document,
    ) -> Result<Self, ChangeError> {
        directory.folder(live::SECRETS)?;
        let mut keys = Keys::default();
        source.warn_of_exposed_files(&document.policy);
        settle(
            &mut keys,
            &place.gateway(&document, &[]),
            &source,
            &directory,
        )
        .await?;
        watches::check(keys.count(), watches::BESIDE_KEYS)?;
        let path = directory.path().to_string_lossy().into_owned();
        let gateway = place.gateway(&document, &keys.missing);
        let parts = parts(&gateway, &path)?;
        let clusters = parts.clusters.clone();
        directory.write(
            live::BOOTSTRAP,
            &live::bootstrap(&gateway, &path)?.to_string(),
        )?;
        let first = "0";
        directory.write(
            live::CLUSTERS,
            &live::discovery_response(first, clusters.resources()),
        )?;
        directory.write(
            live::ROUTES,
            &live::discovery_response(first, [&live::routes(&clusters, &gateway)]),
        )?;
        directory.write(
            live::FILTER,
            &live::discovery_response(first, [&live::gateway_filter(&gateway)]),
        )?;
        Ok(Self {
            directory,
            place,
            source,
            document,
            keys,
            parts,
            former: Former::default(),
            clusters,
            changes: 0,
        })
    }

    /// The policy that plans are made by.
    pub(crate) fn document(&self) -> &Document {
        &self.document
    }

    /// From the next change on, these targets are reached elsewhere.
    pub(crate) fn relocate(&mut self, addresses: BTreeMap<String, BaseUrl>) {
        self.place.addresses = addresses;
    }

    /// Goes over to `document`.
    pub(crate) async fn change_to(
        &mut self,
        document: Document,
        admin: &AdminClient,
    ) -> Result<(), ChangeError> {
        self.source.warn_of_exposed_files(&document.policy);
        let missing_before = self.keys.missing.clone();
        let outcome = self.try_change_to(&document, admin).await;
        match outcome {
            Ok(()) => {
                self.document = document;
                Ok(())
            }
            Err(error) => {
                self.keys.missing = missing_before;
                // What Envoy has not refused it may have taken.
                self.restore(admin).await;
                let needed = self.former.with(&self.parts).files;
                self.keys.forget_others(&needed, &self.directory);
                Err(error)
            }
        }
    }

    async fn try_change_to(
        &mut self,
        document: &Document,
        admin: &AdminClient,
    ) -> Result<(), ChangeError> {
        let watched = self.keys.count();
        let gateway = self.place.gateway(document, &[]);
        settle(&mut self.keys, &gateway, &self.source, &self.directory).await?;
        watches::check(self.keys.count().saturating_sub(watched), 0)?;
        let missing = self.keys.missing.clone();
        let directory = self.directory.path().to_string_lossy().into_owned();
        let new = parts(&self.place.gateway(document, &missing), &directory)?;
        let mut all = self.clusters.clone();
        all.extend(&new.clusters);

        let content: Vec<_> = all.resources().cloned().collect();
        self.publish(live::CLUSTERS, &content, admin).await?;
        let routes = live::routes(&all, &self.place.gateway(document, &missing));
        self.publish(live::ROUTES, &[routes], admin).await?;
        let filter = live::gateway_filter(&self.place.gateway(document, &missing));
        self.publish(live::FILTER, &[filter], admin).await?;

        let old = std::mem::replace(&mut self.parts, new);
        let needed = retirement(&self.place.gateway(&self.document, &[]));
        self.former.keep(old, Instant::now() + needed);
        self.clusters = all;
        Ok(())
    }

    /// Puts the files of the served policy back.
    async fn restore(&mut self, admin: &AdminClient) {
        let gateway = self.place.gateway(&self.document, &self.keys.missing);
        let routes = live::routes(&self.clusters, &gateway);
        let filter = live::gateway_filter(&gateway);
        let clusters: Vec<_> = self.clusters.resources().cloned().collect();
        for (file, resources) in [
            (live::FILTER, vec![filter]),
            (live::ROUTES, vec![routes]),
            (live::CLUSTERS, clusters),
        ] {
            if let Err(error) = self.publish(file, &resources, admin).await {
                log::error!(target: "keeptrusts::gateway", "Could not go back to the old policy: {error}");
            }
        }
    }

    /// Takes over keys that changed in their files.
    pub(crate) async fn refresh_keys(&mut self, admin: &AdminClient) -> Result<(), ChangeError> {
        let gateway = self.place.gateway(&self.document, &[]);
        if self.keys.update(&gateway, &self.source, &self.directory)? {
            let filter =
                live::gateway_filter(&self.place.gateway(&self.document, &self.keys.missing));
            self.publish(live::FILTER, &[filter], admin).await?;
        }
        Ok(())
    }

    /// Removes the clusters of policies that were replaced long enough ago.
    pub(crate) async fn retire(&mut self, admin: &AdminClient) -> Result<(), ChangeError> {
        if !self.former.forget(Instant::now()) {
            return Ok(());
        }
        let Parts { clusters, files } = self.former.with(&self.parts);
        self.keys.forget_others(&files, &self.directory);
        if clusters == self.clusters {
            return Ok(());
        }
        let gateway = self.place.gateway(&self.document, &self.keys.missing);
        let routes = live::routes(&clusters, &gateway);
        let content: Vec<_> = clusters.resources().cloned().collect();
        self.publish(live::ROUTES, &[routes], admin).await?;
        self.publish(live::CLUSTERS, &content, admin).await?;
        self.clusters = clusters;
        Ok(())
    }

    /// Replaces one file and waits until Envoy works with it.
    async fn publish(
        &mut self,
        file: &'static str,
        resources: &[serde_json::Value],
        admin: &AdminClient,
    ) -> Result<(), ChangeError> {
        let prefix = live::STATISTICS
            .iter()
            .find(|(name, _)| *name == file)
            .map_or(file, |(_, prefix)| prefix);
        let refused = async || -> io::Result<u64> {
            admin.number(&format!("{prefix}.update_rejected")).await
        };
        let refused_before = refused().await?;
        self.changes += 1;
        let version = self.changes.to_string();
        self.directory
            .write(file, &live::discovery_response(&version, resources))?;

        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let taken = admin.statistics(prefix).await?.get("version_text") == Some(&version);
            if taken
                && (file != live::CLUSTERS
                    || admin.number("cluster_manager.warming_clusters").await? == 0)
            {
                return Ok(());
            }
            if refused().await? > refused_before {
                return Err(ChangeError::Refused { file });
            }
            sleep(POLL).await;
        }
        Err(ChangeError::Silent { file })
    }
}

/// Looks at the keys of `gateway`'s targets, and a second time where a file was written just now: half a key must not go
/// to a provider.
async fn settle(
    keys: &mut Keys,
    gateway: &Gateway<'_>,
    source: &KeySource<'_>,
    directory: &RunDirectory,
) -> io::Result<()> {
    keys.update(gateway, source, directory)?;
    if keys.is_settling() {
        sleep(SECOND_LOOK).await;
        keys.update(gateway, source, directory)?;
    }
    Ok(())
}

fn parts(gateway: &Gateway, directory: &str) -> Result<Parts, RenderError> {
    Ok(Parts {
        clusters: live::target_clusters(gateway, directory)?,
        files: (gateway.policy.targets.iter())
            .map(|target| live::secret_file(target, gateway))
            .collect(),
    })
}

/// How long requests that were planned by `old` may still need its clusters.
fn retirement(old: &Gateway) -> Duration {
    let timeouts = policy::cluster::clusters(old.policy)
        .into_iter()
        .map(|spec| spec.timeout_ms);
    let together = timeouts.fold(0_u64, u64::saturating_add);
    Duration::from_millis(together).clamp(SHORTEST_RETIREMENT, LONGEST_RETIREMENT)
}
