//! The event-stream decoder against the vectors of `../shared/conformance`, used in place.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::path::Path;

use protocols::event_stream::{EventStreamDecoder, EventStreamError, HeaderError, HeaderValue};
use serde_json::{Value, json};

const VECTORS: &str = "../../shared/conformance/eventstream-vectors.json";

fn vectors() -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(VECTORS);
    let Ok(text) = std::fs::read(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    };
    Some(serde_json::from_slice(&text).unwrap())
}

fn bytes(vector: &Value, field: &str) -> Vec<u8> {
    let hex = vector[field].as_str().unwrap();
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn value(value: HeaderValue<'_>) -> Value {
    match value {
        HeaderValue::Bool(value) => json!(value),
        HeaderValue::Byte(value) => json!(value),
        HeaderValue::Short(value) => json!(value),
        HeaderValue::Integer(value) => json!(value),
        HeaderValue::Long(value) | HeaderValue::Timestamp(value) => json!(value),
        HeaderValue::Bytes(value) => json!({"$bytes_hex": hex(value)}),
        HeaderValue::Uuid(value) => json!({"$bytes_hex": hex(&value)}),
        HeaderValue::String(value) => json!(value),
    }
}

/// Headers and payload in hexadecimal of every frame, fed in pieces of `size`, and how it ended.
fn decode(stream: &[u8], size: usize) -> (Vec<(Value, String)>, Result<(), EventStreamError>) {
    let mut decoder = EventStreamDecoder::new();
    let mut frames = Vec::new();
    for chunk in stream.chunks(size) {
        let mut rest = chunk;
        loop {
            match decoder.next(&mut rest) {
                Ok(Some(frame)) => {
                    let headers = frame.headers.iter();
                    let headers = headers
                        .map(|header| (header.name.to_owned(), value(header.value)))
                        .collect();
                    frames.push((Value::Object(headers), hex(frame.payload)));
                }
                Ok(None) => break,
                Err(error) => return (frames, Err(error)),
            }
        }
    }
    (frames, decoder.finish())
}

#[test]
fn good_frames_are_read() {
    let Some(vectors) = vectors() else { return };
    for vector in vectors["positive"].as_array().unwrap() {
        let stream = bytes(vector, "hex");
        let payload = vector["payload_hex"].as_str().unwrap().to_owned();
        for size in [stream.len(), 1, 7] {
            let (frames, end) = decode(&stream, size);
            let expected = vec![(vector["headers"].clone(), payload.clone())];
            assert_eq!((frames, end), (expected, Ok(())), "{}", vector["name"]);
        }
    }
}

#[test]
fn damaged_frames_are_refused() {
    let Some(vectors) = vectors() else { return };
    for vector in vectors["negative"].as_array().unwrap() {
        let stream = match vector["hex"].as_str() {
            Some(_) => bytes(vector, "hex"),
            // A frame of 24 MiB that is described, not spelt out.
            None => {
                assert!(
                    vector["generate"]
                        .as_str()
                        .unwrap()
                        .starts_with("01800021 00000000 dd3f33b1")
                );
                let prelude = [0x01, 0x80, 0, 0x21, 0, 0, 0, 0, 0xdd, 0x3f, 0x33, 0xb1];
                [&prelude[..], &[0x30; 1000]].concat()
            }
        };
        for size in [stream.len(), 1] {
            let (frames, end) = decode(&stream, size);
            let error = end.unwrap_err();
            let found = match error {
                EventStreamError::PreludeChecksum { .. }
                | EventStreamError::FrameChecksum { .. } => "ChecksumMismatch",
                EventStreamError::HeaderLength { .. } => "InvalidHeadersLength",
                EventStreamError::TooLong { .. } => "InvalidPayloadLength",
                EventStreamError::Header(HeaderError::Duplicate { .. }) => "DuplicateHeader",
                other => panic!("{}: {other}", vector["name"]),
            };
            assert_eq!(found, vector["error"], "{}", vector["name"]);
            assert!(frames.is_empty());
        }
    }
}

#[test]
fn header_order_does_not_matter() {
    let Some(vectors) = vectors() else { return };
    let variants = vectors["bedrock_header_order_variants"].as_array().unwrap();
    let mut seen = variants.iter().map(|vector| {
        let (frames, end) = decode(&bytes(vector, "hex"), usize::MAX);
        assert_eq!(end, Ok(()));
        assert_eq!(frames.len(), 1);
        frames
    });
    let first = seen.next().unwrap();
    for other in seen {
        assert_eq!(other, first);
    }
}
