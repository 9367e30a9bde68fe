//! What a content filter can look for.

/// A category of content, as a policy names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentCategory {
    /// Contempt for people because of what they are.
    Hate,
    /// Threats, attacks, and how to carry them out.
    Violence,
    /// Explicit sexual content.
    Sexual,
    /// Suicide and injuring oneself.
    SelfHarm,
    /// Attempts to override the instructions of whoever runs the model.
    PromptInjection,
    /// All kinds of personal data that have a category of their own.
    Pii,
    /// Keys, tokens and private keys.
    Secrets,
    /// Addresses of mailboxes.
    Email,
    /// Telephone numbers.
    Phone,
    /// Numbers of payment cards.
    CreditCard,
    /// International bank account numbers.
    Iban,
    /// Social security numbers of the United States.
    UsSsn,
}

/// Every category, in the order of the documentation.
pub const CONTENT_CATEGORIES: [ContentCategory; 12] = [
    ContentCategory::Hate,
    ContentCategory::Violence,
    ContentCategory::Sexual,
    ContentCategory::SelfHarm,
    ContentCategory::PromptInjection,
    ContentCategory::Pii,
    ContentCategory::Secrets,
    ContentCategory::Email,
    ContentCategory::Phone,
    ContentCategory::CreditCard,
    ContentCategory::Iban,
    ContentCategory::UsSsn,
];

impl ContentCategory {
    /// As it stands in policies, events and error messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hate => "hate",
            Self::Violence => "violence",
            Self::Sexual => "sexual",
            Self::SelfHarm => "self_harm",
            Self::PromptInjection => "prompt_injection",
            Self::Pii => "pii",
            Self::Secrets => "secrets",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::CreditCard => "credit_card",
            Self::Iban => "iban",
            Self::UsSsn => "us_ssn",
        }
    }

    /// What a moderation endpoint can be asked about; the others are looked for by the gateway alone.
    pub fn is_judged_by_moderation(self) -> bool {
        match self {
            Self::Hate | Self::Violence | Self::Sexual | Self::SelfHarm => true,
            Self::PromptInjection
            | Self::Pii
            | Self::Secrets
            | Self::Email
            | Self::Phone
            | Self::CreditCard
            | Self::Iban
            | Self::UsSsn => false,
        }
    }
}
