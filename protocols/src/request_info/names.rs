//! Names of members, as JSON parsers see them: some ignore case, and of two members with one name some take the first
//! and some the last. The gateway must read what every provider reads.

use super::mismatch::Mismatch;

/// Members of a request body, of all endpoints. At most 128.
pub(crate) const BODY: &[&str] = &[
    "audio",
    "background",
    "best_of",
    "cache_control",
    "chat_template_kwargs",
    "container",
    "context_management",
    "conversation",
    "dimensions",
    "documents",
    "echo",
    "encoding_format",
    "extra_body",
    "format",
    "frequency_penalty",
    "function_call",
    "functions",
    "include",
    "inference_geo",
    "input",
    "instructions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "max_tool_calls",
    "mcp_servers",
    "messages",
    "metadata",
    "min_p",
    "min_tokens",
    "modalities",
    "model",
    "n",
    "options",
    "output_config",
    "output_format",
    "parallel_tool_calls",
    "plugins",
    "prediction",
    "presence_penalty",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_retention",
    "provider",
    "reasoning",
    "reasoning_effort",
    "repetition_penalty",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "stop_sequences",
    "store",
    "stream",
    "stream_options",
    "suffix",
    "system",
    "temperature",
    "text",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
    "verbosity",
    "web_search_options",
];

/// Members of messages, items and their parts. At most 128.
pub(crate) const MESSAGE: &[&str] = &[
    "action",
    "annotations",
    "approval_request_id",
    "approve",
    "arguments",
    "audio",
    "cache_control",
    "call_id",
    "citations",
    "code",
    "container_id",
    "content",
    "context",
    "data",
    "detail",
    "encrypted_content",
    "error",
    "file",
    "file_data",
    "file_id",
    "file_url",
    "filename",
    "function_call",
    "id",
    "image_url",
    "input",
    "input_audio",
    "is_error",
    "logprobs",
    "name",
    "namespace",
    "operation",
    "output",
    "outputs",
    "phase",
    "prefix",
    "queries",
    "reason",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "refusal",
    "result",
    "results",
    "role",
    "server_label",
    "server_name",
    "signature",
    "source",
    "status",
    "summary",
    "text",
    "thinking",
    "title",
    "tool_call_id",
    "tool_calls",
    "tool_use_id",
    "tools",
    "type",
];

/// Members of a tool call, and of the function or custom tool in it.
pub(crate) const CALL: &[&str] = &[
    "arguments",
    "custom",
    "extra_content",
    "function",
    "id",
    "index",
    "input",
    "name",
    "type",
];

/// The members of one object so far.
#[derive(Debug)]
pub(super) struct Names {
    known: &'static [&'static str],
    /// One bit per member found.
    seen: u128,
}

impl Names {
    /// An object with the members `known`, and possibly others.
    pub(super) fn of(known: &'static [&'static str]) -> Self {
        Self { known, seen: 0 }
    }

    /// Records a member.
    ///
    /// # Errors
    /// It is known and occurred before, or differs from a known one only in case.
    #[inline]
    pub(super) fn take(&mut self, name: &str) -> Result<(), Mismatch> {
        match self.known.iter().position(|known| *known == name) {
            Some(index) => {
                let bit = 1_u128.checked_shl(u32::try_from(index).unwrap_or(u32::MAX));
                let bit = bit.unwrap_or(0);
                if self.seen & bit != 0 {
                    return Err(Mismatch::twice().under(name));
                }
                self.seen |= bit;
                Ok(())
            }
            None => self.check_unknown(name),
        }
    }

    #[cold]
    fn check_unknown(&self, name: &str) -> Result<(), Mismatch> {
        match self.known.iter().find(|known| is_taken_for(name, known)) {
            None => Ok(()),
            Some(known) => Err(Mismatch::value(format!(
                "expected the name `{known}`, found it in another case"
            ))
            .under(name)),
        }
    }
}

/// A parser that ignores case takes the member `name` for `known`, which is in lower case. Apart from ASCII, two
/// letters fold to an ASCII letter (Unicode's CaseFolding.txt); Go's `encoding/json` accepts these too.
fn is_taken_for(name: &str, known: &str) -> bool {
    let folded = name.chars().map(|char| match char {
        'ſ' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    });
    folded.eq(known.chars())
}

#[cfg(test)]
mod tests;
