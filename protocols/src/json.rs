//! JSON that is parsed only where it is understood: everything else keeps its original bytes.
//!
//! A message of 20 MB is mostly one image. Strings that are only forwarded are not unescaped: [`Text`] keeps the inside
//! of the literal, [`Object`] keeps each value raw, and [`Writer`] copies both into the new body once.

mod object;
mod parse;
mod text;
mod writer;

pub use object::{
    Object, characters, kind, lenient, lenient_u64, read, read_response, require_object, text,
};
pub use parse::{is_valid, parse, parse_text};
pub use text::Text;
pub use writer::{Writer, written};
