//! What waits: to be sent, for a decision, for approval.

use std::collections::BTreeMap;

use bivouac_journal::ids::Object;
use bivouac_journal::json::{Json, Members};
use bivouac_journal::operation::Verb;
use bivouac_store::{Choice, Conflict, ConflictKind, ConflictState, Row, Store};
use serde_json::Value;

use super::naming::{People, called, key_of, object_name};
use super::types::{
    ConflictCard, ConflictCardKind, LonLatBox, PendingEntry, PendingVerb, ProposalCard, SaveStep, Side, WrittenEdit,
};
use super::{Answer, Desk};
use crate::edits::{self, Rights};
use crate::error::Result;
use crate::host::Host;

impl Desk {
    /// Own edits that are not verified on the server, object by object, the latest first.
    ///
    /// # Errors
    /// When no map is open, or its file cannot be read.
    pub fn pending(&self) -> Answer<Vec<PendingEntry>> {
        Ok(self.opened()?.read(pending)?)
    }

    /// The decisions that wait.
    ///
    /// # Errors
    /// When no map is open, or its file cannot be read.
    pub fn conflicts(&self) -> Answer<Vec<ConflictCard>> {
        Ok(self.opened()?.read(conflicts)?)
    }

    /// Decides.
    ///
    /// # Errors
    /// When it is not open any more, or the map may not be edited.
    pub fn resolve(&self, id: i64, side: Side) -> Answer<WrittenEdit> {
        let (objects, revision) = self.opened()?.write(&self.work, move |store, host| {
            Rights::of(store)?.may_edit_something("resolve the conflict")?;
            let choice = match side {
                Side::Mine => Choice::Mine,
                Side::Theirs => Choice::Theirs,
            };
            let receipt = store.resolve(id, choice, host.random(), host.now_ms())?;
            let objects = changed(store, receipt.iter().flat_map(|receipt| &receipt.rows))?;
            Ok((objects.clone(), objects))
        })?;
        Ok(WrittenEdit { objects, notes: Vec::new(), revision })
    }

    /// Others' edits on protected layers that wait for approval.
    ///
    /// # Errors
    /// When no map is open, or its file cannot be read.
    pub fn proposals(&self) -> Answer<Vec<ProposalCard>> {
        Ok(self.opened()?.read(proposals)?)
    }

    /// Makes a proposal an edit of ours.
    ///
    /// # Errors
    /// When it is not open any more, or the layer may not be edited.
    pub fn approve(&self, row: i64) -> Answer<WrittenEdit> {
        let (objects, revision) = self.opened()?.write(&self.work, move |store, host| {
            let receipt = edits::approve(store, row, host)?;
            let objects = changed(store, receipt.rows.iter())?;
            Ok((objects.clone(), objects))
        })?;
        Ok(WrittenEdit { objects, notes: Vec::new(), revision })
    }

    /// Closes a proposal without taking it.
    ///
    /// # Errors
    /// When it is not open any more.
    pub fn reject(&self, row: i64) -> Answer<()> {
        self.opened()?.write(&self.work, move |store, _| {
            store.dismiss_proposal(row)?;
            Ok(((), Vec::new()))
        })?;
        Ok(())
    }
}

fn changed<'r>(store: &Store, rows: impl Iterator<Item = &'r i64>) -> Result<Vec<String>> {
    let mut objects = Vec::new();
    for row in rows {
        objects.extend(store.log_row(*row)?.map(|row| object_name(&row.operation.object)));
    }
    objects.dedup();
    Ok(objects)
}

fn pending(store: &Store) -> Result<Vec<PendingEntry>> {
    let people = People::of(store)?;
    let mut objects: BTreeMap<Object, Vec<Row>> = BTreeMap::new();
    for row in store.waiting()? {
        objects.entry(row.operation.object.clone()).or_default().push(row);
    }
    let mut entries = Vec::with_capacity(objects.len());
    for (object, rows) in objects {
        let added = rows.iter().any(|row| row.operation.verb == Verb::Upsert);
        let deleted = rows.last().is_some_and(|row| row.operation.verb == Verb::Delete);
        let mut keys: Vec<String> =
            rows.iter().filter_map(|row| key_of(&object, row.operation.path.as_ref()?)).collect();
        keys.sort();
        keys.dedup();
        entries.push(PendingEntry {
            rows: rows.iter().map(|row| row.row).collect(),
            object: object_name(&object),
            layer_name: people.layer_name(&object),
            name: called(store, &object)?,
            verb: match (deleted, added) {
                (true, _) => PendingVerb::Deleted,
                (false, true) => PendingVerb::Added,
                (false, false) => PendingVerb::Changed,
            },
            keys,
            at: rows.iter().map(|row| row.at_ms).max().unwrap_or(0),
            state: rows.iter().map(|row| SaveStep::from(row.state)).min().unwrap_or(SaveStep::None),
            bounds: bounds(store, &object)?,
        });
    }
    entries.sort_by(|a, b| (b.at, &a.object).cmp(&(a.at, &b.object)));
    Ok(entries)
}

/// Where an object lies, a deleted one where it lay.
fn bounds(store: &Store, object: &Object) -> Result<Option<LonLatBox>> {
    if let Some(found) = store.extent_of(object)? {
        return Ok(Some(found.into()));
    }
    if !matches!(object, Object::Feature(..)) {
        return Ok(None);
    }
    let geometry = store.object(object)?.and_then(|view| geometry_of(&view.text));
    Ok(geometry.and_then(|text| bounds_of(&text)))
}

fn bounds_of(geometry: &str) -> Option<LonLatBox> {
    bivouac_journal::geometry::inspect(geometry).ok()?.bounds.map(Into::into)
}

fn geometry_of(feature: &str) -> Option<String> {
    Some(Members::parse(feature).ok()?.get("geometry")?.get().to_owned())
}

fn conflicts(store: &Store) -> Result<Vec<ConflictCard>> {
    let people = People::of(store)?;
    let open = store.conflicts()?.into_iter().filter(|conflict| conflict.state == ConflictState::Open);
    open.map(|conflict| card(store, &people, &conflict)).collect()
}

fn card(store: &Store, people: &People, conflict: &Conflict) -> Result<ConflictCard> {
    let object = &conflict.object;
    let value = |json: Option<&Json>| json.map_or(Value::Null, Json::value);
    let (mine_geometry, theirs_geometry) = geometries(store, conflict)?;
    let places = [&mine_geometry, &theirs_geometry].into_iter().flatten().filter_map(|text| bounds_of(text));
    let around = places.reduce(|a, b| LonLatBox {
        west: a.west.min(b.west),
        south: a.south.min(b.south),
        east: a.east.max(b.east),
        north: a.north.max(b.north),
    });
    let mine_at = store.log_row(conflict.mine_row)?.map(|row| row.at_ms);
    Ok(ConflictCard {
        id: conflict.id,
        kind: match conflict.kind {
            ConflictKind::Value => ConflictCardKind::Value,
            ConflictKind::DeletedWhileEdited => ConflictCardKind::DeletedWhileEdited,
            ConflictKind::EditedWhileDeleted => ConflictCardKind::EditedWhileDeleted,
            ConflictKind::LayerDeleted => ConflictCardKind::LayerDeleted,
            ConflictKind::LostChange => ConflictCardKind::LostChange,
        },
        object: object_name(object),
        layer_name: people.layer_name(object),
        name: called(store, object)?,
        key: key_of(object, &conflict.path),
        mine: value(conflict.mine.as_ref()),
        theirs: value(conflict.theirs.as_ref()),
        theirs_by: people.name_of(conflict.theirs_sender.as_ref()),
        theirs_at: Some(conflict.theirs_at).filter(|at| *at > 0),
        mine_at,
        mine_geometry,
        theirs_geometry,
        bounds: around,
    })
}

/// Both geometries, where the two sides differ in where or whether the feature is.
fn geometries(store: &Store, conflict: &Conflict) -> Result<(Option<String>, Option<String>)> {
    let text = |json: &Option<Json>| json.as_ref().map(|json| json.as_str().to_owned());
    let shown = |store: &Store| -> Result<Option<String>> {
        Ok(store.object(&conflict.object)?.and_then(|view| geometry_of(&view.text)))
    };
    if !matches!(conflict.object, Object::Feature(..)) {
        return Ok((None, None));
    }
    match conflict.kind {
        ConflictKind::Value | ConflictKind::LostChange if conflict.path.is_geometry() => {
            Ok((text(&conflict.mine), text(&conflict.theirs)))
        }
        // What was never saved, an addition or a deletion, is in the value itself or on the map.
        ConflictKind::LostChange if conflict.path.is_existence() => {
            Ok((shown(store)?, conflict.theirs.as_ref().and_then(|theirs| geometry_of(theirs.as_str()))))
        }
        ConflictKind::Value | ConflictKind::LostChange => {
            let here = shown(store)?;
            Ok((here.clone(), here))
        }
        ConflictKind::DeletedWhileEdited => {
            let mine = conflict.mine.as_ref().and_then(|mine| geometry_of(mine.as_str()));
            Ok((if mine.is_some() { mine } else { shown(store)? }, None))
        }
        ConflictKind::EditedWhileDeleted => Ok((None, shown(store)?)),
        ConflictKind::LayerDeleted => Ok((None, None)),
    }
}

fn proposals(store: &Store) -> Result<Vec<ProposalCard>> {
    let people = People::of(store)?;
    let mut cards = Vec::new();
    for row in store.proposals()? {
        let operation = &row.operation;
        let object = &operation.object;
        let now = match &operation.path {
            Some(path) => store.state(object)?.winner(path).and_then(|register| register.value.clone()),
            None => None,
        };
        cards.push(ProposalCard {
            row: row.row,
            object: object_name(object),
            layer_name: people.layer_name(object),
            name: called(store, object)?,
            verb: operation.verb.as_str().to_owned(),
            key: operation.path.as_ref().and_then(|path| key_of(object, path)),
            now: now.as_ref().map_or(Value::Null, Json::value),
            proposed: operation.value.as_ref().map_or(Value::Null, Json::value),
            by: people.name_of(operation.sender.as_ref()),
            at: operation.made_at().map(|made| made.wall),
        });
    }
    Ok(cards)
}
