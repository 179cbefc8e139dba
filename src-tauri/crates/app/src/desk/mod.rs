//! The application as a window sees it, without a window toolkit: the maps on this laptop, the
//! one that is open, and everything that can be done with it.
//!
//! Every call answers with what is on the disk and none waits for the network, but for taking a
//! map offline. Calls may come from several threads at once.

mod background;
mod bulletin;
mod editing;
mod feature;
mod files;
mod library;
mod naming;
mod open;
mod room;
mod sample;
mod seat;
mod session;
mod stay;
mod surroundings;
mod syncing;
mod trouble;
pub mod types;
mod view;
mod waiting;
mod work;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub use session::cookie;
pub use surroundings::Surroundings;

use crate::error::{AppError, Result};
use crate::library::Library;
use crate::pictures::{Limits, Pictures};
use crate::secrets::{Kind, SharedSecrets};
use files::Imports;
use open::Open;
use surroundings::Questions;
use types::DeskEvent;
use work::Work;

/// What a call of a desk answers.
pub type Answer<T> = Result<T, types::Problem>;

/// The application as one window sees it.
pub struct Desk {
    library: Library,
    work: Work,
    open: Mutex<Option<Arc<Open>>>,
    imports: Imports,
    pictures: Pictures,
}

impl Desk {
    /// A desk for the library in that folder; `secrets` overrides where secrets are kept.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(root: &Path, secrets: Option<Kind>, surroundings: Arc<dyn Surroundings>) -> Result<Self> {
        let library = Library::at(root)?;
        let work = Work {
            surroundings,
            questions: Arc::new(Questions::default()),
            secrets: SharedSecrets::default(),
            wanted: secrets,
            root: library.root().to_owned(),
            cancel: Arc::new(AtomicBool::new(false)),
        };
        let pictures = Pictures::at(library.root(), Limits::default());
        Ok(Self { library, work, open: Mutex::new(None), imports: Imports::default(), pictures })
    }

    /// Stops the long work that somebody waits for.
    pub fn cancel(&self) {
        self.work.cancel.store(true, Ordering::Relaxed);
    }

    /// Answers a question that was asked as [`DeskEvent::Asked`]; `None` gives it up.
    pub fn answer(&self, id: u64, text: Option<String>) {
        if !self.work.questions.answer(id, text) {
            tracing::debug!(id, "an answer to a question that nobody asks");
        }
    }

    /// Closes what is open; every edit is on the disk already.
    pub fn shut(&self) {
        self.work.questions.give_up();
        self.cancel();
        self.close_map();
    }

    fn opened(&self) -> Result<Arc<Open>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).clone();
        open.ok_or_else(|| AppError::bad("work on the map", "no map is open"))
    }

    fn tell(&self, event: DeskEvent) {
        self.work.surroundings.tell(event);
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod typescript;
