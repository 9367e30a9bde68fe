//! Tools that a Responses client runs itself and that other protocols know only as functions.
//!
//! Codex and OpenAI's SDKs offer more than functions: `custom` tools that take any text, `local_shell`, `shell`,
//! `apply_patch`, `tool_search`, and families of tools (`namespace`). A model elsewhere is offered a function for each;
//! its calls come back as the items that the client expects. Shapes: OpenAI's API reference, Responses, `tools` and
//! `output`; those of Codex: openai/codex, codex-rs/protocol/src/models.rs.

use crate::json::{self, Object, Text, Writer};

/// How the calls of a tool look to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ToolKind {
    /// `function_call`: arguments are JSON as text.
    Function,
    /// `custom_tool_call`: the input is any text.
    Custom,
    /// `local_shell_call`
    LocalShell,
    /// `shell_call`
    Shell,
    /// `apply_patch_call`
    ApplyPatch,
    /// `tool_search_call`
    ToolSearch,
}

/// The only argument of the function that stands for a [`ToolKind::Custom`] tool.
const CUSTOM_ARGUMENT: &str = "input";

impl ToolKind {
    /// The kind of a tool that has no name of its own, by its `type`.
    pub(crate) fn of_type(kind: &str) -> Option<Self> {
        match kind {
            "local_shell" => Some(Self::LocalShell),
            "shell" => Some(Self::Shell),
            "apply_patch" => Some(Self::ApplyPatch),
            "tool_search" => Some(Self::ToolSearch),
            _ => None,
        }
    }

    /// The kind of a call in the history, by the item's `type`.
    pub(crate) fn of_call(kind: &str) -> Option<Self> {
        match kind {
            "function_call" => Some(Self::Function),
            "custom_tool_call" => Some(Self::Custom),
            _ => Self::of_type(kind.strip_suffix("_call")?),
        }
    }

    /// The function's name where the tool has none; empty for tools with names of their own.
    pub(crate) fn function_name(self) -> &'static str {
        match self {
            Self::Function | Self::Custom => "",
            Self::LocalShell => "local_shell",
            Self::Shell => "shell",
            Self::ApplyPatch => "apply_patch",
            Self::ToolSearch => "tool_search",
        }
    }

    /// `type` of its calls.
    pub(crate) fn call_type(self) -> &'static str {
        match self {
            Self::Function => "function_call",
            Self::Custom => "custom_tool_call",
            Self::LocalShell => "local_shell_call",
            Self::Shell => "shell_call",
            Self::ApplyPatch => "apply_patch_call",
            Self::ToolSearch => "tool_search_call",
        }
    }

    /// The prefix of its calls' ids, without which OpenAI does not take them back.
    pub(crate) fn id_prefix(self) -> &'static str {
        match self {
            Self::Function => "fc",
            Self::Custom => "ctc",
            Self::LocalShell => "lsh",
            Self::Shell => "sh",
            Self::ApplyPatch => "apc",
            Self::ToolSearch => "tsc",
        }
    }

    /// The field of a call that holds the function's arguments.
    pub(crate) fn call_field(self) -> &'static str {
        match self {
            Self::Function | Self::ToolSearch => "arguments",
            Self::Custom => "input",
            Self::LocalShell | Self::Shell => "action",
            Self::ApplyPatch => "operation",
        }
    }

    /// What the function does, where the client's tool does not say it.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Function | Self::Custom => "",
            Self::LocalShell => "Runs a command on the user's machine and returns its output.",
            Self::Shell => "Runs shell commands and returns their output.",
            Self::ApplyPatch => {
                "Creates, updates or deletes a file. `diff` is in the V4A format; it is left out when a file is deleted."
            }
            Self::ToolSearch => {
                "Finds further tools; those that are found can be called afterwards."
            }
        }
    }

    /// The parameters of the function, as JSON, where the client's tool does not say them.
    pub(crate) fn parameters(self) -> Option<&'static str> {
        match self {
            Self::Function => None,
            Self::Custom => Some(
                r#"{"type":"object","properties":{"input":{"type":"string","description":"The whole input of the tool, as plain text."}},"required":["input"],"additionalProperties":false}"#,
            ),
            Self::LocalShell => Some(
                r#"{"type":"object","properties":{"command":{"type":"array","items":{"type":"string"},"description":"Program and arguments."},"working_directory":{"type":"string"},"timeout_ms":{"type":"integer"}},"required":["command"]}"#,
            ),
            Self::Shell => Some(
                r#"{"type":"object","properties":{"commands":{"type":"array","items":{"type":"string"}},"timeout_ms":{"type":"integer"},"max_output_length":{"type":"integer"}},"required":["commands"]}"#,
            ),
            Self::ApplyPatch => Some(
                r#"{"type":"object","properties":{"type":{"type":"string","enum":["create_file","update_file","delete_file"]},"path":{"type":"string"},"diff":{"type":"string"}},"required":["type","path"]}"#,
            ),
            Self::ToolSearch => Some(
                r#"{"type":"object","properties":{"query":{"type":"string"}},"required":["query"]}"#,
            ),
        }
    }

    /// Whether the calls of this kind can hold these arguments.
    pub(crate) fn fits(self, arguments: Text<'_>) -> bool {
        match self {
            Self::Function | Self::Custom => true,
            Self::LocalShell | Self::Shell | Self::ApplyPatch | Self::ToolSearch => {
                let decoded = arguments.decode();
                decoded.is_some_and(|json| json::parse_text::<Object<'_>>(&json).is_ok())
            }
        }
    }

    /// Writes the arguments of a call where its item has them, if they [fit](Self::fits).
    pub(crate) fn write_arguments(self, arguments: Text<'_>, w: &mut Writer<'_>) {
        match self {
            Self::Function => w.field("arguments").text(arguments),
            Self::Custom => match custom_input(arguments) {
                Some(input) => w.field("input").string(&input),
                // A model that writes the text itself means it as the input.
                None => w.field("input").text(arguments),
            },
            Self::LocalShell | Self::Shell | Self::ApplyPatch | Self::ToolSearch => {
                let decoded = arguments.decode().unwrap_or_default();
                let object: Object<'_> = json::parse_text(&decoded).unwrap_or_default();
                if self == Self::ToolSearch {
                    w.field("execution").string("client");
                }
                w.field(self.call_field()).object(|w| {
                    let is_command = self == Self::LocalShell;
                    if is_command {
                        w.field("type").string("exec");
                        if object.get("env").is_none() {
                            w.field("env").object(|_| {});
                        }
                    }
                    for (name, value) in object.fields() {
                        if !(is_command && name == "type") {
                            w.field(name).raw(value);
                        }
                    }
                });
            }
        }
    }

    /// Writes the same for a call that has only begun.
    pub(crate) fn write_no_arguments(self, w: &mut Writer<'_>) {
        let nothing = match self {
            Self::Function | Self::Custom => return w.field(self.call_field()).string(""),
            Self::LocalShell => r#"{"command":[]}"#,
            Self::Shell => r#"{"commands":[]}"#,
            Self::ApplyPatch => r#"{"type":"update_file","path":"","diff":""}"#,
            Self::ToolSearch => "{}",
        };
        self.write_arguments(Text::Plain(nothing), w);
    }
}

/// The text that a custom tool is called with.
pub(crate) fn custom_input(arguments: Text<'_>) -> Option<String> {
    let decoded = arguments.decode()?;
    let object: Object<'_> = json::parse_text(&decoded).ok()?;
    let input = object.get(CUSTOM_ARGUMENT).and_then(Text::of)?.decode()?;
    Some(input.into_owned())
}

/// The arguments of the function for a custom tool's input, as pieces of JSON text.
pub(crate) fn custom_arguments(input: Text<'_>) -> [Text<'_>; 3] {
    let inside = match input {
        Text::Plain(inside) | Text::Escaped(inside) => inside,
    };
    [
        Text::Plain("{\"input\":\""),
        Text::Plain(inside),
        Text::Plain("\"}"),
    ]
}

/// The name of the function for a tool of a namespace, as pieces.
pub(crate) fn name_in_namespace<'a>(namespace: Option<Text<'a>>, name: Text<'a>) -> Vec<Text<'a>> {
    let Some(namespace) = namespace.filter(|namespace| !namespace.is_empty()) else {
        return vec![name];
    };
    let (Text::Plain(inside) | Text::Escaped(inside)) = namespace;
    if inside.ends_with("__") {
        vec![namespace, name]
    } else {
        vec![namespace, Text::Plain("__"), name]
    }
}

/// A tool of the client that is not simply a function of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientTool {
    /// How its calls look.
    pub(crate) kind: ToolKind,
    /// The family that it belongs to.
    pub(crate) namespace: Option<String>,
    /// Its name for the client.
    pub(crate) name: String,
}

/// The tools of one request that are not simply functions of the same name, by the name of their function.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClientTools(Vec<(String, ClientTool)>);

impl ClientTools {
    /// Adds a tool.
    pub(crate) fn add(&mut self, function: String, tool: ClientTool) {
        self.0.push((function, tool));
    }

    /// The tool that a call of `function` means; `None` for a function of the same name.
    pub(crate) fn get(&self, function: Text<'_>) -> Option<&ClientTool> {
        if self.0.is_empty() {
            return None;
        }
        let function = function.decode()?;
        let found = self.0.iter().find(|(name, _)| *name == function);
        found.map(|(_, tool)| tool)
    }
}

#[cfg(test)]
mod tests;
