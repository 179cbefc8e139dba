//! Telling the browsers in the room that we saved (rules 21 and 23).
//!
//! A `referenceVersion` becomes the base of every browser's next save; told too early it makes
//! them overwrite what they never saw. It is sent only when the room holds the whole version.

use std::collections::BTreeMap;

use bivouac_journal::ids::LayerId;
use bivouac_journal::session::{Input, State};

use super::{Driver, DriverError};
use crate::server::{Clock, Server};

/// The most changes from outside the room that are told to it before a save is announced.
const MOST_RETOLD: usize = 500;

/// What an errand wants the room to know.
#[derive(Clone, Debug)]
pub(super) enum Announcement {
    /// A save of this layer was read back once.
    Saved { layer: LayerId, version: String, upto: i64 },
    /// It was read back twice.
    Verified,
}

/// What the room was told, per layer: changes of the server logged up to this row.
#[derive(Debug, Default)]
pub(super) struct Announced {
    told: BTreeMap<LayerId, i64>,
    joined_at: Option<i64>,
}

impl Announced {
    /// What was logged up to here happened before this room was joined.
    pub(super) fn joined(&mut self, last_row: i64) {
        self.joined_at = Some(last_row);
    }

    /// Another room knows nothing of what this one was told.
    pub(super) fn forget_room(&mut self) {
        self.told.clear();
        self.joined_at = None;
    }
}

impl<S: Server + 'static, C: Clock + 'static> Driver<S, C>
where
    S::Room: 'static,
{
    pub(super) async fn announce(&mut self, announcement: Announcement) -> Result<(), DriverError> {
        // What was heard is known, though not yet committed (rule 21).
        self.commit_heard()?;
        let somebody_is_there = self.session.peers().next().is_some();
        // What waits is known and in no save (rule 21).
        if !self.flood.is_empty()
            || self.session.state() != State::Live
            || !somebody_is_there
            || !self.session.all_echoed()
        {
            return Ok(());
        }
        let texts = match announcement {
            Announcement::Saved { layer, version, upto } => self.saved_texts(&layer, &version, upto)?,
            Announcement::Verified => {
                let me = self.session.me().clone();
                let now = self.clock.now().wall_ms;
                self.store.borrow_mut().saved_message(&me, now)?.into_iter().collect()
            }
        };
        if texts.is_empty() { Ok(()) } else { self.input(Input::Frames(texts)).await }
    }

    fn saved_texts(&mut self, layer: &LayerId, version: &str, upto: i64) -> Result<Vec<String>, DriverError> {
        let me = self.session.me().clone();
        let now = self.clock.now().wall_ms;
        let told = self.announced.told.get(layer).copied().or(self.announced.joined_at).unwrap_or(0);
        let mut store = self.store.borrow_mut();
        let Some(mut texts) = store.retell_server_changes(layer, told, upto, MOST_RETOLD, &me, now)? else {
            return Ok(Vec::new());
        };
        texts.push(store.reference_version_text(layer, version, &me, now)?);
        drop(store);
        self.announced.told.insert(layer.clone(), upto);
        Ok(texts)
    }
}
