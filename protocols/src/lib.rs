//! Wire formats of language model providers, and the translation between them.
//!
//! [`ClientFormat`] is the endpoint that a client called and the format it expects back; [`UpstreamFormat`] is the
//! protocol of the upstream. A [`Translator`] carries one attempt from one to the other. An [`exchange::Exchange`] adds
//! what is common to all pairs: it buffers a response until it shows content, decides which failures are retried on
//! another target, and writes the client's error shapes.
//!
//! | module | content |
//! |---|---|
//! | [`formats`] | readers and writers of one wire format each |
//! | [`translate`] | the mapping of one client format to one upstream format |
//! | [`passthrough`] | upstreams that speak the client's format: small edits, everything else unchanged |
//! | [`exchange`] | one attempt, whatever its formats |
//!
//! The crate has no access to Envoy, sockets, clocks or random sources.
#![forbid(unsafe_code)]

mod body;
mod body_edit;
mod by_index;
pub mod error;
pub mod event_stream;
pub mod exchange;
mod fast_path;
pub mod format;
pub mod formats;
mod headers;
pub mod json;
mod name;
pub mod passthrough;
pub mod request_info;
mod scanner;
mod schema_subset;
pub mod sse;
pub mod texts;
pub mod translate;
pub mod translator;
pub mod upstream_path;
pub mod usage;

pub use body::{Body, ElidedBody};
pub use body_edit::{BodyEdit, BodyPrefix, Splice};
pub use error::{ErrorKind, ProviderError, RequestError};
pub use format::{ClientFormat, UpstreamFormat};
pub use name::{InvalidName, MAX_NAME_BYTES, check_name};
pub use translator::{Attempt, OutgoingRequest, StreamState, Translator};
pub use usage::Usage;
