//! The settings of the map and of each layer that decide looks, as a chain that is asked in uMap's
//! order.
//!
//! uMap asks: the feature's own option; the layer type's colour or radius; the layer's rules, the
//! first one that meets and says something; the layer's option; what the layer type brings along;
//! the same of each group around it; the map's rules; the map's option; uMap's own default. An
//! empty text says nothing; a null says something.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::rules::{Rule, rules};

/// How a layer is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    #[default]
    Default,
    Cluster,
    Heat,
    Choropleth,
    Categorized,
    Circles,
}

impl Kind {
    /// Reads a layer's `type`; anything unknown is drawn as `Default`.
    pub fn of(settings: &Map<String, Value>) -> Self {
        match settings.get("type").and_then(Value::as_str) {
            Some("Cluster") => Self::Cluster,
            Some("Heat") => Self::Heat,
            Some("Choropleth") => Self::Choropleth,
            Some("Categorized") => Self::Categorized,
            Some("Circles") => Self::Circles,
            Some(_) | None => Self::Default,
        }
    }

    /// Where its own settings stand among the layer's.
    pub fn key(self) -> Option<&'static str> {
        match self {
            Self::Default => None,
            Self::Cluster => Some("cluster"),
            Self::Heat => Some("heat"),
            Self::Choropleth => Some("choropleth"),
            Self::Categorized => Some("categorized"),
            Self::Circles => Some("circles"),
        }
    }

    /// What it brings along for features that say nothing.
    fn brings(self, option: &str) -> Option<Value> {
        match (self, option) {
            (Self::Choropleth | Self::Categorized, "color") => Some(json!("white")),
            (Self::Choropleth | Self::Categorized, "fillOpacity") => Some(json!(0.7)),
            (Self::Choropleth | Self::Categorized, "weight") => Some(json!(2)),
            (Self::Circles, "weight") => Some(json!(1)),
            (Self::Default | Self::Cluster | Self::Heat | Self::Choropleth | Self::Categorized | Self::Circles, _) => {
                None
            }
        }
    }
}

/// The options that decide how a feature is drawn; nothing else of the settings is kept.
const DRAWN: [&str; 28] = [
    "clickable",
    "color",
    "dashArray",
    "fill",
    "fillColor",
    "fillOpacity",
    "iconClass",
    "iconOpacity",
    "iconSize",
    "iconUrl",
    "interactive",
    "labelDirection",
    "labelHover",
    "labelInteractive",
    "labelKey",
    "mask",
    "opacity",
    "radius",
    "showLabel",
    "stroke",
    "textPath",
    "textPathColor",
    "textPathOffset",
    "textPathPosition",
    "textPathRepeat",
    "textPathRotate",
    "textPathSize",
    "weight",
];

/// uMap's own default.
pub(crate) fn default(option: &str) -> Option<Value> {
    Some(match option {
        "color" => json!("DarkBlue"),
        "fill" | "stroke" | "interactive" | "textPathRepeat" => json!(true),
        "fillOpacity" => json!(0.3),
        "iconClass" => json!("Default"),
        "iconOpacity" => json!(1),
        "iconSize" => json!(24),
        "labelDirection" => json!("auto"),
        "opacity" => json!(0.5),
        "showLabel" => json!(false),
        "textPathOffset" => json!(1),
        "textPathPosition" => json!("center"),
        "textPathRotate" => json!(0),
        "textPathSize" => json!(20),
        "weight" => json!(3),
        _ => return None,
    })
}

/// What an object of options says of one: nothing when it is absent or an empty text.
pub(crate) fn said<'o>(options: &'o Map<String, Value>, option: &str) -> Option<&'o Value> {
    options.get(option).filter(|value| value.as_str() != Some(""))
}

/// The options among these that decide looks.
pub(crate) fn drawn(options: &Map<String, Value>) -> Map<String, Value> {
    let kept = options.iter().filter(|(key, _)| DRAWN.contains(&key.as_str()));
    kept.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// One step of the chain: the map, a group, or the layer itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Level {
    pub kind: Kind,
    pub options: Map<String, Value>,
    pub rules: Vec<Rule>,
    /// The fields that are declared in it.
    pub fields: Vec<String>,
}

impl Level {
    /// The map's settings.
    pub fn of_map(settings: &Map<String, Value>) -> Self {
        Self { kind: Kind::Default, ..Self::of_layer(settings) }
    }

    /// A layer's settings.
    pub fn of_layer(settings: &Map<String, Value>) -> Self {
        let type_of = |field: &str| type_of(settings, field);
        let declared = settings.get("fields").and_then(Value::as_array).map_or([].as_slice(), Vec::as_slice);
        let key = |field: &Value| field.get("key").and_then(Value::as_str).map(str::to_owned);
        Self {
            kind: Kind::of(settings),
            options: drawn(settings),
            rules: rules(settings, &type_of),
            fields: declared.iter().filter_map(key).collect(),
        }
    }

    /// What this step says of an option, its rules first: those of `met`.
    fn says(&self, option: &str, met: &[bool]) -> Option<std::borrow::Cow<'_, Value>> {
        let rules = self.rules.iter().zip(met).filter(|(_, met)| **met);
        let by_rule = rules.filter_map(|(rule, _)| said(&rule.options, option)).next();
        let by_itself = by_rule.or_else(|| said(&self.options, option)).map(std::borrow::Cow::Borrowed);
        by_itself.or_else(|| self.kind.brings(option).map(std::borrow::Cow::Owned))
    }
}

/// The type of a field that is declared in these settings.
fn type_of(settings: &Map<String, Value>, field: &str) -> Option<String> {
    let fields = settings.get("fields").and_then(Value::as_array)?;
    // Of two declarations of one field the later one holds.
    let declared = fields.iter().rev().find(|one| one.get("key").and_then(Value::as_str) == Some(field))?;
    Some(declared.get("type").and_then(Value::as_str).unwrap_or("String").to_owned())
}

/// From the layer, over the groups around it, to the map.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Chain(pub Vec<Arc<Level>>);

impl Chain {
    /// Every rule of the chain, in the order in which they are asked.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter().flat_map(|level| &level.rules)
    }

    /// What the chain says of an option, for a feature that meets those of its rules.
    pub fn says(&self, option: &str, met: &[bool]) -> Option<Value> {
        let mut from = 0;
        for level in &self.0 {
            let these = met.get(from..from + level.rules.len()).unwrap_or(&[]);
            if let Some(value) = level.says(option, these) {
                return Some(value.into_owned());
            }
            from += level.rules.len();
        }
        default(option)
    }

    /// The texts with variables that options in it hold, with the option.
    pub fn templates(&self) -> Vec<(String, String)> {
        let all = self
            .0
            .iter()
            .flat_map(|level| std::iter::once(&level.options).chain(level.rules.iter().map(|rule| &rule.options)));
        all.flat_map(templates).collect()
    }
}

/// The options that hold a text with variables, and these texts.
pub(crate) fn templates(options: &Map<String, Value>) -> Vec<(String, String)> {
    let texts = options.iter().filter_map(|(option, value)| Some((option, value.as_str()?)));
    texts
        .filter(|(option, text)| DRAWN.contains(&option.as_str()) && super::template::has_variable(text))
        .map(|(option, text)| (option.clone(), text.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(settings: Value) -> Arc<Level> {
        Arc::new(Level::of_layer(settings.as_object().unwrap()))
    }

    fn chain(layer: Value, map: Value) -> Chain {
        Chain(vec![level(layer), level(map)])
    }

    #[test]
    fn each_step_yields_to_the_one_before_it() {
        let map_rule = json!([{"condition": "a=1", "properties": {"color": "MapRule"}}]);
        let layer_rules = json!([
            {"condition": "a=1", "properties": {"color": "", "weight": 7}},
            {"condition": "b=1", "properties": {"color": "LayerRule"}},
        ]);
        let cases = [
            (json!({}), json!({}), vec![], "DarkBlue"),
            (json!({}), json!({"color": "Map"}), vec![], "Map"),
            (json!({"color": ""}), json!({"color": "Map"}), vec![], "Map"),
            (json!({}), json!({"color": "Map", "rules": map_rule}), vec![true], "MapRule"),
            (json!({}), json!({"color": "Map", "rules": map_rule}), vec![false], "Map"),
            (json!({"type": "Choropleth"}), json!({"color": "Map", "rules": map_rule}), vec![true], "white"),
            (json!({"color": "Layer"}), json!({"rules": map_rule}), vec![true], "Layer"),
            (json!({"color": "Layer", "rules": layer_rules}), json!({}), vec![true, true], "LayerRule"),
            (json!({"color": "Layer", "rules": layer_rules}), json!({}), vec![true, false], "Layer"),
        ];
        for (layer, map, met, colour) in cases {
            assert_eq!(
                chain(layer.clone(), map.clone()).says("color", &met),
                Some(json!(colour)),
                "{layer} {map} {met:?}"
            );
        }
    }

    #[test]
    fn a_null_says_something_and_a_group_is_asked_before_the_map() {
        let nested = Chain(vec![
            level(json!({})),
            level(json!({"showLabel": null, "weight": 5})),
            level(json!({"showLabel": true})),
        ]);
        assert_eq!(nested.says("showLabel", &[]), Some(Value::Null));
        assert_eq!(nested.says("weight", &[]), Some(json!(5)));
        assert_eq!(nested.says("opacity", &[]), Some(json!(0.5)));
        assert_eq!(nested.says("iconUrl", &[]), None);
    }

    #[test]
    fn every_kind_of_layer_brings_what_umap_gives_it() {
        for (kind, fill_opacity, weight) in [
            ("Default", json!(0.3), json!(3)),
            ("Cluster", json!(0.3), json!(3)),
            ("Choropleth", json!(0.7), json!(2)),
            ("Categorized", json!(0.7), json!(2)),
            ("Circles", json!(0.3), json!(1)),
            ("Nonsense", json!(0.3), json!(3)),
        ] {
            let chain = chain(json!({"type": kind}), json!({}));
            assert_eq!(chain.says("fillOpacity", &[]), Some(fill_opacity), "{kind}");
            assert_eq!(chain.says("weight", &[]), Some(weight), "{kind}");
        }
    }
}
