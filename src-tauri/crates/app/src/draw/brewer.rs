//! ColorBrewer's palettes, as uMap's layer types use them.

const PALETTES: &str = include_str!("brewer.txt");

/// A scheme's colours for so many classes; empty where it has none for that number.
pub(crate) fn palette(scheme: &str, classes: usize) -> Vec<String> {
    let of_scheme = PALETTES.lines().filter_map(|line| line.strip_prefix(scheme)?.strip_prefix(' '));
    let colours = of_scheme.map(|line| line.split(' ').map(|hex| format!("#{hex}")).collect::<Vec<_>>());
    colours.into_iter().find(|colours| colours.len() == classes).unwrap_or_default()
}

/// Whether there is a scheme of that name.
pub(crate) fn is_scheme(name: &str) -> bool {
    !name.starts_with('#') && !palette(name, 3).is_empty()
}

/// Every scheme's name.
#[must_use]
pub fn schemes() -> Vec<&'static str> {
    let names = PALETTES.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(' ').next());
    let mut names: Vec<&str> = names.collect();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_thirty_five_schemes_of_three_to_twelve_colours() {
        assert_eq!(schemes().len(), 35);
        assert_eq!(palette("Blues", 3), ["#deebf7", "#9ecae1", "#3182bd"]);
        assert_eq!(palette("Set3", 12).len(), 12);
        assert_eq!(palette("Accent", 9), Vec::<String>::new());
        assert!(is_scheme("YlOrRd") && !is_scheme("YlOr") && !is_scheme(""));
    }
}
