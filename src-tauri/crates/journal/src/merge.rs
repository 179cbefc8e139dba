//! The state as a pure function of the set of operations (M1 to M5).
//!
//! An object is a set of registers; each keeps its newest write. A write to a path is also a
//! write to everything below it: a register below a newer write is dropped, one below an older
//! write stays and shows through. So the registers that are left depend on the set of writes
//! only, not on their order of arrival, and what they show is in [`crate::project`].

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Order;
use crate::ids::{LayerId, Object};
use crate::json::Json;
use crate::operation::{Operation, OperationError, Write, alive};
use crate::path::Path;
use crate::winners::Winners;

/// The newest write of one register.
#[derive(Clone, Debug, PartialEq)]
pub struct Register {
    /// Its place among all writes.
    pub order: Order,
    /// The value; `None` is unset.
    pub value: Option<Json>,
    /// The log row that wrote it; 0 when it has none.
    pub row: i64,
}

/// What became of one write.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is the register's winner now; before it stood this.
    Won(Option<Register>),
    /// The winner that stands is newer: the register's own or that of a path above it.
    Lost(Register),
    /// This very write stood there already.
    Repeated,
}

/// The registers of one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectState {
    registers: Winners,
}

impl ObjectState {
    /// Puts registers together that were taken apart for storing.
    #[must_use]
    pub fn from_registers(registers: Winners) -> Self {
        Self { registers }
    }

    /// Every register with its winner, by path.
    #[must_use]
    pub fn registers(&self) -> &Winners {
        &self.registers
    }

    /// Whether nothing was ever written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.registers.is_empty()
    }

    /// The newest write at the path or above it (M1).
    #[must_use]
    pub fn winner(&self, path: &Path) -> Option<&Register> {
        let own = self.registers.get(path);
        path.stored_ancestors()
            .filter_map(|above| self.registers.get(above))
            .chain(own)
            .max_by(|a, b| a.order.cmp(&b.order))
    }

    /// Whether the last word on existence is alive (M3); updates alone bring nothing to life.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.registers
            .get(Path::EXISTENCE)
            .and_then(|register| register.value.as_ref())
            .is_some_and(|value| value.as_str() == "true" || *value == alive())
    }

    /// Applies one write. Of two writes of equal order the greater bytes win (M0).
    pub fn write(&mut self, write: Write, order: Order, row: i64) -> Outcome {
        let Write { path, value } = write;
        let above = path.stored_ancestors().filter_map(|above| self.registers.get(above));
        if let Some(newer) = above.filter(|r| r.order > order).max_by(|a, b| a.order.cmp(&b.order)) {
            return Outcome::Lost(newer.clone());
        }
        if let Some(standing) = self.registers.get(&path) {
            match standing.order.cmp(&order) {
                std::cmp::Ordering::Greater => return Outcome::Lost(standing.clone()),
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => match bytes(&standing.value).cmp(&bytes(&value)) {
                    std::cmp::Ordering::Greater => return Outcome::Lost(standing.clone()),
                    std::cmp::Ordering::Equal => return Outcome::Repeated,
                    std::cmp::Ordering::Less => {}
                },
            }
        }
        self.registers.remove_below(&path, |register| register.order < order);
        Outcome::Won(self.registers.insert(path, Register { order, value, row }))
    }

    /// Gives a register's winner another order and row: for an own write at its first sending,
    /// when its wire clock takes the place of its local one (M8).
    pub fn restamp(&mut self, path: &Path, order: Order, row: i64) {
        if let Some(register) = self.registers.get(path) {
            let write = Write { path: path.clone(), value: register.value.clone() };
            self.write(write, order, row);
        }
    }
}

/// The bytes that settle two writes of one order: absent below present, then the canonical text.
fn bytes(value: &Option<Json>) -> Option<String> {
    value.as_ref().map(Json::canonical)
}

/// What became of an operation, write by write.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// Each register that it writes, the value that it wanted there, and what became of it.
    pub writes: Vec<(Write, Outcome)>,
}

impl Applied {
    /// Whether anything changed.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.writes.iter().any(|(_, outcome)| matches!(outcome, Outcome::Won(_)))
    }
}

/// Where the registers are kept: in memory for tests, in SQLite in the product.
pub trait Registers {
    /// What may go wrong while reading or writing.
    type Error;

    /// The registers of one object; empty for an unknown one.
    ///
    /// # Errors
    /// When they cannot be read.
    fn load(&mut self, object: &Object) -> Result<ObjectState, Self::Error>;

    /// Keeps the registers of one object.
    ///
    /// # Errors
    /// When they cannot be written.
    fn keep(&mut self, object: &Object, state: ObjectState) -> Result<(), Self::Error>;

    /// The winner of one register, as far as its order goes.
    ///
    /// # Errors
    /// When it cannot be read.
    fn winner(&mut self, object: &Object, path: &Path) -> Result<Option<Order>, Self::Error> {
        Ok(self.load(object)?.winner(path).map(|register| register.order.clone()))
    }
}

/// Why an operation was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError<E> {
    /// The operation itself is unsound; nothing changed.
    #[error(transparent)]
    Operation(#[from] OperationError),
    /// The registers could not be reached.
    #[error("reach the registers")]
    Registers(E),
}

/// Applies one operation to the registers; `row` is its place in the log.
///
/// # Errors
/// When the operation is unsound or the registers cannot be reached.
pub fn apply<R: Registers>(
    registers: &mut R,
    operation: &Operation,
    row: i64,
) -> Result<Applied, ApplyError<R::Error>> {
    let writes = operation.writes()?;
    if writes.is_empty() {
        return Ok(Applied { writes: Vec::new() });
    }
    let mut state = registers.load(&operation.object).map_err(ApplyError::Registers)?;
    let applied = apply_writes(&mut state, writes, &operation.order(), row);
    if applied.changed() {
        registers.keep(&operation.object, state).map_err(ApplyError::Registers)?;
    }
    Ok(applied)
}

/// Applies the writes of one operation to its object.
#[must_use]
pub fn apply_writes(state: &mut ObjectState, writes: Vec<Write>, order: &Order, row: i64) -> Applied {
    if state.is_empty() {
        state.registers.reserve(writes.len());
    }
    let writes = writes
        .into_iter()
        .map(|write| {
            let outcome = state.write(write.clone(), order.clone(), row);
            (write, outcome)
        })
        .collect();
    Applied { writes }
}

/// Registers in memory: the reference that every other store is held to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemoryRegisters {
    objects: BTreeMap<Object, ObjectState>,
}

impl MemoryRegisters {
    /// Every object that was ever written, by name.
    #[must_use]
    pub fn objects(&self) -> &BTreeMap<Object, ObjectState> {
        &self.objects
    }
}

impl Registers for MemoryRegisters {
    type Error = std::convert::Infallible;

    fn load(&mut self, object: &Object) -> Result<ObjectState, Self::Error> {
        Ok(self.objects.get(object).cloned().unwrap_or_default())
    }

    fn keep(&mut self, object: &Object, state: ObjectState) -> Result<(), Self::Error> {
        self.objects.insert(object.clone(), state);
        Ok(())
    }
}

/// The parents that are shown: where they form a cycle, its lowest-ordered write is dropped (M5).
#[must_use]
pub fn shown_parents(wanted: &BTreeMap<LayerId, (LayerId, Order)>) -> BTreeMap<LayerId, LayerId> {
    let mut parents: BTreeMap<&LayerId, (&LayerId, &Order)> =
        wanted.iter().map(|(layer, (parent, order))| (layer, (parent, order))).collect();
    while let Some(cycle) = find_cycle(&parents) {
        let lowest = cycle.iter().min_by_key(|layer| parents.get(*layer).map(|(_, order)| (*order, **layer)));
        let Some(lowest) = lowest.copied() else { break };
        parents.remove(lowest);
    }
    parents.into_iter().map(|(layer, (parent, _))| (layer.clone(), parent.clone())).collect()
}

fn find_cycle<'a>(parents: &BTreeMap<&'a LayerId, (&'a LayerId, &Order)>) -> Option<Vec<&'a LayerId>> {
    let mut done: BTreeSet<&LayerId> = BTreeSet::new();
    for start in parents.keys() {
        let mut path: Vec<&LayerId> = Vec::new();
        let mut at = *start;
        while !done.contains(at) {
            if let Some(place) = path.iter().position(|seen| *seen == at) {
                return Some(path.split_off(place));
            }
            path.push(at);
            let Some((parent, _)) = parents.get(at) else {
                break;
            };
            at = parent;
        }
        done.extend(path);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Stamp;

    fn order(text: &str) -> Order {
        Order::new(&Stamp::parse(text), 0)
    }

    fn set(state: &mut ObjectState, path: Path, at: &str, value: &str) -> Outcome {
        state.write(Write { path, value: Some(Json::trusted(value)) }, order(at), 0)
    }

    #[test]
    fn an_older_update_does_not_replace_a_newer_one() {
        let mut state = ObjectState::default();
        set(&mut state, Path::property("name"), "2:0:b", "\"new\"");
        let outcome = set(&mut state, Path::property("name"), "1:0:a", "\"old\"");
        assert!(matches!(outcome, Outcome::Lost(_)));
        assert_eq!(state.winner(&Path::property("name")).unwrap().value, Some(Json::trusted("\"new\"")));
    }

    #[test]
    fn a_write_above_replaces_older_ones_below_and_spares_newer_ones() {
        let mut state = ObjectState::default();
        set(&mut state, Path::property("old"), "1:0:a", "1");
        set(&mut state, Path::property("new"), "3:0:a", "3");
        set(&mut state, Path::of(&["properties"]), "2:0:a", "{\"x\":2}");
        assert_eq!(state.winner(&Path::property("old")).unwrap().order, order("2:0:a"));
        assert_eq!(state.winner(&Path::property("new")).unwrap().order, order("3:0:a"));
        assert!(matches!(set(&mut state, Path::property("late"), "1:5:z", "9"), Outcome::Lost(_)));
    }

    #[test]
    fn rule_46_a_delete_beats_a_concurrent_update_and_a_newer_upsert_revives() {
        let mut state = ObjectState::default();
        let life = |value: Json| Write { path: Path::existence(), value: Some(value) };
        state.write(life(alive()), order("1:0:a"), 0);
        state.write(life(crate::operation::dead()), order("2:0:b"), 0);
        set(&mut state, Path::property("name"), "3:0:c", "\"later\"");
        assert!(!state.is_alive());
        assert!(state.winner(&Path::property("name")).is_some(), "values of dead objects are kept");
        state.write(life(alive()), order("4:0:a"), 0);
        assert!(state.is_alive());
    }

    #[test]
    fn rule_4_an_invalid_clock_writes_only_where_nothing_stands() {
        let mut state = ObjectState::default();
        assert!(matches!(set(&mut state, Path::property("a"), "junk", "1"), Outcome::Won(_)));
        state.write(Write { path: Path::property("b"), value: Some(Json::trusted("2")) }, Order::server(0), 0);
        assert!(matches!(set(&mut state, Path::property("b"), "junk", "1"), Outcome::Lost(_)));
        assert!(matches!(
            state.write(Write { path: Path::property("a"), value: Some(Json::trusted("2")) }, Order::server(0), 0),
            Outcome::Won(_)
        ));
    }

    #[test]
    fn rule_50_a_cycle_of_parents_loses_its_oldest_write() {
        let layer = |n: u8| LayerId::parse(&format!("00000000-0000-4000-8000-00000000000{n}")).unwrap();
        let wanted = BTreeMap::from([
            (layer(1), (layer(2), order("1:0:a"))),
            (layer(2), (layer(3), order("3:0:a"))),
            (layer(3), (layer(1), order("2:0:a"))),
            (layer(4), (layer(1), order("9:0:a"))),
        ]);
        let shown = shown_parents(&wanted);
        assert_eq!(shown.len(), 3);
        assert!(!shown.contains_key(&layer(1)));
        assert_eq!(shown.get(&layer(4)), Some(&layer(1)));
    }
}
