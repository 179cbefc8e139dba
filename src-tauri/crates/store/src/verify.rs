//! Proof that the file is what it says: the log, the registers, the documents and the R-tree
//! agree, and SQLite finds nothing wrong.

use std::collections::{BTreeSet, HashSet};

use bivouac_journal::ids::Object;
use bivouac_journal::json::Json;
use bivouac_journal::merge::ObjectState;
use bivouac_journal::project;

use crate::document;
use crate::error::Result;
use crate::names::Names;
use crate::object;
use crate::open::Store;
use crate::rows::RowList;

/// Something that does not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disagreement {
    /// SQLite's own check.
    File(String),
    /// The log, merged again, gives other registers.
    Registers(Object),
    /// The document is not what the registers show.
    Document(Object),
    /// The R-tree or the mark of life is not what the registers show.
    Place(Object),
    /// A log row points at something that is not there, or its object does not tell of it.
    Row(i64),
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Log rows.
    pub operations: u64,
    /// Objects.
    pub objects: u64,
    /// The hash of what the map shows.
    pub state_hash: String,
    /// What does not agree; empty when all is well.
    pub disagreements: Vec<Disagreement>,
}

impl Store {
    /// Looks at everything; reads the whole file.
    ///
    /// # Errors
    /// When the file cannot be read at all.
    pub fn verify(&self) -> Result<Verified> {
        let mut verified = Verified::default();
        self.check_file(&mut verified)?;
        self.check_rows(&mut verified)?;
        let mut replayed = self.replay(i64::MAX.unsigned_abs())?;
        let mut names = Names::default();
        let mut statement = self.connection.prepare(
            "SELECT o.id, o.alive, b.id IS NOT NULL, b.west, b.east, b.south, b.north
             FROM objects o LEFT JOIN bounds b ON b.id = o.id ORDER BY o.id",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id = row.get(0)?;
            let object = object::name(&self.connection, id)?;
            let (text, state) = object::read(&self.connection, &mut names, id)?;
            verified.objects += 1;
            let expected = replayed.remove(&object).unwrap_or_default();
            if !same_registers(&state, &expected) {
                verified.disagreements.push(Disagreement::Registers(object.clone()));
            }
            if !shows(&object, &state, &text) {
                verified.disagreements.push(Disagreement::Document(object.clone()));
            }
            let place = match row.get(2)? {
                true => Some([row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?]),
                false => None,
            };
            if row.get::<_, bool>(1)? != state.is_alive() || !lies(&object, &state, place) {
                verified.disagreements.push(Disagreement::Place(object));
            }
        }
        let lost = replayed.into_keys().map(Disagreement::Registers);
        verified.disagreements.extend(lost);
        verified.state_hash = self.state_hash()?;
        Ok(verified)
    }

    fn check_file(&self, verified: &mut Verified) -> Result<()> {
        let mut statement = self.connection.prepare("PRAGMA quick_check")?;
        let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
        for line in lines {
            let line = line?;
            if line != "ok" {
                verified.disagreements.push(Disagreement::File(line));
            }
        }
        Ok(())
    }

    fn check_rows(&self, verified: &mut Verified) -> Result<()> {
        verified.operations = self.connection.query_row("SELECT count(*) FROM operations", [], |row| row.get(0))?;
        let sql = "SELECT row FROM operations o
                   WHERE NOT EXISTS (SELECT 1 FROM objects WHERE id = o.object)
                      OR NOT EXISTS (SELECT 1 FROM names WHERE id = o.clock)
                      OR (applied = 0 AND origin = 0 AND wall >= 0
                          AND EXISTS (SELECT 1 FROM objects WHERE id = o.object AND recorded = 0))
                      OR (sent_as IS NOT NULL AND NOT EXISTS (SELECT 1 FROM operations s WHERE s.row = o.sent_as))
                      OR (unit IS NOT NULL AND NOT EXISTS (SELECT 1 FROM units WHERE id = o.unit))
                      OR (frame IS NOT NULL AND NOT EXISTS (SELECT 1 FROM frames WHERE id = o.frame))";
        let mut statement = self.connection.prepare(sql)?;
        let rows: BTreeSet<i64> = statement.query_map([], |row| row.get(0))?.collect::<std::result::Result<_, _>>()?;
        verified.disagreements.extend(rows.into_iter().map(Disagreement::Row));
        self.check_lists(verified)
    }

    /// Whether every object lists its rows.
    fn check_lists(&self, verified: &mut Verified) -> Result<()> {
        let mut listed: HashSet<(i64, i64)> = HashSet::new();
        let mut statement = self.connection.prepare("SELECT id, rows FROM objects")?;
        let mut objects = statement.query([])?;
        while let Some(row) = objects.next()? {
            let id: i64 = row.get(0)?;
            match RowList::read(row.get(1)?).and_then(|list| list.rows()) {
                Ok(rows) => listed.extend(rows.into_iter().map(|row| (id, row))),
                Err(_) => verified.disagreements.push(Disagreement::Registers(object::name(&self.connection, id)?)),
            }
        }
        let mut statement = self.connection.prepare("SELECT object, row FROM operations ORDER BY row")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (object, row) = (row.get(0)?, row.get(1)?);
            if !listed.contains(&(object, row)) {
                verified.disagreements.push(Disagreement::Row(row));
            }
        }
        Ok(())
    }
}

/// Rows may differ where two rows wrote the very same; orders and values may not.
fn same_registers(a: &ObjectState, b: &ObjectState) -> bool {
    a.registers().len() == b.registers().len()
        && a.registers().iter().zip(b.registers()).all(|((path, left), (other, right))| {
            path == other && left.order == right.order && left.value == right.value
        })
}

/// A feature's text may be the server's own, so what it means is compared.
fn shows(object: &Object, state: &ObjectState, text: &str) -> bool {
    if state.is_empty() {
        return text.is_empty();
    }
    if document::shown(object, state) == text {
        return true;
    }
    let Object::Feature(_, id) = object else { return false };
    let Ok(writes) = object::server_writes(text) else { return false };
    let mut read = ObjectState::default();
    for write in writes {
        read.write(write, bivouac_journal::clock::Order::server(0), 0);
    }
    Json::from_value(&project::feature(id, &read)) == Json::from_value(&project::feature(id, state))
}

fn lies(object: &Object, state: &ObjectState, place: Option<[f64; 4]>) -> bool {
    let wanted = match object {
        Object::Feature(..) if state.is_alive() => object::bounds(state),
        Object::Map | Object::Layer(_) | Object::Feature(..) => None,
    };
    match (wanted, place) {
        (None, None) => true,
        (Some(b), Some([west, east, south, north])) => {
            let near = |rounded: f64, exact: f64| (rounded - exact).abs() <= exact.abs() * 3e-7 + 1e-30;
            let outside = west <= b.west && east >= b.east && south <= b.south && north >= b.north;
            outside && near(west, b.west) && near(east, b.east) && near(south, b.south) && near(north, b.north)
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}
