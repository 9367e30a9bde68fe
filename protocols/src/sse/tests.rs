#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use proptest::prelude::*;

use super::*;

type Owned = (String, String, Vec<u8>);

fn owned(event: SseEvent<'_>) -> Owned {
    (
        event.name.to_owned(),
        String::from_utf8_lossy(event.data).into_owned(),
        event.raw.to_vec(),
    )
}

fn blocks(pieces: &[&[u8]], all_blocks: bool) -> Vec<Owned> {
    let mut parser = SseParser::new();
    let mut found = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        loop {
            let event = if all_blocks {
                parser.next_block(&mut rest)
            } else {
                parser.next(&mut rest)
            };
            match event.unwrap() {
                Some(event) => found.push(owned(event)),
                None => break,
            }
        }
        assert!(rest.is_empty());
    }
    let last = if all_blocks {
        parser.finish_block()
    } else {
        parser.finish()
    };
    found.extend(last.unwrap().map(owned));
    found
}

fn events(input: &[u8]) -> Vec<(String, String)> {
    blocks(&[input], false)
        .into_iter()
        .map(|(name, data, _)| (name, data))
        .collect()
}

#[test]
fn reads_the_event_stream_format() {
    // A name, the stream, and the names and data of its events.
    type Row = (
        &'static str,
        &'static [u8],
        &'static [(&'static str, &'static str)],
    );
    let table: &[Row] = &[
        ("one event", b"data: a\n\n", &[("", "a")]),
        (
            "event name",
            b"event: ping\ndata: {}\n\n",
            &[("ping", "{}")],
        ),
        (
            "name after data",
            b"data: {}\nevent: ping\n\n",
            &[("ping", "{}")],
        ),
        (
            "last name wins",
            b"event: a\nevent: b\ndata: 1\n\n",
            &[("b", "1")],
        ),
        (
            "CRLF",
            b"event: e\r\ndata: a\r\n\r\ndata: b\r\n\r\n",
            &[("e", "a"), ("", "b")],
        ),
        (
            "CR",
            b"event: e\rdata: a\r\rdata: b\r\r",
            &[("e", "a"), ("", "b")],
        ),
        (
            "line ends mixed in one event",
            b"event: e\r\ndata: a\rdata: b\n\n",
            &[("e", "a\nb")],
        ),
        ("byte order mark", b"\xEF\xBB\xBFdata: a\n\n", &[("", "a")]),
        (
            "byte order mark only at the start",
            b"data: a\n\n\xEF\xBB\xBFdata: b\n\n",
            &[("", "a")],
        ),
        (
            "several data lines",
            b"data: a\ndata:\ndata: b\n\n",
            &[("", "a\n\nb")],
        ),
        (
            "no space after the colon",
            b"event:e\ndata:a\n\n",
            &[("e", "a")],
        ),
        ("only one space goes", b"data:  a \n\n", &[("", " a ")]),
        ("no colon", b"data\n\n", &[("", "")]),
        (
            "comments",
            b": hello\n\n:\ndata: a\n: inside\n\n",
            &[("", "a")],
        ),
        (
            "id and retry",
            b"id: 7\nretry: 10\ndata: a\n\n",
            &[("", "a")],
        ),
        ("unknown field", b"colour: red\ndata: a\n\n", &[("", "a")]),
        (
            "field names are exact",
            b"Data: b\n data: c\ndata: a\n\n",
            &[("", "a")],
        ),
        (
            "no data, no event",
            b"event: ping\n\ndata: a\n\n",
            &[("", "a")],
        ),
        ("blank lines", b"\n\n\r\n\r\rdata: a\n\n\n\n", &[("", "a")]),
        (
            "no final blank line",
            b"data: a\n\ndata: b\n",
            &[("", "a"), ("", "b")],
        ),
        (
            "no final line end",
            b"data: a\n\ndata: b",
            &[("", "a"), ("", "b")],
        ),
        (
            "CRLF without final blank line",
            b"data: a\r\n\r\ndata: b\r\n",
            &[("", "a"), ("", "b")],
        ),
        (
            "U+2028 is no line end",
            "data: a\u{2028}b\u{85}c\u{b}d\n\n".as_bytes(),
            &[("", "a\u{2028}b\u{85}c\u{b}d")],
        ),
        (
            "colons in data",
            b"data: {\"a\":1}\n\n",
            &[("", "{\"a\":1}")],
        ),
        ("nothing", b"", &[]),
    ];
    for (case, input, expected) in table {
        let expected: Vec<_> = expected
            .iter()
            .map(|(n, d)| ((*n).to_owned(), (*d).to_owned()))
            .collect();
        assert_eq!(events(input), expected, "{case}");
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(
            blocks(&bytes, false),
            blocks(&[input], false),
            "{case}, byte by byte"
        );
    }
}

#[test]
fn an_event_is_handed_out_with_the_line_end_of_its_blank_line() {
    for (stream, complete_after) in [
        ("data: a\n\n", 9),
        ("data: a\r\r", 9),
        ("data: a\r\n\r\n", 11),
    ] {
        let mut parser = SseParser::new();
        let (before, last) = stream.as_bytes().split_at(complete_after - 1);
        assert_eq!(parser.next(&mut &*before).unwrap(), None, "{stream:?}");
        assert!(parser.next(&mut &*last).unwrap().is_some(), "{stream:?}");
    }
}

#[test]
fn a_keep_alive_comment_is_not_held_back() {
    let mut parser = SseParser::new();
    let block = parser
        .next_block(&mut &b": processing\n"[..])
        .unwrap()
        .map(owned);
    assert_eq!(
        block,
        Some((String::new(), String::new(), b": processing\n".to_vec()))
    );
}

#[test]
fn an_endless_line_is_refused_with_bounded_memory() {
    let mut parser = SseParser::new();
    let piece = vec![b'x'; 1024 * 1024];
    let mut refused_after = None;
    for count in 0..64 {
        if parser.next(&mut &piece[..])
            == Err(EventTooLong {
                limit: MAX_EVENT_BYTES,
            })
        {
            refused_after.get_or_insert(count);
        }
        assert!(parser.raw.capacity() <= 2 * MAX_EVENT_BYTES);
    }
    assert_eq!(refused_after, Some(16));
    assert!(parser.finish().is_err());
}

#[test]
fn many_data_lines_count_as_one_event() {
    let mut parser = SseParser::with_limit(100);
    assert!(
        parser
            .next(&mut &b"data: 0123456789\n".repeat(7)[..])
            .is_err()
    );
    let mut parser = SseParser::with_limit(100);
    let short = b"data: 0123456789\n\n".repeat(100);
    let mut rest = &short[..];
    let mut count = 0;
    while parser.next(&mut rest).unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 100);
}

// There is no clock on wasm32-unknown-unknown.
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
#[test]
fn time_grows_with_length_and_no_faster() {
    let event = |length: usize| format!("data: {}\n\n", "x".repeat(length));
    crate::translator::assert_linear(event, |event| {
        let pieces: Vec<&[u8]> = event.as_bytes().chunks(1).collect();
        assert_eq!(blocks(&pieces, false).len(), 1);
    });
}

#[test]
fn what_is_written_is_read_back() {
    for data in ["{}", "", "a\nb", "a\r\nb\rc\n", "\n"] {
        let mut out = Vec::new();
        write_event(&mut out, "e", data.as_bytes());
        let expected = data.replace("\r\n", "\n").replace('\r', "\n");
        assert_eq!(events(&out), [("e".to_owned(), expected)]);
    }
    let mut out = Vec::new();
    write_json(&mut out, None, &serde_json::json!({"a": "x\ny"}));
    assert_eq!(out, b"data: {\"a\":\"x\\ny\"}\n\n");
}

proptest! {
    #[test]
    fn cuts_change_nothing(
        lines in proptest::collection::vec("(data: ?|event: ?|:|x)?[a-c\u{2028}]{0,3}(\n|\r\n|\r|\n\n|\r\n\r\n|\r\r)", 0..12),
        cuts in proptest::collection::vec(0usize..60, 0..8),
    ) {
        let stream = lines.concat().into_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut <= stream.len()).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        let whole = blocks(&[&stream], true);
        prop_assert_eq!(&blocks(&pieces, true), &whole);
        prop_assert_eq!(&blocks(&bytes, true), &whole);
        prop_assert_eq!(blocks(&pieces, false), blocks(&[&stream], false));
        let raw: Vec<u8> = whole.into_iter().flat_map(|(_, _, raw)| raw).collect();
        prop_assert_eq!(raw, stream);
    }
}
