//! What the tests over recorded traffic share: pairs of formats, feeding a stream in pieces, comparing answers.
#![allow(dead_code, unreachable_pub)]

pub mod anthropic_stream;
pub mod any_json;
pub mod chat_stream;
pub mod compare;
pub mod feed;
pub mod frames;
pub mod linear;
pub mod pair;
pub mod responses_stream;
pub mod sse_events;
