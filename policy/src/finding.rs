//! What lint found: code, place in the text, message, and how a person or a program reads it.

use serde::{Serialize, Serializer};

use crate::source::Source;

/// Errors make a policy unusable; warnings do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The policy is refused.
    Error,
    /// The policy works, but probably not as its author thinks.
    Warning,
}

/// The stable names of everything lint can find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The document cannot be read.
    E000,
    /// Unknown policy kind.
    E001,
    /// Unknown key.
    E002,
    /// Chained policy without block.
    E003,
    /// Unknown provider in model group.
    E101,
    /// Weights must sum to 100.
    E102,
    /// Duplicate model group name.
    E103,
    /// Missing secret_key_ref.
    E104,
    /// Duplicate target id.
    E105,
    /// Alias collides.
    E106,
    /// fallback_group unknown or cyclic.
    E107,
    /// Unknown strategy.
    E108,
    /// Bad value: range, unit, type, or a value that is missing.
    E109,
    /// The strategy lacks what it needs: prices for cost, weights for weighted.
    E110,
    /// YAML syntax or duplicate key.
    E111,
    /// Missing model mapping.
    W101,
    /// Documented key without effect here.
    W102,
    /// The variable or file of a `secret_key_ref` is not there. An error with `strict`.
    W103,
    /// A target that cannot be reached as configured.
    W104,
    /// A key would travel unencrypted.
    W105,
    /// The same target and model twice in one group.
    W106,
    /// A model that the target's base URL overrides.
    W107,
    /// A header that should not be forwarded, or never is.
    W108,
    /// A model that its provider no longer serves, or does not list.
    W109,
}

impl Code {
    /// As it stands in output: `E101`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::E000 => "E000",
            Self::E001 => "E001",
            Self::E002 => "E002",
            Self::E003 => "E003",
            Self::E101 => "E101",
            Self::E102 => "E102",
            Self::E103 => "E103",
            Self::E104 => "E104",
            Self::E105 => "E105",
            Self::E106 => "E106",
            Self::E107 => "E107",
            Self::E108 => "E108",
            Self::E109 => "E109",
            Self::E110 => "E110",
            Self::E111 => "E111",
            Self::W101 => "W101",
            Self::W102 => "W102",
            Self::W103 => "W103",
            Self::W104 => "W104",
            Self::W105 => "W105",
            Self::W106 => "W106",
            Self::W107 => "W107",
            Self::W108 => "W108",
            Self::W109 => "W109",
        }
    }

    /// What a finding of this code is unless an option raises it.
    pub fn severity(self) -> Severity {
        if self.as_str().starts_with('E') {
            Severity::Error
        } else {
            Severity::Warning
        }
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One thing that lint found. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether it makes the policy unusable.
    #[serde(skip)]
    pub severity: Severity,
    /// Stable name.
    pub code: Code,
    /// Where in the document, such as `model_groups[0].models[1].weight`; empty for the document itself.
    pub path: String,
    /// Line of the first character.
    pub line: u32,
    /// Column of the first character.
    pub column: u32,
    /// Column after the last character, on the same line; greater than `column`.
    #[serde(skip)]
    pub end_column: u32,
    /// What was expected and what was found. Never holds a value that could be a key.
    pub message: String,
    /// What to do about it.
    pub suggestion: Option<String>,
    /// The source line may hold a secret: it is not shown.
    #[serde(skip)]
    pub sensitive: bool,
}

/// `kt policy lint --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LintReport {
    /// No errors.
    pub valid: bool,
    /// As named on the command line.
    pub file: String,
    /// Findings that make the policy unusable, by position.
    pub errors: Vec<Finding>,
    /// The other findings, by position.
    pub warnings: Vec<Finding>,
}

impl LintReport {
    /// Of a document that cannot be read: one error, at its beginning.
    pub fn unreadable(file: &str, message: &str) -> Self {
        Self {
            valid: false,
            file: file.to_owned(),
            errors: vec![Finding {
                code: Code::E000,
                severity: Severity::Error,
                path: String::new(),
                line: 1,
                column: 1,
                end_column: 2,
                message: message.to_owned(),
                suggestion: None,
                sensitive: false,
            }],
            warnings: Vec::new(),
        }
    }

    /// Sorts findings into errors and warnings.
    pub fn new(file: &str, findings: &[Finding]) -> Self {
        let (errors, warnings): (Vec<_>, Vec<_>) = findings
            .iter()
            .cloned()
            .partition(|finding| finding.severity == Severity::Error);
        Self {
            valid: errors.is_empty(),
            file: file.to_owned(),
            errors,
            warnings,
        }
    }
}

impl Finding {
    /// `F:line:column: error[E101]: message`, then the line of `source` with a caret below it, without a final newline.
    pub fn render_human(&self, file_name: &str, source: &Source<'_>) -> String {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut out = format!(
            "{file_name}:{}:{}: {severity}[{}]: {}",
            self.line,
            self.column,
            self.code.as_str(),
            self.message
        );
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        if let Some((shown, carets)) = self.excerpt(source).filter(|_| !self.sensitive) {
            out.push_str(&format!("\n {number} | {shown}\n {margin} | {carets}"));
        }
        if let Some(suggestion) = &self.suggestion {
            out.push_str(&format!("\n {margin} = {suggestion}"));
        }
        out
    }

    /// The part of its line around the finding, and carets to stand below it.
    fn excerpt(&self, source: &Source<'_>) -> Option<(String, String)> {
        /// A line of JSON can hold a whole document.
        const WIDTH: usize = 160;
        const BEFORE: usize = 60;
        let start = self.column.saturating_sub(1) as usize;
        let length = self.end_column.saturating_sub(self.column).max(1) as usize;
        let is_long = source.line(self.line)?.chars().nth(WIDTH).is_some();
        let skipped = if is_long {
            start.saturating_sub(BEFORE)
        } else {
            0
        };
        let line = source.line_from(self.line, skipped)?;
        let shown: String = line.chars().take(WIDTH).collect();
        // Tabs stay tabs below the line, so that the caret stands under its character in every terminal.
        let before = shown.chars().take(start.saturating_sub(skipped));
        let indent: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        Some((shown, format!("{indent}{}", "^".repeat(length.min(WIDTH)))))
    }
}
