//! One store of secrets for several threads, opened once for the whole program.

use std::sync::{Arc, Mutex, PoisonError};

use bivouac_link::Secret;

use super::{Kind, Secrets};
use crate::error::Result;

type Slot = Mutex<Option<Box<dyn Secrets + Send>>>;

/// A store of secrets that threads use in turn; chosen by whoever needs it first.
#[derive(Clone, Default)]
pub struct SharedSecrets(Arc<Slot>);

impl SharedSecrets {
    /// The store, made by `choose` when nobody needed one before.
    pub(super) fn or_choose(&self, choose: impl FnOnce() -> Result<Box<dyn Secrets + Send>>) -> Result<Turn> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = match &*slot {
            Some(store) => store.kind(),
            None => slot.insert(choose()?).kind(),
        };
        Ok(Turn { shared: self.clone(), kind })
    }

    /// Which kind was chosen; `None` while nobody needed one.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.as_ref().map(|store| store.kind())
    }
}

/// The shared store, as one thread uses it.
pub(super) struct Turn {
    shared: SharedSecrets,
    kind: Kind,
}

impl Turn {
    fn with<T>(&self, act: impl FnOnce(&dyn Secrets) -> Result<T>) -> Result<T> {
        let slot = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        match slot.as_deref() {
            Some(store) => act(store),
            None => Err(super::failed("open the secrets", "no store was chosen")),
        }
    }
}

impl Secrets for Turn {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn get(&self, name: &str) -> Result<Option<Secret>> {
        self.with(|store| store.get(name))
    }

    fn put(&self, name: &str, secret: &Secret) -> Result<()> {
        self.with(|store| store.put(name, secret))
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.with(|store| store.remove(name))
    }
}
