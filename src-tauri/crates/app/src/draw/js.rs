//! Values as JavaScript sees them, because the browsers decide by its rules what is equal, what is
//! a number and what is empty.

use std::borrow::Cow;

use serde_json::Value;

/// A property's value, borrowed from the feature's text where that is possible.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar<'a> {
    /// Not there.
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'a, str>),
    /// A list or an object.
    Compound(Value),
}

impl<'a> Scalar<'a> {
    /// Reads a JSON text.
    pub fn parse(raw: &'a str) -> Self {
        match raw.as_bytes().first() {
            Some(b'"') => {
                let inside = raw.get(1..raw.len().saturating_sub(1)).unwrap_or("");
                if inside.contains('\\') {
                    serde_json::from_str(raw).map_or(Self::Undefined, |text: String| Self::Text(Cow::Owned(text)))
                } else {
                    Self::Text(Cow::Borrowed(inside))
                }
            }
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') => Self::Null,
            Some(b'{' | b'[') => serde_json::from_str(raw).map_or(Self::Undefined, Self::Compound),
            Some(_) => raw.parse().map_or(Self::Undefined, Self::Number),
            None => Self::Undefined,
        }
    }

    /// Sees a JSON value so.
    pub fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => number.as_f64().map_or(Self::Undefined, Self::Number),
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Array(_) | Value::Object(_) => Self::Compound(value.clone()),
        }
    }

    /// `+value`, `Number(value)`: NaN where it is no number.
    pub fn number(&self) -> f64 {
        match self {
            Self::Undefined => f64::NAN,
            Self::Null => 0.0,
            Self::Bool(value) => f64::from(u8::from(*value)),
            Self::Number(number) => *number,
            Self::Text(text) => number(text),
            Self::Compound(Value::Array(list)) => match list.as_slice() {
                [] => 0.0,
                [one] => number(&Scalar::of(one).string_in_list()),
                _ => f64::NAN,
            },
            Self::Compound(_) => f64::NAN,
        }
    }

    /// `parseFloat(value)`.
    pub fn parse_float(&self) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Undefined | Self::Null | Self::Bool(_) => f64::NAN,
            Self::Text(text) => parse_float(text),
            Self::Compound(_) => parse_float(&self.string()),
        }
    }

    /// `String(value)`.
    pub fn string(&self) -> Cow<'_, str> {
        match self {
            Self::Undefined => Cow::Borrowed("undefined"),
            Self::Null => Cow::Borrowed("null"),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
            Self::Number(number) => Cow::Owned(print(*number)),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Compound(Value::Array(list)) => Cow::Owned(
                list.iter().map(|one| Scalar::of(one).string_in_list().into_owned()).collect::<Vec<_>>().join(","),
            ),
            Self::Compound(_) => Cow::Borrowed("[object Object]"),
        }
    }

    /// `String([value])`.
    fn string_in_list(&self) -> Cow<'_, str> {
        match self {
            Self::Undefined | Self::Null => Cow::Borrowed(""),
            Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Compound(_) => self.string(),
        }
    }

    /// Whether `if (value)` holds.
    pub fn truthy(&self) -> bool {
        match self {
            Self::Undefined | Self::Null => false,
            Self::Bool(value) => *value,
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Text(text) => !text.is_empty(),
            Self::Compound(_) => true,
        }
    }

    /// One of `''`, `undefined` and `null`.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Undefined | Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::Bool(_) | Self::Number(_) | Self::Compound(_) => false,
        }
    }

    /// The same, owning what it holds.
    pub fn into_owned(self) -> Scalar<'static> {
        match self {
            Self::Undefined => Scalar::Undefined,
            Self::Null => Scalar::Null,
            Self::Bool(value) => Scalar::Bool(value),
            Self::Number(number) => Scalar::Number(number),
            Self::Text(text) => Scalar::Text(Cow::Owned(text.into_owned())),
            Self::Compound(value) => Scalar::Compound(value),
        }
    }
}

/// `Number(text)`.
pub(crate) fn number(text: &str) -> f64 {
    let text = text.trim();
    let radix = |digits: &str, radix| u64::from_str_radix(digits, radix).map_or(f64::NAN, |n| n as f64);
    match text.as_bytes() {
        [] => 0.0,
        [b'0', b'x' | b'X', ..] => radix(text.get(2..).unwrap_or(""), 16),
        [b'0', b'o' | b'O', ..] => radix(text.get(2..).unwrap_or(""), 8),
        [b'0', b'b' | b'B', ..] => radix(text.get(2..).unwrap_or(""), 2),
        _ if float_length(text) == text.len() => float(text),
        _ => f64::NAN,
    }
}

/// `parseFloat(text)`.
pub(crate) fn parse_float(text: &str) -> f64 {
    let text = text.trim_start();
    text.get(..float_length(text)).filter(|number| !number.is_empty()).map_or(f64::NAN, float)
}

fn float(text: &str) -> f64 {
    match text.trim_start_matches(['+', '-']) {
        "Infinity" if text.starts_with('-') => f64::NEG_INFINITY,
        "Infinity" => f64::INFINITY,
        _ => text.parse().unwrap_or(f64::NAN),
    }
}

/// How many bytes at the beginning are a decimal number.
fn float_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
    let sign = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    if text.get(sign..).is_some_and(|rest| rest.starts_with("Infinity")) {
        return sign + 8;
    }
    let whole = digits(sign);
    let mut end = sign + whole;
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        if whole + fraction == 0 {
            return 0;
        }
        end += 1 + fraction;
    } else if whole == 0 {
        return 0;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let power = digits(end + 1 + sign);
        if power > 0 {
            end += 1 + sign + power;
        }
    }
    end
}

/// `String(number)`.
pub(crate) fn print(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if number == 0.0 {
        return "0".to_owned();
    }
    if (1e-6..1e21).contains(&number.abs()) {
        return format!("{number}");
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, power)) if !power.starts_with('-') => format!("{digits}e+{power}"),
        Some(_) | None => text,
    }
}

/// `+number.toFixed(digits)`.
pub(crate) fn rounded(number: f64, digits: usize) -> f64 {
    format!("{number:.digits$}").parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_a_browser_makes_of_them() {
        // Seen in Node 20: +value, parseFloat(value), String(value), Boolean(value).
        let nan = f64::NAN;
        let cases: [(&str, f64, f64, &str, bool); 19] = [
            (r#""12.50""#, 12.5, 12.5, "12.50", true),
            (r#"" 7 ""#, 7.0, 7.0, " 7 ", true),
            (r#""""#, 0.0, nan, "", false),
            (r#""12 km""#, nan, 12.0, "12 km", true),
            (r#""0x1F""#, 31.0, 0.0, "0x1F", true),
            (r#""1e3x""#, nan, 1000.0, "1e3x", true),
            (r#"".5""#, 0.5, 0.5, ".5", true),
            (r#""5.""#, 5.0, 5.0, "5.", true),
            (r#""-Infinity""#, f64::NEG_INFINITY, f64::NEG_INFINITY, "-Infinity", true),
            (r#""abc""#, nan, nan, "abc", true),
            ("12.50", 12.5, 12.5, "12.5", true),
            ("0", 0.0, 0.0, "0", false),
            ("1e21", 1e21, 1e21, "1e+21", true),
            ("0.0000001", 1e-7, 1e-7, "1e-7", true),
            ("true", 1.0, nan, "true", true),
            ("null", 0.0, nan, "null", false),
            ("[]", 0.0, nan, "", true),
            ("[5]", 5.0, 5.0, "5", true),
            (r#"{"a":1}"#, nan, nan, "[object Object]", true),
        ];
        let same = |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan());
        for (raw, number, float, text, truthy) in cases {
            let value = Scalar::parse(raw);
            assert!(same(value.number(), number), "+{raw} is {}", value.number());
            assert!(same(value.parse_float(), float), "parseFloat({raw}) is {}", value.parse_float());
            assert_eq!(value.string(), text);
            assert_eq!(value.truthy(), truthy, "{raw}");
        }
    }

    #[test]
    fn a_text_with_escapes_is_read() {
        assert_eq!(Scalar::parse(r#""caf\u00e9 \"x\"""#), Scalar::Text(Cow::Borrowed("café \"x\"")));
    }
}
