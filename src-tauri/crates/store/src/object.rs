//! Objects as one transaction holds them: read once, written back once.

use std::sync::Arc;

use bivouac_journal::clock::{Hlc, Order, Stamp};
use bivouac_journal::geometry::{self, Bounds};
use bivouac_journal::ids::{FeatureId, LayerId, Object};
use bivouac_journal::json::{Json, Members};
use bivouac_journal::merge::{Applied, ObjectState, Registers, apply_writes};
use bivouac_journal::operation::{Marks, Operation, OperationError, Verb, Write, document_feature_writes};
use bivouac_journal::path::Path;
use rusqlite::{Connection, OptionalExtension, params};

use crate::codec;
use crate::document;
use crate::error::{Error, Result};
use crate::hash::HashMap;
use crate::listed::Listed;
use crate::log::NewRow;
use crate::names::Names;
use crate::rows::RowList;
use crate::stage::Origin;
use crate::tx::Tx;

pub use crate::base::Base;

/// So many objects are held before they are written back in the middle of a transaction.
const MOST_HELD: usize = 60_000;

#[derive(Debug)]
pub(crate) struct Held {
    pub object: Object,
    pub id: i64,
    pub state: ObjectState,
    /// The document while the registers still show it.
    pub document: Option<Arc<str>>,
    /// When its first read, which the log does not hold yet, took place.
    pub read_at: Option<u64>,
    pub new: bool,
    pub changed: bool,
    pub same_base: bool,
    /// Whether the file holds a base of it.
    pub based: bool,
    /// The log rows that speak of it, and whether there are more than the file lists.
    pub rows: RowList,
    pub logged: bool,
    /// Whether one of them may be an operation of others that was not applied.
    pub recorded: bool,
    /// What the R-tree knows: the geometry of a living feature, and its order.
    lies: Lies,
}

type Lies = Option<(Order, Option<Json>)>;

impl Held {
    fn new(object: Object, id: i64) -> Self {
        Self {
            object,
            id,
            state: ObjectState::default(),
            document: None,
            read_at: None,
            new: true,
            changed: false,
            same_base: false,
            based: false,
            rows: RowList::default(),
            logged: false,
            recorded: false,
            lies: None,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Objects {
    places: HashMap<Object, usize>,
    held: Vec<Held>,
    /// Asked for last, which is what is asked for next.
    last: usize,
    names: HashMap<i64, Object>,
    next: Option<i64>,
    /// Every object that the file held when a long list came.
    listed: Option<Listed>,
    /// The layer that was asked for last, and its number.
    layer: Option<(LayerId, i64)>,
}

/// From so many operations on, reading all names once is less work than looking for each.
const LONG_LIST: usize = 500;
/// As long as the file holds no more than so many objects for each operation.
const OBJECTS_EACH: usize = 8;

const FIND: &str = "SELECT id, document, registers, read_at, rows, base_same, recorded FROM objects WHERE kind = ?1 AND layer = ?2 AND uid = ?3";
const BY_NUMBER: &str = "SELECT id, document, registers, read_at, rows, base_same, recorded FROM objects WHERE id = ?1";

pub(crate) fn key(object: &Object) -> (i64, &str) {
    match object {
        Object::Map => (0, ""),
        Object::Layer(layer) => (1, layer.as_str()),
        Object::Feature(_, id) => (2, id.as_str()),
    }
}

/// The name of a numbered object.
pub(crate) fn name(connection: &Connection, id: i64) -> Result<Object> {
    let missing = || Error::Damaged(format!("object {id} is missing"));
    let (kind, uid, layer): (i64, String, Option<String>) = connection
        .prepare_cached(
            "SELECT o.kind, o.uid, l.uid FROM objects o LEFT JOIN objects l ON l.id = o.layer WHERE o.id = ?1",
        )?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?
        .ok_or_else(missing)?;
    Ok(match kind {
        0 => Object::Map,
        1 => Object::Layer(LayerId::trusted(&uid)),
        _ => Object::Feature(LayerId::trusted(&layer.ok_or_else(missing)?), FeatureId::trusted(&uid)),
    })
}

/// The number of an object, if it has one.
pub(crate) fn number(connection: &Connection, object: &Object) -> Result<Option<i64>> {
    let layer = match object {
        Object::Map | Object::Layer(_) => 0,
        Object::Feature(layer, _) => match number(connection, &Object::Layer(layer.clone()))? {
            Some(layer) => layer,
            None => return Ok(None),
        },
    };
    let (kind, uid) = key(object);
    Ok(connection
        .prepare_cached("SELECT id FROM objects WHERE kind = ?1 AND layer = ?2 AND uid = ?3")?
        .query_row(params![kind, layer, uid], |row| row.get(0))
        .optional()?)
}

/// The registers of one stored object.
pub(crate) fn read(connection: &Connection, names: &mut Names, id: i64) -> Result<(Arc<str>, ObjectState)> {
    let (document, registers): (Arc<str>, Vec<u8>) = connection
        .prepare_cached("SELECT document, registers FROM objects WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let state = codec::decode(connection, names, &registers, &document)?;
    Ok((document, state))
}

/// The log rows of one stored object.
pub(crate) fn rows(connection: &Connection, id: i64) -> Result<RowList> {
    let read = "SELECT rows FROM objects WHERE id = ?1";
    RowList::read(connection.prepare_cached(read)?.query_row([id], |row| row.get(0))?)
}

/// Where a living feature lies.
pub(crate) fn bounds(state: &ObjectState) -> Option<Bounds> {
    let geometry = state.winner(&Path::geometry())?.value.as_ref()?;
    geometry::inspect(geometry.as_str()).ok()?.bounds
}

impl Tx<'_> {
    /// The registers of an object; empty for an unknown one.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn state(&mut self, object: &Object) -> Result<&ObjectState> {
        Ok(&self.hold(object)?.state)
    }

    /// The document that an object's registers show; empty for an unknown one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn document(&mut self, object: &Object) -> Result<Arc<str>> {
        let held = self.hold(object)?;
        if let Some(document) = &held.document {
            return Ok(document.clone());
        }
        let document: Arc<str> = match held.state.is_empty() {
            true => "".into(),
            false => document::shown(object, &held.state).into(),
        };
        held.document = Some(document.clone());
        Ok(document)
    }

    /// The number of an object in this file, a new one if need be.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn object_id(&mut self, object: &Object) -> Result<i64> {
        let held = self.hold(object)?;
        // Whoever asks will point at it, so it has to be there after the commit.
        held.changed |= held.new;
        Ok(held.id)
    }

    /// The name of a numbered object.
    ///
    /// # Errors
    /// When there is none of that number.
    pub fn object_name(&mut self, id: i64) -> Result<Object> {
        if let Some(object) = self.objects.names.get(&id) {
            return Ok(object.clone());
        }
        let object = name(self.connection, id)?;
        self.objects.names.insert(id, object.clone());
        Ok(object)
    }

    pub(crate) fn hold(&mut self, object: &Object) -> Result<&mut Held> {
        let place = match self.objects.place(object) {
            Some(place) => place,
            None => {
                if self.objects.held.len() >= MOST_HELD {
                    self.flush()?;
                    self.objects.forget();
                }
                let held = self.fetch(object)?;
                self.objects.put(held)
            }
        };
        self.objects.held.get_mut(place).ok_or_else(|| Error::Damaged("an object was lost".to_owned()))
    }

    fn fetch(&mut self, object: &Object) -> Result<Held> {
        let layer = self.layer_number(object)?;
        let (kind, uid) = key(object);
        let columns = |row: &rusqlite::Row<'_>| {
            let (document, registers) = (row.get::<_, Arc<str>>(1)?, row.get::<_, Vec<u8>>(2)?);
            let (rows, base_same) = (row.get::<_, Vec<u8>>(4)?, row.get::<_, i64>(5)?);
            Ok((row.get::<_, i64>(0)?, document, registers, row.get(3)?, rows, base_same, row.get(6)?))
        };
        let found = match &self.objects.listed {
            Some(listed) => match listed.find(layer, uid) {
                Some(id) => {
                    self.hot.read_object.get(self.connection, BY_NUMBER)?.query_row([id], columns).optional()?
                }
                None => None,
            },
            None => {
                let find = self.hot.find_object.get(self.connection, FIND)?;
                find.query_row(params![kind, layer, uid], columns).optional()?
            }
        };
        let Some((id, document, registers, read_at, rows, base_same, recorded)) = found else {
            return Ok(Held::new(object.clone(), self.next_object()?));
        };
        let mut held = Held::new(object.clone(), id);
        held.state = codec::decode(self.connection, self.names, &registers, &document)?;
        held.lies = lies(&held.state);
        (held.document, held.read_at, held.new) = (Some(document), read_at, false);
        held.rows = RowList::read(rows)?;
        (held.based, held.recorded) = (base_same != 0, recorded);
        Ok(held)
    }

    /// A list of so many operations is about to come.
    pub(crate) fn expect(&mut self, operations: usize) -> Result<()> {
        let known = self.next_object()?;
        self.objects.next = Some(known);
        let few = usize::try_from(known).is_ok_and(|known| known <= operations.saturating_mul(OBJECTS_EACH));
        if operations < LONG_LIST || !few || !self.objects.held.is_empty() {
            return Ok(());
        }
        self.objects.listed = Some(Listed::read(self.connection)?);
        Ok(())
    }

    fn layer_number(&mut self, object: &Object) -> Result<i64> {
        match object {
            Object::Map | Object::Layer(_) => Ok(0),
            Object::Feature(layer, _) => {
                if let Some((known, number)) = &self.objects.layer
                    && known == layer
                {
                    return Ok(*number);
                }
                let number = self.hold(&Object::Layer(layer.clone()))?.id;
                self.objects.layer = Some((layer.clone(), number));
                Ok(number)
            }
        }
    }

    fn next_object(&mut self) -> Result<i64> {
        let next = match self.objects.next {
            Some(next) => next,
            None => self.connection.query_row("SELECT coalesce(max(id), 0) + 1 FROM objects", [], |row| row.get(0))?,
        };
        self.objects.next = Some(next + 1);
        Ok(next)
    }

    /// Applies an operation that stands in the log at `row`.
    ///
    /// # Errors
    /// When the operation is unsound or the object cannot be read.
    pub fn apply(&mut self, operation: &Operation, row: i64) -> Result<Applied> {
        self.apply_writes(&operation.object, operation.writes()?, &operation.order(), row)
    }

    /// Applies writes that were read out of an operation before.
    ///
    /// # Errors
    /// When the object cannot be read.
    pub fn apply_writes(&mut self, object: &Object, writes: Vec<Write>, order: &Order, row: i64) -> Result<Applied> {
        if writes.is_empty() {
            return Ok(Applied { writes: Vec::new() });
        }
        let held = self.touch(object)?;
        let applied = apply_writes(&mut held.state, writes, order, row);
        if applied.changed() {
            held.document = None;
            held.changed = true;
        }
        Ok(applied)
    }

    /// Gives the winner of a register another order and row (M8); the row must stand in the log
    /// and write that register.
    ///
    /// # Errors
    /// When the object cannot be read.
    pub fn restamp(&mut self, object: &Object, path: &Path, order: Order, row: i64) -> Result<()> {
        let held = self.touch(object)?;
        held.state.restamp(path, order, row);
        held.changed = true;
        Ok(())
    }

    /// An object that is about to change: its first read goes into the log before.
    fn touch(&mut self, object: &Object) -> Result<&mut Held> {
        let held = self.hold(object)?;
        let Some(at) = held.read_at else { return self.hold(object) };
        if held.changed {
            self.flush_one(object)?;
        }
        let value = self.document(object)?;
        let operation = Operation {
            stamp: Stamp::Valid(Hlc { wall: 0, counter: 0, id: "".into() }),
            index: 0,
            verb: Verb::Upsert,
            object: object.clone(),
            feature_type: None,
            path: None,
            value: Some(Json::trusted(&value)),
            sender: None,
            dirty: None,
            marks: Marks::default(),
            extra: None,
        };
        let row = self.append(&NewRow::of(&operation, Origin::Server, at))?;
        let held = self.hold(object)?;
        let mut registers = held.state.registers().clone();
        for register in registers.values_mut().filter(|register| register.row == 0) {
            register.row = row;
        }
        held.state = ObjectState::from_registers(registers);
        held.read_at = None;
        held.changed = true;
        Ok(held)
    }

    /// Writes every changed object back.
    pub(crate) fn flush(&mut self) -> Result<()> {
        let held = self.objects.held.iter().enumerate();
        let mut changed: Vec<(i64, usize)> = held
            .filter(|(_, held)| held.changed || (held.logged && !held.new))
            .map(|(place, held)| (held.id, place))
            .collect();
        changed.sort_unstable();
        let mut layer: Option<(LayerId, i64)> = None;
        for (_, place) in changed {
            let Some(held) = self.objects.held.get(place) else { continue };
            let number = match (&held.object, &layer) {
                (Object::Feature(of, _), Some((known, number))) if of == known => *number,
                (Object::Feature(of, _), _) => {
                    let of = of.clone();
                    let number = self.layer_row(&of)?;
                    layer = Some((of, number));
                    number
                }
                (Object::Map | Object::Layer(_), _) => 0,
            };
            self.write_back(place, number)?;
        }
        Ok(())
    }

    pub(crate) fn flush_one(&mut self, object: &Object) -> Result<()> {
        let held = self.hold(object)?;
        if !held.changed && !held.logged {
            return Ok(());
        }
        let layer = match object {
            Object::Map | Object::Layer(_) => 0,
            Object::Feature(layer, _) => self.layer_row(layer)?,
        };
        let Some(place) = self.objects.place(object) else { return Ok(()) };
        self.write_back(place, layer)
    }

    /// The number of a layer, which has a row after this: a feature is named by it.
    fn layer_row(&mut self, layer: &LayerId) -> Result<i64> {
        let layer = Object::Layer(layer.clone());
        let number = self.object_id(&layer)?;
        if self.hold(&layer)?.changed {
            self.flush_one(&layer)?;
        }
        Ok(number)
    }

    fn write_back(&mut self, place: usize, layer: i64) -> Result<()> {
        let connection = self.connection;
        let Some(held) = self.objects.held.get_mut(place) else { return Ok(()) };
        if !held.changed {
            if held.logged && !held.new {
                connection
                    .prepare_cached("UPDATE objects SET rows = ?2, recorded = ?3 WHERE id = ?1")?
                    .execute(params![held.id, held.rows.as_bytes(), held.recorded])?;
                held.logged = false;
            }
            return Ok(());
        }
        let object = &held.object;
        let shown = match &held.document {
            None if !held.state.is_empty() => document::shown_verbatim(object, &held.state),
            Some(_) | None => None,
        };
        let registers = match (&shown, &held.document) {
            (Some(_), _) => codec::encode_shown(connection, self.names, &held.state)?,
            (None, Some(document)) => codec::encode(connection, self.names, &held.state, document)?,
            (None, None) if held.state.is_empty() => Vec::new(),
            (None, None) => {
                let document: Arc<str> = document::shown(object, &held.state).into();
                let registers = codec::encode(connection, self.names, &held.state, &document)?;
                held.document = Some(document);
                registers
            }
        };
        // What was laid in verbatim can be laid in again, so a long list keeps no copy of it.
        let document = shown.as_deref().or(held.document.as_deref()).unwrap_or_default();
        let alive = held.state.is_alive();
        if held.new {
            let (kind, uid) = key(object);
            let insert = self.hot.insert_object.get(
                connection,
                "INSERT INTO objects (id, kind, layer, uid, alive, document, registers, rows, base_same, read_at, recorded)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?;
            insert.execute(params![
                held.id,
                kind,
                layer,
                uid,
                alive,
                document,
                registers,
                held.rows.as_bytes(),
                held.same_base,
                held.read_at,
                held.recorded,
            ])?;
        } else {
            let update = match held.based {
                // A base that was the same as the row moves out before the row changes.
                true => self.hot.update_based.get(
                    connection,
                    "UPDATE objects SET base = CASE base_same WHEN 1 THEN document ELSE base END,
                            base_registers = CASE base_same WHEN 1 THEN registers ELSE base_registers END,
                            base_same = CASE base_same WHEN 1 THEN 2 ELSE base_same END,
                            alive = ?2, document = ?3, registers = ?4, rows = ?5, read_at = ?6, recorded = ?7
                     WHERE id = ?1",
                )?,
                false => self.hot.update_object.get(
                    connection,
                    "UPDATE objects SET alive = ?2, document = ?3, registers = ?4, rows = ?5, read_at = ?6, recorded = ?7
                     WHERE id = ?1",
                )?,
            };
            let rows = held.rows.as_bytes();
            update.execute(params![held.id, alive, document, registers, rows, held.read_at, held.recorded])?;
            if held.same_base {
                connection
                    .prepare_cached(
                        "UPDATE objects SET base_same = 1, base = NULL, base_registers = NULL WHERE id = ?1",
                    )?
                    .execute([held.id])?;
            }
        }
        if matches!(object, Object::Feature(..)) {
            let lies = lies(&held.state);
            if !same_place(&lies, &held.lies) {
                if held.lies.is_some() {
                    connection.prepare_cached("DELETE FROM bounds WHERE id = ?1")?.execute([held.id])?;
                }
                if let Some(b) = lies.as_ref().and_then(|_| bounds(&held.state)) {
                    let insert = self.hot.insert_place.get(
                        connection,
                        "INSERT INTO bounds (id, west, east, south, north) VALUES (?1, ?2, ?3, ?4, ?5)",
                    )?;
                    insert.execute(params![held.id, b.west, b.east, b.south, b.north])?;
                }
                held.lies = lies;
            }
        }
        held.based |= held.same_base;
        (held.new, held.changed, held.same_base, held.logged) = (false, false, false, false);
        Ok(())
    }
}

fn lies(state: &ObjectState) -> Lies {
    let geometry = state.winner(&Path::geometry()).filter(|_| state.is_alive())?;
    Some((geometry.order.clone(), geometry.value.clone()))
}

fn same_place(a: &Lies, b: &Lies) -> bool {
    match (a, b) {
        (Some((a, left)), Some((b, right))) => {
            a == b && left.as_ref().map(Json::as_str) == right.as_ref().map(Json::as_str)
        }
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// The writes of a feature that stands in a server document, whatever its geometry is.
pub(crate) fn server_writes(text: &str) -> Result<Vec<Write>> {
    let unsound = |what: String| Error::Unsound(OperationError::BadValue { verb: "upsert", what });
    let members = Members::parse(text).map_err(|error| unsound(error.to_string()))?;
    document_feature_writes(&members).map_err(unsound)
}

impl Registers for Tx<'_> {
    type Error = Error;

    fn load(&mut self, object: &Object) -> Result<ObjectState> {
        Ok(self.hold(object)?.state.clone())
    }

    fn keep(&mut self, object: &Object, state: ObjectState) -> Result<()> {
        let held = self.touch(object)?;
        held.state = state;
        held.document = None;
        held.changed = true;
        Ok(())
    }
}

impl Objects {
    fn place(&mut self, object: &Object) -> Option<usize> {
        if self.held.get(self.last).is_some_and(|held| held.object == *object) {
            return Some(self.last);
        }
        let place = *self.places.get(object)?;
        self.last = place;
        Some(place)
    }

    fn put(&mut self, held: Held) -> usize {
        let place = self.held.len();
        self.names.insert(held.id, held.object.clone());
        self.places.insert(held.object.clone(), place);
        self.held.push(held);
        self.last = place;
        place
    }

    fn forget(&mut self) {
        (self.last, self.held) = (0, Vec::new());
        // There are more by now.
        (self.listed, self.layer) = (None, None);
        self.places.clear();
        self.names.clear();
    }

    /// Every object that is held.
    pub fn keys(&self) -> impl Iterator<Item = &Object> {
        self.places.keys()
    }

    /// Whether the object of that number has that name.
    pub fn is_named(&mut self, connection: &Connection, id: i64, object: &Object) -> Result<bool> {
        if let Some(known) = self.names.get(&id) {
            return Ok(known == object);
        }
        let (kind, uid) = key(object);
        if let Some(listed) = &self.listed {
            let layer = match object {
                Object::Map | Object::Layer(_) => Some(0),
                Object::Feature(layer, _) => listed.find(0, layer.as_str()),
            };
            return Ok(layer.and_then(|layer| listed.find(layer, uid)) == Some(id));
        }
        let (same, layer): (bool, i64) = connection
            .prepare_cached("SELECT kind = ?2 AND uid = ?3, layer FROM objects WHERE id = ?1")?
            .query_row(params![id, kind, uid], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?
            .ok_or_else(|| Error::Damaged(format!("object {id} is missing")))?;
        let same = match object {
            Object::Feature(of, _) if same => self.is_named(connection, layer, &Object::Layer(of.clone()))?,
            Object::Map | Object::Layer(_) | Object::Feature(..) => same,
        };
        if same {
            self.names.insert(id, object.clone());
        }
        Ok(same)
    }

    /// The name of an object that is held.
    pub fn name(&self, id: i64) -> Option<Object> {
        self.names.get(&id).cloned()
    }
}
