//! What a layer's type gives its features: the colour of a class or category, a radius. All of it
//! comes from the whole layer, so that nothing changes while a map is moved.

use serde_json::{Map, Value};

use super::breaks::Method;
use super::js::{self, Scalar};
use super::level::Kind;
use super::{brewer, color};

/// Which property a layer's type looks at, and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Recipe {
    pub kind: Kind,
    /// The property; `None` where the type looks at none.
    pub property: Option<String>,
    settings: Map<String, Value>,
}

/// What a feature has to say to its layer's type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Sample {
    Nothing,
    Number(f64),
    /// A value among the layer's [`Values`].
    Value(u32),
}

/// What came of the samples of a whole layer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Classes {
    #[default]
    None,
    /// The greatest value of each class, in order, with its colour; before that the least of all.
    Ranges {
        breaks: Vec<f64>,
        colors: Vec<String>,
    },
    /// Values with their colours, in order.
    Categories {
        values: Vec<Scalar<'static>>,
        colors: Vec<String>,
        class_of: Vec<Option<usize>>,
    },
    Circles {
        least: f64,
        greatest: f64,
        small: f64,
        large: f64,
    },
}

impl Recipe {
    pub fn of(settings: &Map<String, Value>) -> Self {
        let kind = Kind::of(settings);
        let own = kind.key().and_then(|key| settings.get(key)).and_then(Value::as_object).cloned().unwrap_or_default();
        let named = own.get("property").map(Scalar::of).filter(Scalar::truthy).map(|name| name.string().into_owned());
        let property = match kind {
            Kind::Choropleth | Kind::Circles => Some(named.unwrap_or_else(|| "value".to_owned())),
            Kind::Categorized => named,
            Kind::Heat => {
                let named = own.get("intensityProperty").map(Scalar::of).filter(Scalar::truthy);
                named.map(|name| name.string().into_owned())
            }
            Kind::Default | Kind::Cluster => None,
        };
        Self { kind, property, settings: own }
    }

    /// The radius of clusters, in pixels.
    pub fn cluster_radius(&self) -> f64 {
        self.positive("radius").unwrap_or(80.0)
    }

    /// The colour of a cluster's number, where the layer names one.
    pub fn cluster_text(&self) -> Option<String> {
        self.settings.get("textColor").map(Scalar::of).filter(Scalar::truthy).map(|text| text.string().into_owned())
    }

    /// The radius of a spot of heat, in pixels.
    pub fn heat_radius(&self) -> f64 {
        self.positive("radius").unwrap_or(25.0)
    }

    fn positive(&self, key: &str) -> Option<f64> {
        self.settings.get(key).map(|value| Scalar::of(value).number()).filter(|number| *number > 0.0)
    }

    fn text(&self, key: &str) -> &str {
        self.settings.get(key).and_then(Value::as_str).unwrap_or("")
    }

    /// What a feature with this value of the property has to say. `height` is that of a point.
    pub fn sample(&self, value: &Scalar<'_>, height: Option<f64>, values: &mut Values) -> Sample {
        let number = |number: f64| if number.is_nan() { Sample::Nothing } else { Sample::Number(number) };
        match self.kind {
            Kind::Default | Kind::Cluster => Sample::Nothing,
            Kind::Choropleth | Kind::Circles => number(value.number()),
            Kind::Categorized if self.property.is_none() || matches!(value, Scalar::Undefined) => Sample::Nothing,
            Kind::Categorized => Sample::Value(values.place(value)),
            // A point with a height counts as much as it is high.
            Kind::Heat if self.property.is_none() => Sample::Number(height.unwrap_or(1.0)),
            Kind::Heat => number(value.parse_float()),
        }
    }

    /// Makes the classes of the samples of all features of the layer, in their order.
    pub fn classes(&self, samples: &[Sample], values: &Values) -> Classes {
        let numbers = || {
            samples.iter().filter_map(|sample| match sample {
                Sample::Number(number) => Some(*number),
                Sample::Nothing | Sample::Value(_) => None,
            })
        };
        match self.kind {
            Kind::Default | Kind::Cluster | Kind::Heat => Classes::None,
            Kind::Choropleth => self.ranges(&numbers().collect::<Vec<f64>>()),
            Kind::Categorized => self.categories(samples, values),
            Kind::Circles => {
                let radius = self.settings.get("radius");
                let pixels = |key: &str, otherwise: f64| {
                    let said = radius.and_then(|radius| radius.get(key)).map(|value| Scalar::of(value).number());
                    said.filter(|number| *number != 0.0 && number.is_finite()).unwrap_or(otherwise)
                };
                // One value below zero has no root, and then nothing has a size of its own.
                let root = |of: Option<f64>| of.map_or(f64::NAN, f64::sqrt);
                Classes::Circles {
                    least: root(numbers().reduce(f64::min)),
                    greatest: root(numbers().reduce(f64::max)),
                    small: pixels("min", 2.0),
                    large: pixels("max", 50.0),
                }
            }
        }
    }

    fn ranges(&self, values: &[f64]) -> Classes {
        let classes = self.settings.get("classes").map(|value| Scalar::of(value).number());
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 1000")]
        let classes = classes.filter(|number| *number >= 1.0).unwrap_or(5.0).min(1000.0) as usize;
        let method = match self.text("mode") {
            "manual" => {
                let written = self.text("breaks").split(',').filter(|_| !self.text("breaks").is_empty());
                Method::Manual(written.map(js::number).filter(|number| !number.is_nan()).collect())
            }
            "equidistant" => Method::Equidistant,
            "jenks" => Method::Jenks,
            "quantiles" => Method::Quantiles,
            _ => Method::Kmeans,
        };
        let breaks = method.breaks(values, classes);
        let scheme = Some(self.text("brewer")).filter(|name| brewer::is_scheme(name)).unwrap_or("Blues");
        let colors = brewer::palette(scheme, breaks.len().saturating_sub(1));
        Classes::Ranges { breaks, colors }
    }

    fn categories(&self, samples: &[Sample], values: &Values) -> Classes {
        let used = |sample: &Sample| match sample {
            Sample::Value(place) => usize::try_from(*place).ok(),
            Sample::Nothing | Sample::Number(_) => None,
        };
        let mut seen = vec![false; values.list.len()];
        let mut order = Vec::new();
        for place in samples.iter().filter_map(used) {
            if let Some(slot) = seen.get_mut(place).filter(|seen| !**seen) {
                *slot = true;
                order.push(place);
            }
        }
        let mut class_of = vec![None; values.list.len()];
        let mut categories: Vec<Scalar<'static>> = Vec::new();
        if order.is_empty() {
            return Classes::Categories { values: categories, colors: Vec::new(), class_of };
        }
        if self.text("mode") == "manual" {
            let written = self.text("categories");
            if !written.is_empty() {
                categories.extend(written.split(',').map(|text| Scalar::Text(text.to_owned().into())));
            }
        } else {
            order.sort_by(|a, b| super::collation::compare(&values.text(*a), &values.text(*b)));
            categories.extend(order.iter().filter_map(|place| values.list.get(*place).cloned()));
        }
        for (class, category) in categories.iter().enumerate() {
            let place = values.places.get(&key(category)).and_then(|place| usize::try_from(*place).ok());
            if let Some(slot) = place.and_then(|place| class_of.get_mut(place)).filter(|slot| slot.is_none()) {
                *slot = Some(class);
            }
        }
        let mut colors = brewer::palette(self.text("brewer"), categories.len());
        if colors.is_empty() {
            colors = brewer::palette("Accent", categories.len());
        }
        if colors.is_empty() {
            colors = color::names().map(str::to_owned).collect();
        }
        Classes::Categories { values: categories, colors, class_of }
    }
}

impl Classes {
    /// Which class a feature is in.
    pub fn class_of(&self, sample: &Sample) -> Option<usize> {
        match (self, sample) {
            (Classes::Ranges { breaks, .. }, Sample::Number(number)) => {
                breaks.iter().skip(1).position(|most| number <= most)
            }
            (Classes::Categories { class_of, .. }, Sample::Value(place)) => {
                class_of.get(usize::try_from(*place).ok()?).copied().flatten()
            }
            (Classes::None | Classes::Ranges { .. } | Classes::Categories { .. } | Classes::Circles { .. }, _) => None,
        }
    }

    /// The colour of a class; there may be fewer colours than classes.
    pub fn color(&self, class: usize) -> Option<&str> {
        match self {
            Classes::Ranges { colors, .. } | Classes::Categories { colors, .. } => {
                colors.get(class).map(String::as_str)
            }
            Classes::None | Classes::Circles { .. } => None,
        }
    }

    /// A circle's radius, in pixels.
    pub fn radius(&self, value: f64) -> Option<f64> {
        let Classes::Circles { least, greatest, small, large } = self else { return None };
        let radius = small + (value.sqrt() - least) / (greatest - least) * (large - small);
        Some(if radius.is_finite() && radius != 0.0 { radius } else { *small })
    }
}

/// The different values of a layer's category property, in the order in which they were met.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    list: Vec<Scalar<'static>>,
    places: std::collections::HashMap<String, u32>,
}

impl Values {
    fn place(&mut self, value: &Scalar<'_>) -> u32 {
        let next = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        let place = *self.places.entry(key(value)).or_insert(next);
        if place == next {
            self.list.push(value.clone().into_owned());
        }
        place
    }

    fn text(&self, place: usize) -> String {
        match self.list.get(place) {
            None | Some(Scalar::Null | Scalar::Undefined) => String::new(),
            Some(value) => value.string().to_lowercase(),
        }
    }
}

/// Equal for values that are the same to a browser: of one type and equal.
fn key(value: &Scalar<'_>) -> String {
    match value {
        Scalar::Text(text) => format!("\"{text}"),
        Scalar::Compound(value) => value.to_string(),
        Scalar::Undefined | Scalar::Null | Scalar::Bool(_) | Scalar::Number(_) => value.string().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn made(settings: Value, values: &[Value]) -> (Recipe, Classes, Vec<Sample>) {
        let recipe = Recipe::of(settings.as_object().unwrap());
        let mut kept = Values::default();
        let samples: Vec<Sample> =
            values.iter().map(|value| recipe.sample(&Scalar::of(value), None, &mut kept)).collect();
        let classes = recipe.classes(&samples, &kept);
        (recipe, classes, samples)
    }

    fn colors(settings: Value, values: &[Value]) -> Vec<Option<String>> {
        let (_, classes, samples) = made(settings, values);
        let color =
            |sample: &Sample| classes.class_of(sample).and_then(|class| classes.color(class)).map(str::to_owned);
        samples.iter().map(color).collect()
    }

    fn some(list: &[&str]) -> Vec<Option<String>> {
        list.iter().map(|text| Some((*text).to_owned()).filter(|text| !text.is_empty())).collect()
    }

    #[test]
    fn a_choropleth_colours_each_class_of_a_number() {
        let values: Vec<Value> = (1..=6).map(|n| json!(n)).collect();
        let settings = json!({"type": "Choropleth", "choropleth": {"property": "p", "mode": "equidistant", "classes": 3, "brewer": "Reds"}});
        assert_eq!(
            colors(settings, &values),
            some(&["#fee0d2", "#fee0d2", "#fc9272", "#fc9272", "#de2d26", "#de2d26"])
        );
    }

    #[test]
    fn numbers_as_text_count_and_what_is_no_number_has_no_class() {
        let settings = json!({"type": "Choropleth", "choropleth": {"mode": "manual", "breaks": "0,10, 20,x,30"}});
        let values = [json!("5"), json!("12.5"), json!(30), json!(31), json!("n/a"), json!(null), json!("")];
        let classes = colors(settings, &values);
        assert_eq!(classes, some(&["#deebf7", "#9ecae1", "#3182bd", "", "", "#deebf7", "#deebf7"]));
    }

    #[test]
    fn fewer_than_three_classes_have_no_colours() {
        let settings = json!({"type": "Choropleth", "choropleth": {"mode": "manual", "breaks": "0,10,20"}});
        assert_eq!(colors(settings, &[json!(5)]), some(&[""]));
    }

    #[test]
    fn categories_are_in_natural_order_and_take_the_palette_of_their_number() {
        let settings = json!({"type": "Categorized", "categorized": {"property": "p", "brewer": "Set1"}});
        let values = [json!("b10"), json!("B2"), json!("a"), json!("b10")];
        assert_eq!(colors(settings, &values), some(&["#4daf4a", "#377eb8", "#e41a1c", "#4daf4a"]));
    }

    #[test]
    fn more_categories_than_any_palette_has_take_the_names_of_css() {
        let values: Vec<Value> = (0..20).map(|n| json!(n)).collect();
        let named = colors(json!({"type": "Categorized", "categorized": {"property": "p"}}), &values);
        assert_eq!(named.get(..3).unwrap(), some(&["Black", "Navy", "DarkBlue"]));
    }

    #[test]
    fn manual_categories_are_texts_and_never_meet_numbers() {
        let settings =
            json!({"type": "Categorized", "categorized": {"property": "p", "mode": "manual", "categories": "1,x,y"}});
        assert_eq!(
            colors(settings, &[json!(1), json!("1"), json!("y"), json!("z")]),
            some(&["", "#7fc97f", "#fdc086", ""])
        );
    }

    #[test]
    fn without_a_property_nothing_is_categorized() {
        assert_eq!(colors(json!({"type": "Categorized"}), &[json!("a")]), some(&[""]));
    }

    #[test]
    fn a_circles_area_follows_its_number() {
        let settings = json!({"type": "Circles", "circles": {"property": "p", "radius": {"min": 4, "max": 24}}});
        let (_, classes, _) = made(settings, &[json!(0), json!(25), json!(100)]);
        let radius = |value: f64| classes.radius(value).unwrap();
        assert!(
            (radius(0.0) - 4.0).abs() < 1e-9
                && (radius(25.0) - 14.0).abs() < 1e-9
                && (radius(100.0) - 24.0).abs() < 1e-9
        );
        assert!((radius(f64::NAN) - 4.0).abs() < 1e-9);
        let (_, classes, _) = made(json!({"type": "Circles"}), &[json!(7), json!(7)]);
        assert_eq!(classes.radius(7.0), Some(2.0));
        let (_, classes, _) = made(json!({"type": "Circles"}), &[json!(-1), json!(9)]);
        assert_eq!(classes.radius(9.0), Some(2.0));
    }
}
