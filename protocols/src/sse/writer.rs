//! Writes server-sent events.

use memchr::memchr2;
use serde::Serialize;

/// The last frame of an OpenAI stream.
pub const DONE: &[u8] = b"data: [DONE]\n\n";

/// Appends an event without a name; see [`write_event`].
pub fn write_data(out: &mut Vec<u8>, data: &[u8]) {
    let mut rest = data;
    loop {
        out.extend_from_slice(b"data: ");
        let Some(end) = memchr2(b'\n', b'\r', rest) else {
            out.extend_from_slice(rest);
            break;
        };
        let (line, tail) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        out.extend_from_slice(line);
        out.push(b'\n');
        rest = tail
            .strip_prefix(b"\r\n")
            .or_else(|| tail.get(1..))
            .unwrap_or_default();
    }
    out.extend_from_slice(b"\n\n");
}

/// Appends an event. Each line of `data` becomes a `data` field. `name` must not contain a line end.
pub fn write_event(out: &mut Vec<u8>, name: &str, data: &[u8]) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.push(b'\n');
    write_data(out, data);
}

/// Appends an event with `value` as single-line JSON; `name` is omitted if `None`. Appends nothing if JSON cannot
/// express the value (a map with non-string keys).
pub fn write_json<T: Serialize>(out: &mut Vec<u8>, name: Option<&str>, value: &T) {
    let before = out.len();
    if let Some(name) = name {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.push(b'\n');
    }
    out.extend_from_slice(b"data: ");
    // JSON escapes line ends inside strings, and the compact form has none elsewhere.
    match serde_json::to_writer(&mut *out, value) {
        Ok(()) => out.extend_from_slice(b"\n\n"),
        Err(_) => out.truncate(before),
    }
}
