//! Frames exactly as they were sent, until their echo came (M8).

use rusqlite::params;

use crate::error::Result;
use crate::tx::Tx;

/// A frame that was, or is about to be, sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its number.
    pub id: i64,
    /// Its exact text.
    pub text: String,
    /// When it was committed for sending, in milliseconds.
    pub sent_at: u64,
    /// When its echo came.
    pub echoed_at: Option<u64>,
}

impl Tx<'_> {
    /// Keeps a frame before it is sent.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn insert_frame(&mut self, text: &str, now_ms: u64) -> Result<i64> {
        self.connection
            .prepare_cached("INSERT INTO frames (text, sent_at) VALUES (?1, ?2)")?
            .execute(params![text, now_ms])?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Notes that a frame came back. Its local rows become echoed where they were sent. False when
    /// it was echoed before or is unknown.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn mark_echoed(&mut self, frame: i64, now_ms: u64) -> Result<bool> {
        let fresh = self
            .connection
            .prepare_cached("UPDATE frames SET echoed_at = ?2 WHERE id = ?1 AND echoed_at IS NULL")?
            .execute(params![frame, now_ms])?;
        self.connection
            .prepare_cached(
                "UPDATE operations SET state = 3
                 WHERE state = 2 AND sent_as IN (SELECT row FROM operations WHERE frame = ?1)",
            )?
            .execute([frame])?;
        Ok(fresh > 0)
    }

    /// The frames whose echo did not come, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn unechoed(&mut self) -> Result<Vec<Frame>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, text, sent_at, echoed_at FROM frames WHERE echoed_at IS NULL ORDER BY id")?;
        let frames = statement.query_map([], |row| {
            Ok(Frame { id: row.get(0)?, text: row.get(1)?, sent_at: row.get(2)?, echoed_at: row.get(3)? })
        })?;
        Ok(frames.collect::<Result<_, _>>()?)
    }

    /// Forgets the text of frames that were echoed before that instant.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn drop_frames(&mut self, before_ms: u64) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE frames SET text = '' WHERE echoed_at < ?1 AND text <> ''")?
            .execute([before_ms])?;
        Ok(())
    }
}
