//! OpenAI Responses: writes responses and streams for clients.

mod echoed_fields;
pub(crate) mod output_item;
pub(crate) mod response_object;
pub(crate) mod signature;
pub(crate) mod stream_writer;

pub use echoed_fields::EchoedFields;
pub(crate) use signature::MARK as SIGNATURE_MARK;
