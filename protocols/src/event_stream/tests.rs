#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use proptest::prelude::*;

use super::*;

fn decode_in(chunks: &[&[u8]]) -> (Vec<OwnedFrame>, Result<(), EventStreamError>) {
    let mut decoder = EventStreamDecoder::new();
    let mut frames = Vec::new();
    for chunk in chunks {
        let mut rest = *chunk;
        loop {
            match decoder.next(&mut rest) {
                Ok(Some(frame)) => frames.push(OwnedFrame::from(&frame)),
                Ok(None) => break,
                Err(error) => return (frames, Err(error)),
            }
        }
    }
    (frames, decoder.finish())
}

/// A frame that outlives its decoder. Values in their debug form.
#[derive(Debug, Clone, PartialEq)]
struct OwnedFrame {
    headers: Vec<(String, String)>,
    payload: Vec<u8>,
}

impl From<&Frame<'_>> for OwnedFrame {
    fn from(frame: &Frame<'_>) -> Self {
        let header = |header: &Header<'_>| (header.name.to_owned(), format!("{:?}", header.value));
        Self {
            headers: frame.headers.iter().map(header).collect(),
            payload: frame.payload.to_vec(),
        }
    }
}

fn frame(headers: &[(&str, HeaderValue<'_>)], payload: &[u8]) -> Vec<u8> {
    let headers: Vec<_> = headers
        .iter()
        .map(|&(name, value)| Header { name, value })
        .collect();
    let mut out = Vec::new();
    encode(&headers, payload, &mut out).unwrap();
    out
}

/// A frame with valid lengths and checksums around any `block`.
fn frame_around(block: &[u8], payload: &[u8]) -> Vec<u8> {
    with_lengths(
        u32::try_from(block.len() + payload.len() + 16).unwrap(),
        u32::try_from(block.len()).unwrap(),
        &[block, payload].concat(),
    )
}

fn with_lengths(total: u32, headers: u32, content: &[u8]) -> Vec<u8> {
    let mut out = [total.to_be_bytes(), headers.to_be_bytes()].concat();
    out.extend(crc32::crc32(&out).to_be_bytes());
    out.extend(content);
    out.extend(crc32::crc32(&out).to_be_bytes());
    out
}

#[test]
fn all_header_types_are_read_as_they_were_written() {
    let headers = [
        ("true", HeaderValue::Bool(true)),
        ("false", HeaderValue::Bool(false)),
        ("byte", HeaderValue::Byte(-2)),
        ("short", HeaderValue::Short(i16::MIN)),
        ("integer", HeaderValue::Integer(-4)),
        ("long", HeaderValue::Long(i64::MAX)),
        ("bytes", HeaderValue::Bytes(&[0, 255])),
        (":event-type", HeaderValue::String("contentBlockDelta")),
        ("time", HeaderValue::Timestamp(1_700_000_000_000)),
        ("uuid", HeaderValue::Uuid(*b"0123456789abcdef")),
    ];
    let bytes = frame(&headers, b"payload");
    let mut decoder = EventStreamDecoder::new();
    let mut rest = bytes.as_slice();
    let decoded = decoder.next(&mut rest).unwrap().unwrap();
    assert_eq!(decoded.payload, b"payload");
    let read: Vec<_> = decoded.headers.iter().map(|h| (h.name, h.value)).collect();
    assert_eq!(read, headers);
    assert_eq!(decoded.text(":event-type"), Some("contentBlockDelta"));
    assert_eq!(decoded.text("long"), None);
    assert_eq!(decoded.text("absent"), None);
}

/// The smallest frame of the specification: 16 bytes, two checksums.
#[test]
fn an_empty_frame_is_sixteen_bytes() {
    let expected = [
        0, 0, 0, 16, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff,
    ];
    assert_eq!(frame(&[], b""), expected);
    let (frames, end) = decode_in(&[&expected]);
    assert_eq!((frames.len(), end), (1, Ok(())));
}

#[test]
fn damage_is_named_and_what_came_before_it_is_kept() {
    let good = frame(&[("a", HeaderValue::Bool(true))], b"one");
    let bad_payload = {
        let mut bytes = good.clone();
        let at = bytes.len() - 5;
        bytes[at] ^= 1;
        bytes
    };
    let bad_prelude = {
        let mut bytes = good.clone();
        bytes[0] ^= 1;
        bytes
    };
    let header = |block: &[u8]| frame_around(block, b"");
    type Expected = fn(&EventStreamError) -> bool;
    let cases: [(&str, Vec<u8>, Expected); 13] = [
        ("payload", bad_payload, |e| {
            matches!(e, EventStreamError::FrameChecksum { .. })
        }),
        ("prelude", bad_prelude, |e| {
            matches!(e, EventStreamError::PreludeChecksum { .. })
        }),
        ("too long", with_lengths(0x0100_0001, 0, b""), |e| {
            *e == EventStreamError::TooLong { found: 0x0100_0001 }
        }),
        ("too short", with_lengths(15, 0, b""), |e| {
            *e == EventStreamError::TooShort { found: 15 }
        }),
        (
            "headers beyond the frame",
            with_lengths(20, 5, b"1234"),
            |e| {
                *e == EventStreamError::HeaderLength {
                    limit: 4,
                    total: 20,
                    found: 5,
                }
            },
        ),
        (
            "headers beyond the limit",
            with_lengths(0x40000, 0x20001, b""),
            |e| {
                matches!(
                    e,
                    EventStreamError::HeaderLength {
                        limit: MAX_HEADER_BYTES,
                        ..
                    }
                )
            },
        ),
        ("name cut off", header(b"\x02a"), |e| {
            *e == HeaderError::Truncated {
                at: 1,
                expected: 2,
                found: 1,
            }
            .into()
        }),
        ("value cut off", header(b"\x01a\x05\0\0"), |e| {
            *e == HeaderError::Truncated {
                at: 3,
                expected: 8,
                found: 2,
            }
            .into()
        }),
        ("empty name", header(b"\0\0"), |e| {
            *e == HeaderError::EmptyName { at: 0 }.into()
        }),
        ("name not UTF-8", header(b"\x01\xff\0"), |e| {
            *e == HeaderError::NotUtf8 { at: 1 }.into()
        }),
        ("value not UTF-8", header(b"\x01a\x07\0\x01\xff"), |e| {
            *e == HeaderError::NotUtf8 { at: 5 }.into()
        }),
        ("unknown type", header(b"\x01a\x0a"), |e| {
            *e == HeaderError::UnknownType { at: 2, found: 10 }.into()
        }),
        ("repeated name", header(b"\x01a\x00\x01a\x01"), |e| {
            *e == HeaderError::Duplicate { name: "a".into() }.into()
        }),
    ];
    for (name, bad, is_expected) in cases {
        let stream = [good.clone(), bad, good.clone()].concat();
        let (frames, end) = decode_in(&[&stream]);
        assert_eq!(frames.len(), 1, "{name}");
        assert!(is_expected(&end.clone().unwrap_err()), "{name}: {end:?}");

        let bytes: Vec<_> = stream.chunks(1).collect();
        assert_eq!(decode_in(&bytes), (frames, end), "{name}, byte by byte");
    }
}

#[test]
fn an_error_stays_and_nothing_is_read_behind_it() {
    let good = frame(&[], b"x");
    let bad = frame_around(b"\0\0", b"");
    let mut decoder = EventStreamDecoder::new();
    let mut rest: &[u8] = &bad;
    let first = decoder.next(&mut rest).unwrap_err();
    for _ in 0..2 {
        let mut rest: &[u8] = &good;
        assert_eq!(decoder.next(&mut rest), Err(first.clone()));
    }
    assert_eq!(decoder.finish(), Err(first));
}

#[test]
fn a_stream_that_ends_inside_a_frame_is_cut_off() {
    let bytes = [frame(&[], b"one"), frame(&[], b"two")].concat();
    let one = frame(&[], b"one").len();
    for end in 0..=bytes.len() {
        let (frames, result) = decode_in(&[&bytes[..end]]);
        assert_eq!(frames.len(), end / one, "{end}");
        assert_eq!(result.is_ok(), end % one == 0, "{end}: {result:?}");
    }
}

#[test]
fn too_many_headers_are_refused() {
    let block: Vec<u8> = (0..=MAX_HEADERS)
        .flat_map(|n| [&[3][..], format!("{n:03}").as_bytes(), &[0]].concat())
        .collect();
    let (_, end) = decode_in(&[&frame_around(&block, b"")]);
    assert_eq!(end, Err(HeaderError::TooMany.into()));
}

#[test]
fn the_encoder_refuses_what_no_decoder_reads() {
    let long = "n".repeat(256);
    let value = "v".repeat(65_536);
    let header = |name, value| Header {
        name,
        value: HeaderValue::String(value),
    };
    let mut out = vec![7];
    for (headers, payload) in [
        (vec![header("", "")], 0),
        (vec![header(&long, "")], 0),
        (vec![header("a", &value)], 0),
        (vec![header("a", ""), header("a", "")], 0),
        (
            vec![
                header("a", &value[1..]),
                header("b", &value[1..]),
                header("c", "."),
            ],
            0,
        ),
        (vec![header("a", ""); MAX_HEADERS + 1], 0),
        (vec![], MAX_FRAME_BYTES),
    ] {
        assert!(encode(&headers, &vec![0; payload], &mut out).is_err());
    }
    assert_eq!(out, [7]);
}

/// A prelude may promise 16 MiB; memory use follows the bytes received.
#[test]
fn memory_follows_the_bytes_that_came() {
    let mut decoder = EventStreamDecoder::new();
    let promise = with_lengths(u32::try_from(MAX_FRAME_BYTES).unwrap(), 0, b"");
    let mut rest = &promise[..PRELUDE_BYTES];
    assert_eq!(decoder.next(&mut rest), Ok(None));
    assert!(decoder.capacity() < 1024);
}

#[test]
fn a_large_frame_gives_its_memory_back() {
    let bytes = [frame(&[], &vec![b'x'; 1024 * 1024]), frame(&[], b"y")].concat();
    let mut decoder = EventStreamDecoder::new();
    let mut rest = bytes.as_slice();
    assert!(decoder.next(&mut rest).unwrap().is_some());
    assert!(decoder.next(&mut rest).unwrap().is_some());
    assert!(decoder.capacity() <= 64 * 1024);
}

fn header_value() -> impl Strategy<Value = Owned> {
    prop_oneof![
        any::<bool>().prop_map(Owned::Bool),
        any::<i64>().prop_map(Owned::Long),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Owned::Bytes),
        ".{0,20}".prop_map(Owned::Text),
        any::<[u8; 16]>().prop_map(Owned::Uuid),
    ]
}

#[derive(Debug, Clone)]
enum Owned {
    Bool(bool),
    Long(i64),
    Bytes(Vec<u8>),
    Text(String),
    Uuid([u8; 16]),
}

impl Owned {
    fn value(&self) -> HeaderValue<'_> {
        match self {
            Self::Bool(value) => HeaderValue::Bool(*value),
            Self::Long(value) => HeaderValue::Long(*value),
            Self::Bytes(value) => HeaderValue::Bytes(value),
            Self::Text(value) => HeaderValue::String(value),
            Self::Uuid(value) => HeaderValue::Uuid(*value),
        }
    }
}

/// Splits `bytes` at `cuts`.
fn split<'b>(bytes: &'b [u8], cuts: &[prop::sample::Index]) -> Vec<&'b [u8]> {
    let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut start = 0;
    let mut chunks = Vec::new();
    for end in ends {
        chunks.push(&bytes[start..end]);
        start = end;
    }
    chunks
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_whatever_the_cuts(
        frames in proptest::collection::vec(
            (
                proptest::collection::btree_map("[a-z:-]{1,12}", header_value(), 0..5),
                proptest::collection::vec(any::<u8>(), 0..200),
            ),
            0..6,
        ),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut stream = Vec::new();
        let mut expected = Vec::new();
        for (headers, payload) in &frames {
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| Header { name, value: value.value() })
                .collect();
            encode(&headers, payload, &mut stream).unwrap();
            expected.push(OwnedFrame::from(&Frame { headers, payload }));
        }
        prop_assert_eq!(decode_in(&split(&stream, &cuts)), (expected, Ok(())));
    }

    #[test]
    fn arbitrary_bytes_are_read_the_same_in_any_cut(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        prop_assert_eq!(decode_in(&split(&bytes, &cuts)), decode_in(&[&bytes]));
    }

    /// A valid checksum may be followed by anything.
    #[test]
    fn arbitrary_header_blocks_never_panic(
        block in proptest::collection::vec(any::<u8>(), 0..200),
        payload in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let (frames, end) = decode_in(&[&frame_around(&block, &payload)]);
        prop_assert_eq!(frames.len(), usize::from(end.is_ok()));
    }

    #[test]
    fn one_flipped_bit_is_always_noticed(
        payload in proptest::collection::vec(any::<u8>(), 0..100),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let mut bytes = frame(&[(":event-type", HeaderValue::String("x"))], &payload);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let (frames, end) = decode_in(&[&bytes]);
        prop_assert!(frames.is_empty());
        prop_assert!(end.is_err());
    }
}
