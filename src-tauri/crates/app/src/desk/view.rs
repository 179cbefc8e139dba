//! The open map as its panels show it.

use bivouac_store::Store;
use serde_json::{Map, Value};

use super::open::{Closed, Open};
use super::types::{About, Field, LayerCard, LayerKind, MapView, RightsView, Spot};
use super::{Answer, Desk};
use crate::draw::types::{LayerLegend, ViewportQuery};
use crate::edits::Rights;
use crate::error::Result;

/// The version of uMap that all this is tested against.
const UMAP: &str = "3.7.3";
/// uMap's own colour of what has none.
pub(super) const COLOR: &str = "DarkBlue";

impl Desk {
    /// The open map.
    ///
    /// # Errors
    /// When none is open, or its file cannot be read.
    pub fn map_view(&self) -> Answer<MapView> {
        let open = self.opened()?;
        Ok(open.read(|store| view(&open, store))?)
    }

    /// What a viewport shows: the text of a `ViewportAnswer`.
    ///
    /// # Errors
    /// When no map is open, or its file cannot be read.
    pub fn viewport(&self, query: &ViewportQuery) -> Answer<Vec<u8>> {
        Ok(self.opened()?.draw(|drawing, store| drawing.viewport(store, query))?)
    }

    /// What the colours and sizes of each layer mean.
    ///
    /// # Errors
    /// When no map is open, or its file cannot be read.
    pub fn legend(&self) -> Answer<Vec<LayerLegend>> {
        Ok(self.opened()?.draw(|drawing, store| drawing.legends(store))?)
    }

    /// Own edits of the open map that are not on its server; 0 for a map that is on none.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        let count = |store: &Store| Ok(if store.map()?.server.is_some() { store.counts()?.unverified() } else { 0 });
        self.opened().and_then(|open| open.read(count)).unwrap_or(0)
    }

    /// What this program is; the shell says what only it knows.
    #[must_use]
    pub fn about(&self, version: &str, webview: &str, renderer: &str) -> About {
        About {
            version: version.to_owned(),
            umap: UMAP.to_owned(),
            sqlite: Store::sqlite_version().to_owned(),
            webview: webview.to_owned(),
            renderer: renderer.to_owned(),
            data_folder: self.library.root().display().to_string(),
        }
    }
}

fn view(open: &Open, store: &Store) -> Result<MapView> {
    let revision = open.revision();
    let (record, settings) = (store.map()?, crate::sync::settings(store)?);
    let rights = Rights::of(store)?;
    let may = |allowed: Result<()>| open.seat.is_ok() && allowed.is_ok();
    let (undo, redo) = store.undo_state()?;
    let layers = layers(open, store, &settings, &rights)?;
    let number = |name: &str| settings.get("center").and_then(|center| center.get(name)?.as_f64());
    let why = match (&open.seat, record.read_only) {
        (Err(Closed::Wanted), _) => Some("opened"),
        (Err(Closed::InUse), _) => Some("in_use"),
        (Ok(_), true) => Some("server"),
        (Ok(_), false) => None,
    };
    let name = settings.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()).unwrap_or(&record.name);
    let said: Value = record.rights.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
    let status = |name: &str| said.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
    let may_edit = layers.iter().any(|layer| layer.may_edit) || may(rights.may_edit_map(""));
    Ok(MapView {
        id: record.uuid.clone(),
        name: name.to_owned(),
        address: address(&record),
        server: record.server,
        account: record.account,
        read_only: why.is_some(),
        read_only_why: why.map(str::to_owned),
        rights: RightsView {
            may_edit,
            may_edit_map: may(rights.may_edit_map("")),
            edit_status: status("edit_status"),
            share_status: status("share_status"),
        },
        bounds: store.extent()?.map(Into::into),
        center: number("lng").zip(number("lat")).map(|(lon, lat)| Spot { lon, lat }),
        zoom: settings.get("zoom").and_then(Value::as_f64),
        undo: undo.map(|unit| unit.label),
        redo: redo.map(|unit| unit.label),
        layers,
        settings,
        revision,
    })
}

fn address(record: &bivouac_store::MapRecord) -> Option<String> {
    let (server, id) = (record.server.as_ref()?, record.server_map_id?);
    Some(format!("{server}/en/map/{}_{id}", record.slug.as_deref().unwrap_or("map")))
}

fn layers(open: &Open, store: &Store, settings: &Map<String, Value>, rights: &Rights) -> Result<Vec<LayerCard>> {
    let views = store.layers()?;
    let parents: std::collections::BTreeSet<_> = views.iter().filter_map(|view| view.layer.parent.clone()).collect();
    let cards = views.into_iter().map(|view| {
        let properties = view.layer.properties;
        let number = |name: &str| properties.get(name).and_then(Value::as_f64);
        LayerCard {
            name: properties.get("name").and_then(Value::as_str).unwrap_or("").to_owned(),
            parent: view.layer.parent.map(|parent| parent.to_string()),
            depth: u32::try_from(view.depth).unwrap_or(u32::MAX),
            rank: view.layer.rank,
            group: parents.contains(&view.id) || properties.get("group").and_then(Value::as_bool) == Some(true),
            kind: LayerKind::of(&properties),
            color: color(&properties, settings),
            features: view.features,
            display_on_load: properties.get("displayOnLoad").and_then(Value::as_bool).unwrap_or(true),
            from_zoom: number("fromZoom"),
            to_zoom: number("toZoom"),
            may_edit: open.seat.is_ok() && rights.may_edit_layer("", &view.id).is_ok(),
            fields: fields(&properties, settings),
            id: view.id.to_string(),
            settings: properties,
        }
    });
    Ok(cards.collect())
}

/// A layer's colour: its own, else the map's, else uMap's.
fn color(layer: &Map<String, Value>, map: &Map<String, Value>) -> String {
    let own = |settings: &Map<String, Value>| {
        settings.get("color").and_then(Value::as_str).filter(|color| !color.is_empty()).map(str::to_owned)
    };
    own(layer).or_else(|| own(map)).unwrap_or_else(|| COLOR.to_owned())
}

/// The fields of a layer's features: the layer's, then those of the map that it does not declare.
pub(super) fn fields(layer: &Map<String, Value>, map: &Map<String, Value>) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for (settings, from_map) in [(layer, false), (map, true)] {
        for declared in settings.get("fields").and_then(Value::as_array).into_iter().flatten() {
            let Some(key) = declared.get("key").and_then(Value::as_str) else { continue };
            if fields.iter().any(|field| field.key == key) {
                continue;
            }
            let values = declared.get("values").and_then(Value::as_array).into_iter().flatten();
            fields.push(Field {
                key: key.to_owned(),
                kind: declared.get("type").and_then(Value::as_str).unwrap_or("String").to_owned(),
                values: values.filter_map(Value::as_str).map(str::to_owned).collect(),
                from_map,
            });
        }
    }
    fields
}
