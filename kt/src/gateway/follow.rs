//! Follows what changes on disk: the policy, keys in files, the size of the access log.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use policy::Source;
use tokio::signal::unix::Signal;
use tokio::time::{MissedTickBehavior, interval};

use super::LOG;
use super::access_log::AccessLog;
use super::admin::AdminClient;
use super::change::{ChangeError, Served};
use super::evidence::{Evidence, reached_at};
use super::simulation::Simulation;
use super::startup;
use super::watch::Watch;
use crate::commands::Failure;
use crate::commands::gateway::DEFAULT_COLLECTOR;
use crate::policy_file::{self, Document, Refused};
use crate::secrets::Secrets;
use crate::telemetry;

/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Takes changes over, one after the other.
pub(crate) struct Follower<'a> {
    pub(crate) served: Served<'a>,
    pub(crate) watch: Watch,
    pub(crate) secrets: Secrets<'a>,
    pub(crate) simulation: Option<Simulation>,
    pub(crate) access_log: AccessLog,
    pub(crate) admin: AdminClient,
    pub(crate) evidence: Evidence,
    /// Why the policy could not be read at the last look.
    pub(crate) unreadable: Option<String>,
    /// Why a change could not be taken over at the last try, where the next one may succeed.
    pub(crate) postponed: Option<String>,
}

impl Follower<'_> {
    /// Works as long as it is polled. Whenever it is `asked`, it looks at once.
    pub(crate) async fn follow(&mut self, mut asked: Signal) -> io::Result<Infallible> {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let news = tokio::select! {
                _ = looks.tick() => self.watch.look(),
                _ = asked.recv() => self.watch.look_now().map(Some),
            };
            self.tell_whether_readable(news.as_ref().err());
            if let Some(text) = news.unwrap_or_default() {
                self.take_over(text).await;
            }
            if let Err(error) = self.upkeep().await {
                log::error!(target: LOG, "{error}");
            }
        }
    }

    /// Says once that the policy cannot be read, and once that it can be again.
    fn tell_whether_readable(&mut self, error: Option<&io::Error>) {
        let reason = error.map(ToString::to_string);
        if reason == self.unreadable {
            return;
        }
        let file = self.watch.file().display();
        match &reason {
            Some(reason) => log::error!(
                target: LOG,
                "{file} cannot be read ({reason}): its changes are not noticed until it can"
            ),
            None => log::info!(target: LOG, "{file} can be read again"),
        }
        self.unreadable = reason;
    }

    async fn upkeep(&mut self) -> Result<(), ChangeError> {
        self.served.refresh_keys(&self.admin).await?;
        self.served.retire(&self.admin).await?;
        Ok(self.access_log.rotate(&self.admin).await?)
    }

    /// Goes over to the policy in `text`, or says why not.
    async fn take_over(&mut self, text: String) {
        let version = policy_file::version(&text);
        if text == self.served.document().text {
            log::info!(target: LOG, "Policy is unchanged (version {version})");
            return;
        }
        match self.try_take_over(text).await {
            Ok(()) => {
                self.postponed = None;
                log::info!(target: LOG, "Policy changed (version {version})");
            }
            Err(error) if may_pass(error.as_ref()) => {
                let reason = error.to_string();
                if self.postponed.as_ref() != Some(&reason) {
                    log::error!(
                        target: LOG,
                        "Policy change (version {version}) cannot be taken over yet, the old one stays until it can: {reason}"
                    );
                }
                self.postponed = Some(reason);
                self.watch.forget(&self.served.document().text);
            }
            Err(error) => {
                self.postponed = None;
                log::error!(target: LOG, "Policy change refused, the old one stays: {error}");
            }
        }
    }

    async fn try_take_over(&mut self, text: String) -> Result<(), Failure> {
        let file = self.watch.file();
        let document = policy_file::check(file, text, &self.secrets).inspect_err(report)?;
        say_what_was_loaded(&document, file);
        if let Some(simulation) = &mut self.simulation {
            self.served
                .relocate(simulation.addresses(&document.policy).await?);
        }
        self.served.change_to(document, &self.admin).await?;
        let policy = &self.served.document().policy;
        let telemetry = telemetry::otlp_settings(policy, &self.secrets);
        self.evidence.follow(policy, &telemetry);
        Ok(())
    }

    /// Somebody takes events.
    pub(crate) fn collects(&self) -> bool {
        self.evidence.cluster.is_some()
    }

    /// Where the collector is: `host:port`.
    pub(crate) fn collector_address(&self) -> Option<String> {
        let cluster = self.evidence.cluster.as_ref()?;
        let address = &cluster.address;
        Some(format!("{}:{}", address.host, address.port))
    }

    /// Tells the collector of this process where the gateway listens.
    pub(crate) fn gateway_is_at(&self, address: SocketAddr) {
        if let Some(own) = &self.evidence.own {
            own.set_gateway_url(format!("http://{}", reached_at(address).authority()));
        }
    }

    /// Says where the console of this process is, and how to get in.
    pub(crate) fn say_where_the_console_is(&self, data_dir: Option<&Path>) {
        if let Some(own) = &self.evidence.own {
            let address = reached_at(own.address()).authority();
            log::info!(
                target: "keeptrusts::collector",
                "Console at http://{address}/ (`{}` opens it, signed in)",
                console_command(&address, data_dir)
            );
        }
    }

    /// Ends the collector of this process, after Envoy.
    pub(crate) fn end_collector(&mut self) {
        if let Some(own) = self.evidence.own.take() {
            own.stop();
        }
    }
}

/// What opens the console of a collector there; `data_dir` is where its token is, unless that is the user's data folder.
fn console_command(address: &str, data_dir: Option<&Path>) -> String {
    let mut command = "kt console".to_owned();
    if address != DEFAULT_COLLECTOR {
        command.push_str(&format!(" --api-url http://{address}"));
    }
    if let Some(folder) = data_dir {
        command.push_str(&format!(" --data-dir {}", folder.display()));
    }
    command
}

/// Warnings, and the lines that every start begins with.
pub(crate) fn say_what_was_loaded(document: &Document, file: &Path) {
    let name = file.display().to_string();
    let source = Source::new(&document.text);
    for warning in &document.warnings {
        log::warn!(target: LOG, "{}", warning.render_human(&name, &source));
    }
    for line in startup::lines(&document.policy) {
        log::info!(target: LOG, "{line}");
    }
}

/// Every finding of a policy that was refused.
pub(crate) fn report(refused: &Refused) {
    if let Refused::Invalid { rendered, .. } = refused {
        for finding in rendered {
            log::error!(target: LOG, "{finding}");
        }
    }
}

/// The system or Envoy had no room or no time: the policy itself is not at fault.
fn may_pass(error: &(dyn Error + 'static)) -> bool {
    let change = error.downcast_ref::<ChangeError>();
    error.is::<io::Error>()
        || matches!(
            change,
            Some(ChangeError::Io(_) | ChangeError::Silent { .. })
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_opens_the_console_finds_it() {
        let elsewhere = "127.0.0.1:9";
        for (address, folder, expected) in [
            (DEFAULT_COLLECTOR, None, "kt console"),
            (elsewhere, None, "kt console --api-url http://127.0.0.1:9"),
            (
                elsewhere,
                Some("/data"),
                "kt console --api-url http://127.0.0.1:9 --data-dir /data",
            ),
        ] {
            assert_eq!(console_command(address, folder.map(Path::new)), expected);
        }
    }
}
