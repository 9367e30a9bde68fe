//! Which events count.

use events::Timestamp;

use super::Field;

/// All of it must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// The first moment that counts.
    pub since: Option<Timestamp>,
    /// The first moment that does not count any more.
    pub until: Option<Timestamp>,
    /// What kind of event. Numbers are about decisions whatever this says.
    pub kind: EventKind,
    /// Conditions on the same field are alternatives, those on different fields must all hold.
    pub conditions: Vec<Condition>,
}

/// A field has a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Which field.
    pub field: Field,
    /// Its value; the empty text stands for no value (`null`), except of flags.
    pub value: String,
}

/// What kind of event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EventKind {
    /// One for each request: `event_type=decision`.
    #[default]
    Decision,
    /// Changes of health: `event_type=gateway.health_changed`.
    HealthChanged,
    /// `event_type=any`.
    Any,
}

impl EventKind {
    /// The value of the parameter `event_type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::HealthChanged => "gateway.health_changed",
            Self::Any => "any",
        }
    }

    /// By its name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Decision, Self::HealthChanged, Self::Any]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}
