//! What the server holds, as operations (M11).
//!
//! For each object we keep a base: the last server document that was merged, and per register
//! the order that it reflected. A document read is compared with the base register by register;
//! only what differs from the base becomes a server operation, and only if no operation that we
//! know already carries the value.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::clock::Order;
use crate::json::{Json, same};
use crate::merge::ObjectState;
use crate::operation::{Write, alive, dead};
use crate::path::{MAX_SEGMENTS, Path, Subject};

/// What of one object the server was last seen to hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Base {
    /// The object as it stood there; `null` when it was last seen not to be there.
    pub document: Value,
    /// The order that each register reflected; a register without one reflected a first read.
    pub orders: BTreeMap<Path, Order>,
}

impl Base {
    /// The order that a register reflected.
    #[must_use]
    pub fn order(&self, path: &Path) -> Order {
        let above = path.ancestors().filter_map(|above| self.orders.get(&above));
        above.chain(self.orders.get(path)).max().cloned().unwrap_or_else(|| Order::server(0))
    }
}

/// What reading a document meant for one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// Server operations to log and apply.
    pub writes: Vec<(Write, Order)>,
    /// The order that each differing register reflects from now on.
    pub orders: BTreeMap<Path, Order>,
}

impl Difference {
    /// The base after this document; `None` when the object is not in it.
    #[must_use]
    pub fn advance(self, before: Option<&Base>, document: Option<&Value>) -> Option<Base> {
        let document = document?.clone();
        let mut orders = before.map(|base| base.orders.clone()).unwrap_or_default();
        orders.extend(self.orders);
        Some(Base { document, orders })
    }
}

/// Whether an operation on the register, newer than that order, wrote that value; its order.
pub type Carried<'a> = dyn FnMut(&Path, &Order, Option<&Json>) -> Option<Order> + 'a;

/// Compares one object of a document (`None`: missing there) with its base (`None`: never seen).
///
/// `time_ms` is when the version that was read was made; a first read of an object that no
/// operation ever touched writes at `(0, 0, "")`.
pub fn difference(
    subject: Subject,
    base: Option<&Base>,
    document: Option<&Value>,
    state: &ObjectState,
    time_ms: u64,
    carried: &mut Carried<'_>,
) -> Difference {
    let mut comparison = Comparison {
        subject,
        base,
        state,
        time_ms: if base.is_none() && state.is_empty() { None } else { Some(time_ms) },
        carried,
        difference: Difference::default(),
    };
    let was_there = base.is_some_and(|base| !base.document.is_null());
    match document {
        None if was_there => comparison.write(&Path::existence(), Some(dead())),
        None => {}
        Some(document) => {
            if !was_there && subject != Subject::Map {
                comparison.write(&Path::existence(), Some(alive()));
            }
            let nothing = Value::Object(Map::new());
            let before = base.filter(|_| was_there).map_or(&nothing, |base| &base.document);
            comparison.compare(&[], before, document);
        }
    }
    comparison.difference
}

struct Comparison<'a, 'c> {
    subject: Subject,
    base: Option<&'a Base>,
    state: &'a ObjectState,
    /// `None` for a first read.
    time_ms: Option<u64>,
    carried: &'a mut Carried<'c>,
    difference: Difference,
}

impl Comparison<'_, '_> {
    fn compare(&mut self, place: &[&str], base: &Value, document: &Value) {
        let (Value::Object(before), Value::Object(after)) = (base, document) else {
            return;
        };
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            if place.is_empty() && matches!(name.as_str(), "type" | "id") {
                continue;
            }
            let (old, new) = (before.get(name), after.get(name));
            if matches!((old, new), (Some(old), Some(new)) if same(old, new)) {
                continue;
            }
            let below: Vec<&str> = place.iter().copied().chain([name.as_str()]).collect();
            if self.descends(&below) {
                let nothing = Value::Object(Map::new());
                let (old, new) = (old.unwrap_or(&nothing), new.unwrap_or(&nothing));
                if old.is_object() && new.is_object() {
                    self.compare(&below, old, new);
                    continue;
                }
            }
            self.write(&Path::of(&below), new.map(Json::from_value));
        }
    }

    /// Whether the registers lie below this place rather than at it.
    fn descends(&self, place: &[&str]) -> bool {
        match self.subject {
            Subject::Feature => matches!(place, ["properties"] | ["properties", "_umap_options"]),
            Subject::Layer | Subject::Map => match place {
                ["properties"] => true,
                // Below that, only where both sides are objects and somebody wrote deeper.
                ["properties", ..] => {
                    let path = Path::of(place);
                    place.len() < MAX_SEGMENTS && self.state.registers().keys().any(|p| path.covers(p))
                }
                _ => false,
            },
        }
    }

    fn write(&mut self, path: &Path, value: Option<Json>) {
        let reflected = self.base.map_or_else(Order::lowest, |base| base.order(path));
        if let Some(order) = (self.carried)(path, &reflected, value.as_ref()) {
            self.difference.orders.insert(path.clone(), order);
            return;
        }
        let order = match self.time_ms {
            None => Order::server(0),
            Some(time) => Order::server(time.max(reflected.wall.saturating_add(1))),
        };
        self.difference.orders.insert(path.clone(), order.clone());
        self.difference.writes.push((Write { path: path.clone(), value }, order));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Stamp;
    use serde_json::json;

    fn feature(name: &str) -> Value {
        json!({"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]},"properties":{"name":name},"id":"abcde"})
    }

    fn op(at: &str) -> Order {
        Order::new(&Stamp::parse(at), 0)
    }

    fn nobody(_: &Path, _: &Order, _: Option<&Json>) -> Option<Order> {
        None
    }

    fn state_of(difference: &Difference) -> ObjectState {
        let mut state = ObjectState::default();
        for (write, order) in &difference.writes {
            state.write(write.clone(), order.clone(), 0);
        }
        state
    }

    #[test]
    fn a_first_read_writes_below_every_operation() {
        let read = difference(Subject::Feature, None, Some(&feature("a")), &ObjectState::default(), 500, &mut nobody);
        assert_eq!(read.writes.len(), 3);
        assert!(read.writes.iter().all(|(_, order)| *order == Order::server(0)));
        assert!(read.writes.iter().all(|(_, order)| *order < op("1:0:a") && *order > op("junk")));
    }

    #[test]
    fn a_document_equal_to_its_base_writes_nothing() {
        let first = difference(Subject::Feature, None, Some(&feature("a")), &ObjectState::default(), 1, &mut nobody);
        let state = state_of(&first);
        let base = first.advance(None, Some(&feature("a"))).unwrap();
        let mut reordered = feature("a");
        reordered["geometry"] = json!({"coordinates":[1.0,2.0],"type":"Point"});
        let again = difference(Subject::Feature, Some(&base), Some(&reordered), &state, 900, &mut nobody);
        assert!(again.writes.is_empty());
    }

    #[test]
    fn a_change_is_written_at_the_time_of_its_version_and_after_what_the_base_reflected() {
        let base = Base { document: feature("a"), orders: BTreeMap::from([(Path::property("name"), op("700:0:x"))]) };
        let state = ObjectState::default();
        let later = difference(Subject::Feature, Some(&base), Some(&feature("b")), &state, 900, &mut nobody);
        assert_eq!(later.writes[0].1, Order::server(900));
        let earlier = difference(Subject::Feature, Some(&base), Some(&feature("b")), &state, 600, &mut nobody);
        assert_eq!(earlier.writes[0].1, Order::server(701));
    }

    #[test]
    fn a_value_that_an_operation_already_carries_stands_for_that_operation() {
        let base = Base { document: feature("a"), orders: BTreeMap::new() };
        let mut carried = |path: &Path, after: &Order, value: Option<&Json>| {
            (*path == Path::property("name") && *after < op("5:0:x") && value == Some(&Json::string("b")))
                .then(|| op("5:0:x"))
        };
        let read =
            difference(Subject::Feature, Some(&base), Some(&feature("b")), &ObjectState::default(), 900, &mut carried);
        assert!(read.writes.is_empty());
        assert_eq!(read.orders.get(&Path::property("name")), Some(&op("5:0:x")));
    }

    #[test]
    fn a_feature_missing_from_the_document_is_dead() {
        let base = Base { document: feature("a"), orders: BTreeMap::new() };
        let read = difference(Subject::Feature, Some(&base), None, &ObjectState::default(), 900, &mut nobody);
        assert_eq!(read.writes, vec![(Write { path: Path::existence(), value: Some(dead()) }, Order::server(900))]);
    }

    #[test]
    fn what_is_there_again_after_it_was_seen_gone_is_alive_again() {
        let life = |value| Write { path: Path::existence(), value: Some(value) };
        let mut state = ObjectState::default();
        state.write(life(alive()), op("3:0:x"), 0);
        state.write(life(dead()), op("5:0:x"), 0);
        let orders = BTreeMap::from([(Path::existence(), op("5:0:x"))]);
        let gone = Base { document: Value::Null, orders };
        // The old upsert carried the same value, but it was before the server lacked it.
        let mut upsert = |path: &Path, after: &Order, _: Option<&Json>| {
            (*path == Path::existence() && *after < op("3:0:x")).then(|| op("3:0:x"))
        };
        let read = difference(Subject::Feature, Some(&gone), Some(&feature("a")), &state, 900, &mut upsert);
        assert!(read.writes.contains(&(life(alive()), Order::server(900))));
        let still = difference(Subject::Feature, Some(&gone), None, &state, 900, &mut upsert);
        assert!(still.writes.is_empty());
    }

    #[test]
    fn a_layer_setting_is_compared_as_deep_as_somebody_wrote() {
        let base =
            Base { document: json!({"rank":0,"properties":{"heat":{"radius":5,"max":1}}}), orders: BTreeMap::new() };
        let now = json!({"rank":0,"properties":{"heat":{"radius":6,"max":1}}});
        let mut state = ObjectState::default();
        let shallow = difference(Subject::Layer, Some(&base), Some(&now), &state, 9, &mut nobody);
        assert_eq!(shallow.writes[0].0.path, Path::of(&["properties", "heat"]));
        let deep = Path::of(&["properties", "heat", "max"]);
        state.write(Write { path: deep, value: Some(Json::trusted("1")) }, op("5:0:x"), 0);
        let read = difference(Subject::Layer, Some(&base), Some(&now), &state, 9, &mut nobody);
        assert_eq!(read.writes[0].0.path, Path::of(&["properties", "heat", "radius"]));
    }
}
