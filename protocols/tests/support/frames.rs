//! AWS event streams as text, so that a person can read them. One line is one frame:
//!
//! | line | frame |
//! |---|---|
//! | `messageStop {...}` | an event with this type and payload |
//! | `exception throttlingException {...}` | an exception |
//! | `error InternalFailure some words` | an error, which has no payload |
//! | `bare messageStop {...}` | an event with no header but its type |
//! | `damaged messageStop {...}` | an event whose payload was changed on the way |
//! | `half messageStop {...}` | the first half of an event; the stream ends there |

use protocols::event_stream::{Header, HeaderValue, encode};

/// The bytes of all frames.
pub fn encode_all(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        append(line, &mut out);
    }
    out
}

fn append(line: &str, out: &mut Vec<u8>) {
    let words = |text: &'static str| HeaderValue::String(text);
    let (first, rest) = line.split_once(' ').unwrap();
    let json = (":content-type", words("application/json"));
    match first {
        "exception" => {
            let (name, payload) = rest.split_once(' ').unwrap();
            let kind = (":exception-type", HeaderValue::String(name));
            frame(
                &[kind, json, (":message-type", words("exception"))],
                payload,
                out,
            );
        }
        "error" => {
            let (code, message) = rest.split_once(' ').unwrap();
            let headers = [
                (":message-type", words("error")),
                (":error-code", HeaderValue::String(code)),
                (":error-message", HeaderValue::String(message)),
            ];
            frame(&headers, "", out);
        }
        "bare" => {
            let (name, payload) = rest.split_once(' ').unwrap();
            frame(&[(":event-type", HeaderValue::String(name))], payload, out);
        }
        "damaged" => {
            append(rest, out);
            let in_payload = out.len() - 6;
            out[in_payload] ^= 1;
        }
        "half" => {
            let before = out.len();
            append(rest, out);
            out.truncate(before + (out.len() - before) / 2);
        }
        name => {
            let kind = (":event-type", HeaderValue::String(name));
            frame(&[kind, json, (":message-type", words("event"))], rest, out);
        }
    }
}

fn frame(headers: &[(&str, HeaderValue<'_>)], payload: &str, out: &mut Vec<u8>) {
    let headers: Vec<Header<'_>> = headers
        .iter()
        .map(|&(name, value)| Header { name, value })
        .collect();
    encode(&headers, payload.as_bytes(), out).unwrap();
}
