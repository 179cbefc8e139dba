//! Logs for whoever asks with `BIVOUAC_LOG`, to stderr only.
//!
//! The libraries below us log what they carry when they speak in detail, and what they carry
//! are passwords and cookies: only our own targets ever do.

use tracing::Level;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

/// Starts logging when it is wanted.
pub fn start() {
    let Ok(wanted) = std::env::var("BIVOUAC_LOG") else {
        return;
    };
    let targets: Targets = match wanted.parse() {
        Ok(targets) => targets,
        Err(_) => Targets::new().with_target("bivouac", Level::INFO),
    };
    let ours = filter_fn(|meta| meta.target().starts_with("bivouac") || *meta.level() <= Level::WARN);
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(false).with_filter(targets.and(ours));
    let _ = registry().with(lines).try_init();
}
