//! What a peer's log calls saved although no version of the server ever held it (rule 16).
//!
//! A browser's SavedMessage marks everything as saved that was said before it, also what nobody
//! saved. Such a value is not applied, for it may be history; it is offered to the user as a lost
//! change. Whether a kept version holds it is asked by whoever can read versions.

use bivouac_journal::document as journal_document;
use bivouac_journal::ids::{LayerId, Object};
use bivouac_journal::json::Json;
use bivouac_journal::merge::{ObjectState, Register, apply_writes};
use bivouac_journal::operation::{Draft, Verb, dead, feature_writes};
use bivouac_journal::path::Path;
use bivouac_journal::project;
use rusqlite::OptionalExtension;

use crate::conflict::{Conflict, ConflictKind, NewConflict};
use crate::error::Result;
use crate::fresh::Fresh;
use crate::log::Row;
use crate::open::Store;
use crate::tx::Tx;

/// A value that only a peer's log holds, as far as this laptop knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// Where.
    pub object: Object,
    /// Which register; existence for a whole feature, or for a delete.
    pub path: Path,
    /// The value: of a whole feature its text; `None` unsets, or deletes.
    pub value: Option<Json>,
    /// When it was written, by its writer's clock, in ms.
    pub at_ms: u64,
    row: i64,
}

/// What was looked through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suspects {
    /// The values in question.
    pub values: Vec<Suspect>,
    upto: i64,
}

impl Suspect {
    /// The layer whose versions tell; `None` for a setting of the map, which has no versions.
    #[must_use]
    pub fn layer(&self) -> Option<&LayerId> {
        self.object.layer()
    }

    /// Whether a version of the layer's document holds it: then it was saved once.
    #[must_use]
    pub fn is_in(&self, version: &str) -> bool {
        let Some(layer) = self.object.layer() else { return false };
        // What cannot be read may hold anything.
        let Ok(document) = journal_document::parse(layer, version, |_| true) else { return true };
        match &self.object {
            Object::Map => false,
            Object::Layer(_) => {
                let rest = document.rest.value();
                let found = self.path.segments().try_fold(&rest, |at, segment| at.get(segment)).map(Json::from_value);
                found == self.value
            }
            Object::Feature(_, id) => {
                let mut texts = document.features.iter().filter(|feature| feature.id == *id).map(|f| &f.text);
                if self.path.is_existence() {
                    return texts.next().is_some() == self.value.is_some();
                }
                texts.any(|text| {
                    let writes = feature_writes(text.as_str()).unwrap_or_default();
                    writes.into_iter().find(|write| write.path == self.path).and_then(|write| write.value) == self.value
                })
            }
        }
    }
}

impl Store {
    /// The values of peers' logs that were recorded as saved, came after all that is known of
    /// their registers, and differ from what the map shows: since the last time of asking.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn suspects(&mut self) -> Result<Suspects> {
        let upto = self.last_row()?;
        let mut tx = self.begin()?;
        let judged: i64 = tx.connection.query_row("SELECT judged FROM map WHERE only = 1", [], |row| row.get(0))?;
        let objects: Vec<i64> = tx
            .connection
            .prepare_cached(
                "SELECT DISTINCT object FROM operations o
                 WHERE row > ?1 AND row <= ?2 AND origin = 0 AND applied = 0
                   AND NOT EXISTS (SELECT 1 FROM parked p WHERE p.row = o.row)
                   AND NOT EXISTS (SELECT 1 FROM proposals p WHERE p.row = o.row)
                   AND NOT EXISTS (SELECT 1 FROM aliases a WHERE a.object = o.object)
                 ORDER BY object",
            )?
            .query_map([judged, upto], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut values = Vec::new();
        for id in objects {
            let object = tx.object_name(id)?;
            values.extend(tx.suspects_of(&object, judged)?);
        }
        Ok(Suspects { values, upto })
    }

    /// Offers those of the suspects that no version held, and asks for none of them again. How
    /// many were offered.
    ///
    /// # Errors
    /// When the database fails.
    pub fn offer(&mut self, suspects: &Suspects, lost: &[Suspect], now_ms: u64) -> Result<usize> {
        let mut tx = self.begin()?;
        let mut offered = 0;
        for suspect in lost {
            if tx.offer(suspect, now_ms)? {
                offered += 1;
            }
        }
        tx.connection.execute("UPDATE map SET judged = max(judged, ?1) WHERE only = 1", [suspects.upto])?;
        tx.commit()?;
        Ok(offered)
    }
}

impl Tx<'_> {
    fn suspects_of(&mut self, object: &Object, judged: i64) -> Result<Vec<Suspect>> {
        let known = self.state(object)?.clone();
        if let Object::Feature(layer, _) = object
            && !self.state(&Object::Layer(layer.clone()))?.is_alive()
        {
            return Ok(Vec::new());
        }
        let recorded: Vec<Row> =
            self.rows_of(object)?.into_iter().filter(|row| is_recorded(row) && row.operation.order().valid).collect();
        let mut theirs = ObjectState::default();
        for row in &recorded {
            let _ = apply_writes(&mut theirs, row.writes()?, &row.operation.order(), row.row);
        }
        let is_newer = |path: &Path, register: &Register| {
            register.row > judged && known.winner(path).is_none_or(|winner| winner.order < register.order)
        };
        let life = theirs.registers().get(Path::EXISTENCE).filter(|life| is_newer(&Path::existence(), life));
        let suspect = |path: &Path, register: &Register, value: Option<Json>| Suspect {
            object: object.clone(),
            path: path.clone(),
            value,
            at_ms: register.order.wall,
            row: register.row,
        };
        match (object, life, known.is_alive()) {
            (Object::Map, ..) => {}
            (_, Some(life), true) if life.value == Some(dead()) => {
                return Ok(vec![suspect(&Path::existence(), life, None)]);
            }
            // Nobody but this log ever spoke of it.
            (Object::Feature(_, id), Some(life), false) if known.is_empty() && theirs.is_alive() => {
                let whole = Json::from_value(&project::feature(id, &theirs));
                if feature_writes(whole.as_str()).is_err() {
                    return Ok(Vec::new());
                }
                return Ok(vec![suspect(&Path::existence(), life, Some(whole))]);
            }
            (_, _, false) => return Ok(Vec::new()),
            (_, _, true) => {}
        }
        let shown = project::document(&known);
        let document = serde_json::Value::Object(shown);
        let mut suspects = Vec::new();
        for (path, register) in theirs.registers() {
            if path.is_existence() || !is_newer(path, register) {
                continue;
            }
            let value = path.segments().try_fold(&document, |at, segment| at.get(segment)).map(Json::from_value);
            if value != register.value {
                suspects.push(suspect(path, register, register.value.clone()));
            }
        }
        Ok(suspects)
    }

    fn offer(&mut self, suspect: &Suspect, now_ms: u64) -> Result<bool> {
        let (id, path) = (self.object_id(&suspect.object)?, self.intern(suspect.path.as_stored())?);
        let open: Option<i64> = self
            .connection
            .prepare_cached("SELECT id FROM conflicts WHERE object = ?1 AND path = ?2 AND state = 0")?
            .query_row([id, path], |row| row.get(0))
            .optional()?;
        let Some(row) = self.row(suspect.row)?.filter(|_| open.is_none()) else { return Ok(false) };
        let winner = self.state(&suspect.object)?.winner(&suspect.path).cloned();
        let new = NewConflict {
            object: &suspect.object,
            path: &suspect.path,
            kind: ConflictKind::LostChange,
            mine: winner.as_ref().and_then(|winner| winner.value.clone()),
            mine_row: winner.map_or(0, |winner| winner.row),
            theirs: suspect.value.clone(),
            theirs_row: suspect.row,
            theirs_order: row.operation.order(),
            theirs_sender: row.operation.sender.clone(),
        };
        self.open_conflict(&new, now_ms)?;
        Ok(true)
    }

    /// The edit that takes a lost change; `None` when it makes no sense any more.
    pub(crate) fn take_lost(&mut self, found: &Conflict, fresh: &mut Fresh) -> Result<Option<Draft>> {
        let object = found.object.clone();
        let alive = self.state(&object)?.is_alive();
        let value = found.theirs.clone();
        if !found.path.is_existence() {
            let sound = alive || object == Object::Map;
            return Ok(sound.then_some(Draft { verb: Verb::Update, object, path: Some(found.path.clone()), value }));
        }
        match (&object, value, alive) {
            (_, None, true) => Ok(Some(Draft { verb: Verb::Delete, object, path: None, value: None })),
            (Object::Feature(layer, _), Some(value), false) => {
                // An id that was ever deleted comes back as another one in browsers (rule 42).
                let was_deleted = self.rows_of(&object)?.iter().any(|row| row.operation.verb == Verb::Delete);
                let object = match was_deleted {
                    true => Object::Feature(layer.clone(), self.fresh_feature(fresh)?),
                    false => object.clone(),
                };
                let value = Some(with_id(&value, &object));
                Ok(Some(Draft { verb: Verb::Upsert, object, path: None, value }))
            }
            _ => Ok(None),
        }
    }

    /// Nothing is lost any more where somebody wrote later, or wrote just that.
    pub(crate) fn settle_lost(&mut self, object: i64, path: i64, wall: u64, now_ms: u64) -> Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE conflicts SET state = 2, settled_at = ?4
                 WHERE object = ?1 AND path = ?2 AND state = 0 AND kind = 4 AND theirs_at <= ?3",
            )?
            .execute(rusqlite::params![object, path, wall, now_ms])?;
        Ok(())
    }
}

fn is_recorded(row: &Row) -> bool {
    row.origin == crate::stage::Origin::Foreign && !row.applied
}

fn with_id(value: &Json, object: &Object) -> Json {
    let (serde_json::Value::Object(mut members), Object::Feature(_, id)) = (value.value(), object) else {
        return value.clone();
    };
    members.insert("id".to_owned(), id.as_str().into());
    Json::from_value(&serde_json::Value::Object(members))
}
