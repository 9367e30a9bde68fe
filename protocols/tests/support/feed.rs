//! Feeds a recorded stream to a translator in pieces.

use protocols::{StreamState, Translator, Usage};

/// All that a translator gave and said.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub out: Vec<u8>,
    pub state: StreamState,
    pub usage: Option<Usage>,
    pub text_bytes: u64,
    pub served_model: Option<String>,
}

/// Feeds `pieces` and the end of the stream.
pub fn feed<'a>(
    mut translator: Box<dyn Translator>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    let mut out = Vec::new();
    for piece in pieces {
        if translator.stream(piece, &mut out) {
            out.extend_from_slice(piece);
        }
    }
    translator.stream_end(&mut out);
    Outcome {
        out,
        state: translator.stream_state().clone(),
        usage: translator.usage(),
        text_bytes: translator.text_bytes(),
        served_model: translator.served_model().map(str::to_owned),
    }
}

/// Ways to cut a stream: each must give the same outcome.
pub fn cuts(input: &[u8]) -> Vec<(&'static str, Vec<&[u8]>)> {
    vec![
        ("whole", vec![input]),
        ("events", events(input)),
        ("bytes", input.chunks(1).collect()),
        ("2 bytes", input.chunks(2).collect()),
        ("3 bytes", input.chunks(3).collect()),
        ("7 bytes", input.chunks(7).collect()),
    ]
}

/// Pieces that end where an event's blank line ends, or a binary frame.
fn events(input: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    if input.first() == Some(&0) {
        let mut rest = input;
        while let Some((length, _)) = rest.split_first_chunk() {
            let length = usize::try_from(u32::from_be_bytes(*length)).unwrap();
            let (frame, behind) = rest.split_at(length.clamp(1, rest.len()));
            pieces.push(frame);
            rest = behind;
        }
        pieces.push(rest);
        return pieces;
    }
    let mut start = 0;
    for end in 1..=input.len() {
        let so_far = &input[start..end];
        if so_far.ends_with(b"\n\n") || so_far.ends_with(b"\r\n\r\n") || so_far.ends_with(b"\r\r") {
            pieces.push(so_far);
            start = end;
        }
    }
    pieces.push(&input[start..]);
    pieces
}
