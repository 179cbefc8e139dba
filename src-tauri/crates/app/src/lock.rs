//! One process owns a map for writing or going online; the second one is told who has it.
//!
//! The lock is the operating system's, so it goes with its process, however that ends. The text
//! in the file only says whose it is.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::error::{AppError, Result};

/// The name of the file in a map's folder.
const FILE: &str = "lock";

/// A held lock; dropping it gives the map free.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock in that folder for this process.
    ///
    /// # Errors
    /// [`AppError::InUse`] when another process has it.
    pub fn take(folder: &Path, map: &str) -> Result<Self> {
        let what = || format!("lock the map {map}");
        let path = folder.join(FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(AppError::io(what()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(AppError::InUse { map: map.to_owned(), holder: holder(&mut file) });
            }
            Err(TryLockError::Error(source)) => {
                return Err(AppError::Io { what: what(), source });
            }
        }
        let text = format!("{} (pid {})\n", program(), std::process::id());
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(text.as_bytes()))
            .map_err(AppError::io(what()))?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Nobody must read a name that is gone; the lock itself ends with the file.
        if let Err(error) = self.file.set_len(0).and_then(|()| self.file.unlock()) {
            tracing::warn!(%error, "unlock a map");
        }
    }
}

/// Who says to have the lock; some systems do not let others read a locked file.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(200).read_to_string(&mut text));
    let text = text.trim();
    if read.is_err() || text.is_empty() { "another program".to_owned() } else { text.to_owned() }
}

fn program() -> String {
    let path = std::env::current_exe().ok();
    let name = path.as_deref().and_then(Path::file_stem).map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "bivouac".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_is_told_who_has_the_map_and_may_have_it_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path(), "m").unwrap();
        let error = Lock::take(folder.path(), "m").unwrap_err();
        let AppError::InUse { holder, .. } = &error else { panic!("{error}") };
        assert!(holder.contains(&format!("(pid {})", std::process::id())), "{holder}");
        assert_eq!(error.exit_code(), 7);
        drop(first);
        assert!(Lock::take(folder.path(), "m").is_ok());
    }
}
