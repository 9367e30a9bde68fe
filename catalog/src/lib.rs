//! What is known of providers and models.
//!
//! The facts stand in `providers/<name>.toml` and `models.toml`, each with its grade and its source. The build script
//! checks them and turns them into tables of constants: no lookup allocates, and neither sources nor comments get into
//! the filter module. All that other crates know of a vendor comes from here.
#![forbid(unsafe_code)]

#[macro_use]
mod words;
#[macro_use]
mod dialect;
mod endpoint;
mod error_rule;
mod fields;
mod model;
mod name;
mod price;
mod provider;
mod retirement;
mod tables;
mod upstream;

pub use dialect::{Dialect, DialectPatch, InvalidQuirk, QuirkValue};
pub use endpoint::{Endpoint, Endpoints};
pub use error_rule::{ErrorKind, ErrorPattern, ErrorRule, ErrorRules, ErrorText, Fault};
pub use fields::{Fields, MAX_FIELDS};
pub use model::{Abilities, Ability, Model, ModelPattern, ModelRule};
pub use price::{ListPrice, PRICES_AS_OF, PriceTier};
pub use provider::{ApiVersionRule, AuthHeader, Profile, Provider};
pub use retirement::{ModelStatus, Retirement, RetirementState, nearest_model, successor};
pub use tables::{ERROR_RULES, providers};
pub use upstream::{PathLayout, UpstreamFormat};
pub use words::{
    DeveloperRole, Effort, Efforts, ForcedTools, Images, JsonObjectSupport, JsonSchemaSupport,
    MessageName, NamedToolChoice, NoToolChoice, OutputLimit, ReasoningField, ReasoningHistory,
    ReasoningRequest, RequiredToolChoice, ResponseExtras, Sampling, SchemaSubset, SeedField,
    StreamUsage, SystemMessages, TextContent, ToolCallIds, UnknownFields, UsageField, Word,
};
