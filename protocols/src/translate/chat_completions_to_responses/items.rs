//! The messages of a conversation as items of `input`.

use crate::formats::chat_completions::request_reader::{
    AssistantMessage, Media, Message, Part, PartKind, ToolMessage,
};
use crate::formats::chat_completions::signed_reasoning;
use crate::json::{Text, Writer};

/// Writes the items of `message`. System messages have the role `system_role`.
pub(super) fn write(message: &Message<'_>, system_role: &str, w: &mut Writer<'_>) {
    match message {
        Message::System(parts) => write_message(system_role, parts, "input_text", w),
        Message::User(parts) => write_message("user", parts, "input_text", w),
        Message::Assistant(assistant) => write_assistant(assistant, w),
        Message::Tool(tool) => write_output(tool, w),
    }
}

fn write_message(role: &str, parts: &[Part<'_>], text_type: &str, w: &mut Writer<'_>) {
    w.object(|w| {
        w.field("type").string("message");
        w.field("role").string(role);
        w.field("content")
            .array(|w| write_parts(parts, text_type, w));
    });
}

fn write_parts(parts: &[Part<'_>], text_type: &str, w: &mut Writer<'_>) {
    for part in parts {
        match &part.kind {
            PartKind::Text(text) => w.object(|w| {
                w.field("type").string(text_type);
                w.field("text").text(*text);
            }),
            PartKind::Media { media, name } => w.object(|w| write_media(media, *name, w)),
        }
    }
}

fn write_media(media: &Media<'_>, name: Option<Text<'_>>, w: &mut Writer<'_>) {
    match media {
        Media::Url(url) => {
            w.field("type").string("input_image");
            w.field("image_url").text(*url);
        }
        Media::Inline { media_type, base64 } => {
            let head = format!("data:{media_type};base64,");
            let data = [Text::Plain(&head), *base64];
            if media_type.starts_with("image/") {
                w.field("type").string("input_image");
                w.field("image_url").joined(data);
            } else {
                w.field("type").string("input_file");
                w.field("filename")
                    .text(name.unwrap_or(Text::Plain("file")));
                w.field("file_data").joined(data);
            }
        }
    }
}

/// Reasoning, then text, then calls: each reasoning item wants something behind it.
fn write_assistant(assistant: &AssistantMessage<'_>, w: &mut Writer<'_>) {
    let has_more = !assistant.content.is_empty() || !assistant.tool_calls.is_empty();
    if let Some((_, signature)) = assistant.signed_reasoning
        && has_more
    {
        for encrypted in signed_reasoning::encrypted(signature) {
            w.object(|w| {
                w.field("type").string("reasoning");
                w.field("summary").array(|_| {});
                w.field("encrypted_content").string(&encrypted);
            });
        }
    }
    let is_said = |part: &Part<'_>| !matches!(part.kind, PartKind::Text(text) if text.is_empty());
    if assistant.content.iter().any(is_said) {
        write_message("assistant", &assistant.content, "output_text", w);
    }
    for call in &assistant.tool_calls {
        w.object(|w| {
            w.field("type").string("function_call");
            w.field("call_id").string(&call.id);
            w.field("name").text(call.name);
            w.field("arguments").string(&call.arguments);
        });
    }
}

fn write_output(tool: &ToolMessage<'_>, w: &mut Writer<'_>) {
    w.object(|w| {
        w.field("type").string("function_call_output");
        w.field("call_id").string(&tool.call_id);
        match tool.content.as_slice() {
            [
                Part {
                    kind: PartKind::Text(text),
                    ..
                },
            ] => w.field("output").text(*text),
            [] => w.field("output").string(""),
            parts => w
                .field("output")
                .array(|w| write_parts(parts, "input_text", w)),
        }
    });
}
