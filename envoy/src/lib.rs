//! Renders a policy into Envoy configuration.
//!
//! Two forms of the same parts:
//!
//! - [`document`]: one self-contained bootstrap, for an Envoy that somebody else starts;
//! - [`live`]: a bootstrap that reads clusters, routes, the gateway filter and the secrets from files, so that
//!   `kt gateway run` can replace each of them while requests are in flight.
//!
//! [`bootstrap_override`] and [`compose`] wrap a document for Istio and Docker Compose.
//!
//! Everything is data in, JSON out; files and processes are `kt`'s business.
#![forbid(unsafe_code)]

mod access_log;
mod bootstrap;
mod ca;
mod cluster;
mod collector;
mod compose;
mod credential;
mod first_byte;
mod gateway;
mod istio;
mod listener;
pub mod live;
mod local_reply;
mod monitor;
mod mounted;
mod proto;
mod route;
mod tls;
mod version;
mod wasm;
mod yaml;

pub use bootstrap::{KeySource, document, fragment};
pub use ca::{CA_FILES, find_ca_file};
pub use collector::{Collector, TOKEN_VARIABLE};
pub use compose::{Compose, IMAGE, compose};
pub use gateway::{Admin, AuthRule, Gateway, RenderError, Runtime};
pub use istio::{BOOTSTRAP_OVERRIDE_KEY, IstioGateway, bootstrap_override, envoy_filter};
pub use mounted::mounted_secrets;
pub use version::{AttemptRouting, EnvoyVersion, VersionError};
pub use yaml::to_yaml;
