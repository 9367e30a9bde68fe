//! One running gateway: `kt`, its Envoy and its folder.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::thread;

use nix::sys::signal::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::client::Client;
use crate::idle::{self, Lent};
use crate::policy::PolicyText;
use crate::process::Process;

/// What a test may want beside the policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GatewayOptions {
    /// Envoy workers; 1 where not given.
    pub concurrency: Option<u32>,
    /// Further arguments of `kt gateway run`.
    pub arguments: Vec<String>,
    /// Further variables.
    pub variables: Vec<(String, String)>,
    /// Variables of the policy that stay unset.
    pub without: Vec<String>,
    /// Another `kt` than the one under test.
    pub kt: Option<PathBuf>,
}

impl GatewayOptions {
    pub(crate) fn workers(&self) -> u32 {
        self.concurrency.unwrap_or(1)
    }

    /// A gateway that was started with these might have been started with `other` as well.
    pub(crate) fn start_the_same(&self, other: &Self) -> bool {
        let with_workers = |options: &Self| Self {
            concurrency: Some(options.workers()),
            ..options.clone()
        };
        with_workers(self) == with_workers(other)
    }
}

/// A running gateway. [`Gateway::stop`] ends it and checks how that went; dropped, it is killed or serves the next test.
#[derive(Debug)]
pub struct Gateway(Hold);

#[derive(Debug)]
enum Hold {
    Own(Process),
    Lent(Lent),
    /// Stopped or given back.
    Gone,
}

impl Gateway {
    /// Starts with one worker and waits until it is ready.
    pub async fn start(policy: &PolicyText) -> Self {
        Self::start_with(policy, &GatewayOptions::default()).await
    }

    /// Starts and waits until it is ready.
    ///
    /// # Panics
    /// It does not become ready; the message holds its log.
    pub async fn start_with(policy: &PolicyText, options: &GatewayOptions) -> Self {
        idle::make_room(policy.keys.len()).await;
        Self(Hold::Own(
            Process::start(&policy.text, &policy.keys, options).await,
        ))
    }

    /// One with one worker that serves `policy`: one that an earlier test has left behind, or else a new one.
    pub async fn serving(policy: &PolicyText) -> Self {
        Self::serving_with(policy, &GatewayOptions::default()).await
    }

    /// One that was started with `options` and serves `policy`. Its events, metrics, latencies, access log and keys may
    /// be those of other tests too; tests of these, of the start or of the end [start](Self::start_with) their own.
    ///
    /// # Panics
    /// It does not become ready or does not take the policy; the message holds its log.
    pub async fn serving_with(policy: &PolicyText, options: &GatewayOptions) -> Self {
        Self(Hold::Lent(Lent::serving(policy, options).await))
    }

    fn process(&self) -> &Process {
        match &self.0 {
            Hold::Own(process) => process,
            Hold::Lent(lent) => &lent.process,
            Hold::Gone => panic!("the gateway has ended"),
        }
    }

    /// Lines of the log that other tests have caused.
    fn older_lines(&self) -> usize {
        match &self.0 {
            Hold::Lent(lent) => lent.older_lines,
            Hold::Own(_) | Hold::Gone => 0,
        }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!(
            "http://{}",
            self.ports()["listen"].as_str().unwrap_or_default()
        )
    }

    /// What Envoy's admin interface, a socket in the run directory, says at `path`.
    ///
    /// # Panics
    /// It says nothing.
    pub async fn admin(&self, path: &str) -> String {
        let socket = self.ports()["admin"]
            .as_str()
            .and_then(|admin| admin.strip_prefix("unix:"))
            .unwrap_or_default();
        let http = reqwest::Client::builder()
            .unix_socket(socket)
            .build()
            .expect("an HTTP client");
        let answer = http
            .get(format!("http://admin{path}"))
            .send()
            .await
            .expect("the admin interface answers");
        answer.text().await.expect("the answer is complete")
    }

    /// Addresses as `--print-ports` gave them.
    pub fn ports(&self) -> &Value {
        &self.process().ports
    }

    /// A client of this gateway.
    pub fn client(&self) -> Client {
        Client::new(self.url())
    }

    /// Lines that `kt` has written to stderr since it serves this test's policy.
    pub fn log(&self) -> Vec<String> {
        self.process().log().split_off(self.older_lines())
    }

    /// Its policy file, to be changed by tests of hot reload.
    pub fn policy_file(&self) -> PathBuf {
        self.process().policy_file()
    }

    /// Changes its policy, as a user would, and waits until the new one is in force.
    ///
    /// # Panics
    /// It refuses the policy, or has it already.
    pub async fn change_policy(&self, policy: &str) {
        let process = self.process();
        let known = process.log().len();
        process.hand_in(policy);
        process.wait_until_served(known, policy).await;
    }

    /// Everything it keeps on disk.
    pub fn data_folder(&self) -> PathBuf {
        self.process().folder().join("data")
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process().pid()
    }

    /// Waits until a line of the log contains `text`.
    ///
    /// # Panics
    /// It does not come.
    pub async fn wait_for_log(&self, text: &str) {
        self.process().wait_for_log(self.older_lines(), text).await;
    }

    /// SIGTERM, and waits for the end.
    ///
    /// # Panics
    /// It does not end in time.
    pub async fn stop(mut self) -> (ExitStatus, Vec<String>, TempDir) {
        match std::mem::replace(&mut self.0, Hold::Gone) {
            Hold::Own(process) => process.stop().await,
            Hold::Lent(lent) => lent.process.stop().await,
            Hold::Gone => panic!("the gateway has ended"),
        }
    }

    /// SIGTERM without waiting.
    pub fn terminate(&self) {
        self.process().signal(Signal::SIGTERM);
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let hold = std::mem::replace(&mut self.0, Hold::Gone);
        // Where a test has failed, nobody knows in which state it left its gateway.
        if let Hold::Lent(lent) = hold
            && !thread::panicking()
        {
            lent.give_back();
        }
    }
}

/// Bytes of all files below `path`.
pub fn folder_size(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else {
        return std::fs::metadata(path).map_or(0, |file| file.len());
    };
    entries
        .flatten()
        .map(|entry| folder_size(&entry.path()))
        .sum()
}

/// Whether `path` or anything below it contains `text`.
pub fn folder_contains(path: &Path, text: &str) -> bool {
    let Ok(entries) = std::fs::read_dir(path) else {
        return std::fs::read(path)
            .is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(text));
    };
    entries
        .flatten()
        .any(|entry| folder_contains(&entry.path(), text))
}
