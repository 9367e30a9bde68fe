//! Wire formats of language model providers, and the translation between them.
//!
//! Three notions are never mixed: the endpoint that the client called and the shape it is owed ([`ClientFormat`]), and
//! the protocol that the upstream speaks ([`UpstreamFormat`]). A [`Translator`] carries one attempt from one to the
//! other; an [`exchange::Exchange`] wraps it with what is the same for all pairs: holding an answer back until it shows
//! content, telling failures that another target may cure from those that are the client's own, and error shapes.
//!
//! This crate knows nothing of Envoy, sockets, clocks or random sources.
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
