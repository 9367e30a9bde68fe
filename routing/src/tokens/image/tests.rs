#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use proptest::prelude::proptest;

use super::*;

#[test]
fn the_published_examples() {
    for (width, height, low_detail, expected) in [
        // 1024 square: scaled to 768, four tiles.
        (1_024, 1_024, false, 765),
        // 2048 × 4096: to 1024 × 2048, to 768 × 1536, six tiles.
        (2_048, 4_096, false, 1_105),
        (4_096, 8_192, true, 85),
        (512, 512, false, 255),
        (1, 1, false, 255),
        (0, 0, false, 255),
    ] {
        let size = Some(ImageSize { width, height });
        assert_eq!(image_tokens(size, low_detail), expected);
    }
    assert_eq!(image_tokens(None, false), 765);
}

#[test]
fn sizes_are_read_from_the_heads_of_files() {
    // Headers written by hand from the formats' specifications, 300 × 200 each.
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\x2c\0\0\0\xc8\x08\x06";
    let gif = b"GIF89a\x2c\x01\xc8\0\xf7\0\0";
    let jpeg = b"\xff\xd8\xff\xe0\0\x04\0\0\xff\xff\xc0\0\x11\x08\0\xc8\x01\x2c\x03";
    let webp = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x2b\x01\0\xc7\0\0";
    let lossy = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x2c\x01\xc8\0";
    // 299 | 199 << 14
    let lossless = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x2b\xc1\x31\0";
    let expected = Some(ImageSize {
        width: 300,
        height: 200,
    });
    for file in [&png[..], gif, jpeg, webp, lossy, lossless] {
        assert_eq!(size_of(file), expected, "{file:?}");
    }
    assert_eq!(size_of_base64(b"R0lGODlhLAHIAPcAAA=="), expected);
    assert_eq!(size_of_base64(b"JVBERi0xLjQK"), None);
}

proptest! {
    #[test]
    fn arbitrary_files_are_read_without_a_crash(bytes: Vec<u8>, kind in 0_usize..5) {
        let heads: [&[u8]; 5] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"GIF8", b"RIFF0000WEBPVP8 ", b""];
        size_of(&[heads[kind], &bytes].concat());
        size_of_base64(&bytes);
    }
}
