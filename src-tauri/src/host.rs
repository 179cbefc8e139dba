//! The window as the desk's surroundings.

use std::time::{SystemTime, UNIX_EPOCH};

use bivouac_app::desk::Surroundings;
use bivouac_app::desk::types::DeskEvent;
use bivouac_link::Secret;
use tauri::{AppHandle, Emitter};

/// The one stream of events; only the main window hears it.
pub const STREAM: &str = "bivouac";
/// The label of the only window that may call anything.
pub const MAIN: &str = "main";

/// The window.
pub struct Face {
    app: AppHandle,
}

impl Face {
    /// The window of that program.
    pub fn new(app: AppHandle) -> Self {
        Self { app }
    }
}

impl Surroundings for Face {
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn tell(&self, event: DeskEvent) {
        if let Err(error) = self.app.emit_to(MAIN, STREAM, event) {
            tracing::warn!(%error, "tell the window");
        }
    }

    fn passphrase(&self) -> Option<Secret> {
        std::env::var("BIVOUAC_PASSPHRASE").ok().filter(|text| !text.is_empty()).map(Secret::new)
    }
}
