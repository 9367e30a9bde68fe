//! International bank account numbers: country, check digits, account, the remainder by 97 being 1 (ISO 13616).

use std::ops::Range;

/// Length by country, from the IBAN registry.
const LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"ad", 24),
    (b"ae", 23),
    (b"al", 28),
    (b"at", 20),
    (b"az", 28),
    (b"ba", 20),
    (b"be", 16),
    (b"bg", 22),
    (b"bh", 22),
    (b"bi", 27),
    (b"br", 29),
    (b"by", 28),
    (b"ch", 21),
    (b"cr", 22),
    (b"cy", 28),
    (b"cz", 24),
    (b"de", 22),
    (b"dj", 27),
    (b"dk", 18),
    (b"do", 28),
    (b"ee", 20),
    (b"eg", 29),
    (b"es", 24),
    (b"fi", 18),
    (b"fk", 18),
    (b"fo", 18),
    (b"fr", 27),
    (b"gb", 22),
    (b"ge", 22),
    (b"gi", 23),
    (b"gl", 18),
    (b"gr", 27),
    (b"gt", 28),
    (b"hr", 21),
    (b"hu", 28),
    (b"ie", 22),
    (b"il", 23),
    (b"iq", 23),
    (b"is", 26),
    (b"it", 27),
    (b"jo", 30),
    (b"kw", 30),
    (b"kz", 20),
    (b"lb", 28),
    (b"lc", 32),
    (b"li", 21),
    (b"lt", 20),
    (b"lu", 20),
    (b"lv", 21),
    (b"ly", 25),
    (b"mc", 27),
    (b"md", 24),
    (b"me", 22),
    (b"mk", 19),
    (b"mn", 20),
    (b"mr", 27),
    (b"mt", 31),
    (b"mu", 30),
    (b"ni", 28),
    (b"nl", 18),
    (b"no", 15),
    (b"om", 23),
    (b"pk", 24),
    (b"pl", 28),
    (b"ps", 29),
    (b"pt", 25),
    (b"qa", 29),
    (b"ro", 24),
    (b"rs", 22),
    (b"ru", 33),
    (b"sa", 24),
    (b"sc", 31),
    (b"sd", 18),
    (b"se", 24),
    (b"si", 19),
    (b"sk", 24),
    (b"sm", 27),
    (b"so", 23),
    (b"st", 25),
    (b"sv", 28),
    (b"tl", 23),
    (b"tn", 24),
    (b"tr", 26),
    (b"ua", 29),
    (b"va", 22),
    (b"vg", 24),
    (b"xk", 20),
    (b"ye", 30),
];

/// Around the first check digit, at `at`: the country stands before it.
pub(super) fn around(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let start = at.checked_sub(2)?;
    let country = bytes.get(start..at)?;
    let (_, length) = LENGTHS.iter().find(|(code, _)| *code == country)?;
    if !super::begins_word(bytes, start) {
        return None;
    }
    let mut characters: Vec<u8> = Vec::with_capacity(*length);
    let mut end = start;
    let mut after_separator = false;
    for (index, byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' => {
                characters.push(*byte);
                after_separator = false;
            }
            b' ' | b'-' if !after_separator => {
                after_separator = true;
                continue;
            }
            _ => break,
        }
        if characters.len() == *length {
            end = index.saturating_add(1);
            break;
        }
    }
    (characters.len() == *length && super::ends_word(bytes, end) && is_checked(&characters))
        .then_some(start..end)
}

/// Country and check digits behind the account, letters as two digits from 10 on: the remainder by 97 is 1.
fn is_checked(characters: &[u8]) -> bool {
    let (head, account) = characters.split_at_checked(4).unwrap_or((characters, &[]));
    let remainder = account.iter().chain(head).fold(0_u32, |remainder, byte| {
        let (value, shift) = match byte {
            b'0'..=b'9' => (byte.saturating_sub(b'0'), 10),
            _ => (byte.saturating_sub(b'a').saturating_add(10), 100),
        };
        remainder
            .saturating_mul(shift)
            .saturating_add(u32::from(value))
            .wrapping_rem(97)
    });
    remainder == 1
}
