//! A server's own sign-in page, in a window that may call nothing: no capability names it, its
//! cookies live in memory, and it closes as soon as somebody is signed in. Its title always says
//! whose page is shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bivouac_app::desk::types::Problem;
use bivouac_app::desk::{Answer, Desk, cookie};
use tauri::webview::{DownloadEvent, NewWindowResponse, PageLoadEvent};
use tauri::{AppHandle, Manager, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

use crate::host::MAIN;

/// The label of the window; no capability knows it.
pub const LABEL: &str = "sign-in";

/// Opens the page; what comes of it is told as an event.
///
/// # Errors
/// When the address is none, or the window does not open.
pub fn open(app: &AppHandle, page: &str) -> Answer<()> {
    let failed = |what: String| Problem::new("sign_in_page", format!("open the sign-in page: {what}"));
    let page = Url::parse(page).map_err(|error| failed(error.to_string()))?;
    close(app);
    let (server, busy) = (page.clone(), Arc::new(AtomicBool::new(false)));
    let home = page.clone();
    let mut builder = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::External(page.clone()))
        .title(title(&page))
        .inner_size(520.0, 720.0)
        .incognito(true)
        .on_navigation(move |to| may_show(to, &home))
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|_, event| !matches!(event, DownloadEvent::Requested { .. }))
        .on_page_load(move |window, load| {
            let _ = window.set_title(&title(load.url()));
            if load.event() == PageLoadEvent::Finished && load.url().origin() == server.origin() {
                look(&window, &server, &busy);
            }
        });
    if let Some(main) = app.get_webview_window(MAIN) {
        builder = builder.parent(&main).map_err(|error| failed(error.to_string()))?;
    }
    builder.build().map_err(|error| failed(error.to_string()))?;
    Ok(())
}

/// Closes the window, when there is one.
pub fn close(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(LABEL) {
        let _ = window.clear_all_browsing_data();
        let _ = window.destroy();
    }
}

/// The server itself, and the encrypted pages that it sends people to in order to sign in.
fn may_show(to: &Url, server: &Url) -> bool {
    to.origin() == server.origin() || to.scheme() == "https" || to.as_str() == "about:blank"
}

fn title(page: &Url) -> String {
    let host = page.host_str().unwrap_or_default();
    match page.port() {
        Some(port) => format!("{host}:{port} – Bivouac"),
        None => format!("{host} – Bivouac"),
    }
}

/// Tries the cookies of the page that has just been shown; away from the thread of windows.
fn look(window: &WebviewWindow, server: &Url, busy: &Arc<AtomicBool>) {
    if busy.swap(true, Ordering::SeqCst) {
        return;
    }
    let (window, server, busy) = (window.clone(), server.clone(), busy.clone());
    tauri::async_runtime::spawn_blocking(move || {
        let cookies = window.cookies_for_url(server.clone()).unwrap_or_default();
        let found = cookies.iter().map(|one| {
            let end = one.expires_datetime().map(|end| end.unix_timestamp());
            cookie(one.name(), one.value(), end)
        });
        let app = window.app_handle().clone();
        let tried = app.state::<Arc<Desk>>().try_session(&server.origin().ascii_serialization(), found.collect());
        match tried {
            Ok(Some(_)) => close(&app),
            Ok(None) => {}
            Err(problem) => tracing::warn!(code = problem.code, "try the session of a sign-in page"),
        }
        busy.store(false, Ordering::SeqCst);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_in_window_shows_the_server_and_encrypted_pages_only_and_names_them() {
        let url = |text: &str| Url::parse(text).unwrap();
        let server = url("http://127.0.0.1:8000/en/login/");
        for shown in ["http://127.0.0.1:8000/en/", "https://github.com/login", "about:blank"] {
            assert!(may_show(&url(shown), &server), "{shown}");
        }
        for refused in [
            "http://127.0.0.1:9000/",
            "http://github.com/",
            "file:///etc/passwd",
            "tauri://localhost/",
            "data:text/html,x",
        ] {
            assert!(!may_show(&url(refused), &server), "{refused}");
        }
        assert_eq!(title(&url("https://github.com/login")), "github.com – Bivouac");
        assert_eq!(title(&server), "127.0.0.1:8000 – Bivouac");
    }

    #[test]
    fn no_capability_names_the_window() {
        let capability: serde_json::Value = serde_json::from_str(include_str!("../capabilities/main.json")).unwrap();
        assert_eq!(capability["windows"], serde_json::json!([MAIN]));
        assert!(capability.get("webviews").is_none());
        assert_ne!(LABEL, MAIN);
    }
}
