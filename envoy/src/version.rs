//! What releases of Envoy differ in, as far as a gateway needs it.

use std::fmt;
use std::str::FromStr;

/// A release of Envoy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnvoyVersion {
    major: u16,
    minor: u16,
    patch: u16,
}

/// How each attempt at a request reaches the cluster of its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptRouting {
    /// The route's matcher names the cluster, and the router asks it again before each retry.
    Direct,
    /// All attempts go to one internal listener, whose route takes the cluster from a header.
    Hop,
}

/// The text is no version that can be rendered for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Not `1.36` or `1.36.4`.
    #[error("expected an Envoy version such as 1.39 or 1.36.4, found {0:?}")]
    Malformed(String),
    /// Older than [`EnvoyVersion::OLDEST`].
    #[error("Envoy {0} is too old: expected {oldest} or later", oldest = EnvoyVersion::OLDEST)]
    TooOld(EnvoyVersion),
}

impl EnvoyVersion {
    /// Before it a route has no `request_body_buffer_limit`.
    pub const OLDEST: Self = Self::new(1, 36, 0);
    /// The release that all tests run with.
    pub const TESTED: Self = Self::new(1, 40, 0);

    /// The first with `retry_policy.refresh_cluster_on_retry`, by which [`AttemptRouting::Direct`] works.
    pub const DIRECT: Self = Self::new(1, 39, 0);

    const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    fn numbers(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(str::parse);
        let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        let patch = numbers.next().unwrap_or(Ok(0)).ok()?;
        numbers
            .next()
            .is_none()
            .then_some(Self::new(major, minor, patch))
    }

    /// The version in the output of `envoy --version`; `None` where there is none.
    pub fn of_output(output: &str) -> Option<Self> {
        let (_, rest) = output.split_once("version: ")?;
        let number = rest.split('/').nth(1)?;
        // Builds between releases call themselves 1.41.0-dev.
        Self::numbers(number.split('-').next()?)
    }

    /// [`AttemptRouting::Direct`] wherever it works: it costs less.
    pub fn attempt_routing(self) -> AttemptRouting {
        if self >= Self::DIRECT {
            AttemptRouting::Direct
        } else {
            AttemptRouting::Hop
        }
    }

    /// `header_value_prefix` of a generic credential.
    pub(crate) fn injects_prefixes(self) -> bool {
        self >= Self::new(1, 37, 0)
    }

    /// Bodies are bounded by the listener's buffer as well, and a retry is given up when one takes more than half of what
    /// may be buffered.
    pub(crate) fn has_small_buffers(self) -> bool {
        self < Self::new(1, 38, 0)
    }
}

impl AttemptRouting {
    /// As the filter's configuration names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Hop => "hop",
        }
    }
}

impl FromStr for EnvoyVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let digits = text.strip_prefix('v').unwrap_or(text);
        let version =
            Self::numbers(digits).ok_or_else(|| VersionError::Malformed(text.to_owned()))?;
        if version < Self::OLDEST {
            return Err(VersionError::TooOld(version));
        }
        Ok(version)
    }
}

impl fmt::Display for EnvoyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            major,
            minor,
            patch,
        } = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests;
