//! Simulated language model providers: real sockets that respond, stream, stall, reset and record what they receive.
//!
//! `kt gateway run --simulate` serves from them if no API key is configured, and the integration tests make them fail
//! on purpose. Every response says that it is simulated.
#![forbid(unsafe_code)]

mod anthropic;
mod bedrock;
mod behaviour;
mod openai;
mod openai_responses;
mod port;
mod provider;
mod record;
mod strict;

pub use behaviour::{Behaviour, Dialect, Step};
pub use port::ReservedPort;
pub use provider::Provider;
pub use record::Received;
