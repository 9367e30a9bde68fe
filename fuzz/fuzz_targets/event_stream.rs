//! Frames of AWS event streams never break the decoder, and are the same whichever way they are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocols::event_stream::EventStreamDecoder;

fn frames(pieces: &[&[u8]]) -> (Vec<String>, bool) {
    let mut decoder = EventStreamDecoder::new();
    let mut frames = Vec::new();
    for mut piece in pieces.iter().copied() {
        loop {
            match decoder.next(&mut piece) {
                Ok(Some(frame)) => frames.push(format!("{frame:?}")),
                Ok(None) => break,
                Err(_) => return (frames, false),
            }
        }
    }
    (frames, true)
}

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, bytes) = input;
    let cut = usize::from(cut).min(bytes.len());
    assert_eq!(frames(&[bytes]), frames(&[&bytes[..cut], &bytes[cut..]]));
});
