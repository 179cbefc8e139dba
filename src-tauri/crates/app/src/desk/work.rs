//! What every piece of work is done with: the surroundings, the secrets, the folder.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bivouac_link::Secret;

use super::surroundings::{Questions, Surroundings, WorkHost};
use crate::account::Door;
use crate::secrets::{Kind, SharedSecrets, Vault};

/// What every piece of work is done with.
#[derive(Clone)]
pub(super) struct Work {
    pub(super) surroundings: Arc<dyn Surroundings>,
    pub(super) questions: Arc<Questions>,
    pub(super) secrets: SharedSecrets,
    pub(super) wanted: Option<Kind>,
    pub(super) root: PathBuf,
    /// Set while what the user is waiting for is to stop.
    pub(super) cancel: Arc<AtomicBool>,
}

/// Leave that was given for one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Leave {
    pub(super) password: Option<Secret>,
    pub(super) keep_password: bool,
    pub(super) allow_http: bool,
}

impl Work {
    /// A host that answers with that password.
    pub(super) fn host(&self, password: Option<Secret>) -> WorkHost {
        WorkHost {
            surroundings: self.surroundings.clone(),
            questions: self.questions.clone(),
            password: RefCell::new(password),
            cancel: self.cancel.clone(),
        }
    }

    /// The secrets, as that host opens them.
    pub(super) fn vault<'h>(&self, host: &'h WorkHost) -> Vault<'h> {
        Vault::new(&self.root, self.wanted, host).sharing(&self.secrets)
    }

    /// The way to a server.
    pub(super) fn door<'a>(&'a self, host: &'a WorkHost, vault: &'a Vault<'a>, leave: &Leave) -> Door<'a> {
        Door { host, vault, root: &self.root, allow_http: leave.allow_http, keep_password: leave.keep_password }
    }
}
