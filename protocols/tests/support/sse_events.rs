//! Server-sent events as providers and their proxies may write them.

use proptest::prelude::*;

/// What may stand between the quotes of a JSON string, and with `may_be_broken` rarely something that may not.
pub fn inside_of_a_string(may_be_broken: bool) -> impl Strategy<Value = String> {
    let valid = vec![
        "a",
        "{}",
        "\u{e9}",
        "\u{1f9ea}",
        "\u{2028}",
        "\u{7f}",
        r"\n",
        r#"\""#,
        r"\\",
        r"\/",
        r"\u0000",
        r"\u00E9",
        r"\ud83e\uddea",
        r"\ud800",
        "data: ",
        "eight bytes and more",
    ];
    let broken = vec![r"\", r"\x", r"\u12", "\u{1}", "\"", "\","];
    let piece = prop_oneof![
        60 => prop::sample::select(valid),
        u32::from(may_be_broken) => prop::sample::select(broken),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

/// How many forms [`framed`] knows.
pub const FORMS: u8 = 8;

/// The lines of an event of type `name`, in one of the forms that the format allows. The first has no name.
pub fn framed(form: u8, name: &str, data: &str) -> String {
    match form {
        0 => format!("data: {data}\n\n"),
        1 => format!("event: {name}\ndata: {data}\n\n"),
        2 => format!("event: {name}\r\ndata:{data}\r\n\r\n"),
        3 => format!("data: {data}\revent: {name}\r\r"),
        4 => format!("event: {name}\ndata: {data}\n\n\n"),
        5 => format!(": comment\nid: 7\ndata: {data}\n\n"),
        6 => format!("event: {name}\ndata: {data}\ndata:\n\n"),
        _ => format!("event: {name}\ndata: {data}\n\r\n"),
    }
}
