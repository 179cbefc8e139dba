//! The map's layers as far as drawing goes: their order, when they are shown, what their features
//! inherit.

use std::collections::BTreeMap;
use std::sync::Arc;

use bivouac_store::NumberedLayer;
use serde_json::{Map, Value};

use super::classes::Recipe;
use super::js::Scalar;
use super::level::{Chain, Kind, Level};

/// The map, planned: layers in drawing order, the lowest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    pub layers: Vec<LayerPlan>,
}

/// One layer, planned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LayerPlan {
    /// Its number in the file.
    pub number: i64,
    pub id: String,
    /// The group that it lies in, by its place in the plan.
    pub parent: Option<usize>,
    /// Shown when nobody said otherwise.
    pub displayed: bool,
    /// Lowest and highest zoom at which it is shown.
    pub zooms: [Option<f64>; 2],
    pub looks: Looks,
}

/// What decides how a layer's features look; when it stays the same, so do they.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Looks {
    pub name: String,
    pub chain: Chain,
    pub recipe: Recipe,
    /// Texts with variables in the chain, for which option.
    pub templates: Vec<(String, String)>,
}

impl LayerPlan {
    pub fn kind(&self) -> Kind {
        self.looks.recipe.kind
    }
}

impl Plan {
    /// `layers` in the order in which uMap lists them: siblings by rank, each followed by what lies
    /// in it. A layer of a higher rank is drawn above.
    pub fn new(settings: &Map<String, Value>, layers: &[NumberedLayer]) -> Self {
        let map = Arc::new(Level::of_map(settings));
        let mut places = BTreeMap::new();
        let mut levels: Vec<Chain> = Vec::new();
        let mut plans = Vec::new();
        for (place, layer) in layers.iter().enumerate() {
            places.insert(layer.id.clone(), place);
            let own = Arc::new(Level::of_layer(&layer.layer.properties));
            let parent = layer.layer.parent.as_ref().and_then(|parent| places.get(parent).copied());
            let above =
                parent.and_then(|parent| levels.get(parent)).map_or_else(|| vec![map.clone()], |chain| chain.0.clone());
            let chain = Chain(std::iter::once(own).chain(above).collect());
            levels.push(chain.clone());
            plans.push(plan(layer, parent, chain));
        }
        Self { layers: plans }
    }

    /// Which layers are shown: as the user switched the layer, or else the nearest group around it
    /// that was switched; untouched ones as the map says.
    pub fn shown(&self, zoom: f64, hidden: &[String], shown: &[String]) -> Vec<bool> {
        let switched = |layer: &LayerPlan| match () {
            () if hidden.contains(&layer.id) => Some(false),
            () if shown.contains(&layer.id) => Some(true),
            () => None,
        };
        let mut by_user: Vec<Option<bool>> = Vec::new();
        let mut displayed: Vec<bool> = Vec::new();
        let mut answer = Vec::new();
        for layer in &self.layers {
            let around = |list: &[bool]| layer.parent.is_none_or(|parent| list.get(parent).copied().unwrap_or(true));
            let user =
                switched(layer).or_else(|| layer.parent.and_then(|parent| by_user.get(parent).copied().flatten()));
            let by_map = layer.displayed && around(&displayed);
            let [from, to] = layer.zooms;
            let in_range = from.is_none_or(|from| zoom >= from) && to.is_none_or(|to| zoom <= to);
            answer.push(user.unwrap_or(by_map && in_range));
            by_user.push(user);
            displayed.push(by_map);
        }
        answer
    }
}

fn plan(layer: &NumberedLayer, parent: Option<usize>, chain: Chain) -> LayerPlan {
    let settings = &layer.layer.properties;
    let templates = chain.templates();
    LayerPlan {
        number: layer.number,
        id: layer.id.to_string(),
        parent,
        displayed: settings.get("displayOnLoad").is_none_or(|value| Scalar::of(value).truthy()),
        zooms: [zoom(settings, "fromZoom", "from"), zoom(settings, "toZoom", "to")],
        looks: Looks { name: layer.layer.name().to_owned(), chain, recipe: Recipe::of(settings), templates },
    }
}

/// A zoom as uMap reads it: the whole number at the beginning. Old maps keep it with the address
/// of remote data, which wins.
fn zoom(settings: &Map<String, Value>, key: &str, old: &str) -> Option<f64> {
    let before =
        settings.get("remoteData").and_then(|remote| remote.get(old)).filter(|value| Scalar::of(value).truthy());
    let value = before.or_else(|| settings.get(key))?;
    Some(Scalar::of(value).parse_float().trunc()).filter(|zoom| zoom.is_finite())
}

#[cfg(test)]
mod tests {
    use bivouac_journal::ids::LayerId;
    use bivouac_journal::project::Layer;
    use serde_json::json;

    use super::*;

    fn layer(id: &str, parent: Option<&str>, settings: Value) -> NumberedLayer {
        NumberedLayer {
            number: 1,
            id: LayerId::trusted(id),
            layer: Layer {
                rank: 0,
                parent: parent.map(LayerId::trusted),
                properties: settings.as_object().unwrap().clone(),
            },
            depth: 0,
        }
    }

    fn plan() -> Plan {
        let layers = [
            layer("group", None, json!({"group": true, "color": "Red"})),
            layer("inner", Some("group"), json!({})),
            layer("quiet", Some("group"), json!({"displayOnLoad": false})),
            layer("far", None, json!({"fromZoom": 10, "toZoom": "14.5"})),
        ];
        Plan::new(json!({"weight": 9}).as_object().unwrap(), &layers)
    }

    fn shown(zoom: f64, hidden: &[&str], shown: &[&str]) -> Vec<bool> {
        let own = |list: &[&str]| list.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        plan().shown(zoom, &own(hidden), &own(shown))
    }

    #[test]
    fn a_layer_inherits_from_its_group_and_the_map() {
        let plan = plan();
        let says = |place: usize, option: &str| plan.layers[place].looks.chain.says(option, &[]);
        assert_eq!(says(1, "color"), Some(json!("Red")));
        assert_eq!(says(1, "weight"), Some(json!(9)));
        assert_eq!(says(3, "color"), Some(json!("DarkBlue")));
    }

    #[test]
    fn untouched_layers_are_shown_as_the_map_says() {
        assert_eq!(shown(12.0, &[], &[]), [true, true, false, true]);
        assert_eq!(shown(9.9, &[], &[]), [true, true, false, false]);
        assert_eq!(shown(14.0, &[], &[]), [true, true, false, true]);
        assert_eq!(shown(14.1, &[], &[]), [true, true, false, false]);
    }

    #[test]
    fn what_the_user_switched_is_as_the_user_wants_it() {
        assert_eq!(shown(9.0, &[], &["far", "quiet"]), [true, true, true, true]);
        assert_eq!(shown(12.0, &["group"], &[]), [false, false, false, true]);
        assert_eq!(shown(12.0, &["group"], &["quiet"]), [false, false, true, true]);
        assert_eq!(shown(12.0, &["inner"], &["group"]), [true, false, true, true]);
    }
}
