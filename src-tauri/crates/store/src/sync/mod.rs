//! What synchronising needs of the store: the server's documents in, our operations and
//! documents out. Each function is one transaction, and what it decides is decided by
//! [`bivouac_journal`].

mod answer;
mod document;
mod groups;
mod history;
pub(crate) mod listing;
mod outgoing;
mod received;
mod retell;
mod save;
mod server;

pub use received::Received;
pub use save::{Assembled, SaveTask, SettingsTask};
pub use server::{ServerLayer, ServerMap};
