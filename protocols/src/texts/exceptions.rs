//! What is not read as text, because it is not text or must not change.
//!
//! Each exception is recognised by its member's name and by its form: a sentence in an id member is read.

use crate::request_info::names;

/// The role of a member in an object that an API defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Another such object.
    Object,
    /// A list of such objects.
    Objects,
    /// A text, a list of such objects or texts, token ids, or lists of these; or a reference to a stored prompt.
    Prompt,
    /// A list of tool definitions.
    Tools,
    /// An id, or encrypted or signed data: letters, digits and signs only.
    Id,
    /// An API value or a name: like an id, starting with a letter.
    Word,
    /// A word, or an object of the API.
    Choice,
}

impl Role {
    /// In the body.
    pub(super) fn in_body(name: &str) -> Option<Self> {
        let role = match name {
            "messages" | "system" | "mcp_servers" => Self::Objects,
            "input" | "prompt" => Self::Prompt,
            "tools" | "functions" => Self::Tools,
            "output_config" | "prediction" | "reasoning" | "response_format" | "text"
            | "thinking" => Self::Object,
            "function_call" | "tool_choice" => Self::Choice,
            "container" | "conversation" | "previous_response_id" | "prompt_cache_key" => Self::Id,
            "encoding_format"
            | "format"
            | "include"
            | "inference_geo"
            | "modalities"
            | "model"
            | "prompt_cache_retention"
            | "reasoning_effort"
            | "service_tier"
            | "truncation"
            | "verbosity" => Self::Word,
            _ => return None,
        };
        Some(role)
    }

    /// In a message, item, part, call, tool or another object of an API.
    pub(super) fn in_object(name: &str) -> Option<Self> {
        let role = match name {
            "annotations" | "citations" | "content" | "output" | "outputs"
            | "reasoning_details" | "results" | "summary" | "tool_calls" => Self::Objects,
            "audio" | "cache_control" | "custom" | "file" | "function" | "function_call"
            | "image_url" | "input_audio" | "json_schema" | "source" => Self::Object,
            "format" => Self::Choice,
            "tools" => Self::Tools,
            "approval_request_id"
            | "call_id"
            | "container_id"
            | "encrypted_content"
            | "encrypted_index"
            | "encrypted_stdout"
            | "file_id"
            | "id"
            | "item_id"
            | "signature"
            | "thought_signature"
            | "tool_call_id"
            | "tool_use_id" => Self::Id,
            "detail" | "effort" | "media_type" | "mime_type" | "name" | "namespace" | "object"
            | "phase" | "role" | "server_label" | "server_name" | "status" | "syntax" | "ttl"
            | "type" | "verbosity" => Self::Word,
            _ => return None,
        };
        Some(role)
    }
}

/// A member of the body whose number is a parameter, such as a temperature or a seed.
pub(super) fn is_parameter(name: &str) -> bool {
    names::BODY.contains(&name)
}

/// A member that an API defines, so its name is not the client's text.
pub(super) fn is_defined(name: &str) -> bool {
    let tables = [names::BODY, names::MESSAGE, names::CALL];
    tables.iter().any(|table| table.contains(&name))
        || matches!(
            name,
            "allowed_tools"
                | "attributes"
                | "definition"
                | "description"
                | "effort"
                | "headers"
                | "input_schema"
                | "json_schema"
                | "logs"
                | "object"
                | "parameters"
                | "schema"
                | "server_url"
                | "strict"
                | "url"
                | "variables"
                | "version"
        )
}

/// Shortest base64 media, in bytes. Anything shorter is read, which costs nothing.
const MIN_MEDIA_BYTES: usize = 64;
/// Longest prefix of a `data:` URL up to its comma.
const MAX_MEDIA_TYPE_BYTES: usize = 128;

/// A string that is not text; `inside` is between its quotes.
pub(super) fn is_excepted(name: &str, role: Option<Role>, inside: &str) -> bool {
    match role {
        Some(Role::Id) if inside.bytes().all(is_id) => true,
        Some(Role::Word | Role::Choice) if inside.starts_with(is_first) => {
            inside.bytes().all(is_id)
        }
        _ => has_media(name) && is_media(inside),
    }
}

/// Members that hold media or encrypted data.
fn has_media(name: &str) -> bool {
    matches!(
        name,
        "audio"
            | "b64_json"
            | "bytes"
            | "data"
            | "encrypted_content"
            | "encrypted_stdout"
            | "file_data"
            | "image"
            | "image_url"
            | "result"
            | "signature"
            | "thought_signature"
            | "url"
            | "video_url"
    )
}

/// Base64 only, possibly in a `data:` URL.
fn is_media(inside: &str) -> bool {
    let base64 = match inside.strip_prefix("data:") {
        None => inside,
        Some(url) => match url.split_once(";base64,") {
            Some((media_type, base64)) if media_type.len() <= MAX_MEDIA_TYPE_BYTES => base64,
            _ => return false,
        },
    };
    let base64 = base64.trim_end_matches('=').as_bytes();
    // Some JSON writers escape slashes.
    let mut escaped = false;
    base64.len() >= MIN_MEDIA_BYTES
        && base64.iter().all(|byte| {
            let fits = match byte {
                b'/' => true,
                _ if escaped => false,
                b'\\' => true,
                byte => byte.is_ascii_alphanumeric() || *byte == b'+',
            };
            escaped = *byte == b'\\';
            fits
        })
}

fn is_first(char: char) -> bool {
    char.is_ascii_alphabetic() || char == '_'
}

fn is_id(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.:/+=|~".contains(&byte)
}
