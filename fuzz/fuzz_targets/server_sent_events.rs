//! Events are the same whichever way their bytes are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocols::sse::SseParser;

fn events(pieces: &[&[u8]]) -> Vec<(String, String)> {
    let mut parser = SseParser::new();
    let mut events = Vec::new();
    for mut piece in pieces.iter().copied() {
        while let Ok(Some(event)) = parser.next(&mut piece) {
            events.push((format!("{:?}", event.name), format!("{:?}", event.data)));
        }
    }
    if let Ok(Some(event)) = parser.finish() {
        events.push((format!("{:?}", event.name), format!("{:?}", event.data)));
    }
    events
}

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, bytes) = input;
    let cut = usize::from(cut).min(bytes.len());
    let whole = events(&[bytes]);
    assert_eq!(whole, events(&[&bytes[..cut], &bytes[cut..]]));
    assert_eq!(whole, events(&bytes.chunks(1).collect::<Vec<_>>()));
});
