//! The way in: text to model and findings.

use catalog::Provider;

use crate::dialect::sections;
use crate::draft::Draft;
use crate::finding::{Code, Finding, Severity};
use crate::lint::{Lint, Problem};
use crate::model::{Credential, Policy};
use crate::resolve::resolve;
use crate::value::mismatch;
use crate::yaml::{self, At, Value};

/// What a document says, and what is wrong with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// There if and only if no finding is an error.
    pub policy: Option<Policy>,
    /// By position in the text.
    pub findings: Vec<Finding>,
}

/// The value of the variable of that name, if it is set.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Whether the price of a vendor's model is known without the document.
pub type KnownPrice<'a> = dyn Fn(Provider, &str) -> bool + 'a;

/// What speaks against a vendor's model, if anything does.
pub type ModelCheck<'a> = dyn Fn(Provider, &str) -> Option<ModelWarning> + 'a;

/// What speaks against a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelWarning {
    /// Such as `OpenAI no longer serves it since 2026-10-23`.
    pub message: String,
    /// The name of another model.
    pub instead: Option<String>,
}

/// What a document alone cannot tell. The default knows nothing of the outside world, as inside Envoy.
#[derive(Default, Clone, Copy)]
pub struct LoadOptions<'a> {
    /// Whether the key of a credential can be had; without it no W103 is reported.
    pub variable_is_set: Option<&'a dyn Fn(&Credential) -> bool>,
    /// The value of an environment variable that stands for a missing base URL ([`crate::Target::endpoint_variable`]).
    pub endpoint: Option<&'a Lookup<'a>>,
    /// Prices that `strategy: cost` need not be given.
    pub known_price: Option<&'a KnownPrice<'a>>,
    /// What is known against models on this day; without it no W109 is reported.
    pub model_check: Option<&'a ModelCheck<'a>>,
    /// Unset variables are errors.
    pub strict: bool,
}

/// Reads YAML or JSON in any mixture of the dialects, without looking at the outside world.
pub fn load(text: &str) -> Loaded {
    load_with(text, &LoadOptions::default())
}

/// Reads YAML or JSON in any mixture of the dialects.
pub fn load_with(text: &str, options: &LoadOptions<'_>) -> Loaded {
    let document = yaml::parse(text);
    let mut lint = Lint::new(document.paths);
    for error in document.errors {
        lint.add(Problem::new(Code::E111, error.at, error.message).suggest(error.suggestion));
    }
    let complete = document.root.is_some() || !lint.is_empty();
    let root = document.root.filter(|root| match &root.value {
        Value::Mapping(_) => true,
        Value::Scalar(_) | Value::Sequence(_) => {
            lint.add(mismatch(
                root,
                "a policy: a mapping with `providers` and more",
            ));
            false
        }
    });
    if !complete {
        lint.report(
            Code::E111,
            At::START,
            "the document is empty: expected a policy",
        );
    }
    let policy = root.map(|root| {
        let mut draft = Draft::default();
        sections::ROOT.read(&mut draft, &root, &mut lint);
        resolve(&draft, root.at, options, &mut lint)
    });
    let findings = lint.finish();
    let valid = findings
        .iter()
        .all(|finding| finding.severity != Severity::Error);
    Loaded {
        policy: policy.filter(|_| valid),
        findings,
    }
}

/// JSON Schema (2020-12) of the union of the dialects.
pub fn json_schema() -> &'static str {
    include_str!("../schema/policy-config.schema.json")
}
