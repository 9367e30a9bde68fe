//! Wire formats: readers and writers of requests, answers and streams, each of one format alone.

pub mod anthropic_messages;
pub mod bedrock_converse;
pub mod chat_completions;
pub mod embeddings;
pub mod responses;
