//! Saving, so that nobody's work is buried (rules 19 to 31).
//!
//! A save is provisional until the server was read back twice, at once and five seconds later,
//! with everything of ours present. At each reading the kept versions are looked through: one
//! that is neither ours nor merged yet is somebody's save that ours overtook; it is merged as
//! theirs and saved again.

use std::collections::BTreeSet;
use std::time::Duration;

use bivouac_journal::ids::LayerId;
use bivouac_store::{Error as StoreError, SaveTask};

use super::announce::Announcement;
use super::errands::Desk;
use super::read::version_ms;
use super::{DriverError, Event};
use crate::server::{Clock, Failure, LayerRead, LayerSave, Saved, Server, SettingsSave, Version};

/// The time between the two readings, in ms (rule 19).
const SECOND_READING_MS: u64 = 5_000;
/// How often a layer is tried before it is shown as not saved.
const TRIES: u32 = 5;
/// How often all is saved again because a reading changed something.
const ROUNDS: u32 = 6;

/// What saving came to.
#[derive(Debug, Default)]
pub(super) struct SaveDone {
    pub(super) saves: usize,
    pub(super) verified: bool,
    pub(super) not_saved: Vec<(LayerId, Failure)>,
    /// Edits may be sent now that waited for an id to be saved (rule 24).
    pub(super) released: bool,
    /// Additions of ours that vanished meanwhile and are saved again (rule 23).
    pub(super) again: usize,
}

/// A layer that was read back once.
struct Provisional {
    layer: LayerId,
    /// Log rows up to here are in it.
    upto: i64,
    /// Versions that need not be merged: ours, and those merged already.
    seen: BTreeSet<String>,
    /// The version that the first save was based on.
    since: u64,
}

impl<S: Server, C: Clock> Desk<S, C> {
    /// Saves every layer that holds operations of ours, and the settings last.
    pub(super) async fn save_all(&self) -> Result<SaveDone, DriverError> {
        let mut done = SaveDone::default();
        let held_back = self.store.borrow().held_back()?;
        self.save_rounds(&mut done).await?;
        done.again = self.again.get();
        done.released = self.store.borrow().held_back()? < held_back;
        Ok(done)
    }

    async fn save_rounds(&self, done: &mut SaveDone) -> Result<(), DriverError> {
        for _ in 0..ROUNDS {
            let tasks = self.store.borrow_mut().save_tasks(&self.present)?;
            let settings = self.store.borrow_mut().settings_to_save(&self.present)?.is_some();
            if tasks.is_empty() && !settings {
                done.verified = done.not_saved.is_empty();
                return Ok(());
            }
            let mut provisional = Vec::new();
            let mut deleted = Vec::new();
            for task in tasks {
                let layer = task.layer().clone();
                if done.not_saved.iter().any(|(failed, _)| *failed == layer) {
                    continue;
                }
                match self.save_task(task, done).await {
                    Ok(Some(saved)) => provisional.push(saved),
                    Ok(None) => deleted.push(layer),
                    Err(DriverError::Server(failure)) if !matches!(failure, Failure::Offline(_)) => {
                        done.not_saved.push((layer, failure));
                    }
                    // What cannot be read is not written over.
                    Err(DriverError::Store(error @ StoreError::BadDocument(_))) => {
                        done.not_saved.push((layer, Failure::Rejected(error.to_string())));
                    }
                    Err(error) => return Err(error),
                }
            }
            let settings_upto = if settings { self.save_settings(done).await? } else { None };
            if provisional.is_empty() && deleted.is_empty() && settings_upto.is_none() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(SECOND_READING_MS)).await;
            self.read_again(provisional, deleted, settings_upto).await?;
        }
        Ok(())
    }

    /// The second reading: what is whole now is verified.
    async fn read_again(
        &self,
        provisional: Vec<Provisional>,
        deleted: Vec<LayerId>,
        settings_upto: Option<i64>,
    ) -> Result<(), DriverError> {
        // A layer that somebody deleted meanwhile is not listed any more (rule 28).
        self.read_map().await?;
        for mut saved in provisional {
            let kept = self.server.versions(&saved.layer).await?;
            let read = match self.server.read_layer(&saved.layer).await {
                Ok(read) => read,
                Err(Failure::NotFound(_)) => continue,
                Err(failure) => return Err(failure.into()),
            };
            self.look_for_buried(&mut saved, kept, &read).await?;
            self.merge(&saved.layer, &read).await?;
            let mut store = self.store.borrow_mut();
            if !store.differs(&saved.layer, &read.body)? {
                store.verified(&saved.layer, &read.version, &read.body, saved.upto, self.now_ms())?;
                let _ = self.announcements.send(Announcement::Verified);
            }
        }
        let mut store = self.store.borrow_mut();
        for layer in deleted {
            store.verified_deleted(&layer, self.now_ms())?;
        }
        if let Some(upto) = settings_upto {
            let differs = store.settings_to_save(&self.present)?.is_some_and(|settings| settings.differs);
            if !differs {
                store.settings_saved(upto, true, self.now_ms())?;
            }
        }
        Ok(())
    }

    /// `None` when the layer is deleted on the server now.
    async fn save_task(&self, task: SaveTask, done: &mut SaveDone) -> Result<Option<Provisional>, DriverError> {
        match task {
            SaveTask::Delete(layer) => {
                match self.server.delete_layer(&layer).await {
                    Ok(()) | Err(Failure::NotFound(_)) => {}
                    Err(failure) => return Err(failure.into()),
                }
                done.saves += 1;
                Ok(None)
            }
            SaveTask::Create(layer) => {
                let (save, upto) = self.assemble(&layer)?;
                match self.server.create_layer(save).await {
                    Ok(saved) => {
                        done.saves += 1;
                        let seen = BTreeSet::from([saved.version.clone()]);
                        let since = version_ms(&saved.version);
                        self.store.borrow_mut().created(&layer, &saved.version)?;
                        let provisional = Provisional { layer, upto, seen, since };
                        self.save_layer(provisional, done).await.map(Some)
                    }
                    Err(Failure::Exists(_)) => self.save_existing(layer, done).await.map(Some),
                    Err(failure) => Err(failure.into()),
                }
            }
            SaveTask::Save(layer) => self.save_existing(layer, done).await.map(Some),
        }
    }

    async fn save_existing(&self, layer: LayerId, done: &mut SaveDone) -> Result<Provisional, DriverError> {
        let since = self.store.borrow().reference(&layer)?.map_or(0, |version| version_ms(&version));
        let provisional = Provisional { layer, upto: 0, seen: BTreeSet::new(), since };
        self.save_layer(provisional, done).await
    }

    /// Reads, merges, posts and reads back until the server holds what we hold.
    async fn save_layer(&self, mut saved: Provisional, done: &mut SaveDone) -> Result<Provisional, DriverError> {
        let layer = saved.layer.clone();
        let mut last = Failure::Conflict(format!("saving {layer}: the server's version keeps changing"));
        for _ in 0..TRIES {
            let upto = self.store.borrow().last_row()?;
            self.read_map().await?;
            self.may_save()?;
            if !self.store.borrow_mut().is_listed(&layer)? {
                // Saving a trashed layer is answered 200 and stays hidden (rule 28).
                self.store.borrow_mut().gone_from_server(&layer, self.now_ms())?;
                return Ok(saved);
            }
            let kept = self.server.versions(&layer).await?;
            let current = self.server.read_layer(&layer).await?;
            self.look_for_buried(&mut saved, kept, &current).await?;
            self.merge(&layer, &current).await?;
            if !self.store.borrow_mut().differs(&layer, &current.body)? {
                saved.upto = upto;
                self.store.borrow_mut().saved(&layer, upto)?;
                self.tell(Event::Saved { layer: layer.clone(), version: current.version.clone() });
                let announcement = Announcement::Saved { layer: layer.clone(), version: current.version, upto };
                let _ = self.announcements.send(announcement);
                return Ok(saved);
            }
            let (save, _) = self.assemble(&layer)?;
            if saved.since == 0 {
                saved.since = version_ms(&current.version);
            }
            saved.seen.insert(current.version.clone());
            self.store.borrow_mut().posting(&layer, &current.version)?;
            match self.server.save_layer(save, &current.version).await {
                Ok(Saved { version, merged }) => {
                    done.saves += 1;
                    saved.seen.insert(version.clone());
                    if let Some(body) = merged {
                        // The server's own merge is theirs at that version (RULES, step 8).
                        self.merge(&layer, &LayerRead { body, version }).await?;
                    }
                }
                Err(failure @ Failure::Conflict(_)) => {
                    last = failure;
                    let jitter = 50 + self.random.borrow_mut().bits() % 400;
                    tokio::time::sleep(Duration::from_millis(jitter)).await;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(last.into())
    }

    /// Merges every kept version that a save of ours may have buried (rule 19). `kept` was listed
    /// before the document was read: a version in it with a greater number than the document's
    /// was overtaken, for the server numbers a save before it stores it.
    async fn look_for_buried(
        &self,
        saved: &mut Provisional,
        kept: Vec<Version>,
        current: &LayerRead,
    ) -> Result<(), DriverError> {
        let now_at = version_ms(&current.version);
        let mut foreign: Vec<_> = kept
            .into_iter()
            .filter(|v| version_ms(&v.reference) > saved.since && v.reference != current.version)
            .filter(|v| !saved.seen.contains(&v.reference))
            .collect();
        foreign.sort_by_key(|version| version_ms(&version.reference));
        for version in foreign {
            if version_ms(&version.reference) > now_at {
                self.merge_overtaken(&saved.layer, &version).await?;
            } else {
                self.merge_version(&saved.layer, &version).await?;
            }
            saved.seen.insert(version.reference);
        }
        Ok(())
    }

    /// Rights are looked at before each save (rule 37): without them nothing is posted, and the
    /// edits stay.
    fn may_save(&self) -> Result<(), DriverError> {
        if self.store.borrow().map()?.read_only {
            return Err(Failure::Refused("save the map: the server lets you only see it".to_owned()).into());
        }
        Ok(())
    }

    fn assemble(&self, layer: &LayerId) -> Result<(LayerSave, i64), DriverError> {
        let mut store = self.store.borrow_mut();
        let upto = store.last_row()?;
        let document = store.assemble(layer)?;
        let save = LayerSave {
            id: layer.clone(),
            name: document.name,
            rank: document.rank,
            parent: document.parent,
            settings: document.settings,
            geojson: document.geojson,
        };
        Ok((save, upto))
    }

    /// Settings have no version: read, merge by key, post, read back (rule 30).
    async fn save_settings(&self, done: &mut SaveDone) -> Result<Option<i64>, DriverError> {
        for _ in 0..TRIES {
            let upto = self.store.borrow().last_row()?;
            self.read_map().await?;
            self.may_save()?;
            let Some(settings) = self.store.borrow_mut().settings_to_save(&self.present)? else { return Ok(None) };
            if !settings.differs {
                self.store.borrow_mut().settings_saved(upto, false, self.now_ms())?;
                return Ok(Some(upto));
            }
            let save = SettingsSave {
                name: settings.name,
                center: settings.center,
                settings: settings.settings,
                tags: settings.tags,
                is_template: settings.is_template,
            };
            self.store.borrow_mut().posting_settings()?;
            self.server.save_settings(save).await?;
            done.saves += 1;
        }
        Ok(None)
    }
}
