#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use policy::CONTENT_CATEGORIES;

use crate::categories::Categories;
use crate::patterns::Patterns;
use crate::search::Search;

/// Category and words of everything that has a shape in `text`.
fn found(text: &str) -> Vec<(&'static str, String)> {
    let shapes = Categories::of(&[
        policy::ContentCategory::Pii,
        policy::ContentCategory::Secrets,
    ]);
    let patterns = Patterns::new(shapes).unwrap();
    let findings = Search::new(&patterns, shapes, shapes).find(text);
    findings
        .into_iter()
        .map(|finding| (finding.category.name(), text[finding.span].to_owned()))
        .collect()
}

/// The part of `text` in angle brackets is one finding of `category`, and there is no other.
fn is_one(category: &str, marked: &str) {
    let text = marked.replace(['⟨', '⟩'], "");
    let start = marked.find('⟨').unwrap();
    let end = marked.find('⟩').unwrap() - '⟨'.len_utf8();
    let expected = text[start..end].to_owned();
    let category = CONTENT_CATEGORIES
        .iter()
        .map(|category| category.name())
        .find(|name| *name == category)
        .unwrap();
    assert_eq!(found(&text), [(category, expected)], "{text}");
}

#[test]
fn what_has_the_shape_is_found_as_a_whole() {
    for (category, marked) in [
        ("email", "write to ⟨Jane.Doe+x@mail.example.co.uk⟩."),
        ("email", "<⟨a@b.io⟩>"),
        ("email", "'⟨o'brien@example.com⟩'"),
        ("email", "mailto:⟨a_b@example.museum⟩?subject=x"),
        ("email", "⟨a@example.com⟩. Then more"),
        ("email", "an ⟨jörg.müller@münchen.de⟩."),
        ("email", "⟨jané@xn--exmple-cua.com⟩"),
        ("email", "почта: ⟨иван@пример.рф⟩, да"),
        ("email", "⟨用户@例子.中国⟩"),
        ("email", "⟨用户@例子。公司⟩"),
        ("email", "请联系⟨zhang@example.com⟩谢谢"),
        ("email", "메일은 ⟨kim@example.co.kr⟩로"),
        ("email", "⟨a@abc中国.com⟩。再见"),
        ("email", "⟨zhang@example.com⟩。谢谢"),
        ("email", "⟨δοκιμή@παράδειγμα.ελ⟩"),
        ("email", "⟨परीक्षा@हिन्दी.भारत⟩"),
        ("email", "⟨ｊａｎｅ＠ｅｘａｍｐｌｅ．ｃｏｍ⟩"),
        ("phone", "call ⟨+49 (0) 30 123456⟩ today"),
        ("phone", "⟨+14155550123⟩"),
        ("phone", "⟨+1 (415) 555-0123⟩, ask for 7"),
        ("phone", "⟨(415) 555-0123⟩"),
        ("phone", "at ⟨415-555-0123⟩."),
        ("phone", "⟨1-415-555-0123⟩"),
        ("phone", "⟨415.555.0123⟩"),
        ("credit_card", "card ⟨4111 1111 1111 1111⟩ please"),
        ("credit_card", "⟨4111111111111111⟩"),
        ("credit_card", "⟨3782-822463-10005⟩"),
        ("credit_card", "⟨5555 5555 5555 4444⟩ 12"),
        ("iban", "to ⟨DE89 3704 0044 0532 0130 00⟩."),
        ("iban", "⟨GB82WEST12345698765432⟩"),
        ("iban", "⟨NO93 8601 1117 947⟩ and more"),
        ("us_ssn", "SSN: ⟨536-22-1234⟩"),
        (
            "secrets",
            "key=⟨sk-proj-abcdefghij0123456789ABCDEFGHIJ⟩ end",
        ),
        ("secrets", "⟨AKIAIOSFODNN7EXAMPLE⟩"),
        ("secrets", "⟨ghp_0123456789abcdefghijABCDEFGHIJ012345⟩."),
        (
            "secrets",
            "⟨eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N⟩",
        ),
        (
            "secrets",
            r"⟨-----BEGIN RSA PRIVATE KEY-----\nMIIEow+/=\nabc\n-----END RSA PRIVATE KEY-----⟩\nhello",
        ),
        ("secrets", r"⟨-----BEGIN PRIVATE KEY-----\nMIIEow⟩."),
    ] {
        is_one(category, marked);
    }
}

#[test]
fn what_only_looks_like_it_is_left_alone() {
    for text in [
        "a @ b, @name, user@localhost, a@b, a@b.c, @example.com",
        "4111 1111 1111 1112",         // check digit
        "1763731200000",               // a time in milliseconds
        "4111111111111111111111",      // too long
        "x4111111111111111",           // part of a name
        "DE88 3704 0044 0532 0130 00", // check digits
        "de89",
        "2024-01-15, 10:30, 12.5%, 192.168.100.200",
        "+1 2, + 12345678, 1+12345678",
        "000-12-3456 666-12-3456 900-12-3456 536-00-1234 536-22-0000",
        "115-555-0123, 415-155-0123",
        "sk-learn-is-a-library-for-machines", // no digit
        "sk-1234",
        "my-sk-0123456789012345678901234567890",
        "AKIAIOSFODNN7EXAMPLES",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn several_things_stand_beside_each_other() {
    let text = "a@b.io,c@d.io 4111111111111111 5555555555554444 (415) 555-0123/536-22-1234";
    let kinds: Vec<&str> = found(text).iter().map(|(kind, _)| *kind).collect();
    assert_eq!(
        kinds,
        [
            "email",
            "email",
            "credit_card",
            "credit_card",
            "phone",
            "us_ssn"
        ]
    );
}
