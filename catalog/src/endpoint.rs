//! The endpoints that a provider serves itself.

use std::fmt;

use crate::words::Word;

words! {
    /// An endpoint, whatever its path is at a provider.
    pub enum Endpoint {
        /// Chat Completions.
        ChatCompletions = "chat_completions",
        /// Completions of a plain prompt.
        Completions = "completions",
        /// OpenAI's Responses API.
        Responses = "responses",
        /// Anthropic's Messages API.
        Messages = "messages",
        /// Counts the tokens of a Messages request.
        CountTokens = "count_tokens",
        /// Embeddings.
        Embeddings = "embeddings",
        /// Sorts documents by relevance.
        Rerank = "rerank",
        /// Makes and edits images.
        Images = "images",
        /// Text to speech.
        Speech = "speech",
        /// Speech to text.
        Transcriptions = "transcriptions",
        /// Classifies content.
        Moderations = "moderations",
        /// Keeps files.
        Files = "files",
        /// Works off many requests.
        Batches = "batches",
        /// Lists models.
        Models = "models",
        /// Speech and text over a WebSocket.
        Realtime = "realtime",
    }
}

/// A set of endpoints.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Endpoints(u16);

impl Endpoints {
    /// No endpoint.
    pub const NONE: Self = Self(0);

    /// The endpoints of `bits`, the first of [`Endpoint`] lowest.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// One bit for each endpoint.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// This set with `endpoint`.
    #[must_use]
    pub const fn with(self, endpoint: Endpoint) -> Self {
        Self(self.0 | 1 << endpoint as u16)
    }

    /// Whether `endpoint` is one of them.
    pub const fn contains(self, endpoint: Endpoint) -> bool {
        self.0 & (1 << endpoint as u16) != 0
    }

    /// The set's endpoints, in the order of [`Endpoint`].
    pub fn iter(self) -> impl Iterator<Item = Endpoint> {
        Endpoint::ALL
            .iter()
            .copied()
            .filter(move |endpoint| self.contains(*endpoint))
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}
