//! The groups that layers lie in, as they are saved: never in a circle, never in one that is gone.
//!
//! A server that is told of a circle answers nobody any more, and it lists nothing that lies in a
//! group that was deleted. So what is saved is what is shown (rule 50), groups before what lies in
//! them: each is on the server, at its place, before anything is put into it.

use std::collections::{BTreeMap, BTreeSet};

use bivouac_journal::ids::{LayerId, Object};
use bivouac_journal::json::same;
use bivouac_journal::project;
use serde_json::Value;

use super::document::{parse, plain};
use super::listing;
use crate::error::Result;
use crate::log::SaveState;
use crate::tx::Tx;

/// The group of each layer that is there.
pub(super) type Groups = BTreeMap<LayerId, Option<LayerId>>;

/// The groups around a layer, the nearest first.
pub(super) fn around<'g>(groups: &'g Groups, layer: &LayerId) -> impl Iterator<Item = &'g LayerId> {
    let of = |layer: &LayerId| groups.get(layer).and_then(Option::as_ref);
    std::iter::successors(of(layer), move |group| of(group))
}

/// The group that a layer's document names.
fn group_of(document: &Value) -> Option<LayerId> {
    document.get("parentId").and_then(Value::as_str).and_then(LayerId::parse)
}

impl Tx<'_> {
    /// The group of each living layer, circles cut and dead groups left out.
    pub(super) fn groups(&mut self) -> Result<Groups> {
        self.flush()?;
        let uids: Vec<String> = self
            .connection
            .prepare_cached("SELECT uid FROM objects WHERE kind = 1 AND alive = 1")?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut states = BTreeMap::new();
        for uid in uids {
            let id = LayerId::trusted(&uid);
            let state = self.state(&Object::Layer(id.clone()))?.clone();
            states.insert(id, state);
        }
        Ok(project::layers(states.iter()).into_iter().map(|(id, layer)| (id, layer.parent)).collect())
    }

    /// Adds the groups around what is saved that the server does not have, or not at that place.
    pub(super) fn add_groups(&mut self, groups: &Groups, wanted: &mut Vec<LayerId>) -> Result<()> {
        let mut all: BTreeSet<LayerId> = wanted.iter().cloned().collect();
        for layer in wanted.clone() {
            for group in around(groups, &layer) {
                if !all.contains(group) && self.has_to_move(groups, group)? {
                    all.insert(group.clone());
                    wanted.push(group.clone());
                }
            }
        }
        Ok(())
    }

    /// Adds the layers that the server still lists in a circle which is cut here (M5).
    pub(super) fn add_cut_circles(&mut self, groups: &Groups, wanted: &mut Vec<LayerId>) -> Result<()> {
        for (layer, _) in groups.iter().filter(|(_, group)| group.is_none()) {
            if !wanted.contains(layer) && self.lists_a_circle(layer, groups)? {
                wanted.push(layer.clone());
            }
        }
        Ok(())
    }

    /// Whether the server still lists the write that gave way when a circle was cut.
    fn lists_a_circle(&mut self, layer: &LayerId, groups: &Groups) -> Result<bool> {
        let object = Object::Layer(layer.clone());
        let is_there = |document: &Value| group_of(document).is_some_and(|group| groups.contains_key(&group));
        let Some(listed) = listing::listed(self, &object)? else { return Ok(false) };
        Ok(is_there(&parse(&listed)?) && is_there(&Value::Object(self.shown_document(&object)?)))
    }

    fn has_to_move(&mut self, groups: &Groups, group: &LayerId) -> Result<bool> {
        let object = Object::Layer(group.clone());
        if self.pending(Some(&object))?.iter().any(|row| row.state == SaveState::Local) {
            // Nobody was told of it yet: its turn comes.
            return Ok(false);
        }
        if !self.layer_facts(group)?.is_some_and(|facts| facts.listed) {
            return Ok(true);
        }
        let Some(listed) = listing::listed(self, &object)? else { return Ok(false) };
        let there = group_of(&parse(&listed)?);
        Ok(groups.get(group).is_some_and(|parent| *parent != there))
    }

    /// Whether the server lists a layer as it is shown here.
    pub(super) fn is_listed_as_shown(&mut self, layer: &LayerId) -> Result<bool> {
        let object = Object::Layer(layer.clone());
        let Some(listed) = listing::listed(self, &object)? else { return Ok(false) };
        let groups = self.groups()?;
        let Some(parent) = groups.get(layer) else { return Ok(false) };
        let mut shown = parse(&self.document(&object)?)?;
        if let Value::Object(members) = &mut shown {
            let parent = parent.as_ref().map_or(Value::Null, |parent| Value::String(parent.to_string()));
            members.insert("parentId".to_owned(), parent);
        }
        Ok(same(&plain(shown), &plain(parse(&listed)?)))
    }
}
