//! Secrets in one file, encrypted as a whole with a passphrase (age, scrypt).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use age::scrypt;
use age::secrecy::SecretString;
use bivouac_link::Secret;

use super::{Kind, Secrets, failed};
use crate::error::{AppError, Result};

/// 2^17 rounds: a guess costs 128 MiB and a third of a second.
const WORK_FACTOR: u8 = 17;
/// A file that asks for more was not made by us.
const MOST_WORK: u8 = 20;
const READ: &str = "open the file of secrets";
const WRITE: &str = "write the file of secrets";

/// Secrets in a file.
pub struct SecretFile {
    path: PathBuf,
    passphrase: SecretString,
    held: RefCell<BTreeMap<String, String>>,
}

impl SecretFile {
    /// Opens the file, or begins a new one, which is written with its first secret.
    ///
    /// # Errors
    /// When the passphrase does not open it.
    pub fn open(path: &Path, passphrase: &Secret) -> Result<Self> {
        if passphrase.expose().is_empty() {
            return Err(AppError::bad(READ, "the passphrase is empty"));
        }
        let passphrase = SecretString::from(passphrase.expose().to_owned());
        let held = if path.exists() { read(path, &passphrase)? } else { BTreeMap::new() };
        Ok(Self { path: path.to_owned(), passphrase, held: RefCell::new(held) })
    }

    fn write(&self) -> Result<()> {
        let plain = serde_json::to_vec(&*self.held.borrow()).map_err(|e| failed(WRITE, e))?;
        let mut recipient = scrypt::Recipient::new(self.passphrase.clone());
        recipient.set_work_factor(WORK_FACTOR);
        let sealed = age::encrypt(&recipient, &plain).map_err(|e| failed(WRITE, e))?;
        let part = self.path.with_extension("part");
        let write = || -> std::io::Result<()> {
            let mut file = private(&part)?;
            file.write_all(&sealed)?;
            file.sync_all()?;
            fs::rename(&part, &self.path)
        };
        write().map_err(AppError::io(WRITE))
    }
}

impl Secrets for SecretFile {
    fn kind(&self) -> Kind {
        Kind::File
    }

    fn get(&self, name: &str) -> Result<Option<Secret>> {
        Ok(self.held.borrow().get(name).map(Secret::new))
    }

    fn put(&self, name: &str, secret: &Secret) -> Result<()> {
        let before = self.held.borrow_mut().insert(name.to_owned(), secret.expose().to_owned());
        if before.as_deref() == Some(secret.expose()) { Ok(()) } else { self.write() }
    }

    fn remove(&self, name: &str) -> Result<()> {
        let before = self.held.borrow_mut().remove(name);
        if before.is_none() { Ok(()) } else { self.write() }
    }
}

fn read(path: &Path, passphrase: &SecretString) -> Result<BTreeMap<String, String>> {
    let sealed = fs::read(path).map_err(AppError::io(READ))?;
    let mut identity = scrypt::Identity::new(passphrase.clone());
    identity.set_max_work_factor(MOST_WORK);
    let plain = age::decrypt(&identity, &sealed)
        .map_err(|_| AppError::SignIn(format!("{READ} {}: the passphrase does not open it", path.display())))?;
    serde_json::from_slice(&plain).map_err(|_| failed(READ, "what is inside makes no sense"))
}

#[cfg(unix)]
fn private(path: &Path) -> std::io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private(path: &Path) -> std::io::Result<fs::File> {
    fs::File::create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_back_with_the_passphrase_and_with_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.age");
        let file = SecretFile::open(&path, &Secret::new("correct horse")).unwrap();
        file.put("link", &Secret::new("https://example.org/anonymous-edit/1:abc")).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("anonymous-edit"), "nothing is readable in the file");
        let again = SecretFile::open(&path, &Secret::new("correct horse")).unwrap();
        assert_eq!(again.get("link").unwrap().unwrap().expose(), "https://example.org/anonymous-edit/1:abc");
        let wrong = SecretFile::open(&path, &Secret::new("wrong")).err().unwrap();
        assert_eq!(wrong.exit_code(), 2, "{wrong}");
        again.remove("link").unwrap();
        let last = SecretFile::open(&path, &Secret::new("correct horse")).unwrap();
        assert!(last.get("link").unwrap().is_none());
    }
}
