//! Files in and out: GeoJSON, and uMap's own format with layers and settings.

mod export;
mod import;
mod reading;
mod salvage;

pub use export::{Exported, Format, at, export};
pub use import::{Imported, import};
pub use salvage::{Salvaged, salvage};

/// The largest file that is read: 100 MiB.
pub const MOST_BYTES: usize = 100 * 1024 * 1024;
