//! Opening a map's file: ours, whole, and not newer than this program, or a clear refusal.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

use crate::ahead::{Ahead, Voice};
use crate::error::{Error, Result};
use crate::map::{self, NewMap};
use crate::names::Names;
use crate::schema::{self, APPLICATION_ID};
use crate::settings;
use crate::sync::listing;

/// How many pages are copied in one go.
const PAGES: std::ffi::c_int = 1024;

/// One map's file and the one connection that writes to it.
#[derive(Debug)]
pub struct Store {
    pub(crate) connection: Connection,
    pub(crate) names: Names,
    pub(crate) ahead: Ahead,
    pub(crate) voice: Option<Voice>,
    read_only: bool,
}

impl Store {
    /// Makes a new file. It appears under its name only when it is whole.
    ///
    /// # Errors
    /// When there is a file of that name, or it cannot be written.
    pub fn create(path: &Path, new: &NewMap) -> Result<Self> {
        if path.exists() {
            return Err(Error::Exists(path.display().to_string()));
        }
        let part = part(path);
        remove(&part)?;
        {
            let mut connection = Connection::open(&part)?;
            settings::connection(&connection)?;
            settings::write_ahead_log(&connection)?;
            schema::migrate(&mut connection)?;
            map::insert(&connection, new)?;
            connection.close().map_err(|(_, error)| Error::from(error))?;
        }
        fs::rename(&part, path).map_err(|source| Error::File { path: path.display().to_string(), source })?;
        Self::open(path)
    }

    /// Opens a file for reading and writing, and brings it to the current format.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Foreign`], [`Error::Damaged`] or [`Error::Newer`], and nothing
    /// was changed then.
    pub fn open(path: &Path) -> Result<Self> {
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let found = recognise(&connection)?;
        settings::write_ahead_log(&connection)?;
        if found < schema::known() {
            schema::migrate(&mut connection)?;
        }
        Self::ready(connection, false)
    }

    /// Opens a file for reading only, beside whoever writes to it.
    ///
    /// # Errors
    /// As [`Store::open`], and [`Error::Older`] when the file needs a migration first.
    pub fn open_read_only(path: &Path) -> Result<Self> {
        let look = |connection: Connection| Ok((recognise(&connection)?, connection));
        let (found, connection) = match connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(look) {
            // Beside the log lies an index that reading makes; on a full disk, or in a folder that
            // cannot be written, it can do without, when the log is empty.
            Err(Error::Full | Error::ReadOnly) if is_settled(path) => connect_settled(path).and_then(look)?,
            other => other?,
        };
        let known = schema::known();
        if found < known {
            return Err(Error::Older { found, known });
        }
        Self::ready(connection, true)
    }

    /// A map in memory with the same schema, gone when dropped.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn in_memory(new: &NewMap) -> Result<Self> {
        let mut connection = Connection::open_in_memory()?;
        settings::connection(&connection)?;
        schema::migrate(&mut connection)?;
        map::insert(&connection, new)?;
        Self::ready(connection, false)
    }

    /// A copy of this map in memory, as a program finds it that opens it anew: only what a file
    /// would hold is in it, nothing of this connection.
    ///
    /// # Errors
    /// When the map cannot be read or memory runs out.
    pub fn copy_in_memory(&self) -> Result<Self> {
        let mut connection = Connection::open_in_memory()?;
        settings::connection(&connection)?;
        Backup::new(&self.connection, &mut connection)?.run_to_completion(PAGES, Duration::ZERO, None)?;
        Self::ready(connection, false)
    }

    /// Copies the whole map into a new file, beside whoever writes to it; the copy appears under
    /// its name only when it is whole.
    ///
    /// # Errors
    /// When the map cannot be read or the copy cannot be written.
    pub fn back_up_to(&self, path: &Path) -> Result<()> {
        let part = part(path);
        remove(&part)?;
        let copied = (|| {
            let mut connection = Connection::open(&part)?;
            Backup::new(&self.connection, &mut connection)?.run_to_completion(PAGES, Duration::ZERO, None)?;
            let sound: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if sound != "ok" {
                return Err(Error::Damaged(sound));
            }
            // One file without a log beside it.
            connection.pragma_update(None, "journal_mode", "DELETE")?;
            connection.close().map_err(|(_, error)| Error::from(error))
        })();
        let failed = |source| Error::File { path: path.display().to_string(), source };
        let named = copied.and_then(|()| fs::rename(&part, path).map_err(failed));
        if named.is_err() {
            remove(&part)?;
        }
        named
    }

    /// The version of SQLite that reads and writes all this.
    #[must_use]
    pub fn sqlite_version() -> &'static str {
        rusqlite::version()
    }

    /// Whether writing is impossible.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    fn ready(connection: Connection, read_only: bool) -> Result<Self> {
        if !read_only {
            listing::prepare(&connection)?;
        }
        let (names, ahead, voice) = (Names::default(), Ahead::default(), None);
        let store = Self { connection, names, ahead, voice, read_only };
        store.map()?;
        Ok(store)
    }
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection> {
    if !path.is_file() {
        return Err(Error::Missing(path.display().to_string()));
    }
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    settings::connection(&connection)?;
    Ok(connection)
}

/// Whether everything is in the file itself and nothing in its log.
fn is_settled(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    fs::metadata(PathBuf::from(log)).map_or(true, |log| log.len() == 0)
}

/// Reads the file as if nobody could ever write to it.
pub(crate) fn connect_settled(path: &Path) -> Result<Connection> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        if plain(*byte) {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri, flags)?;
    settings::connection(&connection)?;
    Ok(connection)
}

/// The file's format, when it is one of ours and its schema can be read.
fn recognise(connection: &Connection) -> Result<i64> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    if number("application_id")? != APPLICATION_ID {
        return Err(Error::Foreign);
    }
    let (found, known) = (number("user_version")?, schema::known());
    if found > known {
        return Err(Error::Newer { found, known });
    }
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
    Ok(found)
}

fn part(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

fn remove(part: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = part.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(PathBuf::from(&name)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(Error::File { path: part.display().to_string(), source }),
        }
    }
    Ok(())
}
