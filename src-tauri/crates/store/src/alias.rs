//! One feature under two ids (rule 24).
//!
//! A browser whose save the server merged reads the answer as new features: what stood there
//! twice gets a fresh id and is told to the room. And a document may hold, under another id, what
//! our base held. In both cases the two ids are one feature: what others write to the one counts
//! for the other, and our own edits follow.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use bivouac_journal::clock::{Hlc, Order, Stamp};
use bivouac_journal::document::{LayerDocument, content};
use bivouac_journal::geometry;
use bivouac_journal::ids::{FeatureId, LayerId, Object};
use bivouac_journal::json::{Json, Members};
use bivouac_journal::operation::{Operation, Verb, Write, alive, dead};
use bivouac_journal::path::Path;
use rusqlite::params;

use crate::error::Result;
use crate::foreign::{ForeignReport, Incoming, Standing};
use crate::log::{NewRow, Row};
use crate::open::Store;
use crate::stage::{Origin, SaveState};
use crate::tx::Tx;

/// So long before its announcement a browser tells what a merged answer held, in ms (rule 24).
const BEFORE_ANNOUNCEMENT_MS: u64 = 2_000;
/// A chain of ids is never longer.
const MOST_IDS: usize = 100;
/// How far boxes of the same geometry may lie apart in the R-tree, which rounds, in degrees.
const ROUNDING: f64 = 0.001;

/// Which feature is which other one.
pub(crate) type SameFeatures = HashMap<Object, Object>;

impl Tx<'_> {
    /// The feature that this one is, when it is known by another id.
    pub(crate) fn same_as(&mut self, object: &Object) -> Result<Option<Object>> {
        let same = self.same_features()?;
        let mut found = same.get(object);
        for _ in 0..MOST_IDS {
            match found.and_then(|other| same.get(other)) {
                Some(next) if next != object => found = Some(next),
                Some(_) | None => break,
            }
        }
        Ok(found.cloned())
    }

    fn same_features(&mut self) -> Result<&SameFeatures> {
        if self.same.is_none() {
            let pairs: Vec<(i64, i64)> = self
                .connection
                .prepare_cached("SELECT object, becomes FROM aliases WHERE same = 1")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            let mut same = SameFeatures::default();
            for (object, becomes) in pairs {
                same.insert(self.object_name(object)?, self.object_name(becomes)?);
            }
            self.same = Some(same);
        }
        Ok(self.same.get_or_insert_default())
    }

    fn set_same(&mut self, object: &Object, becomes: &Object, row: i64) -> Result<()> {
        let (old, new) = (self.object_id(object)?, self.object_id(becomes)?);
        self.same_features()?;
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO aliases (object, becomes, row, same) VALUES (?1, ?2, ?3, 1)")?
            .execute(params![old, new, row])?;
        if let Some(same) = &mut self.same {
            same.insert(object.clone(), becomes.clone());
        }
        Ok(())
    }

    /// A peer announced a version of a layer. What it told just before under ids that nobody knew,
    /// equal to living features, are those features: a merged answer that it read.
    pub(crate) fn recognise(
        &mut self,
        layer: &LayerId,
        announced: &Hlc,
        now_ms: u64,
        report: &mut ForeignReport,
    ) -> Result<()> {
        if *announced.id == *self.clock()?.id() {
            return Ok(());
        }
        let Some(clock) = self.names.known(self.connection, &announced.id)? else { return Ok(()) };
        self.flush()?;
        let from = announced.wall.saturating_sub(BEFORE_ANNOUNCEMENT_MS);
        let mut told = self.rows(
            "WHERE wall BETWEEN ?1 AND ?2 AND clock = ?3 AND origin = 0 AND verb = 0 ORDER BY wall, counter, idx",
            params![from, announced.wall, clock],
        )?;
        let end = Order::new(&Stamp::Valid(announced.clone()), 0);
        told.retain(|row| {
            matches!(&row.operation.object, Object::Feature(lies, _) if lies == layer) && row.operation.order() <= end
        });
        // A merged answer is told whole: whoever says nothing of the feature itself added another one.
        let whole: BTreeSet<Object> = told.iter().map(|row| row.operation.object.clone()).collect();
        let mut taken = BTreeSet::new();
        for row in told {
            if let Some(old) = self.twin_of(&row, &taken)?.filter(|old| whole.contains(old)) {
                self.join(&row, &old, now_ms, report)?;
                taken.insert(old);
            }
        }
        Ok(())
    }

    /// The living feature that an upsert of an unknown id repeats.
    fn twin_of(&mut self, row: &Row, taken: &BTreeSet<Object>) -> Result<Option<Object>> {
        let (new, order) = (&row.operation.object, row.operation.order());
        let Some(value) = row.operation.value.clone() else { return Ok(None) };
        if let Some(old) = self.same_as(new)? {
            // Told again in a later answer.
            let is_back = self.state(new)?.is_alive() && content(&value) == self.content_of(&old)?;
            return Ok(is_back.then_some(old));
        }
        let known = self.base(new)?.is_some() || self.rows_of(new)?.iter().any(|other| other.operation.order() < order);
        if known {
            return Ok(None);
        }
        let wanted = content(&value);
        let mut twins = Vec::new();
        for old in self.lying_like(new, &value)? {
            let life = self.state(&old)?.winner(&Path::existence()).map(|life| life.order.clone());
            let is_older = life.is_some_and(|life| life < order);
            if old != *new && is_older && self.same_as(&old)?.is_none() && self.content_of(&old)? == wanted {
                twins.push(old);
            }
        }
        let free = twins.iter().position(|old| !taken.contains(old)).unwrap_or(0);
        Ok(twins.into_iter().nth(free))
    }

    fn content_of(&mut self, object: &Object) -> Result<String> {
        Ok(content(&Json::trusted(&self.document(object)?)))
    }

    /// The living features of a layer in the same place.
    fn lying_like(&mut self, new: &Object, value: &Json) -> Result<Vec<Object>> {
        let Object::Feature(layer, _) = new else { return Ok(Vec::new()) };
        let members = Members::parse(value.as_str()).unwrap_or_default();
        let shape = members.get("geometry").and_then(|text| geometry::inspect(text.get()).ok());
        let Some(b) = shape.and_then(|shape| shape.bounds) else { return Ok(Vec::new()) };
        let number = self.object_id(&Object::Layer(layer.clone()))?;
        let ids: Vec<String> = self
            .connection
            .prepare_cached(
                "SELECT o.uid FROM bounds b JOIN objects o ON o.id = b.id
                 WHERE b.west BETWEEN ?1 - ?6 AND ?1 + ?6 AND b.east BETWEEN ?2 - ?6 AND ?2 + ?6
                   AND b.south BETWEEN ?3 - ?6 AND ?3 + ?6 AND b.north BETWEEN ?4 - ?6 AND ?4 + ?6
                   AND o.kind = 2 AND o.layer = ?5 ORDER BY o.id",
            )?
            .query_map(params![b.west, b.east, b.south, b.north, number, ROUNDING], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(ids.iter().map(|id| Object::Feature(layer.clone(), FeatureId::trusted(id))).collect())
    }

    /// The id of an upsert is another one of `old`: it is not shown for itself.
    fn join(&mut self, row: &Row, old: &Object, now_ms: u64, report: &mut ForeignReport) -> Result<()> {
        let new = &row.operation.object;
        self.set_same(new, old, row.row)?;
        let wall = row.operation.stamp.hlc().map_or(0, |hlc| hlc.wall);
        self.follow(new, old, now_ms)?;
        let death = Write { path: Path::existence(), value: Some(dead()) };
        self.log_server_write(new, death, &Order::server(wall.saturating_add(1)), now_ms)?;
        self.set_state(&[row.row], SaveState::None)?;
        for row in self.rows_of(new)? {
            self.hand_over(&row, old, now_ms, report)?;
        }
        Ok(())
    }

    /// What somebody wrote to one id counts for the other.
    fn hand_over(&mut self, row: &Row, to: &Object, now_ms: u64, report: &mut ForeignReport) -> Result<()> {
        if row.origin != Origin::Foreign || row.operation.verb != Verb::Update || !row.applied {
            return Ok(());
        }
        let operation = Operation { object: to.clone(), ..row.operation.clone() };
        let standing = if row.state == SaveState::Unsaved { Standing::Unsaved } else { Standing::Live };
        self.receive_one(Incoming { operation, standing }, None, now_ms, report)?;
        self.set_state(&[row.row], SaveState::None)
    }

    /// Our edits on their way move from one id to the other, each under its own clock; what was
    /// replaced meanwhile stays behind.
    fn follow(&mut self, from: &Object, to: &Object, now_ms: u64) -> Result<()> {
        for row in self.pending(Some(from))? {
            let wins = self.wins_anything(from, row.row, row.sent_as)?;
            self.set_state(&[row.row], SaveState::Superseded)?;
            if !wins || row.operation.verb == Verb::Upsert {
                continue;
            }
            let operation = Operation { object: to.clone(), ..row.operation.clone() };
            let new = NewRow {
                unit: row.unit,
                before: row.before.as_deref(),
                ..NewRow::of(&operation, Origin::Local, now_ms)
            };
            let moved = self.append(&new)?;
            self.apply_writes(to, operation.writes()?, &operation.order(), moved)?;
            // Undo takes back what shows now.
            self.connection.prepare_cached("UPDATE operations SET unit = NULL WHERE row = ?1")?.execute([row.row])?;
        }
        let (from, to) = (self.object_id(from)?, self.object_id(to)?);
        self.connection
            .prepare_cached("UPDATE OR IGNORE conflicts SET object = ?2 WHERE object = ?1 AND state = 0")?
            .execute([from, to])?;
        Ok(())
    }

    /// The features of our base that a document holds under other ids: gone, and there again with
    /// the content that the base had.
    pub(crate) fn rekeyed(
        &mut self,
        layer: &LayerId,
        document: &LayerDocument,
        based: &[Object],
    ) -> Result<Vec<(Object, Object)>> {
        let present: BTreeSet<&FeatureId> = document.features.iter().map(|feature| &feature.id).collect();
        let known: BTreeSet<&Object> = based.iter().collect();
        let is_gone = |object: &&Object| matches!(object, Object::Feature(_, id) if !present.contains(id));
        let fresh: Vec<(Object, &Json)> = document
            .features
            .iter()
            .map(|feature| (Object::Feature(layer.clone(), feature.id.clone()), &feature.text))
            .filter(|(object, _)| !known.contains(object))
            .collect();
        if fresh.is_empty() {
            return Ok(Vec::new());
        }
        let mut gone: BTreeMap<String, VecDeque<Object>> = BTreeMap::new();
        for object in based.iter().filter(is_gone) {
            let base = self.base(object)?.filter(|base| !base.document.is_empty());
            if let Some(base) = base
                && self.same_as(object)?.is_none_or(|other| fresh.iter().all(|(new, _)| *new != other))
            {
                gone.entry(content(&Json::trusted(&base.document))).or_default().push_back(object.clone());
            }
        }
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        let mut pairs = Vec::new();
        for (new, text) in fresh {
            if let Some(old) = gone.get_mut(&content(text)).and_then(VecDeque::pop_front) {
                pairs.push((old, new));
            }
        }
        Ok(pairs)
    }

    /// An id that was not shown for itself is the one that the server holds: before it is merged.
    pub(crate) fn wake(&mut self, new: &Object, at_ms: u64, now_ms: u64) -> Result<()> {
        if self.same_as(new)?.is_none() {
            return Ok(());
        }
        let id = self.object_id(new)?;
        self.connection.prepare_cached("DELETE FROM aliases WHERE object = ?1 AND same = 1")?.execute([id])?;
        self.same = None;
        let death = self.state(new)?.winner(&Path::existence()).map_or(0, |life| life.order.wall);
        let life = Write { path: Path::existence(), value: Some(alive()) };
        self.log_server_write(new, life, &Order::server(at_ms.max(death.saturating_add(1))), now_ms)
    }

    /// A feature of our base goes by another id now, which was merged: edits follow, and nothing
    /// of the old id is left to be deleted by anybody.
    pub(crate) fn rekey(&mut self, old: &Object, new: &Object, now_ms: u64) -> Result<()> {
        self.set_same(old, new, 0)?;
        self.follow(old, new, now_ms)?;
        let mut unseen = ForeignReport::default();
        for row in self.rows_of(old)? {
            if row.state == SaveState::Unsaved {
                self.hand_over(&row, new, now_ms, &mut unseen)?;
            }
        }
        let id = self.object_id(old)?;
        self.connection.prepare_cached("DELETE FROM derived WHERE object = ?1")?.execute([id])?;
        Ok(())
    }

    /// Whether a browser that has the new id still shows the old one beside it: it told both.
    pub(crate) fn shows_both(&mut self, new: &Object) -> Result<bool> {
        let Some(old) = self.same_as(new)? else { return Ok(true) };
        let writers = |rows: Vec<Row>| -> BTreeSet<String> {
            let upserts = rows.into_iter().filter(|row| row.operation.verb == Verb::Upsert);
            upserts.filter_map(|row| Some(row.operation.stamp.hlc()?.id.to_string())).collect()
        };
        let (told, known) = (writers(self.rows_of(new)?), writers(self.rows_of(&old)?));
        Ok(told.is_subset(&known))
    }
}

impl Tx<'_> {
    /// Notes whether a document holds a feature's id, or whether it was derived from its content.
    pub(crate) fn note_derived(&mut self, object: &Object, derived: bool) -> Result<()> {
        let id = self.object_id(object)?;
        let sql = if derived {
            "INSERT OR IGNORE INTO derived (object) VALUES (?1)"
        } else {
            "DELETE FROM derived WHERE object = ?1"
        };
        self.connection.prepare_cached(sql)?.execute([id])?;
        Ok(())
    }

    pub(crate) fn has_derived(&mut self) -> Result<bool> {
        Ok(self.connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM derived)")?.query_row([], |row| row.get(0))?)
    }

    /// Whether nobody else can know this id yet: nothing about it is sent before its layer was saved.
    pub(crate) fn is_derived(&mut self, object: &Object) -> Result<bool> {
        let id = self.hold(object)?.id;
        Ok(self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM derived WHERE object = ?1)")?
            .query_row([id], |row| row.get(0))?)
    }
}

impl Store {
    /// How many edits of ours wait until their feature's id is on the server (rule 24).
    ///
    /// # Errors
    /// When they cannot be counted.
    pub fn held_back(&self) -> Result<usize> {
        let count: i64 = self
            .connection
            .prepare_cached(
                "SELECT count(*) FROM operations WHERE state = 1 AND object IN (SELECT object FROM derived)",
            )?
            .query_row([], |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// What a feature is called by now, when it came back, or was told to us, under another id.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn called_now(&self, object: &Object) -> Result<Object> {
        let mut now = object.clone();
        for _ in 0..MOST_IDS {
            let Some(id) = crate::object::number(&self.connection, &now)? else { break };
            let next: Option<i64> = rusqlite::OptionalExtension::optional(
                self.connection
                    .prepare_cached("SELECT becomes FROM aliases WHERE object = ?1")?
                    .query_row([id], |row| row.get(0)),
            )?;
            let Some(becomes) = next else { break };
            now = crate::object::name(&self.connection, becomes)?;
            if now == *object {
                break;
            }
        }
        Ok(now)
    }
}
