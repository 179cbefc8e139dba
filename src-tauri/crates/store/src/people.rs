//! Who was seen in the room, and what happened during synchronising.

use bivouac_journal::ids::PeerId;
use rusqlite::params;

use crate::error::Result;
use crate::open::Store;
use crate::tx::Tx;

/// A connection that was seen in the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its label.
    pub peer: PeerId,
    /// Whether it was one of ours (rule 12).
    pub own: bool,
    /// The name that it gave itself; never authority (rule 36).
    pub username: Option<String>,
    /// When it was seen first, in milliseconds.
    pub first_seen: u64,
    /// When it was seen last.
    pub last_seen: u64,
    /// How many of its operations were refused.
    pub refused: u64,
    /// How many of its operations nobody saved, as far as we know (rule 27).
    pub unsaved: u64,
}

/// One line of the log of synchronising.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number.
    pub id: i64,
    /// When, in milliseconds.
    pub at: u64,
    /// What kind.
    pub kind: String,
    /// The rest, as JSON.
    pub detail: String,
}

/// Events beyond so many are dropped, oldest first.
const MOST_EVENTS: i64 = 10_000;

impl Tx<'_> {
    /// Notes that a connection was seen.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn see_peer(&mut self, peer: &PeerId, own: bool, username: Option<&str>, now_ms: u64) -> Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO peers (peer, own, username, first_seen, last_seen) VALUES (?1, ?2, ?3, ?4, ?4)
                 ON CONFLICT (peer) DO UPDATE SET own = max(own, excluded.own),
                     username = coalesce(excluded.username, username), last_seen = excluded.last_seen",
            )?
            .execute(params![peer.as_str(), own, username, now_ms])?;
        Ok(())
    }

    /// Counts operations of a peer that were refused.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn count_refused(&mut self, peer: &PeerId, count: u64, now_ms: u64) -> Result<()> {
        self.see_peer(peer, false, None, now_ms)?;
        self.connection
            .prepare_cached("UPDATE peers SET refused = refused + ?2 WHERE peer = ?1")?
            .execute(params![peer.as_str(), count])?;
        Ok(())
    }

    /// Whether a label was one of our own connections (rule 12).
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_own_peer(&mut self, peer: &PeerId) -> Result<bool> {
        Ok(self
            .connection
            .prepare_cached("SELECT count(*) FROM peers WHERE peer = ?1 AND own = 1")?
            .query_row([peer.as_str()], |row| row.get::<_, i64>(0))?
            > 0)
    }

    /// Notes what happened.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note(&mut self, kind: &str, detail: &str, now_ms: u64) -> Result<()> {
        self.connection
            .prepare_cached("INSERT INTO events (at, kind, detail) VALUES (?1, ?2, ?3)")?
            .execute(params![now_ms, kind, detail])?;
        let id = self.connection.last_insert_rowid();
        self.connection.prepare_cached("DELETE FROM events WHERE id <= ?1")?.execute([id - MOST_EVENTS])?;
        Ok(())
    }
}

impl Store {
    /// Every connection that was seen, the latest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn peers(&self) -> Result<Vec<Peer>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT p.peer, p.own, p.username, p.first_seen, p.last_seen, p.refused, coalesce(u.unsaved, 0)
             FROM peers p
             LEFT JOIN (SELECT n.text AS peer, count(*) AS unsaved FROM operations o JOIN names n ON n.id = o.sender
                        WHERE o.state = 8 GROUP BY n.text) u ON u.peer = p.peer
             ORDER BY p.last_seen DESC, p.peer",
        )?;
        let peers = statement.query_map([], |row| {
            Ok(Peer {
                peer: PeerId::trusted(&row.get::<_, String>(0)?),
                own: row.get(1)?,
                username: row.get(2)?,
                first_seen: row.get(3)?,
                last_seen: row.get(4)?,
                refused: row.get(5)?,
                unsaved: row.get(6)?,
            })
        })?;
        Ok(peers.collect::<Result<_, _>>()?)
    }

    /// The last events, the latest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn events(&self, limit: usize) -> Result<Vec<Event>> {
        self.events_before(None, limit)
    }

    /// The last events before that one, the latest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn events_before(&self, before: Option<i64>, limit: usize) -> Result<Vec<Event>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, at, kind, detail FROM events WHERE id < ?1 ORDER BY id DESC LIMIT ?2")?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let events = statement.query_map([before.unwrap_or(i64::MAX), limit], |row| {
            Ok(Event { id: row.get(0)?, at: row.get(1)?, kind: row.get(2)?, detail: row.get(3)? })
        })?;
        Ok(events.collect::<Result<_, _>>()?)
    }
}
