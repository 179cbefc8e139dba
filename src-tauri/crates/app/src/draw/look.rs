//! From options to a style: what is drawn for a feature, all inheritance resolved.

use serde_json::{Map, Value};

use super::color;
use super::js::Scalar;
use super::level::{Chain, Kind, default, said};
use super::reading::Form;
use super::template;
use super::types::{Fill, Icon, IconClass, Label, LabelSide, PathPlace, PathText, Stroke, Style, Symbol, SymbolKind};

/// What a feature says itself, as far as it decides its look; many features share one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Look {
    /// Its own options.
    pub own: Map<String, Value>,
    /// Which rules of its layer's chain it meets.
    pub met: Vec<bool>,
    /// Texts with variables, for which option, and what they became.
    pub filled: Vec<(String, String, String)>,
}

/// A feature's options, asked one after the other.
pub(crate) struct Asked<'a> {
    pub chain: &'a Chain,
    pub look: &'a Look,
    pub form: Form,
    /// The colour of its class or category.
    pub class: Option<&'a str>,
}

impl Asked<'_> {
    fn kind(&self) -> Kind {
        self.chain.0.first().map_or(Kind::Default, |level| level.kind)
    }

    fn is_line(&self) -> bool {
        matches!(self.form, Form::Line | Form::Lines)
    }

    fn is_area(&self) -> bool {
        matches!(self.form, Form::Area | Form::Areas)
    }

    /// The option that a class colours.
    fn main_color(&self) -> &'static str {
        if self.is_area() { "fillColor" } else { "color" }
    }

    /// The option as it is inherited, variables and all.
    pub fn option(&self, option: &str) -> Option<Value> {
        // A line is always stroked and never filled.
        match option {
            "stroke" if self.is_line() => return Some(Value::Bool(true)),
            "fill" if self.is_line() => return Some(Value::Bool(false)),
            _ => {}
        }
        if let Some(own) = said(&self.look.own, option) {
            return Some(own.clone());
        }
        if option == self.main_color()
            && let Some(class) = self.class
        {
            return Some(Value::String(class.to_owned()));
        }
        self.chain.says(option, &self.look.met)
    }

    /// The option with its variables filled in; with one that is unknown, uMap's default.
    fn filled(&self, option: &str) -> Option<Value> {
        let value = self.option(option)?;
        let Some(text) = value.as_str().filter(|text| template::has_variable(text)) else { return Some(value) };
        let became = self.look.filled.iter().find(|(of, from, _)| of == option && from == text);
        match became {
            Some((_, _, became)) if option == "iconUrl" || !template::has_variable(became) => {
                Some(Value::String(became.clone()))
            }
            Some(_) | None => default(option),
        }
    }

    fn number(&self, option: &str) -> f64 {
        let fallback = || default(option).and_then(|value| value.as_f64()).unwrap_or(0.0);
        let value = self.filled(option).unwrap_or(Value::Null);
        if value.is_null() {
            return fallback();
        }
        Some(Scalar::of(&value).number()).filter(|number| number.is_finite()).unwrap_or_else(fallback)
    }

    fn share(&self, option: &str) -> f64 {
        self.number(option).clamp(0.0, 1.0)
    }

    fn text(&self, option: &str) -> Option<String> {
        let value = self.filled(option)?;
        let text = Scalar::of(&value);
        text.truthy().then(|| text.string().into_owned())
    }

    fn flag(&self, option: &str) -> bool {
        self.filled(option).is_some_and(|value| Scalar::of(&value).truthy())
    }

    fn color(&self) -> String {
        self.text("color").unwrap_or_else(|| "DarkBlue".to_owned())
    }

    /// The radius that it says itself.
    pub fn own_radius(&self) -> Option<f64> {
        said(&self.look.own, "radius").map(|value| Scalar::of(value).number()).filter(|radius| radius.is_finite())
    }

    /// Whether the area is drawn as everything but itself.
    pub fn is_mask(&self) -> bool {
        self.is_area() && self.flag("mask")
    }

    /// Whether it is drawn as a circle.
    pub fn is_circle(&self) -> bool {
        self.kind() == Kind::Circles && !self.is_mask()
    }

    /// Its label, if it has one: always, or under the pointer.
    pub fn label(&self) -> Option<Label> {
        let shown = self.option("showLabel").unwrap_or(Value::Bool(false));
        let hover = match shown {
            Value::Null => true,
            Value::Bool(true) => self.flag("labelHover"),
            Value::Bool(false) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                return None;
            }
        };
        let side = match self.option("labelDirection").as_ref().and_then(Value::as_str) {
            Some("left") => LabelSide::Left,
            Some("right") => LabelSide::Right,
            Some("top") => LabelSide::Top,
            Some("bottom") => LabelSide::Bottom,
            Some(_) | None => LabelSide::Auto,
        };
        Some(Label { side, hover, interactive: self.flag("labelInteractive") })
    }

    /// How it looks.
    pub fn style(&self) -> Style {
        if self.is_circle() {
            return Style::Circle {
                stroke: self.stroke(),
                fill: self.fill(),
                label: self.label(),
                interactive: self.interactive(),
            };
        }
        match self.form {
            Form::Point | Form::Points => Style::Marker { icon: self.icon(), label: self.label() },
            Form::Line | Form::Lines => Style::Line {
                stroke: self.stroke(),
                text: self.path_text(),
                label: self.label(),
                interactive: self.interactive(),
            },
            Form::Area | Form::Areas => Style::Area {
                stroke: self.stroke(),
                fill: self.fill(),
                text: self.path_text(),
                label: self.label(),
                interactive: self.interactive(),
                mask: self.is_mask(),
            },
        }
    }

    fn interactive(&self) -> bool {
        self.flag("interactive") && said(&self.look.own, "clickable") != Some(&Value::Bool(false))
    }

    fn stroke(&self) -> Option<Stroke> {
        let width = self.number("weight");
        if !self.flag("stroke") || width <= 0.0 {
            return None;
        }
        let dash = self.text("dashArray").map(|text| dashes(&text)).unwrap_or_default();
        Some(Stroke { color: self.color(), width, opacity: self.share("opacity"), dash })
    }

    fn fill(&self) -> Option<Fill> {
        if !self.flag("fill") {
            return None;
        }
        let color = self.text("fillColor").unwrap_or_else(|| self.color());
        Some(Fill { color, opacity: self.share("fillOpacity") })
    }

    fn path_text(&self) -> Option<PathText> {
        let text = self.text("textPath")?;
        let place = match self.option("textPathPosition").as_ref().and_then(Value::as_str) {
            Some("start") => PathPlace::Start,
            Some("end") => PathPlace::End,
            Some(_) | None => PathPlace::Center,
        };
        Some(PathText {
            text,
            color: self.text("textPathColor").unwrap_or_else(|| self.color()),
            opacity: self.share("opacity"),
            size: self.number("textPathSize"),
            offset: self.number("textPathOffset"),
            place,
            repeat: self.flag("textPathRepeat"),
            rotate: self.number("textPathRotate"),
        })
    }

    fn icon(&self) -> Icon {
        let class = match self.option("iconClass").as_ref().and_then(Value::as_str) {
            Some("Circle") => IconClass::Circle,
            Some("LargeCircle") => IconClass::LargeCircle,
            Some("Ball") => IconClass::Ball,
            Some("Drop") => IconClass::Drop,
            Some("Raw") => IconClass::Raw,
            Some(_) | None => IconClass::Default,
        };
        let color = if class == IconClass::Raw { "transparent".to_owned() } else { self.color() };
        let size = Some(self.number("iconSize")).filter(|size| *size > 0.0).unwrap_or(24.0);
        let symbol = match class {
            IconClass::Circle | IconClass::Ball => no_symbol(),
            IconClass::Default | IconClass::Drop => {
                let mut symbol = symbol(self.filled("iconUrl"));
                symbol.light = color::wants_light(&color) && can_be_light(&symbol);
                symbol
            }
            IconClass::LargeCircle | IconClass::Raw => symbol(self.filled("iconUrl")),
        };
        Icon { class, color, opacity: self.share("iconOpacity"), size, symbol }
    }
}

fn no_symbol() -> Symbol {
    Symbol { kind: SymbolKind::None, value: String::new(), light: false }
}

/// What an icon's address or text is; without one, uMap's own dot.
pub(crate) fn symbol(value: Option<Value>) -> Symbol {
    let Some(value) = value else { return Symbol { kind: SymbolKind::Dot, ..no_symbol() } };
    let text = Scalar::of(&value);
    if !text.truthy() {
        return no_symbol();
    }
    let value = text.string().into_owned();
    let kind = if value.ends_with("/umap/img/marker.svg") {
        SymbolKind::Dot
    } else if value.starts_with('/') || value.starts_with("http") || value.starts_with("data:image") {
        SymbolKind::Url
    } else {
        SymbolKind::Text
    };
    Symbol { kind, value: if kind == SymbolKind::Dot { String::new() } else { value }, light: false }
}

/// Whether it is drawn white where the icon is dark: texts, and images that are SVG.
pub(crate) fn can_be_light(symbol: &Symbol) -> bool {
    match symbol.kind {
        SymbolKind::Text => true,
        SymbolKind::Url => symbol.value.ends_with(".svg"),
        SymbolKind::None | SymbolKind::Dot => false,
    }
}

/// `5, 10` or `5 10`; empty where it makes no dashes.
fn dashes(text: &str) -> Vec<f64> {
    let parts = text.split([',', ' ']).filter(|part| !part.is_empty());
    let lengths: Vec<f64> = parts.map(super::js::parse_float).collect();
    let sound = lengths.iter().all(|length| length.is_finite() && *length >= 0.0) && lengths.iter().any(|l| *l > 0.0);
    if sound { lengths } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::draw::level::Level;

    fn style(form: Form, own: Value, layer: Value, class: Option<&str>) -> Style {
        let level = |settings: Value| Arc::new(Level::of_layer(settings.as_object().unwrap()));
        let chain = Chain(vec![level(layer), level(json!({}))]);
        let look = Look { own: own.as_object().unwrap().clone(), ..Look::default() };
        Asked { chain: &chain, look: &look, form, class }.style()
    }

    #[test]
    fn a_point_that_says_nothing_is_umaps_blue_pin() {
        let Style::Marker { icon, label } = style(Form::Point, json!({}), json!({}), None) else { panic!() };
        assert_eq!(label, None);
        assert_eq!(
            (icon.class, icon.color.as_str(), icon.size, icon.opacity),
            (IconClass::Default, "DarkBlue", 24.0, 1.0)
        );
        assert_eq!(icon.symbol, Symbol { kind: SymbolKind::Dot, value: String::new(), light: false });
    }

    #[test]
    fn a_line_that_says_nothing_is_blue_three_wide_and_half_opaque() {
        let Style::Line { stroke, text, label, interactive } = style(Form::Line, json!({}), json!({}), None) else {
            panic!()
        };
        assert_eq!(stroke, Some(Stroke { color: "DarkBlue".into(), width: 3.0, opacity: 0.5, dash: vec![] }));
        assert_eq!((text, label, interactive), (None, None, true));
    }

    #[test]
    fn an_area_is_filled_in_its_fill_colour_or_else_its_colour() {
        let fill = |own: Value| match style(Form::Area, own, json!({"color": "Green"}), None) {
            Style::Area { fill, stroke, .. } => (fill, stroke.map(|stroke| stroke.color)),
            other => panic!("{other:?}"),
        };
        let filled = |color: &str, opacity| Some(Fill { color: color.into(), opacity });
        assert_eq!(fill(json!({})), (filled("Green", 0.3), Some("Green".into())));
        assert_eq!(fill(json!({"fillColor": "Red", "fillOpacity": "0.8"})), (filled("Red", 0.8), Some("Green".into())));
        assert_eq!(fill(json!({"fill": false})), (None, Some("Green".into())));
        assert_eq!(fill(json!({"stroke": false})), (filled("Green", 0.3), None));
    }

    #[test]
    fn a_class_colours_the_filling_of_areas_and_the_colour_of_all_else() {
        let layer = json!({"type": "Choropleth"});
        let Style::Area { stroke, fill, .. } = style(Form::Area, json!({}), layer.clone(), Some("#abc")) else {
            panic!()
        };
        assert_eq!(fill, Some(Fill { color: "#abc".into(), opacity: 0.7 }));
        assert_eq!(stroke, Some(Stroke { color: "white".into(), width: 2.0, opacity: 0.5, dash: vec![] }));
        let Style::Line { stroke, .. } = style(Form::Line, json!({}), layer.clone(), Some("#abc")) else { panic!() };
        assert_eq!(stroke.map(|stroke| stroke.color), Some("#abc".into()));
        let Style::Marker { icon, .. } = style(Form::Point, json!({}), layer.clone(), Some("#abc")) else { panic!() };
        assert_eq!(icon.color, "#abc");
        // Its own colour stays.
        let Style::Marker { icon, .. } = style(Form::Point, json!({"color": "Red"}), layer, Some("#abc")) else {
            panic!()
        };
        assert_eq!(icon.color, "Red");
    }

    #[test]
    fn everything_in_a_layer_of_circles_is_a_circle_but_masks() {
        let layer = json!({"type": "Circles", "color": "Red"});
        let Style::Circle { stroke, fill, .. } = style(Form::Area, json!({}), layer.clone(), None) else { panic!() };
        assert_eq!(stroke.map(|stroke| stroke.width), Some(1.0));
        assert_eq!(fill, Some(Fill { color: "Red".into(), opacity: 0.3 }));
        let Style::Circle { fill, .. } = style(Form::Line, json!({}), layer.clone(), None) else { panic!() };
        assert_eq!(fill, None);
        let masked = style(Form::Area, json!({"mask": true}), layer, None);
        assert!(matches!(masked, Style::Area { mask: true, .. }));
    }

    #[test]
    fn labels_are_shown_always_never_or_on_hover() {
        let label = |own: Value| match style(Form::Point, own, json!({}), None) {
            Style::Marker { label, .. } => label,
            other => panic!("{other:?}"),
        };
        assert_eq!(label(json!({})), None);
        assert_eq!(label(json!({"showLabel": "true"})), None);
        let always = label(json!({"showLabel": true, "labelDirection": "top", "labelInteractive": true}));
        assert_eq!(always, Some(Label { side: LabelSide::Top, hover: false, interactive: true }));
        assert!(label(json!({"showLabel": null})).unwrap().hover);
        assert!(label(json!({"showLabel": true, "labelHover": true})).unwrap().hover);
    }

    #[test]
    fn symbols_are_texts_images_or_the_dot() {
        let icon = |own: Value| match style(Form::Point, own, json!({}), None) {
            Style::Marker { icon, .. } => (icon.class, icon.symbol.kind, icon.symbol.light),
            other => panic!("{other:?}"),
        };
        let cases = [
            (json!({"iconUrl": "⛺"}), IconClass::Default, SymbolKind::Text, true),
            (json!({"iconUrl": "A", "color": "Yellow"}), IconClass::Default, SymbolKind::Text, false),
            (json!({"iconUrl": "/uploads/pictogram/tent.svg"}), IconClass::Default, SymbolKind::Url, true),
            (json!({"iconUrl": "https://example.org/a.png"}), IconClass::Default, SymbolKind::Url, false),
            (
                json!({"iconUrl": "/static/umap/img/marker.svg", "iconClass": "Drop"}),
                IconClass::Drop,
                SymbolKind::Dot,
                false,
            ),
            (json!({"iconUrl": "A", "iconClass": "Ball"}), IconClass::Ball, SymbolKind::None, false),
            (json!({"iconUrl": "A", "iconClass": "LargeCircle"}), IconClass::LargeCircle, SymbolKind::Text, false),
            (json!({"iconUrl": "A", "iconClass": "Raw"}), IconClass::Raw, SymbolKind::Text, false),
            (json!({"iconClass": "Unheard"}), IconClass::Default, SymbolKind::Dot, false),
        ];
        for (own, class, kind, light) in cases {
            assert_eq!(icon(own.clone()), (class, kind, light), "{own}");
        }
    }

    #[test]
    fn dashes_are_lengths() {
        assert_eq!(dashes("5, 10"), [5.0, 10.0]);
        assert_eq!(dashes("5 10 2"), [5.0, 10.0, 2.0]);
        assert_eq!(dashes("none"), Vec::<f64>::new());
        assert_eq!(dashes("0,0"), Vec::<f64>::new());
    }
}
