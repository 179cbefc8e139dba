//! Layers in the order in which they are shown.

use std::collections::BTreeMap;

use bivouac_journal::ids::LayerId;
use bivouac_journal::project::{self, Layer};

use crate::error::Result;
use crate::layer::{LayerFacts, facts};
use crate::names::Names;
use crate::object;
use crate::open::Store;

/// A layer that is listed.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerView {
    /// Its id.
    pub id: LayerId,
    /// Place, group and settings.
    pub layer: Layer,
    /// How deep it lies in groups; 0 at the top.
    pub depth: usize,
    /// How many living features it holds.
    pub features: u64,
    /// The server's facts; `None` when the server never named it.
    pub facts: Option<LayerFacts>,
}

impl Store {
    /// The listed layers: by rank, ties by id, each followed by what lies in it (M5).
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn layers(&self) -> Result<Vec<LayerView>> {
        let mut views = Vec::new();
        for (number, id, layer) in self.layer_states(&mut Names::default())? {
            let features = self
                .connection
                .prepare_cached("SELECT count(*) FROM objects WHERE kind = 2 AND layer = ?1 AND alive = 1")?
                .query_row([number], |row| row.get(0))?;
            views.push(LayerView { id, layer, depth: 0, features, facts: facts(&self.connection, number)? });
        }
        Ok(in_order(views))
    }

    /// The listed layers by id, with their numbers.
    pub(crate) fn layer_states(&self, names: &mut Names) -> Result<Vec<(i64, LayerId, Layer)>> {
        let mut statement =
            self.connection.prepare_cached("SELECT id, uid FROM objects WHERE kind = 1 AND alive = 1")?;
        let mut rows = statement.query([])?;
        let mut states = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            let id = LayerId::trusted(&row.get::<_, String>(1)?);
            states.insert(id, (number, object::read(&self.connection, names, number)?.1));
        }
        let layers = project::layers(states.iter().map(|(id, (_, state))| (id, state)));
        let numbered = layers.into_iter().filter_map(|(id, layer)| Some((states.get(&id)?.0, id, layer)));
        Ok(numbered.collect())
    }
}

/// Siblings by rank and id, children after their parent.
pub(crate) fn in_order(mut views: Vec<LayerView>) -> Vec<LayerView> {
    views.sort_by(|a, b| (a.layer.rank, &a.id).cmp(&(b.layer.rank, &b.id)));
    let mut children: BTreeMap<Option<LayerId>, Vec<LayerView>> = BTreeMap::new();
    for view in views.into_iter().rev() {
        children.entry(view.layer.parent.clone()).or_default().push(view);
    }
    let mut ordered = Vec::new();
    let mut waiting: Vec<LayerView> = children.remove(&None).unwrap_or_default();
    while let Some(view) = waiting.pop() {
        for mut child in children.remove(&Some(view.id.clone())).unwrap_or_default() {
            child.depth = view.depth + 1;
            waiting.push(child);
        }
        ordered.push(view);
    }
    ordered
}
