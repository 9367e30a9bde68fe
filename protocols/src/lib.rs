//! Wire formats of language model providers, and the translation between them.
//!
//! Three notions are never mixed: the endpoint that the client called and the shape it is owed ([`ClientFormat`]), and
//! the protocol that the upstream speaks ([`UpstreamFormat`]). A [`Translator`] carries one attempt from one to the
//! other; an [`exchange::Exchange`] wraps it with what is the same for all pairs: holding an answer back until it shows
//! content, telling failures that another target may cure from those that are the client's own, and error shapes.
//!
//! This crate knows nothing of Envoy, sockets, clocks or random sources.
#![forbid(unsafe_code)]

pub mod anthropic;
pub mod anthropic_messages_to_bedrock_converse;
pub mod anthropic_messages_to_chat_completions;
pub mod anthropic_pass_through;
pub mod bedrock;
mod body;
mod body_edit;
mod by_index;
pub mod chain;
pub mod chat_completions_to_anthropic_messages;
pub mod chat_completions_to_bedrock_converse;
pub mod embeddings_to_bedrock_titan;
pub mod error;
pub mod event_stream;
pub mod exchange;
pub mod facts;
pub mod format;
mod headers;
pub mod json;
pub mod openai;
pub mod openai_pass_through;
mod pass_through;
mod refrain;
pub mod responses_to_chat_completions;
mod scanner;
pub mod sse;
pub mod texts;
pub mod translation;
pub mod translator;
pub mod upstream_path;
pub mod usage;

pub use body::{Abridged, Body};
pub use body_edit::{BodyEdit, Edit, Parts};
pub use error::{ErrorKind, ProviderError, RequestError};
pub use format::{ClientFormat, UpstreamFormat};
pub use translator::{Attempt, OutgoingRequest, StreamState, Translator};
pub use usage::Usage;
