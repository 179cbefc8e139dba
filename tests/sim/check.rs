//! The promises: equal everywhere, nothing twice, nothing of anybody's lost without a word.

use std::collections::{BTreeMap, BTreeSet};

use bivouac_journal::ids::Object;
use bivouac_journal::json::{Json, canonical};
use bivouac_journal::operation::{Verb, dead};
use bivouac_journal::path::Path;
use bivouac_store::{Origin, Query, Row, SaveState, Store};
use serde_json::{Value, json};

use super::extras::Theme;
use super::http::features;
use super::page::{exported, text};
use super::replica::Replica;
use super::schedule::{Company, Sim};

/// Everything that must hold after healing.
pub fn all(sim: &Sim) -> Result<(), String> {
    for replica in &sim.replicas {
        sound(replica)?;
    }
    let server = server_map(sim)?;
    for replica in &sim.replicas {
        let here = replica_map(&replica.store.borrow());
        if here != server {
            return Err(format!("{} differs from the server: {}", replica.name, difference(&here, &server)));
        }
    }
    let hashes: Vec<String> = sim.replicas.iter().map(|r| r.store.borrow().state_hash().unwrap()).collect();
    if hashes.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err(format!("the hashes differ though the documents are equal: {hashes:?}"));
    }
    for replica in &sim.replicas {
        own_edits(sim, replica)?;
    }
    additions(sim, &server)
}

/// The file agrees with itself, and nothing is on its way.
fn sound(replica: &Replica) -> Result<(), String> {
    let store = replica.store.borrow();
    let verified = store.verify().unwrap();
    if !verified.disagreements.is_empty() {
        return Err(format!("{}: {:?}", replica.name, verified.disagreements));
    }
    drop(store);
    let pending = pending(replica);
    if pending.is_empty() { Ok(()) } else { Err(format!("{}: own edits are not verified: {pending:?}", replica.name)) }
}

/// The own edits that are still on their way.
pub fn pending(replica: &Replica) -> Vec<String> {
    let rows = replica.store.borrow().log(None, usize::MAX >> 1).unwrap();
    rows.iter().filter(|row| is_pending(row)).map(describe).collect()
}

fn is_pending(row: &Row) -> bool {
    matches!(row.state, SaveState::Local | SaveState::Sent | SaveState::Echoed | SaveState::Saved)
}

fn describe(row: &Row) -> String {
    let operation = &row.operation;
    let path = operation.path.as_ref().map(ToString::to_string).unwrap_or_default();
    let value = operation.value.as_ref().map_or("none", |value| value.as_str());
    format!(
        "row {} {:?} {:?} {:?} {path} = {value} ({})",
        row.row, row.state, operation.verb, operation.object, operation.stamp
    )
}

/// One line per thing that can be seen, in one spelling.
type Shown = BTreeMap<String, String>;

fn server_map(sim: &Sim) -> Result<Shown, String> {
    let mut shown = Shown::new();
    shown.insert("settings".to_owned(), canonical(&Value::Object(sim.http.settings.borrow().clone())));
    let layers = sim.http.layers.borrow();
    for (id, layer) in layers.iter().filter(|(_, layer)| !layer.deleted) {
        // A parent that is not listed counts as none.
        let listed = |parent: &&String| layers.get(*parent).is_some_and(|parent| !parent.deleted);
        let parent = layer.parent.as_ref().filter(listed);
        let facts = json!({"rank": layer.rank, "parent": parent, "properties": layer.settings});
        shown.insert(id.clone(), canonical(&facts));
        let body = layer.versions.last().map(|kept| kept.body.clone()).unwrap_or_default();
        for feature in features(&body) {
            let name = format!("{id}/{}", text(&feature["id"]));
            if shown.insert(name.clone(), canonical(&exported(&feature))).is_some() {
                return Err(format!("the server holds {name} twice"));
            }
        }
    }
    Ok(shown)
}

fn replica_map(store: &Store) -> Shown {
    let mut shown = Shown::new();
    let settings = store.settings().unwrap();
    let properties = settings.get("properties").cloned().unwrap_or_else(|| json!({}));
    shown.insert("settings".to_owned(), canonical(&properties));
    for view in store.layers().unwrap() {
        let parent = view.layer.parent.as_ref().map(ToString::to_string);
        let facts = json!({"rank": view.layer.rank, "parent": parent, "properties": view.layer.properties});
        shown.insert(view.id.to_string(), canonical(&facts));
        let query = Query { layer: Some(view.id.clone()), limit: usize::MAX >> 1, ..Query::default() };
        for feature in store.features(&query).unwrap() {
            let value: Value = serde_json::from_str(&feature.text).unwrap();
            shown.insert(format!("{}/{}", view.id, feature.id), canonical(&exported(&value)));
        }
    }
    shown
}

fn difference(a: &Shown, b: &Shown) -> String {
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let differing = names.into_iter().filter(|name| a.get(*name) != b.get(*name));
    differing.map(|name| format!("\n  {name}\n    here  {:?}\n    there {:?}", a.get(name), b.get(name))).collect()
}

/// Every own edit is a winner, superseded by a newer write, or in the list of conflicts.
fn own_edits(sim: &Sim, replica: &Replica) -> Result<(), String> {
    let store = replica.store.borrow();
    let rows: BTreeMap<i64, Row> =
        store.log(None, usize::MAX >> 1).unwrap().into_iter().map(|row| (row.row, row)).collect();
    let conflicts = store.conflicts().unwrap();
    for row in rows.values().filter(|row| row.origin == Origin::Local) {
        let object = &row.operation.object;
        let layer = object.layer().map(|layer| Object::Layer(layer.clone()));
        let called = store.called_now(object).unwrap();
        let is_told =
            conflicts.iter().any(|c| c.object == *object || c.object == called || Some(&c.object) == layer.as_ref());
        // The feature goes by another id by now, and the edit was made there too (rules 24 and 42).
        let followed = called != *object
            && rows.values().any(|other| {
                let (there, here) = (&other.operation, &row.operation);
                other.origin == Origin::Local
                    && there.object == called
                    && there.path == here.path
                    && there.value == here.value
            });
        let lost = |why: &str| Err(format!("{}: {why}: {}", replica.name, describe(row)));
        match row.state {
            SaveState::Lost if !is_told && !followed => return lost("lost without a conflict"),
            SaveState::Lost => continue,
            SaveState::Superseded if !is_replaced(&store, &rows, row) => {
                return lost("called superseded, but by nothing");
            }
            SaveState::Superseded => continue,
            SaveState::Verified => {}
            SaveState::Local | SaveState::Sent | SaveState::Echoed | SaveState::Saved => return lost("not verified"),
            SaveState::None | SaveState::Unsaved => return lost("in a state that no edit can be in"),
        }
        let order = row.sent_as.and_then(|wire| rows.get(&wire)).unwrap_or(row).operation.order();
        let state = store.state(object).unwrap();
        for write in row.writes().unwrap() {
            let Some(winner) = state.winner(&write.path) else { return lost("its register is gone") };
            let stands = winner.value == write.value;
            // One operation may carry several edits of ours; then the last of them shows. What was
            // unset again before it was sent is not in it.
            let by_later = rows.get(&winner.row).is_some_and(|w| w.origin == Origin::Local && w.row > row.row);
            let by_own = by_later
                || winner.order == order && is_replaced(&store, &rows, row)
                || is_carried(sim, &rows, row, &write.path, &winner.value);
            // One identity with two contents is one order, and the greater bytes win it (M0).
            let forged = winner.order == order && sim.extras.has(Theme::Liar);
            if forged {
                continue;
            }
            if !stands && winner.order <= order && !by_own {
                return lost(&format!("{} is held by an older write {:?}", write.path, winner));
            }
            if !stands
                && !is_told
                && sim.company == Company::None
                // An undo writes what stood before, and so may a decision.
                && !sim.extras.has(Theme::SecondThoughts)
                && !sim.extras.has(Theme::Decisions)
                // Parents are few, and chosen again.
                && write.path != Path::of(&["parentId"])
                && is_back(row, &write.path, winner.value.as_ref().map(|v| v.as_str()))
            {
                return lost(&format!("{} went back to what stood before: {winner:?}", write.path));
            }
            let died = write.path == Path::existence() && winner.value == Some(dead());
            if let (Object::Feature(layer, id), Verb::Upsert, true) = (object, row.operation.verb, died)
                && !is_told
                && !sim.ledger.is_deleted(layer.as_str(), id.as_str())
            {
                return lost("what was added is gone and nobody deleted it");
            }
        }
    }
    Ok(())
}

/// Whether a later edit of the same user, or an equal value, stands in the place of this one.
fn is_replaced(store: &Store, rows: &BTreeMap<i64, Row>, row: &Row) -> bool {
    let object = &row.operation.object;
    let state = store.state(object).unwrap();
    // Edits that followed their feature to another id are logged anew; their clocks tell (rule 42).
    let is_later = |other: &&Row| other.row > row.row || other.operation.order() > row.operation.order();
    let later = rows.values().filter(|other| other.origin == Origin::Local).filter(is_later);
    // A feature may go by another id by now, and the edit with it (rule 24).
    let called = store.called_now(object).unwrap();
    let by_own = later.into_iter().any(|other| {
        let same = other.operation.object == *object || other.operation.object == called;
        let its_layer =
            matches!((&other.operation.object, object), (Object::Layer(a), Object::Feature(b, _)) if a == b);
        same || (its_layer && other.operation.verb == Verb::Delete)
    });
    // It lives under another id, which others gave it (rules 24 and 42).
    let lives_on = called != *object && store.state(&called).unwrap().is_alive();
    // Logged anew when it followed its feature; the first of the two rows is judged.
    let order = row.operation.order();
    let is_copy = rows.values().any(|other| other.row < row.row && other.operation.order() == order);
    by_own
        || lives_on
        || is_copy
        || row.writes().unwrap().iter().all(|write| state.winner(&write.path).is_some_and(|w| w.value == write.value))
}

/// Whether the operation that an edit went out with carried somebody's newer value in its place:
/// what comes alive is sent with all its winners (M8). What an undo writes back may give way to
/// what its user had not seen (rule 45).
fn is_carried(sim: &Sim, rows: &BTreeMap<i64, Row>, row: &Row, path: &Path, value: &Option<Json>) -> bool {
    let newer = |other: &&Row| {
        other.operation.object == row.operation.object
            && (other.operation.order() > row.operation.order() || sim.extras.has(Theme::SecondThoughts))
    };
    let says = |other: &Row| other.writes().unwrap().iter().any(|write| write.path == *path && write.value == *value);
    rows.values().filter(|other| matches!(other.origin, Origin::Foreign | Origin::Server)).filter(newer).any(says)
}

/// Whether a register shows again what it showed before the edit.
fn is_back(row: &Row, path: &Path, value: Option<&str>) -> bool {
    let before: Value = row.before.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let now: Option<Value> = value.and_then(|text| serde_json::from_str(text).ok());
    let entry = before.as_array().into_iter().flatten().find(|entry| entry[0] == path.as_stored());
    entry.is_some_and(|entry| now.is_some() && *path != Path::existence() && entry.get(2) == now.as_ref())
}

/// What browsers added and the server took is there, unless a user deleted it.
fn additions(sim: &Sim, server: &Shown) -> Result<(), String> {
    if sim.company != Company::Plain {
        return Ok(());
    }
    let by_browsers: BTreeSet<String> = sim.browsers.iter().map(|browser| browser.name.clone()).collect();
    let buried = sim.http.buried.borrow();
    for ((layer, id), (by, version)) in sim.ledger.saved_additions.borrow().iter() {
        let is_there = server.contains_key(&format!("{layer}/{id}"));
        // What one browser buries under another no Bivouac can know.
        let among_browsers = buried
            .iter()
            .any(|(l, v, whose, burier)| l == layer && v == version && whose == by && by_browsers.contains(burier));
        if !is_there && !among_browsers && !sim.ledger.is_deleted(layer, id) {
            return Err(format!("{by} added {layer}/{id}, the server took it as {version}, and it is gone"));
        }
    }
    Ok(())
}

/// Live screens show what the Bivouacs in the room hold, feature by feature (rule 1).
pub fn screens(sim: &Sim) -> Result<(), String> {
    let watching: Vec<_> = sim.replicas.iter().filter(|replica| replica.is_online()).collect();
    let Some(first) = watching.first() else { return Err("no Bivouac is in the room".to_owned()) };
    let expected = replica_map(&first.store.borrow());
    for other in &watching {
        let here = replica_map(&other.store.borrow());
        if here != expected {
            return Err(format!("{} and {} differ live: {}", first.name, other.name, difference(&here, &expected)));
        }
    }
    for browser in sim.browsers.iter().filter(|browser| browser.joined.get()) {
        let mut shown = Shown::new();
        let page = browser.page.borrow();
        for (layer, _) in page.layers.iter() {
            for feature in page.exported(layer) {
                shown.insert(format!("{layer}/{}", text(&feature["id"])), canonical(&feature));
            }
        }
        let features: Shown =
            expected.iter().filter(|(name, _)| name.contains('/')).map(|(n, v)| (n.clone(), v.clone())).collect();
        if shown != features {
            return Err(format!(
                "{} shows something else than the Bivouac: {}",
                browser.name,
                difference(&shown, &features)
            ));
        }
    }
    Ok(())
}
