//! Telling a room what changed outside of it, before a save is announced there (rules 21, 23).

use bivouac_journal::clock::{Hlc, Order, Stamp};
use bivouac_journal::ids::{LayerId, Object, PeerId};
use bivouac_journal::merge::{ObjectState, Register};
use bivouac_journal::operation::{Marks, Operation, Verb, dead};
use bivouac_journal::outgoing::{feature_type, whole};
use bivouac_journal::path::Path;
use bivouac_journal::wire::{Frame, print_frame, print_loose, print_reference_version};

use crate::error::Result;
use crate::log::{NewRow, Origin};
use crate::object::{Base, name};
use crate::open::Store;
use crate::tx::Tx;

impl Store {
    /// What the server's documents changed in a layer, logged after row `told` and not after
    /// `upto`, as operations stamped now; `None` when it is more than `most`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn retell_server_changes(
        &mut self,
        layer: &LayerId,
        told: i64,
        upto: i64,
        most: usize,
        me: &PeerId,
        now_ms: u64,
    ) -> Result<Option<Vec<String>>> {
        let mut tx = self.begin()?;
        let changed = tx.changed_by_server(layer, told, upto)?;
        if changed.len() > most {
            return Ok(None);
        }
        let mut texts = Vec::new();
        for (object, path) in changed {
            let hlc = tx.clock()?.tick(now_ms);
            let operation = tx.retold(&object, &path, &hlc, me)?;
            // A document may hold what no operation may say, such as a geometry that is none.
            let Ok(writes) = operation.writes() else { continue };
            let row = tx.append(&NewRow::of(&operation, Origin::Wire, now_ms))?;
            tx.apply_writes(&object, writes, &operation.order(), row)?;
            tx.reflect(&object, &operation.order())?;
            texts.push(print_loose(&operation, me));
        }
        tx.commit()?;
        Ok(Some(texts))
    }

    /// The announcement of a saved version.
    ///
    /// # Errors
    /// When the database fails.
    pub fn reference_version_text(
        &mut self,
        layer: &LayerId,
        version: &str,
        me: &PeerId,
        now_ms: u64,
    ) -> Result<String> {
        let mut tx = self.begin()?;
        let hlc = tx.clock()?.tick(now_ms);
        tx.commit()?;
        Ok(print_reference_version(layer, version, &hlc, me))
    }

    /// The message that everything up to now is saved, if it is: nothing of ours is on its way,
    /// and no operation of anybody is unsaved as far as we know (rule 21).
    ///
    /// # Errors
    /// When the database fails.
    pub fn saved_message(&mut self, me: &PeerId, now_ms: u64) -> Result<Option<String>> {
        let mut tx = self.begin()?;
        let unsaved: bool = tx.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM operations WHERE state BETWEEN 1 AND 4 OR state = 8)",
            [],
            |row| row.get(0),
        )?;
        if unsaved {
            return Ok(None);
        }
        let last_known = tx.clock()?.tick(now_ms).to_string();
        tx.commit()?;
        Ok(Some(print_frame(&Frame::Saved { sender: me.clone(), last_known })))
    }
}

impl Tx<'_> {
    /// The registers that a server operation among these rows still wins.
    fn changed_by_server(&mut self, layer: &LayerId, told: i64, upto: i64) -> Result<Vec<(Object, Path)>> {
        let number = self.object_id(&Object::Layer(layer.clone()))?;
        let ids: Vec<i64> = self
            .connection
            .prepare_cached(
                "SELECT DISTINCT object FROM operations WHERE row > ?1 AND row <= ?2 AND origin = 3
                 AND (object = ?3 OR object IN (SELECT id FROM objects WHERE kind = 2 AND layer = ?3))",
            )?
            .query_map([told, upto, number], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut changed = Vec::new();
        for id in ids {
            let object = name(self.connection, id)?;
            let state = self.state(&object)?;
            // A first read is no change: told now, it would beat what others wrote since (M11).
            let wins = |register: &bivouac_journal::merge::Register| {
                let by_server = register.order.id.is_empty() && register.order.wall > 0;
                by_server && register.row > told && register.row <= upto
            };
            let paths: Vec<Path> = state.registers().iter().filter(|(_, r)| wins(r)).map(|(p, _)| p.clone()).collect();
            if paths.contains(&Path::existence()) {
                // Who shows a feature under its new id only would lose it (rule 24).
                if !self.state(&object)?.is_alive() && !self.shows_both(&object)? {
                    continue;
                }
                changed.push((object, Path::existence()));
            } else if state.is_alive() {
                changed.extend(paths.into_iter().map(|path| (object.clone(), path)));
            }
        }
        Ok(changed)
    }

    /// What was told again is still what the server's document says: the base reflects the new
    /// order, or a later document would lose to our own retelling.
    pub(crate) fn reflect(&mut self, object: &Object, order: &Order) -> Result<()> {
        let Some(base) = self.base(object)?.filter(|base| !base.document.is_empty()) else { return Ok(()) };
        let state = self.state(object)?;
        let registers = base.state.registers().iter().map(|(path, old)| {
            let told = state.winner(path).filter(|winner| winner.order == *order && winner.value == old.value);
            let order = told.map_or_else(|| old.order.clone(), |told| told.order.clone());
            (path.clone(), Register { order, ..old.clone() })
        });
        let state = ObjectState::from_registers(registers.collect());
        self.set_base(object, Some(&Base { document: base.document, state }))
    }

    fn retold(&mut self, object: &Object, path: &Path, hlc: &Hlc, me: &PeerId) -> Result<Operation> {
        let state = self.state(object)?.clone();
        let value = state.winner(path).and_then(|winner| winner.value.clone());
        let (verb, path, value) = if *path != Path::existence() {
            (Verb::Update, Some(path.clone()), value)
        } else if value.as_ref() == Some(&dead()) {
            (Verb::Delete, None, None)
        } else {
            (Verb::Upsert, None, Some(whole(object, &state)))
        };
        Ok(Operation {
            stamp: Stamp::Valid(hlc.clone()),
            index: 0,
            verb,
            object: object.clone(),
            feature_type: feature_type(object, &state),
            path,
            value,
            sender: Some(me.clone()),
            dirty: Some(false),
            marks: Marks::default(),
            extra: None,
        })
    }
}
