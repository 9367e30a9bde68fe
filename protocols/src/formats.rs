//! Wire formats: readers and writers of requests, responses and streams. Each module knows one format only.

pub mod anthropic_messages;
pub mod bedrock_converse;
pub mod chat_completions;
pub mod embeddings;
pub mod responses;
