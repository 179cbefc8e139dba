//! From a feature's text to what is kept of it; a whole map on two threads, one of which reads the
//! file and the other the texts.

use std::borrow::Cow;
use std::sync::mpsc::sync_channel;

use bivouac_store::{Scan, Store};
use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

use super::super::item::Item;
use super::super::js::Scalar;
use super::super::level::{drawn, templates};
use super::super::look::{Asked, Look};
use super::super::plan::{LayerPlan, Plan};
use super::super::reading::{Form, Properties, Read, read};
use super::super::template::{fill, has_variable, property};
use super::super::world::degrees;
use super::{LayerScene, Wardrobe};
use crate::error::{AppError, Result};

/// So many bytes of texts cross from one thread to the other at once.
const BATCH: usize = 1 << 20;
/// Under which properties uMap looks for a feature's name.
const NAMES: [&str; 2] = ["name", "title"];

/// A feature's row.
#[derive(Clone, Copy)]
pub(super) struct Found<'r> {
    pub number: i64,
    pub layer: u16,
    pub id: &'r str,
    pub text: &'r str,
}

/// Rows, packed.
#[derive(Default)]
struct Batch {
    texts: String,
    /// Number, layer, and where id and text end.
    rows: Vec<(i64, u16, usize, usize)>,
}

/// Reads features into a scene.
pub(super) struct Loader<'s> {
    pub plan: &'s Plan,
    pub looks: &'s mut Wardrobe<Look>,
    pub layers: &'s mut Vec<LayerScene>,
}

impl Loader<'_> {
    /// Every feature of every listed layer, by number.
    pub fn all(&mut self, store: &Store, places: &FxHashMap<i64, u16>) -> Result<Vec<Item>> {
        let (send, receive) = sync_channel::<Batch>(4);
        std::thread::scope(|scope| {
            let reader = scope.spawn(move || {
                let mut items = Vec::new();
                for batch in receive {
                    let mut from = 0;
                    for (number, layer, id_end, end) in batch.rows {
                        let (id, text) = (batch.texts.get(from..id_end), batch.texts.get(id_end..end));
                        if let (Some(id), Some(text)) = (id, text) {
                            items.extend(self.item(Found { number, layer, id, text }));
                        }
                        from = end;
                    }
                }
                items
            });
            let mut batch = Batch::default();
            store.scan(Scan::All, &mut |row| {
                let Some(layer) = places.get(&row.layer) else { return };
                batch.texts.push_str(row.id);
                let id_end = batch.texts.len();
                batch.texts.push_str(row.text);
                batch.rows.push((row.number, *layer, id_end, batch.texts.len()));
                if batch.texts.len() >= BATCH {
                    // The other end hangs up only when it fell over, and then says so itself.
                    let _ = send.send(std::mem::take(&mut batch));
                    batch.texts.reserve(BATCH + BATCH / 8);
                }
            })?;
            let _ = send.send(batch);
            drop(send);
            reader.join().map_err(|_| AppError::bad("draw the map", "reading its features failed"))
        })
    }

    /// One feature; `None` when there is nothing to draw.
    pub fn item(&mut self, found: Found<'_>) -> Option<Item> {
        let read = read(found.text)?;
        let layer = self.plan.layers.get(usize::from(found.layer))?;
        let own = options(&read);
        let shape = read.shape.as_ref()?;
        let (form, height) = (shape.form, shape.height);
        let about = About { layer, id: found.id, middle: shape.extent.middle(), height, properties: &read.properties };
        let look = self.look(&about, own, &read);
        let value = layer.looks.recipe.property.as_deref().map_or(Scalar::Undefined, |name| about.properties.get(name));
        let values = &mut self.layers.get_mut(usize::from(found.layer))?.values;
        let sample = layer.looks.recipe.sample(&value, height, values);
        let label = self.looks.get(look).and_then(|look| label(&about, look, form));
        let Read { shape, .. } = read;
        let mut item = Item::new(found.number, found.layer, found.id, shape?);
        (item.look, item.sample, item.label) = (look, sample, label);
        Some(item)
    }

    fn look(&mut self, about: &About<'_, '_>, own: Cow<'_, str>, read: &Read<'_>) -> u32 {
        let chain = &about.layer.looks.chain;
        let met: Vec<bool> = chain.rules().map(|rule| rule.matches(&about.properties.get(&rule.field))).collect();
        let mut key: Vec<u8> = met.iter().map(|met| u8::from(*met)).collect();
        key.push(b'|');
        key.extend_from_slice(own.as_bytes());
        let mut filled = Vec::new();
        if has_variable(own.get(1..).unwrap_or("")) || !about.layer.looks.templates.is_empty() {
            let own = parsed(&own);
            let all = templates(&own).into_iter().chain(about.layer.looks.templates.iter().cloned());
            for (option, text) in all.filter(|(option, _)| option != "labelKey") {
                let became = about.fill(&option, &text);
                key.push(0);
                key.extend_from_slice(became.as_bytes());
                filled.push((option, text, became));
            }
        }
        let old = read.old_options;
        let make = || Look { own: merged(old, &own), met, filled };
        if old.is_empty() {
            return self.looks.place(&key, make);
        }
        key.push(1);
        key.extend_from_slice(old.as_bytes());
        self.looks.place(&key, make)
    }
}

/// The feature's own options, as a text that is equal for equal looks.
fn options<'r>(read: &Read<'r>) -> Cow<'r, str> {
    match read.options {
        "" | "{}" => Cow::Borrowed(""),
        // What a route or another long option holds is no business of looks.
        long if long.len() > 400 => Cow::Owned(Value::Object(parsed(long)).to_string()),
        short => Cow::Borrowed(short),
    }
}

fn parsed(options: &str) -> Map<String, Value> {
    serde_json::from_str::<Map<String, Value>>(options).map(|options| drawn(&options)).unwrap_or_default()
}

/// Old options, then those that replace them.
fn merged(old: &str, own: &str) -> Map<String, Value> {
    let mut all = if old.is_empty() { Map::new() } else { parsed(old) };
    all.extend(parsed(own));
    all
}

/// A feature, as its texts with variables see it.
struct About<'l, 'r> {
    layer: &'l LayerPlan,
    id: &'r str,
    middle: [i32; 2],
    height: Option<f64>,
    properties: &'l Properties<'r>,
}

impl About<'_, '_> {
    /// A text with variables, filled as the option wants it: an icon's address knows the feature's
    /// place and name too, everything else only its properties.
    fn fill(&self, option: &str, text: &str) -> String {
        if option == "iconUrl" {
            fill(text, false, &|path| self.extended(path))
        } else {
            fill(text, true, &|path| property(self.properties, path))
        }
    }

    fn extended(&self, path: &str) -> Scalar<'static> {
        let own = property(self.properties, path);
        if !matches!(own, Scalar::Undefined) {
            return own;
        }
        let [lon, lat] = self.middle.map(degrees).map(|degrees| super::super::js::rounded(degrees, 6));
        match path {
            "id" => Scalar::Text(self.id.to_owned().into()),
            "layer" => Scalar::Text(self.layer.looks.name.clone().into()),
            "lat" => Scalar::Number(lat),
            "lon" | "lng" => Scalar::Number(lon),
            "alt" => self.height.map_or(Scalar::Undefined, Scalar::Number),
            _ => Scalar::Undefined,
        }
    }
}

/// The label's text as JSON, where a label is shown.
fn label(about: &About<'_, '_>, look: &Look, form: Form) -> Option<Box<str>> {
    let chain = &about.layer.looks.chain;
    let asked = Asked { chain, look, form, class: None };
    asked.label()?;
    let text = name(about, asked.option("labelKey").as_ref());
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    serde_json::to_string(text).ok().map(String::into_boxed_str)
}

fn name(about: &About<'_, '_>, key: Option<&Value>) -> String {
    let key = key.and_then(Value::as_str).filter(|key| !key.is_empty());
    if let Some(template) = key.filter(|key| has_variable(key)) {
        return fill(template, false, &|path| about.extended(path));
    }
    let named = key.into_iter().chain(NAMES).map(|key| about.properties.get(key)).find(Scalar::truthy);
    named.map_or_else(|| about.layer.looks.name.clone(), |value| value.string().into_owned())
}
