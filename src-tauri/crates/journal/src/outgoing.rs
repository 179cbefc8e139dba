//! What of our own edits is sent, and how (M6, M8).
//!
//! An own edit competes with its local clock against the winner's `x.o`, else its clock: an edit
//! made later in the field beats one that was merely sent earlier. Per register one operation is
//! sent, with the newest value; what lost is a conflict, what we replaced ourselves is nothing.

use std::collections::BTreeMap;

use crate::clock::Order;
use crate::geometry::{self, FeatureType};
use crate::ids::{LayerId, Object};
use crate::json::{Json, Members};
use crate::merge::ObjectState;
use crate::operation::{Verb, Write, dead};
use crate::path::Path;
use crate::project;
use crate::wire::MAX_BATCH;

/// An own write that was never sent: the newest of its register.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnWrite {
    /// The log row of the edit.
    pub row: i64,
    /// The edit's local clock.
    pub made: Order,
    /// The register.
    pub path: Path,
    /// The value; `None` unsets.
    pub value: Option<Json>,
}

/// One object with own writes to send.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    /// The object.
    pub object: Object,
    /// Its registers now.
    pub state: ObjectState,
    /// Our unsent writes, one per register.
    pub own: Vec<OwnWrite>,
    /// When the standing winners of these registers were made: `x.o`, else their clock.
    pub winners_made: BTreeMap<Path, Order>,
}

/// One operation to send.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// Upsert, update or delete.
    pub verb: Verb,
    /// The object.
    pub object: Object,
    /// The register of an update.
    pub path: Option<Path>,
    /// The value.
    pub value: Option<Json>,
    /// For a feature's metadata.
    pub feature_type: Option<FeatureType>,
    /// The edits that this operation carries.
    pub rows: Vec<i64>,
    /// When the newest of them was made: becomes `x.o`.
    pub made: Order,
    /// The greatest order among the winners that it must follow.
    pub above: Option<Order>,
}

/// Why an own edit is not sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Unsent {
    /// The edit.
    pub write: OwnWrite,
    /// Whether another's different value stands: then it is a conflict to be shown.
    pub conflict: bool,
}

/// What is to be done with one object's own writes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The operations to send, at most one per register.
    pub send: Vec<Outgoing>,
    /// The edits that stay behind.
    pub unsent: Vec<Unsent>,
}

/// Decides what of one object's own writes is sent.
#[must_use]
pub fn plan(pending: Pending) -> Plan {
    let Pending { object, mut state, own, winners_made } = pending;
    let mut plan = Plan::default();
    let mut won: Vec<OwnWrite> = Vec::new();
    let mut above: Option<Order> = None;
    for write in own {
        let winner = state.winner(&write.path).cloned();
        let is_ours = winner.as_ref().is_some_and(|winner| winner.row == write.row && winner.order == write.made);
        let made_later = winners_made.get(&write.path).is_none_or(|made| write.made > *made);
        match winner {
            Some(winner) if !is_ours && !made_later => {
                let conflict = winner.value != write.value;
                plan.unsent.push(Unsent { write, conflict });
            }
            Some(winner) => {
                above = above.max(Some(winner.order));
                won.push(write);
            }
            None => won.push(write),
        }
    }
    if won.is_empty() {
        return plan;
    }
    // What we won shows, also where another's later clock still stands in front of it.
    let top = above
        .clone()
        .unwrap_or_else(Order::lowest)
        .max(won.iter().map(|w| w.made.clone()).max().unwrap_or_else(Order::lowest));
    for write in &won {
        let order = Order { wall: top.wall.saturating_add(1), ..top.clone() };
        state.write(Write { path: write.path.clone(), value: write.value.clone() }, order, write.row);
    }
    let is_object = object != Object::Map;
    let ends = won.iter().find(|w| w.path == Path::existence()).map(|w| w.value == Some(dead()));
    match ends {
        Some(true) => {
            // What we wrote to what we deleted ourselves is replaced, not sent (M8).
            let (ending, replaced): (Vec<OwnWrite>, Vec<OwnWrite>) =
                won.into_iter().partition(|write| write.path == Path::existence());
            let conflict = false;
            plan.unsent.extend(replaced.into_iter().map(|write| Unsent { write, conflict }));
            let mut delete = outgoing(Verb::Delete, &object, &state, &ending, above);
            delete.value = None;
            plan.send.push(delete);
        }
        Some(false) => {
            let mut upsert = outgoing(Verb::Upsert, &object, &state, &won, above);
            upsert.value = Some(whole(&object, &state));
            plan.send.push(upsert);
        }
        None if is_object && !state.is_alive() => {
            // A delete beats a concurrent update (M3): our edit is offered for restoring.
            plan.unsent.extend(won.into_iter().map(|write| Unsent { write, conflict: true }));
        }
        None => {
            for write in won {
                let mut update = outgoing(Verb::Update, &object, &state, std::slice::from_ref(&write), above.clone());
                update.path = Some(write.path);
                update.value = write.value;
                plan.send.push(update);
            }
        }
    }
    plan
}

fn outgoing(verb: Verb, object: &Object, state: &ObjectState, won: &[OwnWrite], above: Option<Order>) -> Outgoing {
    Outgoing {
        verb,
        object: object.clone(),
        path: None,
        value: None,
        feature_type: feature_type(object, state),
        rows: won.iter().map(|w| w.row).collect(),
        made: won.iter().map(|w| w.made.clone()).max().unwrap_or_else(Order::lowest),
        above,
    }
}

/// The feature type of an object's present geometry, as its metadata has to name it (rule 6).
#[must_use]
pub fn feature_type(object: &Object, state: &ObjectState) -> Option<FeatureType> {
    let Object::Feature(..) = object else {
        return None;
    };
    let geometry = state.winner(&Path::geometry())?.value.clone()?;
    geometry::inspect(geometry.as_str()).ok().map(|shape| shape.feature_type)
}

/// The value of an upsert: everything that the object's registers show.
#[must_use]
pub fn whole(object: &Object, state: &ObjectState) -> Json {
    match object {
        Object::Map => Json::trusted("null"),
        Object::Feature(_, id) => Json::from_value(&project::feature(id, state)),
        Object::Layer(id) => {
            let mut shown = project::document(state);
            let mut value = serde_json::Map::new();
            value.insert("id".to_owned(), id.as_str().into());
            for name in ["rank", "parentId", "properties"] {
                if let Some(member) = shown.shift_remove(name) {
                    value.insert(name.to_owned(), member);
                }
            }
            Json::from_value(&serde_json::Value::Object(value))
        }
    }
}

/// Operations that travel in one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// One operation travels loose, several as a batch.
    pub operations: Vec<Outgoing>,
    /// The layer that a batch names in its metadata.
    pub layer: Option<LayerId>,
    /// Nothing may follow before this frame's echo came: a layer is created in it (rule 26).
    pub barrier: bool,
}

/// Groups operations into frames, in the order in which they may be sent: layers first, parents
/// before their children; then features and settings; deletes of features before that of their
/// layer (rule 44), which is the last of all.
///
/// `limit_bytes` bounds the values of one frame; `future_ms` is the wall clock beyond which a
/// winner is in the future: its successor travels outside any batch (rule 3).
#[must_use]
pub fn group(operations: Vec<Outgoing>, limit_bytes: usize, future_ms: u64) -> Vec<Group> {
    let mut creations = Vec::new();
    let mut middle = Vec::new();
    let mut endings = Vec::new();
    for operation in operations {
        match (&operation.object, operation.verb) {
            (Object::Layer(_), Verb::Upsert) => creations.push(operation),
            (Object::Layer(_), Verb::Delete) => endings.push(operation),
            (Object::Layer(_) | Object::Map | Object::Feature(..), _) => middle.push(operation),
        }
    }
    creations.sort_by_key(|o| parent(o).is_some());
    let mut groups: Vec<Group> = creations
        .into_iter()
        .map(|o| Group { layer: o.object.layer().cloned(), operations: vec![o], barrier: true })
        .collect();
    let mut open = Batch::default();
    for operation in middle.into_iter().chain(endings) {
        let is_loose =
            operation.object == Object::Map || operation.above.as_ref().is_some_and(|above| above.wall > future_ms);
        let bytes = operation.value.as_ref().map_or(0, |v| v.as_str().len()) + 300;
        if is_loose || open.bytes + bytes > limit_bytes || open.operations.len() >= MAX_BATCH {
            open.close(&mut groups);
        }
        if is_loose {
            groups.push(Group { layer: None, operations: vec![operation], barrier: false });
        } else {
            open.bytes += bytes;
            open.operations.push(operation);
        }
    }
    open.close(&mut groups);
    groups
}

#[derive(Default)]
struct Batch {
    operations: Vec<Outgoing>,
    bytes: usize,
}

impl Batch {
    fn close(&mut self, groups: &mut Vec<Group>) {
        let operations = std::mem::take(&mut self.operations);
        self.bytes = 0;
        if operations.is_empty() {
            return;
        }
        let layer = operations.iter().find_map(|o| o.object.layer().cloned());
        groups.push(Group { operations, layer, barrier: false });
    }
}

fn parent(operation: &Outgoing) -> Option<String> {
    let value = operation.value.as_ref()?;
    Members::parse(value.as_str()).ok()?.text("parentId").map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Stamp;
    use crate::ids::FeatureId;
    use crate::operation::alive;

    fn order(text: &str) -> Order {
        Order::new(&Stamp::parse(text), 0)
    }

    fn object() -> Object {
        let layer = LayerId::parse("28dbd2a5-bbd6-4ad3-a94d-e8e38ee5fece").unwrap();
        Object::Feature(layer, FeatureId::parse("abcde").unwrap())
    }

    fn state() -> ObjectState {
        let mut state = ObjectState::default();
        let mut put =
            |path, value: &str| state.write(Write { path, value: Some(Json::trusted(value)) }, Order::server(0), 0);
        put(Path::existence(), "true");
        put(Path::geometry(), r#"{"type":"Point","coordinates":[1,2]}"#);
        put(Path::property("name"), "\"base\"");
        state
    }

    fn own(at: &str, value: &str) -> OwnWrite {
        OwnWrite { row: 7, made: order(at), path: Path::property("name"), value: Some(Json::trusted(value)) }
    }

    fn pending(winner_at: &str, winner_made: &str, own: OwnWrite) -> Pending {
        let mut state = state();
        state.write(Write { path: own.path.clone(), value: own.value.clone() }, own.made.clone(), own.row);
        let theirs = Write { path: Path::property("name"), value: Some(Json::string("theirs")) };
        state.write(theirs, order(winner_at), 8);
        let winners_made = BTreeMap::from([(Path::property("name"), order(winner_made))]);
        Pending { object: object(), state, own: vec![own], winners_made }
    }

    #[test]
    fn an_edit_made_later_beats_one_that_was_only_sent_earlier() {
        let plan = plan(pending("50:0:b", "10:0:b", own("20:0:a", "\"mine\"")));
        let [update] = plan.send.as_slice() else { panic!("{plan:?}") };
        assert_eq!(update.value, Some(Json::string("mine")));
        assert_eq!(update.above, Some(order("50:0:b")));
        assert_eq!(update.made, order("20:0:a"));
    }

    #[test]
    fn an_edit_made_earlier_stays_behind_as_a_conflict() {
        let plan = plan(pending("50:0:b", "30:0:b", own("20:0:a", "\"mine\"")));
        assert!(plan.send.is_empty());
        assert!(plan.unsent[0].conflict);
    }

    #[test]
    fn equal_values_are_no_conflict() {
        let plan = plan(pending("50:0:b", "30:0:b", own("20:0:a", "\"theirs\"")));
        assert!(plan.send.is_empty() && !plan.unsent[0].conflict);
    }

    #[test]
    fn an_edit_of_what_somebody_deleted_is_not_sent() {
        let mut pending = pending("10:0:b", "10:0:b", own("20:0:a", "\"mine\""));
        pending.state.write(Write { path: Path::existence(), value: Some(dead()) }, order("5:0:b"), 9);
        let plan = plan(pending);
        assert!(plan.send.is_empty() && plan.unsent[0].conflict);
    }

    #[test]
    fn an_upsert_carries_all_current_winners() {
        let mut pending = pending("50:0:b", "50:0:b", own("20:0:a", "\"mine\""));
        pending.own = vec![OwnWrite { row: 3, made: order("1:0:a"), path: Path::existence(), value: Some(alive()) }];
        pending.state.write(Write { path: Path::existence(), value: Some(alive()) }, order("1:0:a"), 3);
        let plan = plan(pending);
        assert_eq!(plan.send[0].verb, Verb::Upsert);
        assert!(plan.send[0].value.as_ref().unwrap().as_str().contains("theirs"));
    }

    #[test]
    fn layers_go_first_and_end_last() {
        let layer = |n: u8| Object::Layer(LayerId::parse(&format!("00000000-0000-4000-8000-00000000000{n}")).unwrap());
        let make = |object: Object, verb| Outgoing {
            verb,
            object,
            path: None,
            value: None,
            feature_type: None,
            rows: vec![],
            made: order("1:0:a"),
            above: None,
        };
        let groups = group(
            vec![
                make(layer(1), Verb::Delete),
                make(object(), Verb::Delete),
                make(Object::Map, Verb::Update),
                make(layer(2), Verb::Upsert),
            ],
            1000,
            100,
        );
        let shape: Vec<_> = groups.iter().map(|g| (g.operations.len(), g.barrier)).collect();
        assert_eq!(shape, [(1, true), (1, false), (1, false), (1, false)]);
        assert_eq!(groups.last().unwrap().operations.last().unwrap().object, layer(1));
    }
}
