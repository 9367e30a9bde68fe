//! Sets of categories.

use policy::ContentCategory;

/// Kinds of personal data, each a category of its own.
const PII: [ContentCategory; 5] = [
    ContentCategory::Email,
    ContentCategory::Phone,
    ContentCategory::CreditCard,
    ContentCategory::Iban,
    ContentCategory::UsSsn,
];

/// A set of categories, one bit for each. [`ContentCategory::Pii`] is never in it: its parts are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Categories(u16);

impl Categories {
    pub(crate) fn of(categories: &[ContentCategory]) -> Self {
        let mut set = Self::default();
        for category in categories {
            match category {
                ContentCategory::Pii => PII.iter().for_each(|part| set.insert(*part)),
                other => set.insert(*other),
            }
        }
        set
    }

    pub(crate) fn insert(&mut self, category: ContentCategory) {
        self.0 |= bit(category);
    }

    pub(crate) fn contains(self, category: ContentCategory) -> bool {
        self.0 & bit(category) != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[must_use]
    pub(crate) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub(crate) fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// In the order of the documentation.
    pub(crate) fn iter(self) -> impl Iterator<Item = ContentCategory> {
        policy::CONTENT_CATEGORIES
            .into_iter()
            .filter(move |category| self.contains(*category))
    }
}

fn bit(category: ContentCategory) -> u16 {
    // There are fewer than 16.
    1_u16.wrapping_shl(category as u32)
}
