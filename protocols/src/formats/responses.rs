//! OpenAI Responses: writes responses and streams for clients.

pub(crate) mod client_tools;
mod echoed_fields;
pub(crate) mod output_item;
pub(crate) mod response_object;
pub(crate) mod signature;
pub(crate) mod stream_writer;

pub use echoed_fields::EchoedFields;
pub(crate) use signature::MARK as SIGNATURE_MARK;

/// What a response needs to know of its request.
#[derive(Debug, Clone, Default)]
pub struct RequestState {
    /// The fields that the response echoes.
    pub(crate) echo: EchoedFields,
    /// What calls of its functions mean to the client.
    pub(crate) tools: client_tools::ClientTools,
}
