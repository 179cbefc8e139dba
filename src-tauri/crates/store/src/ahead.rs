//! What is said and heard while the map is live, without waiting for the disk where nobody's
//! work hangs on it.
//!
//! What others tell is committed ahead of the disk: a program that is killed loses nothing of it,
//! a laptop that loses its power loses at most what it heard last, as if it had left the room a
//! moment earlier, and asks for it when it comes back (rule 8). The log keeps its order, so that
//! everything which later waits for the disk, an edit of ours or a save, takes what was heard
//! before it along. Our own edits always wait for the disk; while live their frames are committed
//! with them, so that sending waits for nothing more (M8).

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use bivouac_journal::ids::PeerId;

use crate::error::{Error, Result};
use crate::open::Store;

/// How far commits have run ahead of the disk.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    /// Whether the connection does not wait for the disk at present.
    lowered: bool,
    /// Whether something was committed that the disk may not hold.
    waiting: bool,
    log: Option<Arc<File>>,
}

/// As whom we speak in the room.
#[derive(Debug)]
pub(crate) struct Voice {
    pub me: PeerId,
    seed: u64,
}

impl Voice {
    /// The next bits for the ids of batches.
    pub fn bits(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.seed ^ (self.seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 29)
    }
}

/// What the disk still has to take; waiting for it needs no connection and any thread will do.
#[derive(Debug)]
pub struct Settling {
    log: Arc<File>,
    path: String,
}

impl Settling {
    /// Returns when the disk holds it.
    ///
    /// # Errors
    /// When the disk refuses: then nobody knows what it holds.
    pub fn wait(&self) -> Result<()> {
        self.log.sync_data().map_err(|source| Error::File { path: self.path.clone(), source })
    }
}

impl Store {
    /// While somebody speaks for us in the room, what an edit has to say there is committed with
    /// it, under this id; `seed` feeds the ids of batches. `None` ends that.
    pub fn speak_as(&mut self, voice: Option<(PeerId, u64)>) {
        self.voice = voice.map(|(me, seed)| Voice { me, seed });
    }

    /// What was committed ahead of the disk since this was asked last, if anything.
    ///
    /// # Errors
    /// When the log of the file cannot be opened.
    pub fn settling(&mut self) -> Result<Option<Settling>> {
        if !std::mem::take(&mut self.ahead.waiting) {
            return Ok(None);
        }
        let Some(path) = self.connection.path().filter(|path| !path.is_empty()).map(|path| format!("{path}-wal"))
        else {
            return Ok(None);
        };
        let log = match &self.ahead.log {
            Some(log) => log.clone(),
            None => {
                let file = File::open(PathBuf::from(&path));
                let log = Arc::new(file.map_err(|source| Error::File { path: path.clone(), source })?);
                self.ahead.log.insert(log).clone()
            }
        };
        Ok(Some(Settling { log, path }))
    }

    /// Whether the next transaction waits for the disk when it is committed.
    pub(crate) fn wait_for_disk(&mut self, wait: bool) -> Result<()> {
        if self.ahead.lowered == wait {
            let level = if wait { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
            self.connection.execute_batch(level)?;
            self.ahead.lowered = !wait;
        }
        self.ahead.waiting |= !wait;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::map::NewMap;

    /// Whether a commit of the transaction that `begin` gives waits for the disk.
    fn waits(store: &Store) -> bool {
        store.connection.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0)).unwrap() == 2
    }

    #[test]
    fn only_what_others_tell_runs_ahead_of_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let new = NewMap {
            uuid: "u".to_owned(),
            name: "m".to_owned(),
            server: None,
            server_map_id: None,
            slug: None,
            account: None,
            clock_id: "mecla".to_owned(),
            created_at: 1,
        };
        let mut store = Store::create(&folder.path().join("map"), &new).unwrap();
        assert!(waits(&store));
        store.begin_ahead().unwrap().commit().unwrap();
        assert!(!waits(&store) && store.ahead.waiting);
        store.begin().unwrap().commit().unwrap();
        assert!(waits(&store), "an edit is on the disk before it is acknowledged");
        assert!(store.settling().unwrap().is_some() && store.settling().unwrap().is_none());
    }
}
