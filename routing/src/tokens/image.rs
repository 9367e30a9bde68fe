//! Tokens of images by OpenAI's published formula for the GPT-4o family, and the image sizes that it needs.
//!
//! Low detail: 85. High detail: scaled down to fit 2048 × 2048, then until the shorter side is 768; then 85 plus 170
//! per tile of 512 × 512 that it touches. Anthropic's formula (width × height / 750, at most about 1,600) gives
//! similar numbers.

/// Tokens of a low-detail image, and the base of a high-detail one.
const BASE: u32 = 85;
const TILE: u32 = 170;
/// Bytes of a file that are searched for its size: JPEG stores it after its metadata.
const HEAD: usize = 64 * 1024;
/// The same in base64.
pub(super) const BASE64_HEAD: usize = HEAD / 3 * 4;

/// Size in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageSize {
    /// Across.
    pub width: u32,
    /// Down.
    pub height: u32,
}

/// Assumed for an image of unknown size: a square that is not scaled.
const UNKNOWN: ImageSize = ImageSize {
    width: 1_024,
    height: 1_024,
};

/// Tokens of an image of `size`.
pub fn image_tokens(size: Option<ImageSize>, low_detail: bool) -> u32 {
    if low_detail {
        return BASE;
    }
    let ImageSize { width, height } = size.unwrap_or(UNKNOWN);
    let (mut width, mut height) = (f64::from(width.max(1)), f64::from(height.max(1)));
    let fit = (2_048.0 / width.max(height)).min(1.0);
    (width, height) = (width * fit, height * fit);
    let shorten = (768.0 / width.min(height)).min(1.0);
    (width, height) = (width * shorten, height * shorten);
    let tiles = (width / 512.0).ceil() * (height / 512.0).ceil();
    BASE.saturating_add(TILE.saturating_mul(tiles as u32))
}

/// The size of a base64-encoded PNG, JPEG, GIF or WebP file, from its head; `None` for anything else.
pub fn size_of_base64(base64: &[u8]) -> Option<ImageSize> {
    let head = base64.get(..BASE64_HEAD).unwrap_or(base64);
    size_of(&decode(head))
}

/// Stops at an invalid character; only the head of a file matters.
fn decode(base64: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(base64.len() / 4 * 3);
    let mut bits = 0_u32;
    let mut count = 0_u32;
    for &character in base64 {
        let value = match character {
            b'A'..=b'Z' => character.wrapping_sub(b'A'),
            b'a'..=b'z' => character.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => character.wrapping_sub(b'0').wrapping_add(52),
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        bits = (bits << 6) | u32::from(value);
        count = count.wrapping_add(6);
        if count >= 8 {
            count = count.wrapping_sub(8);
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

fn size_of(file: &[u8]) -> Option<ImageSize> {
    if file.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some(ImageSize {
            width: u32::from_be_bytes(at(file, 16)?),
            height: u32::from_be_bytes(at(file, 20)?),
        });
    }
    if file.starts_with(b"GIF8") {
        return Some(ImageSize {
            width: u32::from(u16::from_le_bytes(at(file, 6)?)),
            height: u32::from(u16::from_le_bytes(at(file, 8)?)),
        });
    }
    if file.starts_with(b"RIFF") && file.get(8..12) == Some(b"WEBP") {
        return size_of_webp(file);
    }
    if file.starts_with(b"\xff\xd8") {
        return size_of_jpeg(file);
    }
    None
}

fn size_of_webp(file: &[u8]) -> Option<ImageSize> {
    match file.get(12..16)? {
        b"VP8 " => Some(ImageSize {
            width: u32::from(u16::from_le_bytes(at(file, 26)?) & 0x3fff),
            height: u32::from(u16::from_le_bytes(at(file, 28)?) & 0x3fff),
        }),
        b"VP8L" => {
            let bits = u32::from_le_bytes(at(file, 21)?);
            Some(ImageSize {
                width: (bits & 0x3fff).saturating_add(1),
                height: ((bits >> 14) & 0x3fff).saturating_add(1),
            })
        }
        b"VP8X" => {
            let [w0, w1, w2, h0, h1, h2] = at::<6>(file, 24)?;
            Some(ImageSize {
                width: u32::from_le_bytes([w0, w1, w2, 0]).saturating_add(1),
                height: u32::from_le_bytes([h0, h1, h2, 0]).saturating_add(1),
            })
        }
        _ => None,
    }
}

/// Follows the markers to the frame header.
fn size_of_jpeg(file: &[u8]) -> Option<ImageSize> {
    let mut position = 2_usize;
    loop {
        let [prefix, marker] = at::<2>(file, position)?;
        if prefix != 0xff {
            return None;
        }
        position = position.checked_add(2)?;
        // Fill bytes, and markers without a length.
        if marker == 0xff {
            position = position.checked_sub(1)?;
            continue;
        }
        if matches!(marker, 0x01 | 0xd0..=0xd8) {
            continue;
        }
        let is_frame = matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
        if is_frame {
            return Some(ImageSize {
                width: u32::from(u16::from_be_bytes(at(file, position.checked_add(5)?)?)),
                height: u32::from(u16::from_be_bytes(at(file, position.checked_add(3)?)?)),
            });
        }
        let length = usize::from(u16::from_be_bytes(at(file, position)?)).max(2);
        position = position.checked_add(length)?;
    }
}

fn at<const N: usize>(file: &[u8], position: usize) -> Option<[u8; N]> {
    file.get(position..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests;
