//! The natural order in which uMap lists texts: by letters first, numbers inside by their value,
//! capitals and accents as if they were not there.

use std::cmp::Ordering;
use std::sync::OnceLock;

use icu_collator::options::{CollatorOptions, Strength};
use icu_collator::preferences::CollationNumericOrdering;
use icu_collator::{Collator, CollatorBorrowed, CollatorPreferences};

/// Which of two texts comes first.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    static ENGLISH: OnceLock<Option<CollatorBorrowed<'static>>> = OnceLock::new();
    let made = ENGLISH.get_or_init(|| {
        let mut preferences = CollatorPreferences::default();
        preferences.numeric_ordering = Some(CollationNumericOrdering::True);
        let mut options = CollatorOptions::default();
        options.strength = Some(Strength::Primary);
        Collator::try_new(preferences, options).ok()
    });
    match made {
        Some(collator) => collator.compare(a, b),
        None => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_ordered_as_a_browser_orders_them() {
        // By localeCompare in English with numeric order and base sensitivity, seen in Node 20.
        let ordered = ["", "_x", "-a", "1", "2", "10", "a", "a 1", "a10", "b2", "b10", "éa", "eb", "z", "œuf"];
        let mut sorted = ordered;
        sorted.reverse();
        sorted.sort_by(|a, b| compare(a, b));
        assert_eq!(sorted, expected());
        assert_eq!(compare("É", "e"), Ordering::Equal);
    }

    fn expected() -> [&'static str; 15] {
        ["", "_x", "-a", "1", "2", "10", "a", "a 1", "a10", "b2", "b10", "éa", "eb", "œuf", "z"]
    }
}
