use super::*;

#[test]
fn checksums_are_those_of_zlib() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}

#[test]
fn lengths_add_up() {
    let frame = encode(&[(":event-type", "a")], b"{}");
    assert_eq!(frame.len(), 12 + (1 + 11 + 1 + 2 + 1) + 2 + 4);
    assert_eq!(frame[..4], (frame.len() as u32).to_be_bytes());
}
