//! Secrets for as long as the process lives.

use std::cell::RefCell;
use std::collections::BTreeMap;

use bivouac_link::Secret;

use super::{Kind, Secrets};
use crate::error::Result;

/// Secrets in memory.
#[derive(Default)]
pub struct Memory(RefCell<BTreeMap<String, Secret>>);

impl Secrets for Memory {
    fn kind(&self) -> Kind {
        Kind::Memory
    }

    fn get(&self, name: &str) -> Result<Option<Secret>> {
        Ok(self.0.borrow().get(name).cloned())
    }

    fn put(&self, name: &str, secret: &Secret) -> Result<()> {
        self.0.borrow_mut().insert(name.to_owned(), secret.clone());
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.0.borrow_mut().remove(name);
        Ok(())
    }
}
