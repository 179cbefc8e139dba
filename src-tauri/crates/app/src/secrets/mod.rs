//! Where sessions, passwords and secret edit links are kept: the system's keyring, else a file
//! under a passphrase, else memory alone. Asked for only when a server is.

mod file;
mod keyring;
mod memory;
mod shared;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use bivouac_link::Secret;

pub use file::SecretFile;
pub use keyring::Keyring;
pub use memory::Memory;
pub use shared::SharedSecrets;

use crate::error::{AppError, Result};
use crate::host::{Host, Passphrase};

/// Which kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The operating system's keyring.
    Keyring,
    /// A file encrypted with a passphrase.
    File,
    /// Memory, gone with the process.
    Memory,
}

/// A store of secrets. Names are no secrets; values never leave it but through `get`.
pub trait Secrets {
    /// Which kind this is.
    fn kind(&self) -> Kind;

    /// The secret of that name.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn get(&self, name: &str) -> Result<Option<Secret>>;

    /// Keeps a secret under that name.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn put(&self, name: &str, secret: &Secret) -> Result<()>;

    /// Forgets a secret.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn remove(&self, name: &str) -> Result<()>;
}

/// The store of a library, opened at the first need.
pub struct Vault<'h> {
    file: PathBuf,
    wanted: Option<Kind>,
    host: &'h dyn Host,
    shared: Option<SharedSecrets>,
    store: OnceCell<Box<dyn Secrets>>,
}

impl<'h> Vault<'h> {
    /// The vault of the library in that folder; `wanted` overrides the choice.
    #[must_use]
    pub fn new(root: &Path, wanted: Option<Kind>, host: &'h dyn Host) -> Self {
        Self { file: root.join("secrets.age"), wanted, host, shared: None, store: OnceCell::new() }
    }

    /// The same, with a store that other threads use too.
    #[must_use]
    pub fn sharing(self, shared: &SharedSecrets) -> Self {
        Self { shared: Some(shared.clone()), ..self }
    }

    /// The store.
    ///
    /// # Errors
    /// When the one that was asked for cannot be used, or the passphrase is wrong.
    pub fn open(&self) -> Result<&dyn Secrets> {
        if self.store.get().is_none() {
            let store: Box<dyn Secrets> = match &self.shared {
                Some(shared) => Box::new(shared.or_choose(|| self.choose())?),
                None => self.choose()?,
            };
            let _ = self.store.set(store);
        }
        match self.store.get() {
            Some(store) => Ok(store.as_ref()),
            None => Err(failed("open the secrets", "no store was chosen")),
        }
    }

    fn choose(&self) -> Result<Box<dyn Secrets + Send>> {
        match self.wanted {
            Some(Kind::Memory) => return Ok(Box::new(Memory::default())),
            Some(Kind::Keyring) => return Ok(Box::new(Keyring::prove()?)),
            Some(Kind::File) => {
                let file = self.file()?;
                return file.ok_or_else(|| {
                    failed("open the file of secrets", "it needs a passphrase: set BIVOUAC_PASSPHRASE")
                });
            }
            None => {}
        }
        match Keyring::prove() {
            Ok(keyring) => return Ok(Box::new(keyring)),
            Err(error) => tracing::debug!(%error, "no keyring"),
        }
        if let Some(file) = self.file()? {
            return Ok(file);
        }
        self.host.notify(
            "no keyring and no passphrase (BIVOUAC_PASSPHRASE): the session is kept in memory only, \
             and the next command will ask for the password again",
        );
        Ok(Box::new(Memory::default()))
    }

    fn file(&self) -> Result<Option<Box<dyn Secrets + Send>>> {
        let purpose = if self.file.exists() { Passphrase::Existing } else { Passphrase::New };
        let Some(passphrase) = self.host.passphrase(purpose) else {
            return Ok(None);
        };
        Ok(Some(Box::new(SecretFile::open(&self.file, &passphrase)?)))
    }
}

pub(crate) fn failed(what: &str, why: impl std::fmt::Display) -> AppError {
    AppError::Secrets { what: what.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::TestHost;

    #[test]
    fn with_a_passphrase_something_lasting_is_chosen_and_without_one_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let host = TestHost { passphrase: Some("correct horse".to_owned()), ..TestHost::default() };
        let vault = Vault::new(folder.path(), None, &host);
        assert_ne!(vault.open().unwrap().kind(), Kind::Memory);
        assert!(host.told.borrow().is_empty());
        let host = TestHost::default();
        let vault = Vault::new(folder.path(), None, &host);
        let kind = vault.open().unwrap().kind();
        assert_eq!(kind == Kind::Memory, !host.told.borrow().is_empty(), "memory alone is said");
        assert!(Vault::new(folder.path(), Some(Kind::File), &host).open().is_err(), "a file needs its passphrase");
    }
}
