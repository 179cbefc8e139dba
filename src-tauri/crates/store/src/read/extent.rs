//! Where things lie, from the R-tree alone.

use bivouac_journal::geometry::Bounds;
use bivouac_journal::ids::Object;
use rusqlite::OptionalExtension;

use crate::error::Result;
use crate::object;
use crate::open::Store;

impl Store {
    /// The box around all living features, a little rounded outward; `None` without any.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn extent(&self) -> Result<Option<Bounds>> {
        let sql = "SELECT min(west), min(south), max(east), max(north) FROM bounds";
        let read = |row: &rusqlite::Row<'_>| {
            let (west, south): (Option<f64>, Option<f64>) = (row.get(0)?, row.get(1)?);
            let (east, north): (Option<f64>, Option<f64>) = (row.get(2)?, row.get(3)?);
            Ok(west.zip(south).zip(east.zip(north)))
        };
        let found = self.connection.prepare_cached(sql)?.query_row([], read)?;
        Ok(found.map(|((west, south), (east, north))| Bounds { west, south, east, north }))
    }

    /// The box around a living feature, a little rounded outward.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn extent_of(&self, object: &Object) -> Result<Option<Bounds>> {
        let Some(number) = object::number(&self.connection, object)? else { return Ok(None) };
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Bounds { west: row.get(0)?, south: row.get(1)?, east: row.get(2)?, north: row.get(3)? })
        };
        Ok(self
            .connection
            .prepare_cached("SELECT west, south, east, north FROM bounds WHERE id = ?1")?
            .query_row([number], read)
            .optional()?)
    }

    /// The number of the object that came last; grows with each new one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn newest_object(&self) -> Result<i64> {
        let sql = "SELECT coalesce(max(id), 0) FROM objects";
        Ok(self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
    }
}
