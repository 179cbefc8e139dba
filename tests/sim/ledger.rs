//! What users really did, whoever knows of it: the measure of what was lost.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub struct Ledger {
    /// Features that some user deleted, alone or with their layer: (layer, id).
    pub deleted: RefCell<BTreeSet<(String, String)>>,
    /// Layers that some user deleted.
    pub deleted_layers: RefCell<BTreeSet<String>>,
    /// Features that browsers added and that the server took: (layer, id) to who and the version.
    pub saved_additions: RefCell<BTreeMap<(String, String), (String, u64)>>,
}

impl Ledger {
    pub fn delete(&self, layer: &str, id: &str) {
        self.deleted.borrow_mut().insert((layer.to_owned(), id.to_owned()));
    }

    pub fn delete_layer(&self, layer: &str) {
        self.deleted_layers.borrow_mut().insert(layer.to_owned());
    }

    /// Whether some user meant it to be gone.
    pub fn is_deleted(&self, layer: &str, id: &str) -> bool {
        self.deleted_layers.borrow().contains(layer)
            || self.deleted.borrow().contains(&(layer.to_owned(), id.to_owned()))
    }
}
