//! Writing: each call is one committed step, on the disk before it answers.

use bivouac_journal::ids::Object;
use bivouac_journal::operation::{Draft, Verb};
use bivouac_journal::path::Path;
use bivouac_store::{LeftOut, Store, UndoReport};

use super::naming::{People, key_of, object_name};
use super::types::{UndoSummary, Undone, WrittenEdit};
use super::{Answer, Desk};
use crate::edits::{self, Edit, Rights};
use crate::error::{AppError, Result};
use crate::host::Host;

impl Desk {
    /// Commits edits as one step that can be undone; `label` says what the user did.
    ///
    /// # Errors
    /// When one of them makes no sense or is not allowed; nothing is kept then.
    pub fn edit(&self, label: &str, edits: Vec<Edit>) -> Answer<WrittenEdit> {
        let label = label.to_owned();
        let ((objects, notes), revision) = self.opened()?.write(&self.work, move |store, host| {
            let edited = edits::apply(store, &label, edits, host)?;
            let objects: Vec<String> = edited.objects.iter().map(object_name).collect();
            Ok(((objects.clone(), edited.notes), objects))
        })?;
        Ok(WrittenEdit { objects, notes, revision })
    }

    /// Takes the last step back.
    ///
    /// # Errors
    /// When there is none, or the map may not be edited.
    pub fn undo(&self) -> Answer<UndoSummary> {
        self.step(|store, host| edits::undo(store, host))
    }

    /// Takes the last undo back.
    ///
    /// # Errors
    /// When there is none, or the map may not be edited.
    pub fn redo(&self) -> Answer<UndoSummary> {
        self.step(|store, host| edits::redo(store, host))
    }

    /// Takes own edits back that are not on the server yet, as a step that can be undone.
    ///
    /// # Errors
    /// When none of the rows is an edit of ours, or the map may not be edited.
    pub fn discard(&self, rows: Vec<i64>) -> Answer<UndoSummary> {
        self.step(move |store, host| {
            Rights::of(store)?.may_edit_something("discard")?;
            Ok(store.discard(&rows, "discard", host.random(), host.now_ms())?)
        })
    }

    /// Makes an object again what a row of its history wrote.
    ///
    /// # Errors
    /// When the row is a delete, the object is gone, or it may not be edited.
    pub fn take_back(&self, row: i64) -> Answer<WrittenEdit> {
        let (objects, revision) = self.opened()?.write(&self.work, move |store, host| {
            let drafts = taken_back(store, row)?;
            let objects: Vec<String> = drafts.iter().take(1).map(|draft| object_name(&draft.object)).collect();
            store.commit_local("take-back", drafts, host.now_ms())?;
            Ok((objects.clone(), objects))
        })?;
        Ok(WrittenEdit { objects, notes: Vec::new(), revision })
    }

    fn step(
        &self,
        act: impl FnOnce(&mut Store, &dyn Host) -> Result<UndoReport> + Send + 'static,
    ) -> Answer<UndoSummary> {
        let (mut summary, revision) = self.opened()?.write(&self.work, move |store, host| {
            let report = act(store, host)?;
            let mut objects = Vec::new();
            for row in report.receipt.iter().flat_map(|receipt| &receipt.rows) {
                objects.extend(store.log_row(*row)?.map(|row| object_name(&row.operation.object)));
            }
            objects.sort();
            objects.dedup();
            Ok((summary(store, &report)?, objects))
        })?;
        summary.revision = revision;
        Ok(summary)
    }
}

fn summary(store: &Store, report: &UndoReport) -> Result<UndoSummary> {
    let people = People::of(store)?;
    let changed = report.receipt.as_ref().map_or(0, |receipt| receipt.rows.len());
    let undone = |left: &LeftOut| Undone {
        object: object_name(&left.object),
        key: key_of(&left.object, &left.path).unwrap_or_default(),
        by: people.name_of(left.sender.as_ref()),
    };
    Ok(UndoSummary {
        label: report.unit.label.clone(),
        changed: u32::try_from(changed).unwrap_or(u32::MAX),
        left_out: report.left_out.iter().map(undone).collect(),
        revision: 0,
    })
}

/// What writes a row's values again; what the object got since and the row does not name goes.
fn taken_back(store: &Store, row: i64) -> Result<Vec<Draft>> {
    let what = "take the feature back";
    let missing = || AppError::NotFound { what: "the entry".to_owned(), why: "the log has no such row".to_owned() };
    let row = store.log_row(row)?.ok_or_else(missing)?;
    let object = row.operation.object.clone();
    let rights = Rights::of(store)?;
    match object.layer() {
        Some(layer) => rights.may_edit_layer(what, layer)?,
        None => rights.may_edit_map(what)?,
    }
    if row.operation.verb == Verb::Delete {
        return Err(AppError::bad(what, "the entry is a deletion"));
    }
    let state = store.state(&object)?;
    if !matches!(object, Object::Map) && !state.is_alive() {
        return Err(AppError::bad(what, "it is deleted: undo that first"));
    }
    let writes: Vec<_> = row.writes()?.into_iter().filter(|write| !write.path.is_existence()).collect();
    let update = |path: Path, value| Draft { verb: Verb::Update, object: object.clone(), path: Some(path), value };
    let mut drafts = Vec::new();
    if row.operation.path.is_none() {
        let named: std::collections::BTreeSet<&Path> = writes.iter().map(|write| &write.path).collect();
        let holds = |path: &&Path| !path.is_existence() && !named.contains(path) && !path.is_geometry();
        let later: Vec<Path> = state
            .registers()
            .iter()
            .filter(|(_, r)| r.value.is_some())
            .map(|(p, _)| p)
            .filter(holds)
            .cloned()
            .collect();
        drafts.extend(later.into_iter().map(|path| update(path, None)));
    }
    drafts.extend(writes.into_iter().map(|write| update(write.path, write.value)));
    if drafts.is_empty() {
        return Err(AppError::bad(what, "the entry wrote nothing"));
    }
    Ok(drafts)
}
