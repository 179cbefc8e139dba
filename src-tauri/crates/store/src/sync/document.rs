//! One object of a server document against its base.

use bivouac_journal::base::{self, Difference};
use bivouac_journal::clock::{Hlc, Order, Stamp};
use bivouac_journal::ids::Object;
use bivouac_journal::json::{Json, Members, same};
use bivouac_journal::merge::{ObjectState, Register};
use bivouac_journal::operation::{Marks, Operation, Verb, Write, alive, dead, document_feature_writes};
use bivouac_journal::path::{Path, Subject};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::log::{NewRow, Origin, Row, SaveState};
use crate::object::Base;
use crate::tx::Tx;

impl Tx<'_> {
    /// Merges one object as a document holds it (`None`: it does not). With `advance` the
    /// document becomes the base; without, a save of ours is provisional and the base stays.
    pub(crate) fn merge_object(
        &mut self,
        object: &Object,
        document: Option<&str>,
        at_ms: u64,
        advance: bool,
        now_ms: u64,
    ) -> Result<()> {
        if let (Object::Feature(layer, id), Some(text)) = (object, document)
            && advance
            && self.state(object)?.is_empty()
        {
            self.seed_feature(layer, id, text, now_ms)?;
            return self.count_held_by_base(object, now_ms);
        }
        let base = self.base(object)?;
        if base.as_ref().map(|base| &*base.document).filter(|text| !text.is_empty()) == document {
            return Ok(());
        }
        self.count_held(object, document, now_ms)?;
        let difference = self.difference(object, document, at_ms)?;
        for (write, order) in &difference.writes {
            if !self.is_a_lost_save(object, write)? {
                self.log_server_write(object, write.clone(), order, now_ms)?;
            }
        }
        if advance { self.advance(object, base, document, difference) } else { Ok(()) }
    }

    /// What reading this document means for the object.
    pub(crate) fn difference(&mut self, object: &Object, document: Option<&str>, at_ms: u64) -> Result<Difference> {
        let base = self.base(object)?;
        let state = self.state(object)?.clone();
        let old = base.as_ref().map(journal_base).transpose()?;
        let new = document.map(parse).transpose()?;
        let saved_untold = self.is_saved_untold(object)?;
        let mut rows: Option<Vec<Row>> = None;
        let mut failed = None;
        let mut carried = |path: &Path, after: &Order, value: Option<&Json>| {
            if rows.is_none() {
                match self.rows_of(object) {
                    Ok(found) => rows = Some(found),
                    Err(error) => failed = Some(error),
                }
            }
            let told = rows.iter().flatten().filter(|row| saved_untold || row.state != SaveState::Local);
            told.filter_map(|row| carries(row, path, after, value)).max()
        };
        let difference = base::difference(subject(object), old.as_ref(), new.as_ref(), &state, at_ms, &mut carried);
        match failed {
            Some(error) => Err(error),
            None => Ok(difference),
        }
    }

    /// Whether a document takes a register back to what stood there before an operation that
    /// nobody has verified yet. Two simultaneous saves look like that to a third reader (rule
    /// 19): the operation's save was overtaken, not undone, and whoever made it saves again.
    fn is_a_lost_save(&mut self, object: &Object, write: &Write) -> Result<bool> {
        let mut writes: Vec<(Order, Option<Json>, Row)> = Vec::new();
        // An invalid clock says nothing about what came before what (rule 4).
        let counts = |row: &Row| row.applied && row.operation.order().valid;
        for row in self.rows_of(object)?.into_iter().filter(counts) {
            if let Some(found) = row.writes()?.into_iter().find(|found| found.path == write.path) {
                writes.push((row.operation.order(), found.value, row));
            }
        }
        writes.sort_by(|a, b| b.0.cmp(&a.0));
        let Some(shown) = writes.first().map(|(_, value, _)| value.clone()) else { return Ok(false) };
        let mut unsaved = false;
        for (_, value, row) in writes {
            if value != shown {
                return Ok(unsaved && value == write.value);
            }
            unsaved |= match row.origin {
                Origin::Foreign => row.state == SaveState::Unsaved,
                Origin::Wire => self.sent_as(row.row)?.iter().any(|local| is_on_its_way(local.state)),
                Origin::Local | Origin::Server => false,
            };
        }
        Ok(unsaved && (write.value.is_none() || write.value == Some(dead())))
    }

    pub(crate) fn log_server_write(&mut self, object: &Object, write: Write, order: &Order, now_ms: u64) -> Result<()> {
        let is_existence = write.path == Path::existence();
        let (verb, path, value) = match (is_existence, write.value.as_ref() == Some(&dead())) {
            (true, true) => (Verb::Delete, None, None),
            (true, false) => (Verb::Upsert, None, Some(Json::trusted("{}"))),
            (false, _) => (Verb::Update, Some(write.path.clone()), write.value.clone()),
        };
        let operation = Operation {
            stamp: Stamp::Valid(Hlc { wall: order.wall, counter: order.counter, id: order.id.clone() }),
            index: order.index,
            verb,
            object: object.clone(),
            feature_type: None,
            path,
            value,
            sender: None,
            dirty: None,
            marks: Marks::default(),
            extra: None,
        };
        let row = self.append(&NewRow::of(&operation, Origin::Server, now_ms))?;
        let applied = self.apply_writes(object, vec![write], order, row)?;
        let mut opened = Vec::new();
        self.find_conflicts(&operation, &applied, row, now_ms, &mut opened)
    }

    fn advance(
        &mut self,
        object: &Object,
        base: Option<Base>,
        document: Option<&str>,
        difference: Difference,
    ) -> Result<()> {
        let Some(text) = document else { return self.set_base_gone(object) };
        let new = parse(text)?;
        if self.state_shows(object, &new)? && !self.has_unsent(object)? {
            let text = matches!(object, Object::Feature(..)).then_some(text);
            return self.set_base_same(object, text);
        }
        let old = base.as_ref().map(journal_base).transpose()?;
        let reflected = |path: &Path| {
            let known = difference.orders.get(path).cloned();
            known.unwrap_or_else(|| old.as_ref().map_or_else(|| Order::server(0), |old| old.order(path)))
        };
        let registers = document_writes(object, text)?
            .into_iter()
            .map(|write| {
                let register = Register { order: reflected(&write.path), value: write.value, row: 0 };
                (write.path, register)
            })
            .collect();
        let state = ObjectState::from_registers(registers);
        self.set_base(object, Some(&Base { document: text.into(), state }))
    }

    /// Whether our user wrote what nobody was told yet: the base may show the same, it does not
    /// reflect it, or a later document would beat the edit by its own clock.
    pub(super) fn has_unsent(&mut self, object: &Object) -> Result<bool> {
        Ok(self.pending(Some(object))?.iter().any(|row| row.state == SaveState::Local)
            && !self.is_saved_untold(object)?)
    }

    /// Whether edits of this object are saved before the room is told of them (rule 24): a
    /// document may hold them. Of any other it holds an equal value at most, whose writer is
    /// somebody else.
    fn is_saved_untold(&mut self, object: &Object) -> Result<bool> {
        Ok(self.has_derived()? && self.is_derived(object)?)
    }

    /// The server was seen without the object: what it holds later is newer than its death.
    fn set_base_gone(&mut self, object: &Object) -> Result<()> {
        let existence = Path::existence();
        let death = self.state(object)?.winner(&existence).filter(|life| life.value == Some(dead())).cloned();
        let Some(death) = death else { return self.set_base(object, None) };
        let gone = Register { row: 0, ..death };
        let state = ObjectState::from_registers([(existence, gone)].into_iter().collect());
        self.set_base(object, Some(&Base { document: "".into(), state }))
    }

    /// Whether what an object shows means the same as this document.
    pub(crate) fn state_shows(&mut self, object: &Object, document: &Value) -> Result<bool> {
        if *object != Object::Map && !self.state(object)?.is_alive() {
            return Ok(false);
        }
        let shown = self.document(object)?;
        Ok(same(&plain(parse(&shown)?), &plain(document.clone())))
    }
}

fn is_on_its_way(state: SaveState) -> bool {
    matches!(state, SaveState::Sent | SaveState::Echoed | SaveState::Saved)
}

/// Leaves out what does not count: members without meaning, empty style options.
pub(super) fn plain(mut document: Value) -> Value {
    if let Value::Object(members) = &mut document {
        members.shift_remove("type");
        members.shift_remove("id");
        if members.get("parentId").is_some_and(Value::is_null) {
            members.shift_remove("parentId");
        }
        match members.get_mut("properties") {
            Some(Value::Object(properties)) => {
                let no_options =
                    properties.get("_umap_options").and_then(Value::as_object).is_some_and(|o| o.is_empty());
                if no_options {
                    properties.shift_remove("_umap_options");
                }
            }
            Some(Value::Null) | None => {
                members.insert("properties".to_owned(), Value::Object(serde_json::Map::new()));
            }
            Some(_) => {}
        }
    }
    document
}

pub(super) fn parse(text: &str) -> Result<Value> {
    if text.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_str(text).map_err(|error| Error::BadDocument(error.to_string()))
}

fn journal_base(base: &Base) -> Result<base::Base> {
    let orders = base.state.registers().iter().map(|(path, register)| (path.clone(), register.order.clone()));
    let document = if base.document.is_empty() { Value::Null } else { parse(&base.document)? };
    Ok(base::Base { document, orders: orders.collect() })
}

/// The order of a row that wrote this value to this register after that order.
fn carries(row: &Row, path: &Path, after: &Order, value: Option<&Json>) -> Option<Order> {
    let order = row.operation.order();
    if !row.applied || order <= *after {
        return None;
    }
    let writes = row.writes().ok()?;
    writes.iter().any(|write| write.path == *path && write.value.as_ref() == value).then_some(order)
}

pub(super) fn document_writes(object: &Object, text: &str) -> Result<Vec<Write>> {
    let bad = |error: String| Error::BadDocument(error);
    let members = Members::parse(text).map_err(|error| bad(error.to_string()))?;
    if matches!(object, Object::Feature(..)) {
        return document_feature_writes(&members).map_err(bad);
    }
    let mut writes = Vec::new();
    if *object != Object::Map {
        writes.push(Write { path: Path::existence(), value: Some(alive()) });
    }
    for (name, value) in &members.0 {
        if name != "properties" {
            writes.push(Write { path: Path::of(&[name]), value: Some(Json::from_raw(*value)) });
            continue;
        }
        let properties = Members::parse(value.get()).map_err(|error| bad(error.to_string()))?;
        writes.extend(
            properties
                .0
                .iter()
                .map(|(name, value)| Write { path: Path::property(name), value: Some(Json::from_raw(*value)) }),
        );
    }
    Ok(writes)
}

fn subject(object: &Object) -> Subject {
    match object {
        Object::Map => Subject::Map,
        Object::Layer(_) => Subject::Layer,
        Object::Feature(..) => Subject::Feature,
    }
}
