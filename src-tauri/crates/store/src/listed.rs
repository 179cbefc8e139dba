//! The numbers of all objects, read at once when a long list comes.

use rusqlite::Connection;
use smol_str::SmolStr;

use crate::error::Result;
use crate::hash::HashMap;

/// The number of every object, by its layer's number and its name.
#[derive(Debug, Default)]
pub(crate) struct Listed(HashMap<i64, HashMap<SmolStr, i64>>);

impl Listed {
    pub fn read(connection: &Connection) -> Result<Self> {
        let mut listed = Self::default();
        let mut statement = connection.prepare_cached("SELECT id, layer, uid FROM objects")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let uid = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
            listed.0.entry(row.get(1)?).or_default().insert(uid.into(), row.get(0)?);
        }
        Ok(listed)
    }

    pub fn find(&self, layer: i64, uid: &str) -> Option<i64> {
        self.0.get(&layer)?.get(uid).copied()
    }
}
