//! The map between two viewports: every feature of every listed layer, as little of it as drawing
//! needs, kept up to date with the file by reading only what changed.

mod load;

use std::collections::BTreeSet;

use bivouac_store::{Scan, Seen, Store};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Map, Value};

use super::classes::{Classes, Sample, Values};
use super::color::wants_light;
use super::heat::{BLUR, MIN_OPACITY};
use super::item::Item;
use super::level::{Kind, said};
use super::look::{Asked, Look};
use super::plan::{LayerPlan, Plan};
use super::reading::Form;
use super::types::{Style, SymbolKind};
use crate::error::Result;
use load::{Found, Loader};

/// The map, kept.
#[derive(Debug, Default)]
pub(crate) struct Scene {
    pub plan: Plan,
    /// By number.
    pub items: Vec<Item>,
    /// What is drawn of each layer of the plan.
    pub layers: Vec<LayerScene>,
    pub looks: Wardrobe<Look>,
    pub styles: Styles,
    seen: Option<Seen>,
}

/// A layer's features, by their places among the scene's items, in drawing order.
#[derive(Debug, Default)]
pub(crate) struct LayerScene {
    pub members: Vec<u32>,
    pub classes: Classes,
    /// The different values of its category property.
    pub values: Values,
    /// How its clusters or spots of heat are drawn.
    pub gather_style: Option<u32>,
}

/// A style, the radius that a feature says itself, and whether it is a circle.
type Dress = (u32, Option<f64>, bool);

/// Things that many features share, each kept once.
#[derive(Debug)]
pub(crate) struct Wardrobe<T> {
    pub list: Vec<T>,
    places: FxHashMap<Box<[u8]>, u32>,
}

impl<T> Default for Wardrobe<T> {
    fn default() -> Self {
        Self { list: Vec::new(), places: FxHashMap::default() }
    }
}

impl<T> Wardrobe<T> {
    /// The place of what `key` stands for.
    pub fn place(&mut self, key: &[u8], make: impl FnOnce() -> T) -> u32 {
        if let Some(place) = self.places.get(key) {
            return *place;
        }
        let place = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(make());
        self.places.insert(key.into(), place);
        place
    }

    pub fn get(&self, place: u32) -> Option<&T> {
        self.list.get(usize::try_from(place).ok()?)
    }
}

/// Styles with their JSON texts.
#[derive(Debug, Default)]
pub(crate) struct Styles {
    texts: Wardrobe<(Style, String)>,
}

impl Styles {
    pub fn place(&mut self, style: Style) -> u32 {
        let text = serde_json::to_string(&style).unwrap_or_default();
        self.texts.place(text.clone().as_bytes(), || (style, text))
    }

    pub fn get(&self, place: u32) -> Option<&Style> {
        self.texts.get(place).map(|(style, _)| style)
    }

    pub fn text(&self, place: u32) -> Option<&str> {
        self.texts.get(place).map(|(_, text)| text.as_str())
    }

    pub fn len(&self) -> usize {
        self.texts.list.len()
    }

    /// The addresses of symbols that are images.
    pub fn pictograms(&self) -> BTreeSet<String> {
        let symbols = self.texts.list.iter().filter_map(|(style, _)| match style {
            Style::Marker { icon, .. } => (icon.symbol.kind == SymbolKind::Url).then(|| icon.symbol.value.clone()),
            Style::Line { .. }
            | Style::Area { .. }
            | Style::Circle { .. }
            | Style::Cluster { .. }
            | Style::Heat { .. } => None,
        });
        symbols.filter(|address| !address.starts_with("data:")).collect()
    }
}

impl Scene {
    /// Grows with each change of the map.
    pub fn revision(&self) -> u64 {
        self.seen.as_ref().map_or(0, Seen::revision)
    }

    /// Reads what changed in the file; whether anything did.
    pub fn refresh(&mut self, store: &Store) -> Result<bool> {
        store.at_one_instant(|store| {
            let changes = store.changes(self.seen.as_ref())?;
            if changes.is_empty() {
                self.seen = Some(changes.seen);
                return Ok(false);
            }
            // Nothing is seen until all of it was read.
            self.seen = None;
            if changes.everything {
                *self = Self::default();
            }
            let mut stale = FxHashSet::default();
            if changes.everything || changes.outline {
                let document = store.settings()?;
                let empty = Map::new();
                let settings = document.get("properties").and_then(Value::as_object).unwrap_or(&empty);
                let plan = Plan::new(settings, &store.numbered_layers()?);
                stale = self.follow(plan);
            }
            self.read(store, changes.everything, &stale, &changes.features)?;
            self.seen = Some(changes.seen);
            Ok(true)
        })
    }

    /// Takes over a new plan; the numbers of the layers whose features have to be read again.
    fn follow(&mut self, plan: Plan) -> FxHashSet<i64> {
        let old = std::mem::replace(&mut self.plan, plan);
        let new: FxHashMap<i64, (usize, &LayerPlan)> =
            self.plan.layers.iter().enumerate().map(|(place, layer)| (layer.number, (place, layer))).collect();
        let stays = |layer: &LayerPlan| {
            let (place, same) = new.get(&layer.number).copied()?;
            (same.looks == layer.looks).then_some(place)
        };
        let moved: Vec<Option<u16>> =
            old.layers.iter().map(|layer| stays(layer).and_then(|place| u16::try_from(place).ok())).collect();
        self.items.retain_mut(|item| match moved.get(usize::from(item.layer)).copied().flatten() {
            Some(place) => {
                item.layer = place;
                true
            }
            None => false,
        });
        let mut layers: Vec<LayerScene> = self.plan.layers.iter().map(|_| LayerScene::default()).collect();
        for (before, place) in std::mem::take(&mut self.layers).into_iter().zip(&moved) {
            if let Some(slot) = place.and_then(|place| layers.get_mut(usize::from(place))) {
                *slot = before;
            }
        }
        self.layers = layers;
        let kept: FxHashSet<i64> =
            old.layers.iter().zip(&moved).filter(|(_, place)| place.is_some()).map(|(layer, _)| layer.number).collect();
        self.plan.layers.iter().map(|layer| layer.number).filter(|number| !kept.contains(number)).collect()
    }

    fn read(
        &mut self,
        store: &Store,
        everything: bool,
        stale: &FxHashSet<i64>,
        features: &BTreeSet<i64>,
    ) -> Result<()> {
        let mut touched = FxHashSet::default();
        self.items.retain(|item| {
            let goes = features.contains(&item.number);
            if goes {
                touched.insert(item.layer);
            }
            !goes
        });
        let places: FxHashMap<i64, u16> = (0_u16..).zip(&self.plan.layers).map(|(p, l)| (l.number, p)).collect();
        let mut loader = Loader { plan: &self.plan, looks: &mut self.looks, layers: &mut self.layers };
        let mut came: Vec<Item> = Vec::new();
        if everything {
            came = loader.all(store, &places)?;
        } else {
            let mut take = |found: Found<'_>| came.extend(loader.item(found));
            for layer in stale {
                let Some(place) = places.get(layer).copied() else { continue };
                store.scan(Scan::Layer(*layer), &mut |row| {
                    take(Found { number: row.number, layer: place, id: row.id, text: row.text });
                })?;
            }
            store.scan(Scan::These(features), &mut |row| {
                let place = places.get(&row.layer).copied().filter(|_| row.alive && !stale.contains(&row.layer));
                if let Some(place) = place {
                    take(Found { number: row.number, layer: place, id: row.id, text: row.text });
                }
            })?;
        }
        touched.extend(came.iter().map(|item| item.layer));
        touched.extend(stale.iter().filter_map(|number| places.get(number).copied()));
        let in_order = self.items.is_empty();
        self.items.append(&mut came);
        if !in_order || !self.items.is_sorted_by_key(|item| item.number) {
            self.items.sort_by_key(|item| item.number);
        }
        self.list_members();
        for layer in touched {
            self.dress(usize::from(layer));
        }
        Ok(())
    }

    fn list_members(&mut self) {
        for layer in &mut self.layers {
            layer.members.clear();
        }
        for (place, item) in (0_u32..).zip(&self.items) {
            if let Some(layer) = self.layers.get_mut(usize::from(item.layer)) {
                layer.members.push(place);
            }
        }
    }

    /// Makes a layer's classes and gives each of its features its style.
    fn dress(&mut self, place: usize) {
        let (Some(plan), Some(layer)) = (self.plan.layers.get(place), self.layers.get_mut(place)) else { return };
        let of = |items: &[Item], member: u32| {
            usize::try_from(member).ok().and_then(|at| items.get(at)).map(|item| item.sample.clone())
        };
        let samples: Vec<Sample> = layer.members.iter().filter_map(|member| of(&self.items, *member)).collect();
        layer.classes = plan.looks.recipe.classes(&samples, &layer.values);
        layer.gather_style = gather_style(plan).map(|style| self.styles.place(style));
        let mut known: FxHashMap<(u32, Form, Option<usize>), Dress> = FxHashMap::default();
        for member in &layer.members {
            let Some(item) = usize::try_from(*member).ok().and_then(|at| self.items.get_mut(at)) else { continue };
            let class = layer.classes.class_of(&item.sample);
            let (style, own_radius, is_circle) = *known.entry((item.look, item.form, class)).or_insert_with(|| {
                let nothing = Look::default();
                let look = self.looks.get(item.look).unwrap_or(&nothing);
                let color = class.and_then(|class| layer.classes.color(class));
                let asked = Asked { chain: &plan.looks.chain, look, form: item.form, class: color };
                (self.styles.place(asked.style()), asked.own_radius(), asked.is_circle())
            });
            item.style = style;
            let by_class = match item.sample {
                Sample::Number(value) => layer.classes.radius(value),
                Sample::Nothing | Sample::Value(_) => layer.classes.radius(f64::NAN),
            };
            #[allow(clippy::cast_possible_truncation, reason = "pixels")]
            let radius = own_radius.or(by_class).filter(|_| is_circle).map(|radius| radius as f32);
            item.radius = radius;
        }
    }

    pub fn item(&self, place: u32) -> Option<&Item> {
        self.items.get(usize::try_from(place).ok()?)
    }
}

/// How what a layer gathers is drawn. A cluster knows no rules and no groups: it takes the layer's
/// own colour or else the map's.
fn gather_style(plan: &LayerPlan) -> Option<Style> {
    let recipe = &plan.looks.recipe;
    match plan.kind() {
        Kind::Cluster => {
            let levels = &plan.looks.chain.0;
            let own = levels.first().into_iter().chain(levels.last());
            let said = own.filter_map(|level| said(&level.options, "color")).filter_map(Value::as_str).next();
            let color = said.unwrap_or("DarkBlue").to_owned();
            let contrast = if wants_light(&color) { "#ffffff" } else { "#000000" };
            let text_color = recipe.cluster_text().unwrap_or_else(|| contrast.to_owned());
            Some(Style::Cluster { color, text_color })
        }
        Kind::Heat => Some(Style::Heat { radius: recipe.heat_radius(), blur: BLUR, min_opacity: MIN_OPACITY }),
        Kind::Default | Kind::Choropleth | Kind::Categorized | Kind::Circles => None,
    }
}
