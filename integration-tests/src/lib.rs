//! Harness for tests through a real Envoy: `kt gateway run` on free ports, with simulated providers behind it.
#![forbid(unsafe_code)]

mod answer;
mod artifacts;
mod client;
mod collector;
mod gateway;
mod idle;
mod inotify;
mod load;
mod patience;
mod policy;
mod process;
mod recorder;
mod trap;

pub use answer::{Answer, StreamAnswer};
pub use artifacts::{repository, tool};
pub use client::{Client, chat_body};
pub use collector::Collector;
pub use gateway::{Gateway, GatewayOptions, folder_contains, folder_size};
pub use load::{Exchange, Load, table_by_second};
pub use patience::PATIENCE;
pub use policy::{PolicyText, Upstream};
pub use recorder::{COLLECTOR_TOKEN, Recorder};
pub use simulator::{Behaviour, Dialect, Provider, Received, ReservedPort, Step};
pub use trap::{module_that_traps_on_call_answers, module_that_traps_on_request_trailers};

/// Every key that the harness gives to a provider contains this, so that a leak can be recognised anywhere.
pub const KEY_MARK: &str = "sk-provider-";
/// The key that the harness's client shows to the gateway.
pub const CLIENT_KEY: &str = "kt_gk_client-secret";
