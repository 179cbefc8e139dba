//! What came to the simulation later: users' second thoughts, groups of layers, rights that come and
//! go, a peer that answers with lies, and what else pages do.
//!
//! All of it is drawn from a stream of its own, so that a seed of the first generation still plays
//! what it played.

use std::collections::{BTreeMap, BTreeSet};

use bivouac_journal::ids::{LayerId, Object};
use bivouac_journal::path::Path;
use bivouac_store::{Choice, ConflictState, Error, SaveState, Store};
use serde_json::json;

use super::edits::{layer_value, update, upsert};
use super::random::Rng;
use super::replica::Replica;
use super::schedule::{Company, Sim};

/// One family of happenings; a schedule has some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Theme {
    /// Conflicts are decided while the others go on.
    Decisions,
    /// Undo, redo and discarding (M7, rules 42 and 45).
    SecondThoughts,
    /// Layers in layers, and circles of them (M5).
    Groups,
    /// The right to edit is lost for a while (rule 37).
    Rights,
    /// A hostile peer that is asked for its operations and answers (rules 4, 34, 35, M0).
    Liar,
    /// Pages that delete layers, move features and insist after a 412 (rules 23, 28, 44).
    Pages,
}

/// Each with the generation that has it first, and how many of a hundred schedules do.
const ALL: [(Theme, u32, u64); 6] = [
    (Theme::Decisions, 2, 60),
    (Theme::Groups, 2, 40),
    (Theme::Rights, 2, 25),
    (Theme::SecondThoughts, 3, 50),
    (Theme::Liar, 3, 40),
    (Theme::Pages, 3, 50),
];

pub struct Extras {
    rng: Rng,
    pub themes: BTreeSet<Theme>,
    /// In percent: something of it happens before a step.
    density: u64,
}

impl Extras {
    /// Those of a seed; none in the first generation.
    pub fn new(seed: u64, generation: u32) -> Self {
        let mut rng = Rng::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5eed_0002);
        let mut themes = BTreeSet::new();
        for (theme, first, chance) in ALL {
            if rng.percent(chance) && generation >= first {
                themes.insert(theme);
            }
        }
        let density = rng.between(15, 60);
        Self { rng, themes, density }
    }

    pub fn has(&self, theme: Theme) -> bool {
        self.themes.contains(&theme)
    }

    fn draw(&mut self) -> Option<Theme> {
        if self.themes.is_empty() || !self.rng.percent(self.density) {
            return None;
        }
        let themes: Vec<Theme> = self.themes.iter().copied().collect();
        self.rng.pick(&themes).copied()
    }
}

/// Perhaps one more thing happens.
pub async fn act(sim: &mut Sim) {
    let Some(theme) = sim.extras.draw() else { return };
    let mut rng = sim.extras.rng.fork();
    let who = rng.below(sim.replicas.len() as u64) as usize;
    let Some(mut replica) = sim.replicas.get(who).cloned() else { return };
    if theme == Theme::Decisions {
        let waits = |replica: &Replica| replica.store.borrow().counts().unwrap().conflicts > 0;
        let Some(decides) = sim.replicas.iter().find(|replica| waits(replica)).cloned() else { return };
        replica = decides;
    }
    match theme {
        Theme::Decisions => decide(&replica, &mut rng),
        Theme::SecondThoughts => second_thoughts(&replica, &mut rng),
        Theme::Groups => group(&replica, &mut rng),
        Theme::Rights => {
            let lost = !sim.http.read_only.get();
            sim.world.say("server", || format!("the right to edit is {}", if lost { "lost" } else { "back" }));
            sim.http.read_only.set(lost);
        }
        Theme::Liar => sim.hostile.lie(&mut rng, &sim.ledger).await,
        Theme::Pages => {
            let Some(browser) = rng.pick(&sim.browsers).cloned() else { return group(&replica, &mut rng) };
            if browser.is_open() {
                browser.random_deed(sim.company == Company::Plain, &mut rng);
            }
        }
    }
}

fn second_thoughts(replica: &Replica, rng: &mut Rng) {
    let (bits, now) = (rng.bits(), replica.wall_ms());
    match rng.below(10) {
        0..=5 => replica.reconsider("undo", |store| some(store.undo(bits, now))),
        6..=7 => replica.reconsider("redo", |store| some(store.redo(bits, now))),
        _ => {
            let rows = pending(&replica.store.borrow());
            let picked: Vec<i64> = rows.into_iter().filter(|_| rng.percent(40)).collect();
            let label = format!("discard {picked:?}");
            replica.reconsider(&label, |store| some(store.discard(&picked, "discard", bits, now)));
        }
    }
}

/// Whoever has conflicts decides one of them, either way.
fn decide(replica: &Replica, rng: &mut Rng) {
    let (bits, now) = (rng.bits(), replica.wall_ms());
    let conflicts = replica.store.borrow().conflicts().unwrap();
    let open: Vec<_> = conflicts.iter().filter(|conflict| conflict.state == ConflictState::Open).collect();
    let Some(conflict) = rng.pick(&open) else { return };
    let choice = if rng.percent(50) { Choice::Mine } else { Choice::Theirs };
    let label = format!("decide {:?} of {:?} {}: {choice:?}", conflict.kind, conflict.object, conflict.path);
    replica.reconsider(&label, |store| match store.resolve(conflict.id, choice, bits, now) {
        // Nothing comes back into a layer that is gone: that is said, and it stays open.
        Err(Error::UnknownLayer(_)) => Ok(()),
        result => some(result),
    });
}

/// Having nothing to take back is no fault; everything else is one.
fn some<T>(result: Result<T, Error>) -> Result<(), Error> {
    match result {
        Ok(_) | Err(Error::NothingToUndo | Error::NothingToRedo) => Ok(()),
        Err(error) => Err(error),
    }
}

fn pending(store: &Store) -> Vec<i64> {
    let rows = store.log(None, usize::MAX >> 1).unwrap();
    let waits = |state| matches!(state, SaveState::Local | SaveState::Sent | SaveState::Echoed | SaveState::Saved);
    rows.into_iter().filter(|row| waits(row.state)).map(|row| row.row).collect()
}

fn group(replica: &Replica, rng: &mut Rng) {
    let views = replica.store.borrow().layers().unwrap();
    let parents: BTreeMap<LayerId, Option<LayerId>> =
        views.into_iter().map(|view| (view.id, view.layer.parent)).collect();
    let layers: Vec<LayerId> = parents.keys().cloned().collect();
    let around = |layer: &LayerId| parents.get(layer).cloned().flatten();
    // Nobody puts a layer into itself knowingly; circles are made by two at once.
    let lies_in = |inner: &LayerId, outer: &LayerId| {
        std::iter::successors(Some(inner.clone()), around).any(|layer| layer == *outer)
    };
    let (Some(layer), Some(into)) = (rng.pick(&layers).cloned(), rng.pick(&layers).cloned()) else { return };
    let parent = Path::of(&["parentId"]);
    match rng.below(10) {
        0..=5 if !lies_in(&into, &layer) => {
            let draft = update(Object::Layer(layer.clone()), parent, Some(&json!(into.as_str())));
            replica.edit(&format!("layer {layer} lies in {into}"), vec![draft]);
        }
        6..=7 => {
            let draft = update(Object::Layer(layer.clone()), parent, None);
            replica.edit(&format!("layer {layer} lies in none"), vec![draft]);
        }
        _ => {
            let id = LayerId::trusted(&format!("00000000-0000-4000-8000-{:012x}", rng.below(1 << 44)));
            let mut value = layer_value(id.as_str(), rng.below(9) as i64, "group");
            value["properties"]["group"] = json!(true);
            if rng.percent(50) {
                value["parentId"] = json!(into.as_str());
            }
            let mut drafts = vec![upsert(Object::Layer(id.clone()), &value)];
            let takes_in = rng.percent(70) && (value.get("parentId").is_none() || !lies_in(&into, &layer));
            if takes_in {
                drafts.push(update(Object::Layer(layer.clone()), parent, Some(&json!(id.as_str()))));
            }
            let inside = if takes_in { layer.as_str() } else { "nothing" };
            replica.edit(&format!("new group {id}, and {inside} in it"), drafts);
        }
    }
}
