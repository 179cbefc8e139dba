//! Text as it is typed into a field (rule 18): one operation for what was typed within 300 ms,
//! one undo for one visit to the field.
//!
//! A window gives every change to [`Typing::write`], calls [`Typing::poll`] when [`Typing::due`]
//! says, and [`Typing::flush`] or [`Typing::end`] when it must be on the disk: on blur, Enter,
//! sync and close. Each gives what is to be committed with [`Typing::commit`]; until then
//! [`Typing::waits`] says that something is not yet on this laptop.

use bivouac_store::Store;
use serde_json::Value;

use super::{Edit, Edited, apply_within};
use crate::error::Result;
use crate::host::Host;

/// Typing within this time becomes one operation, in ms.
pub const TYPING_MS: u64 = 300;

/// A field that text is typed into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// A property or style option of a feature.
    Feature {
        /// Which feature, named as in [`Edit`].
        feature: String,
        /// Which property.
        key: String,
    },
    /// A setting of a layer.
    Layer {
        /// Which layer, named as in [`Edit`].
        layer: String,
        /// Which setting.
        key: String,
    },
    /// A setting of the map.
    Map {
        /// Which setting.
        key: String,
    },
}

impl Field {
    fn edit(&self, value: Option<Value>) -> Edit {
        match (self.clone(), value) {
            (Field::Feature { feature, key }, Some(value)) => Edit::Set { feature, key, value },
            (Field::Feature { feature, key }, None) => Edit::Unset { feature, key },
            (Field::Layer { layer, key }, Some(value)) => Edit::LayerSet { layer, key, value },
            (Field::Layer { layer, key }, None) => Edit::LayerUnset { layer, key },
            (Field::Map { key }, Some(value)) => Edit::MapSet { key, value },
            (Field::Map { key }, None) => Edit::MapUnset { key },
        }
    }
}

/// What was typed and is to be committed now.
#[derive(Clone, Debug, PartialEq)]
pub struct Typed {
    field: Field,
    value: Option<Value>,
    /// The unit of this visit, once it has one.
    unit: Option<i64>,
}

/// The field that is being typed into, if any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Typing {
    visit: Option<Visit>,
}

#[derive(Clone, Debug, PartialEq)]
struct Visit {
    field: Field,
    unit: Option<i64>,
    /// The last value that is not committed, and when the first of them was typed.
    waits: Option<(Option<Value>, u64)>,
}

impl Visit {
    fn take(&mut self) -> Option<Typed> {
        let (value, _) = self.waits.take()?;
        Some(Typed { field: self.field.clone(), value, unit: self.unit })
    }
}

impl Typing {
    /// The field shows this now; `None` when it was emptied. Gives what was left of another field.
    #[must_use = "what is given is to be committed"]
    pub fn write(&mut self, field: Field, value: Option<Value>, now_ms: u64) -> Option<Typed> {
        let left = if self.visit.as_ref().is_some_and(|visit| visit.field != field) { self.end() } else { None };
        let visit = self.visit.get_or_insert(Visit { field, unit: None, waits: None });
        let since = visit.waits.as_ref().map_or(now_ms, |(_, since)| *since);
        visit.waits = Some((value, since));
        left
    }

    /// When [`Typing::poll`] will have something, in ms of the clock that `write` was given.
    #[must_use]
    pub fn due(&self) -> Option<u64> {
        let (_, since) = self.visit.as_ref()?.waits.as_ref()?;
        Some(since.saturating_add(TYPING_MS))
    }

    /// Gives what waited for its time.
    #[must_use = "what is given is to be committed"]
    pub fn poll(&mut self, now_ms: u64) -> Option<Typed> {
        if self.due()? > now_ms { None } else { self.flush() }
    }

    /// Gives what waits, at once; the visit goes on. For a sync, or Ctrl+S.
    #[must_use = "what is given is to be committed"]
    pub fn flush(&mut self) -> Option<Typed> {
        self.visit.as_mut()?.take()
    }

    /// Gives what waits and ends the visit: what is typed next is another undo. For blur, Enter
    /// and closing.
    #[must_use = "what is given is to be committed"]
    pub fn end(&mut self) -> Option<Typed> {
        self.visit.take()?.take()
    }

    /// Whether something that was typed is not on this laptop's disk yet.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.visit.as_ref().is_some_and(|visit| visit.waits.is_some())
    }

    /// Commits what was given. When it cannot be committed, it waits again.
    ///
    /// # Errors
    /// As [`super::apply`]; nothing is kept in the map then.
    pub fn commit(&mut self, store: &mut Store, typed: Typed, host: &dyn Host) -> Result<Edited> {
        let edit = typed.field.edit(typed.value.clone());
        let committed = apply_within(store, typed.unit, "type", vec![edit], host);
        match &committed {
            Ok(edited) => {
                if let Some(visit) = self.visit.as_mut().filter(|visit| visit.field == typed.field) {
                    visit.unit = Some(edited.receipt.unit);
                }
            }
            Err(_) => self.give_back(typed, host.now_ms()),
        }
        committed
    }

    /// Takes back what could not be committed, unless something newer was typed there, or
    /// another field is being typed into.
    fn give_back(&mut self, typed: Typed, now_ms: u64) {
        let visit = self.visit.get_or_insert(Visit { field: typed.field.clone(), unit: typed.unit, waits: None });
        if visit.field == typed.field && visit.waits.is_none() {
            visit.waits = Some((typed.value, now_ms));
        }
    }
}

#[cfg(test)]
mod tests {
    use bivouac_journal::ids::{FeatureId, LayerId, Object};
    use bivouac_journal::path::Path;
    use bivouac_store::{NewMap, SaveState};
    use serde_json::json;

    use super::*;
    use crate::edits::{apply, undo};
    use crate::host::TestHost;

    fn store(host: &TestHost) -> (Store, Object) {
        let new = NewMap {
            uuid: "u".to_owned(),
            name: "m".to_owned(),
            server: None,
            server_map_id: None,
            slug: None,
            account: None,
            clock_id: "clock".to_owned(),
            created_at: 1,
        };
        let mut store = Store::in_memory(&new).unwrap();
        let layer = Edit::LayerAdd { name: "L".to_owned(), parent: None, properties: serde_json::Map::new() };
        apply(&mut store, "layer", vec![layer], host).unwrap();
        let feature = json!({"type":"Feature","id":"aaaa1","properties":{"name":"old"},"geometry":{"type":"Point","coordinates":[1,2]}});
        apply(&mut store, "add", vec![Edit::Add { layer: "L".to_owned(), feature }], host).unwrap();
        let layer: LayerId = store.layers().unwrap()[0].id.clone();
        (store, Object::Feature(layer, FeatureId::parse("aaaa1").unwrap()))
    }

    fn name() -> Field {
        Field::Feature { feature: "aaaa1".to_owned(), key: "name".to_owned() }
    }

    fn shown(store: &Store, object: &Object) -> Value {
        let state = store.state(object).unwrap();
        state.winner(&Path::property("name")).and_then(|r| r.value.clone()).map_or(Value::Null, |v| v.value())
    }

    #[test]
    fn rule_18_what_is_typed_within_300_ms_is_one_operation() {
        let host = TestHost::default();
        let (mut store, object) = store(&host);
        let before = store.history(&object).unwrap().len();
        let mut typing = Typing::default();
        for (at, text) in [(0, "H"), (80, "He"), (160, "Her"), (299, "Hero")] {
            assert_eq!(typing.write(name(), Some(json!(text)), at), None);
            assert_eq!(typing.poll(at), None);
        }
        assert!(typing.waits() && typing.due() == Some(300));
        let typed = typing.poll(300).unwrap();
        typing.commit(&mut store, typed, &host).unwrap();
        assert!(!typing.waits());
        assert_eq!((store.history(&object).unwrap().len() - before, shown(&store, &object)), (1, json!("Hero")));
        assert_eq!(typing.write(name(), Some(json!("Heron")), 350), None);
        assert_eq!(typing.due(), Some(650));
    }

    #[test]
    fn rule_18_one_visit_to_a_field_is_one_undo_and_the_next_visit_another() {
        let host = TestHost::default();
        let (mut store, object) = store(&host);
        let mut typing = Typing::default();
        for (at, text) in [(0, "Her"), (1_000, "Heron"), (2_000, "Heron nest")] {
            let _ = typing.write(name(), Some(json!(text)), at);
            let typed = typing.poll(at + 300).unwrap();
            typing.commit(&mut store, typed, &host).unwrap();
        }
        assert_eq!(typing.end(), None);
        let _ = typing.write(name(), Some(json!("second visit")), 5_000);
        let typed = typing.end().unwrap();
        typing.commit(&mut store, typed, &host).unwrap();
        undo(&mut store, &host).unwrap();
        assert_eq!(shown(&store, &object), json!("Heron nest"));
        undo(&mut store, &host).unwrap();
        assert_eq!(shown(&store, &object), json!("old"), "the whole first visit");
        let on_the_way =
            store.history(&object).unwrap().into_iter().filter(|row| row.state == SaveState::Local).count();
        assert_eq!(on_the_way, 2, "the creation and the last undo: one operation for each register is sent");
    }

    #[test]
    fn rule_18_blur_enter_sync_and_another_field_commit_at_once() {
        let mut typing = Typing::default();
        let other = Field::Map { key: "name".to_owned() };
        let _ = typing.write(name(), Some(json!("a")), 0);
        let left = typing.write(other.clone(), None, 10).unwrap();
        assert_eq!((left.field, left.value), (name(), Some(json!("a"))));
        let flushed = typing.flush().unwrap();
        assert_eq!((flushed.field, flushed.value), (other, None));
        assert_eq!((typing.flush(), typing.end(), typing.due()), (None, None, None));
    }

    #[test]
    fn what_cannot_be_committed_waits_again() {
        let host = TestHost::default();
        let (mut store, object) = store(&host);
        let mut typing = Typing::default();
        let nowhere = Field::Feature { feature: "zzzz9".to_owned(), key: "name".to_owned() };
        let _ = typing.write(nowhere, Some(json!("a")), 0);
        let typed = typing.end().unwrap();
        assert!(typing.commit(&mut store, typed, &host).is_err());
        assert!(typing.waits());
        assert_eq!(shown(&store, &object), json!("old"));
    }

    #[test]
    fn something_else_in_between_begins_another_undo() {
        let host = TestHost::default();
        let (mut store, object) = store(&host);
        let mut typing = Typing::default();
        let _ = typing.write(name(), Some(json!("one")), 0);
        let typed = typing.flush().unwrap();
        typing.commit(&mut store, typed, &host).unwrap();
        let set = Edit::Set { feature: "aaaa1".to_owned(), key: "note".to_owned(), value: json!(1) };
        apply(&mut store, "set", vec![set], &host).unwrap();
        let _ = typing.write(name(), Some(json!("two")), 500);
        let typed = typing.flush().unwrap();
        typing.commit(&mut store, typed, &host).unwrap();
        undo(&mut store, &host).unwrap();
        assert_eq!(shown(&store, &object), json!("one"));
    }
}
