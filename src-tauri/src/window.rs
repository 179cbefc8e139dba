//! The one window: what it may show, what comes to it from outside, and how it closes.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bivouac_app::desk::Desk;
use bivouac_app::desk::types::{DeskEvent, Level};
use tauri::plugin::TauriPlugin;
use tauri::webview::NewWindowResponse;
use tauri::{
    AppHandle, DragDropEvent, Emitter, Manager, Url, WebviewUrl, WebviewWindowBuilder, Window, WindowEvent, Wry,
};
use tauri_plugin_log::{RotationStrategy, Target, TargetKind};

use crate::host::{MAIN, STREAM};

/// What came from outside before the page was ready to hear of it.
#[derive(Default)]
pub struct Arrivals {
    waiting: Mutex<Vec<String>>,
    ready: AtomicBool,
    /// Closing was held up once already to tell what waits.
    asked: AtomicBool,
}

/// Opens the window.
///
/// # Errors
/// When the system gives none.
pub fn open(app: &AppHandle) -> tauri::Result<()> {
    WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()))
        .title("Bivouac")
        .inner_size(1280.0, 820.0)
        .min_inner_size(720.0, 520.0)
        .on_navigation(is_ours)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    Ok(())
}

/// Only the program's own pages; everything else is a link for the system's browser.
fn is_ours(url: &Url) -> bool {
    matches!((url.scheme(), url.host_str()), ("tauri", Some("localhost")) | ("http" | "https", Some("tauri.localhost")))
}

/// Logs in the system's folder for them: what happened, never what is on the map.
pub fn logs() -> TauriPlugin<Wry> {
    tauri_plugin_log::Builder::new()
        .clear_targets()
        .target(Target::new(TargetKind::LogDir { file_name: Some("bivouac".to_owned()) }))
        .level(tauri_plugin_log::log::LevelFilter::Warn)
        .level_for("bivouac_app", tauri_plugin_log::log::LevelFilter::Info)
        .level_for("bivouac_desktop", tauri_plugin_log::log::LevelFilter::Info)
        .max_file_size(2_000_000)
        .rotation_strategy(RotationStrategy::KeepOne)
        .build()
}

/// The program was started a second time: its window comes up here, with what was given.
pub fn started_again(app: &AppHandle, given: &[String], folder: &str) {
    if let Some(window) = app.get_webview_window(MAIN) {
        let _ = window.unminimize();
        let _ = window.set_focus();
    }
    let given = crate::arguments::Arguments::of(given.iter().skip(1).map(Into::into)).given;
    for one in given {
        let path = Path::new(folder).join(&one);
        match path.is_file() {
            true => arrived(app, &path.to_string_lossy()),
            false => arrived(app, &one),
        }
    }
}

/// A file or an address came from outside: command line, second start, drop. The one door.
pub fn arrived(app: &AppHandle, what: &str) {
    let arrivals = app.state::<Arrivals>();
    if arrivals.ready.load(Ordering::SeqCst) {
        offer(app, what);
    } else {
        arrivals.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(what.to_owned());
    }
}

/// The page hears from now on.
pub fn ready(app: &AppHandle) {
    let arrivals = app.state::<Arrivals>();
    arrivals.ready.store(true, Ordering::SeqCst);
    let waiting = std::mem::take(&mut *arrivals.waiting.lock().unwrap_or_else(PoisonError::into_inner));
    for what in waiting {
        offer(app, &what);
    }
}

fn offer(app: &AppHandle, what: &str) {
    if !crate::links::is_ours(what) {
        app.state::<Arc<Desk>>().offer_file(&PathBuf::from(what));
        return;
    }
    match crate::links::wanted_map(what) {
        Some(address) => tell(app, DeskEvent::OpenWanted { what: address, import: None }),
        None => {
            let text = "open a link: only maps at https addresses are opened".to_owned();
            tell(app, DeskEvent::Notice { level: Level::Warning, code: "link_refused".to_owned(), text });
        }
    }
}

fn tell(app: &AppHandle, event: DeskEvent) {
    if let Err(error) = app.emit_to(MAIN, STREAM, event) {
        tracing::warn!(%error, "tell the window");
    }
}

/// Something happened to the window.
pub fn happened(window: &Window, event: &WindowEvent) {
    if window.label() != MAIN {
        return;
    }
    let app = window.app_handle();
    match event {
        WindowEvent::DragDrop(DragDropEvent::Drop { paths, .. }) => {
            for path in paths {
                arrived(app, &path.to_string_lossy());
            }
        }
        WindowEvent::CloseRequested { api, .. } => {
            let waiting = app.state::<Arc<Desk>>().waiting();
            let arrivals = app.state::<Arrivals>();
            // Told once; whoever closes again, or has a page that does not answer, gets out.
            if waiting > 0 && arrivals.ready.load(Ordering::SeqCst) && !arrivals.asked.swap(true, Ordering::SeqCst) {
                api.prevent_close();
                tell(app, DeskEvent::QuitWanted { waiting });
            }
        }
        _ => {}
    }
}

/// The user stays after all.
pub fn stay(app: &AppHandle) {
    app.state::<Arrivals>().asked.store(false, Ordering::SeqCst);
}

/// The program ends: the open map is given free.
pub fn end(app: &AppHandle) {
    if let Some(desk) = app.try_state::<Arc<Desk>>() {
        desk.shut();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_shows_nothing_but_the_programs_own_pages() {
        for ours in ["tauri://localhost/", "tauri://localhost/index.html", "http://tauri.localhost/"] {
            assert!(is_ours(&Url::parse(ours).unwrap()), "{ours}");
        }
        for theirs in [
            "https://umap.example.org/",
            "file:///etc/passwd",
            "tauri://elsewhere/",
            "data:text/html,x",
            "about:blank",
            "http://localhost/",
            "https://tauri.localhost.example.org/",
        ] {
            assert!(!is_ours(&Url::parse(theirs).unwrap()), "{theirs}");
        }
    }
}
