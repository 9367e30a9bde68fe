//! Tools and tool choice.

use catalog::Dialect;

use crate::error::RequestError;
use crate::formats::bedrock_converse::{
    AdditionalField, CachePoint, ToolChoice, ToolNames, ToolSpec,
};
use crate::formats::chat_completions::request_reader::{self, Tool};

/// The tools to send.
pub(super) struct ToolPlan<'a> {
    tools: Vec<ToolSpec<'a>>,
    choice: ToolChoice<'a>,
    /// Claude should make at most one call.
    one_call: bool,
}

impl<'a> ToolPlan<'a> {
    /// Plans the tools of a request.
    ///
    /// # Errors
    /// A required call without tools.
    pub(super) fn new(
        dialect: &Dialect,
        mut tools: Vec<Tool<'a>>,
        choice: Option<request_reader::ToolChoice<'a>>,
        parallel: Option<bool>,
        names: &mut ToolNames,
    ) -> Result<Self, RequestError> {
        use request_reader::ToolChoice as Wanted;

        let choice = match choice {
            None | Some(Wanted::Auto) => ToolChoice::Auto,
            // Converse cannot forbid calls, so the tools are omitted.
            Some(Wanted::None) => {
                tools.clear();
                ToolChoice::Auto
            }
            Some(Wanted::Required) => ToolChoice::Any,
            Some(Wanted::Function(name)) => ToolChoice::Tool(names.wire_name(name)),
            Some(Wanted::Allowed {
                required,
                names: allowed,
            }) => {
                tools.retain(|tool| allowed.contains(&tool.name));
                if required {
                    ToolChoice::Any
                } else {
                    ToolChoice::Auto
                }
            }
        };
        let demanded = choice != ToolChoice::Auto;
        if demanded && tools.is_empty() {
            return Err(RequestError::invalid_value(
                "tool_choice",
                "a call of a tool is demanded, but tools has none to call",
            ));
        }
        let one_call = parallel == Some(false)
            && dialect.takes("parallel_tool_calls")
            && !demanded
            && !tools.is_empty();
        let specs = tools.into_iter().map(|tool| ToolSpec {
            name: names.wire_name(tool.name),
            description: tool.description,
            schema: tool.parameters,
            strict: tool.strict && dialect.strict_tools,
            cache: tool.cache_control.map(CachePoint::read),
        });
        Ok(Self {
            tools: specs.collect(),
            choice,
            one_call,
        })
    }

    /// The model must call a tool.
    pub(super) fn forces_a_call(&self) -> bool {
        self.choice != ToolChoice::Auto
    }

    /// A vendor-specific field. Converse refuses this one together with `toolChoice`.
    pub(super) fn additional(&self) -> Option<AdditionalField<'static>> {
        const ONE_CALL: &str = r#"{"type":"auto","disable_parallel_tool_use":true}"#;
        self.one_call
            .then(|| AdditionalField::new("tool_choice", ONE_CALL))
    }

    /// The tools and the tool choice.
    pub(super) fn into_config(self) -> (Vec<ToolSpec<'a>>, ToolChoice<'a>) {
        (self.tools, self.choice)
    }
}
