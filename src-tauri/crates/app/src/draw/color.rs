//! Colours as maps write them: CSS names, hexadecimal, `rgb()`.

use std::collections::HashMap;
use std::sync::OnceLock;

const NAMES: &str = include_str!("colors.txt");

/// Red, green, blue.
pub(crate) type Rgb = [u8; 3];

/// The colour names of CSS, from the darkest value to the lightest: uMap colours its categories
/// in this order where no palette has as many colours.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    lines().map(|(name, _)| name).filter(|name| *name != "RebeccaPurple")
}

fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    NAMES.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '))
}

/// What a colour is; `None` for what no colour is.
pub(crate) fn rgb(text: &str) -> Option<Rgb> {
    static BY_NAME: OnceLock<HashMap<String, Rgb>> = OnceLock::new();
    let text = text.trim().to_ascii_lowercase();
    if let Some(digits) = text.strip_prefix('#') {
        return hex(digits);
    }
    if let Some(inside) = text.strip_prefix("rgb(").or_else(|| text.strip_prefix("rgba(")) {
        return function(inside.strip_suffix(')')?);
    }
    let by_name = BY_NAME
        .get_or_init(|| lines().filter_map(|(name, value)| Some((name.to_ascii_lowercase(), hex(value)?))).collect());
    by_name.get(&text).copied()
}

fn hex(digits: &str) -> Option<Rgb> {
    let nibbles: Vec<u8> =
        digits.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    match *nibbles.as_slice() {
        [r, g, b] | [r, g, b, _] => Some([r * 17, g * 17, b * 17]),
        [r, s, g, h, b, c] | [r, s, g, h, b, c, _, _] => Some([r * 16 + s, g * 16 + h, b * 16 + c]),
        _ => None,
    }
}

fn function(inside: &str) -> Option<Rgb> {
    let mut parts = inside.split([',', ' ', '/']).filter(|part| !part.is_empty());
    let mut next = || {
        let part = parts.next()?;
        let value = match part.strip_suffix('%') {
            Some(percent) => percent.parse::<f64>().ok()? * 255.0 / 100.0,
            None => part.parse::<f64>().ok()?,
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0 to 255")]
        Some(value.clamp(0.0, 255.0).round() as u8)
    };
    Some([next()?, next()?, next()?])
}

/// Whether white is readable on it: a contrast of more than 3 by WCAG 2.1. On what no colour is,
/// white is taken, as uMap does.
pub(crate) fn wants_light(background: &str) -> bool {
    let Some([r, g, b]) = rgb(background) else { return !background.eq_ignore_ascii_case("transparent") };
    let linear = |channel: u8| {
        let share = f64::from(channel) / 255.0;
        if share < 0.03928 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    1.05 / (luminance + 0.05) > 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_in_every_way_that_maps_write_them() {
        let cases = [
            ("DarkBlue", Some([0, 0, 139])),
            ("darkblue", Some([0, 0, 139])),
            ("#abc", Some([170, 187, 204])),
            ("#12AB9f", Some([18, 171, 159])),
            ("#12ab9fcc", Some([18, 171, 159])),
            ("rgb(1, 2,3)", Some([1, 2, 3])),
            ("rgba(100%, 0%, 50%, 0.5)", Some([255, 0, 128])),
            ("#12", None),
            ("no such colour", None),
            ("", None),
        ];
        for (text, colour) in cases {
            assert_eq!(rgb(text), colour, "{text}");
        }
    }

    #[test]
    fn white_is_taken_where_it_can_be_read() {
        // As uMap 3.7.3 decides in Chromium.
        for dark in ["DarkBlue", "Black", "Red", "#777777", "DarkOrange2"] {
            assert!(wants_light(dark), "{dark}");
        }
        for light in ["White", "Yellow", "Lime", "DarkOrange", "#aaaaaa", "transparent"] {
            assert!(!wants_light(light), "{light}");
        }
    }

    #[test]
    fn the_names_go_from_the_darkest_value_to_the_lightest() {
        let names: Vec<&str> = names().collect();
        assert_eq!(names.len(), 147);
        assert_eq!(names.get(..3), Some(["Black", "Navy", "DarkBlue"].as_slice()));
        assert_eq!(names.last(), Some(&"White"));
    }
}
