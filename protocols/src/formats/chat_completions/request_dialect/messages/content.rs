//! The content of one message.

use catalog::{Dialect, Images};

use crate::body_edit::Splice;
use crate::error::RequestError;
use crate::formats::chat_completions::members::{Fate, Members};
use crate::formats::chat_completions::request_dialect::Refusal;
use crate::formats::chat_completions::request_dialect::{each_element, each_member};
use crate::scanner::{Kind, Literal, Scanner};

/// What was found.
#[derive(Default)]
pub(super) struct Content {
    /// It is a list of parts.
    pub(super) is_list: bool,
    /// All of it, where it is nothing but text.
    pub(super) text: Option<String>,
    pub(super) edits: Vec<Splice>,
}

/// Reads the content of message `index`.
pub(super) fn read<'a>(
    dialect: &Dialect,
    index: usize,
    scanner: &mut Scanner<'a>,
    body: &'a [u8],
) -> Result<Content, Refusal> {
    let mut content = Content::default();
    match scanner.kind()? {
        Kind::String => {
            content.text = Some(scanner.string()?.decode().into_owned());
            return Ok(content);
        }
        Kind::Array => content.is_list = true,
        _ => return Ok(content),
    }
    let mut texts = Some(Vec::new());
    each_element(scanner, &mut |scanner, part| {
        let found = Part::read(scanner, body)?;
        found.check(dialect, index, part)?;
        match (found.text, found.is_text) {
            (Some(text), true) => {
                if let Some(texts) = &mut texts {
                    texts.push(text.decode());
                }
            }
            _ => texts = None,
        }
        if let Some(mut members) = found.members
            && !dialect.cache_control
            && members.has("cache_control")
        {
            members.set("cache_control", &Fate::Remove);
            content.edits.extend(members.into_edits());
        }
        Ok::<(), Refusal>(())
    })?;
    content.text = texts.map(|texts| texts.join("\n"));
    Ok(content)
}

/// One part.
#[derive(Default)]
struct Part<'a> {
    members: Option<Members<'a>>,
    is_text: bool,
    is_file: bool,
    text: Option<Literal<'a>>,
    image: Option<Literal<'a>>,
}

impl<'a> Part<'a> {
    fn read(scanner: &mut Scanner<'a>, body: &'a [u8]) -> Result<Self, Refusal> {
        let mut part = Self::default();
        if scanner.kind()? != Kind::Object {
            scanner.value()?;
            return Ok(part);
        }
        let mut members = Members::of(body);
        each_member(scanner, &mut |scanner, key| {
            let mut peek = scanner.clone();
            if peek.kind()? == Kind::String {
                if key.is("type") {
                    let kind = peek.string()?;
                    part.is_text = kind.is("text");
                    part.is_file = kind.is("file");
                } else if key.is("text") {
                    part.text = Some(peek.string()?);
                } else if key.is("image_url") {
                    part.image = Some(peek.string()?);
                }
            } else if key.is("image_url") && peek.kind()? == Kind::Object {
                each_member(&mut peek, &mut |scanner, key| {
                    if key.is("url") && scanner.kind()? == Kind::String {
                        part.image = Some(scanner.string()?);
                    } else {
                        scanner.value()?;
                    }
                    Ok::<(), Refusal>(())
                })?;
            }
            let value = scanner.value()?;
            members.push(key, value);
            Ok::<(), Refusal>(())
        })?;
        part.members = Some(members);
        Ok(part)
    }

    /// # Errors
    /// The provider takes no such part.
    fn check(&self, dialect: &Dialect, message: usize, part: usize) -> Result<(), Refusal> {
        let is_data = |url: &Literal<'_>| url.starts_with_ignoring_case("data:");
        let at = format!("messages[{message}].content[{part}]");
        let (field, why) = match &self.image {
            Some(url) if dialect.images == Images::DataUrl && !is_data(url) => (
                format!("{at}.image_url.url"),
                "expected a data: URL, because this upstream fetches no images",
            ),
            Some(_) if dialect.images == Images::None => {
                (at, "the provider of this model takes no images")
            }
            _ if self.is_file && !dialect.files => {
                (at, "the provider of this model takes no files")
            }
            _ => return Ok(()),
        };
        Err(Refusal::Request(RequestError::unsupported(field, why)))
    }
}
