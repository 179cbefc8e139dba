//! uMap's conditional rules: `key=value`, `!=`, `<`, `>`, by the type of the key's field.

use serde_json::{Map, Value};

use super::js::{self, Scalar};
use super::moment;

/// A rule: which features, and what it says of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    /// As the map writes it.
    pub condition: String,
    /// What people call it.
    pub name: String,
    /// Its options.
    pub options: Map<String, Value>,
    /// The property that it looks at.
    pub field: String,
    test: Option<Test>,
}

#[derive(Clone, Debug, PartialEq)]
struct Test {
    operator: Operator,
    cast: Cast,
    expected: Seen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    More,
    Less,
    Not,
    Equal,
}

/// In which order a condition is searched for them; `&lt;` is how some servers sent `<`.
const SIGNS: [(&str, Operator); 5] = [
    (">", Operator::More),
    ("<", Operator::Less),
    ("&lt;", Operator::Less),
    ("!=", Operator::Not),
    ("=", Operator::Equal),
];

/// How values are looked at before they are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cast {
    Emptiness,
    Float,
    Text,
    Number,
    Moment,
    Day,
    Boolean,
    List,
}

/// A value, looked at.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Bool(bool),
    Text(String),
    /// NaN is no number.
    Float(f64),
    /// A typed number, or none.
    Number(Option<f64>),
    /// An instant; `None` for what is no date.
    Moment(Option<f64>),
    /// A day; `None` for nothing.
    Day(Option<f64>),
    List(Vec<String>),
}

/// Reads `rules`; `type_of` knows the types of the fields beside them.
pub(crate) fn rules(settings: &Map<String, Value>, type_of: &dyn Fn(&str) -> Option<String>) -> Vec<Rule> {
    let list = settings.get("rules").and_then(Value::as_array).map_or([].as_slice(), Vec::as_slice);
    let mut rules = Vec::new();
    for rule in list {
        let text = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
        let condition = text("condition");
        if condition.is_empty() {
            continue;
        }
        let said = rule.get("properties").filter(|said| Scalar::of(said).truthy()).or_else(|| rule.get("options"));
        let options = said.and_then(Value::as_object).cloned().unwrap_or_default();
        let (field, test) = parse(&condition, type_of);
        rules.push(Rule { condition, name: text("name"), options, field, test });
    }
    rules
}

fn parse(condition: &str, type_of: &dyn Fn(&str) -> Option<String>) -> (String, Option<Test>) {
    let none = (String::new(), None);
    let Some((sign, operator)) = SIGNS.iter().find(|(sign, _)| condition.contains(sign)) else { return none };
    let parts: Vec<&str> = condition.split(sign).collect();
    let [field, expected] = parts.as_slice() else { return none };
    let kind = type_of(field).unwrap_or_default();
    let typed = match kind.as_str() {
        "Number" => Cast::Number,
        "Datetime" => Cast::Moment,
        "Date" => Cast::Day,
        "Boolean" => Cast::Boolean,
        "Enum" => Cast::List,
        _ => Cast::Text,
    };
    let ordered = matches!(operator, Operator::More | Operator::Less);
    let cast = if expected.is_empty() {
        // A browser fails over lists here, and draws as if there was no such rule.
        if typed == Cast::List {
            return ((*field).to_owned(), None);
        }
        Cast::Emptiness
    } else if ordered && typed != Cast::Number && !js::number(expected).is_nan() {
        Cast::Float
    } else {
        typed
    };
    let expected = cast.look(&Scalar::Text((*expected).into()));
    let never = ordered && typed == Cast::List;
    let test = (!never).then_some(Test { operator: *operator, cast, expected });
    ((*field).to_owned(), test)
}

impl Rule {
    /// Whether a feature of which this is the property meets it.
    pub fn matches(&self, value: &Scalar<'_>) -> bool {
        let Some(test) = &self.test else { return false };
        let other = test.cast.look(value);
        match test.operator {
            Operator::Equal => equal(&test.expected, &other),
            Operator::Not => !equal(&test.expected, &other),
            Operator::More => greater(&other, &test.expected),
            Operator::Less => greater(&test.expected, &other),
        }
    }

    /// Whether it looks at anything.
    pub fn is_sound(&self) -> bool {
        self.test.is_some()
    }
}

impl Cast {
    fn look(self, value: &Scalar<'_>) -> Seen {
        match self {
            Cast::Emptiness => Seen::Bool(value.is_empty()),
            Cast::Float => Seen::Float(value.parse_float()),
            Cast::Text => Seen::Text(text(value)),
            Cast::Number => Seen::Number(Some(value.parse_float()).filter(|number| !number.is_nan())),
            Cast::Moment => Seen::Moment(moment::instant(value)),
            Cast::Day => Seen::Day(moment::day(value)),
            Cast::Boolean => Seen::Bool(["true", "1", "yes"].contains(&value.string().to_lowercase().as_str())),
            Cast::List => {
                let whole = if value.truthy() { value.string().into_owned() } else { String::new() };
                Seen::List(whole.split(',').map(|one| one.trim().to_owned()).collect())
            }
        }
    }
}

fn text(value: &Scalar<'_>) -> String {
    match value {
        Scalar::Undefined | Scalar::Null => String::new(),
        Scalar::Bool(_) | Scalar::Number(_) | Scalar::Text(_) | Scalar::Compound(_) => value.string().into_owned(),
    }
}

/// Both sides were looked at in the same way. Two dates are never equal: a browser compares the
/// objects, not the instants; two that are none at all are, where it makes no object of them.
fn equal(a: &Seen, b: &Seen) -> bool {
    match (a, b) {
        (Seen::Bool(a), Seen::Bool(b)) => a == b,
        (Seen::Text(a), Seen::Text(b)) => a == b,
        (Seen::Float(a), Seen::Float(b)) => a == b,
        (Seen::Number(a), Seen::Number(b)) => a == b,
        (Seen::Day(a), Seen::Day(b)) => a.is_none() && b.is_none(),
        (Seen::List(a), Seen::List(b)) => a.iter().any(|one| b.contains(one)),
        (Seen::Moment(_), _)
        | (Seen::Bool(_) | Seen::Text(_) | Seen::Float(_) | Seen::Number(_) | Seen::Day(_) | Seen::List(_), _) => false,
    }
}

fn greater(a: &Seen, b: &Seen) -> bool {
    match (a, b) {
        (Seen::Text(a), Seen::Text(b)) => a.encode_utf16().gt(b.encode_utf16()),
        _ => a.ordinal() > b.ordinal(),
    }
}

impl Seen {
    fn ordinal(&self) -> f64 {
        match self {
            Seen::Bool(value) => f64::from(u8::from(*value)),
            Seen::Float(number) => *number,
            // `null` counts as 0 in a comparison.
            Seen::Number(number) => number.unwrap_or(0.0),
            Seen::Moment(instant) | Seen::Day(instant) => instant.unwrap_or(f64::NAN),
            Seen::Text(_) | Seen::List(_) => f64::NAN,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(condition: &str, kind: &str) -> Rule {
        let settings = json!({"rules": [{"condition": condition, "properties": {"color": "Red"}}]});
        let all = rules(settings.as_object().unwrap(), &|field| (field == "f").then(|| kind.to_owned()));
        all.into_iter().next().unwrap()
    }

    #[test]
    fn conditions_hold_as_in_a_browser() {
        // condition, the field's type, the property, whether uMap 3.7.3 applies the rule (its own
        // module, run in Node 20).
        let cases = [
            ("f=Oak", "String", json!("Oak"), true),
            ("f=Oak", "String", json!("oak"), false),
            ("f=3", "String", json!(3), true),
            ("f!=Oak", "String", json!("Elm"), true),
            ("f!=Oak", "String", json!(null), true),
            ("f=", "String", json!(""), true),
            ("f=", "String", json!(null), true),
            ("f=", "String", json!(0), false),
            ("f!=", "String", json!("x"), true),
            ("f>", "String", json!("x"), false),
            ("f>3", "String", json!("12"), true),
            ("f>3", "String", json!("12 m"), true),
            ("f>3", "String", json!("abc"), false),
            ("f<b", "String", json!("a"), true),
            ("f&lt;b", "String", json!("a"), true),
            ("f>3", "Number", json!("3.5"), true),
            ("f>3", "Number", json!(2), false),
            ("f<3", "Number", json!(null), true),
            ("f=3", "Number", json!("3.0"), true),
            ("f=x", "Number", json!(null), true),
            ("f=yes", "Boolean", json!(true), true),
            ("f=true", "Boolean", json!("no"), false),
            ("f=true", "Boolean", json!(1), true),
            ("f=a", "Enum", json!("b, a"), true),
            ("f!=a", "Enum", json!("b,c"), true),
            ("f>a", "Enum", json!("b"), false),
            ("f=", "Enum", json!(""), false),
            ("f>2024-01-31", "Date", json!("2024-02-01"), true),
            ("f<2024-01-31", "Date", json!("31/12/2023"), true),
            ("f=2024-01-31", "Date", json!("2024-01-31"), false),
            ("f!=2024-01-31", "Date", json!("2024-01-31"), true),
            ("f>2023", "Date", json!("2024-02-01"), true),
            ("f>2024-01-31T12:00:00Z", "Datetime", json!("2024-01-31T12:00:01Z"), true),
            ("f=a=b", "String", json!("a"), false),
            ("f", "String", json!("f"), false),
            ("f>=3", "Number", json!(3), true),
        ];
        for (condition, kind, value, holds) in cases {
            assert_eq!(rule(condition, kind).matches(&Scalar::of(&value)), holds, "{condition} as {kind} on {value}");
        }
    }

    #[test]
    fn the_old_name_of_a_rules_options_is_read() {
        let settings = json!({"rules": [{"condition": "a=b", "options": {"color": "Red"}}, {"name": "no condition"}]});
        let all = rules(settings.as_object().unwrap(), &|_| None);
        assert_eq!(all.len(), 1);
        assert_eq!(all.first().unwrap().options.get("color"), Some(&json!("Red")));
    }
}
