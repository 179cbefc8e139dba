//! uMap's variables in texts: `{name}`, `{name|other|"a default"}`, `{address.street}`.

use std::borrow::Cow;

use serde_json::Value;

use super::js::Scalar;
use super::reading::Properties;

/// Whether it holds a variable.
pub(crate) fn has_variable(text: &str) -> bool {
    text.contains('{')
}

/// The text with each variable replaced by its value. An unknown one stays as it is with `keep`,
/// and becomes nothing without.
pub(crate) fn fill<'t>(text: &'t str, keep: bool, value: &dyn Fn(&str) -> Scalar<'t>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        filled.push_str(before);
        match variable(from) {
            Some((inside, length)) => {
                let found = first_of(inside, value);
                match &found {
                    Scalar::Undefined if keep => filled.push_str(from.get(..length).unwrap_or("")),
                    Scalar::Undefined => {}
                    Scalar::Null | Scalar::Bool(_) | Scalar::Number(_) | Scalar::Text(_) | Scalar::Compound(_) => {
                        filled.push_str(&found.string())
                    }
                }
                rest = from.get(length..).unwrap_or("");
            }
            None => {
                filled.push('{');
                rest = from.get(1..).unwrap_or("");
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// What stands in the braces at the beginning, and how long the whole is. A name holds no brace,
/// slash or hyphen; a default in quotes may hold anything but a quote.
fn variable(from: &str) -> Option<(&str, usize)> {
    let mut end = None;
    let mut quoted = false;
    for (at, c) in from.char_indices().skip(1) {
        match c {
            '"' => quoted = !quoted,
            '}' if !quoted => {
                end = Some(at);
                break;
            }
            '{' | '/' | '-' if !quoted => return None,
            _ => {}
        }
    }
    let end = end?;
    let inside = from.get(1..end)?.trim_start_matches(' ');
    (!inside.is_empty()).then_some((inside, end + 1))
}

fn first_of<'t>(inside: &str, value: &dyn Fn(&str) -> Scalar<'t>) -> Scalar<'t> {
    let mut found = Scalar::Undefined;
    for way in alternatives(inside) {
        found = match way.strip_prefix('"').and_then(|way| way.trim_end_matches(' ').strip_suffix('"')) {
            Some(fixed) => Scalar::Text(Cow::Owned(fixed.to_owned())),
            None => value(way),
        };
        if !matches!(found, Scalar::Undefined | Scalar::Null) {
            break;
        }
    }
    found
}

/// Split at bars outside of quotes.
fn alternatives(inside: &str) -> Vec<&str> {
    let mut quoted = false;
    inside
        .split(|c| {
            quoted ^= c == '"';
            c == '|' && !quoted
        })
        .collect()
}

/// What a path of names leads to in a feature's properties.
pub(crate) fn property(properties: &Properties<'_>, path: &str) -> Scalar<'static> {
    let mut names = path.split('.');
    let Some(mut value) = names.next().map(|first| properties.get(first).into_owned()) else {
        return Scalar::Undefined;
    };
    for name in names {
        value = match value {
            Scalar::Compound(Value::Object(mut members)) => {
                members.remove(name).map_or(Scalar::Undefined, |inner| Scalar::of(&inner).into_owned())
            }
            Scalar::Compound(Value::Array(list)) => name
                .parse()
                .ok()
                .and_then(|at: usize| list.get(at))
                .map_or(Scalar::Undefined, |inner| Scalar::of(inner).into_owned()),
            Scalar::Undefined
            | Scalar::Null
            | Scalar::Bool(_)
            | Scalar::Number(_)
            | Scalar::Text(_)
            | Scalar::Compound(_) => Scalar::Undefined,
        };
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_as_umap_does() {
        // As greedyTemplate of uMap 3.7.3 answers, seen in Node 20.
        let values = |name: &str| match name {
            "name" => Scalar::Text(Cow::Borrowed("Oak")),
            "size" => Scalar::Number(3.5),
            "gone" => Scalar::Null,
            "empty" => Scalar::Text(Cow::Borrowed("")),
            _ => Scalar::Undefined,
        };
        let cases = [
            ("{name}", "Oak", "Oak"),
            ("A {name}: { size} m", "A Oak: 3.5 m", "A Oak: 3.5 m"),
            ("{other}", "", "{other}"),
            ("{other|name}", "Oak", "Oak"),
            (r#"{other|"none"}"#, "none", "none"),
            ("{gone}", "null", "null"),
            ("{gone|size}", "3.5", "3.5"),
            ("{empty}!", "!", "!"),
            ("{a/b} {}", "{a/b} {}", "{a/b} {}"),
            ("no variable", "no variable", "no variable"),
            ("{name", "{name", "{name"),
        ];
        for (text, without, kept) in cases {
            assert_eq!(fill(text, false, &values), without, "{text}");
            assert_eq!(fill(text, true, &values), kept, "{text}");
        }
    }
}
