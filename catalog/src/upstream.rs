//! What a provider speaks, and where its endpoints are.

words! {
    /// The wire format of an upstream.
    pub enum UpstreamFormat {
        /// OpenAI's own endpoints and everything compatible.
        OpenAi = "openai",
        /// Anthropic Messages.
        Anthropic = "anthropic",
        /// Bedrock Converse and InvokeModel.
        Bedrock = "bedrock",
    }

    /// Where the endpoints of an upstream are below its base URL.
    pub enum PathLayout {
        /// `{base}/{endpoint}`, the model in the body.
        Plain = "plain",
        /// `{base}/deployments/{model}/{endpoint}?api-version=…` for a target with an `api_version`, else
        /// `{base}/v1/{endpoint}`.
        Deployments = "deployments",
        /// `{base}/model/{model}/{action}`.
        ModelInPath = "model_in_path",
    }
}

impl UpstreamFormat {
    /// As it is called in messages for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::OpenAi => "OpenAI-compatible",
            Self::Anthropic => "Anthropic",
            Self::Bedrock => "Bedrock",
        }
    }
}
