//! What the page may call: each command is one line to the desk, on a thread that may wait.

use std::sync::{Arc, Mutex, PoisonError};

use bivouac_app::desk::types::{
    About, BackUp, BackgroundView, ConflictCard, FeatureDetail, FileKind, HistoryEntry, ImportReport, LibraryView,
    LogLine, LonLatBox, MapView, PendingEntry, PictureHosts, Problem, ProposalCard, Rescue, Side, SignIn, Spot,
    SyncView, TakeOffline, UndoSummary, WrittenEdit,
};
use bivouac_app::desk::{Answer, Desk};
use bivouac_app::draw::types::{LayerLegend, ViewportQuery};
use bivouac_app::edits::Edit;
use tauri::ipc::{Invoke, Response};
use tauri::{AppHandle, Manager, State, Wry};
use tauri_plugin_dialog::DialogExt;
use tauri_plugin_opener::OpenerExt;

use crate::renderer::Renderer;
use crate::{links, sign_in, window};

type Shared<'s> = State<'s, Arc<Desk>>;

/// The language of dialogs.
#[derive(Default)]
pub struct Locale(Mutex<String>);

impl Locale {
    fn says<'w>(&self, english: &'w str, french: &'w str) -> &'w str {
        let locale = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if locale.starts_with("fr") { french } else { english }
    }
}

/// Everything that the page may call; `build.rs` and the capability list the same.
pub fn handler() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        about,
        add_sample,
        allow_host,
        answer,
        approve,
        back_up,
        background,
        cancel,
        clear_pictures,
        close_map,
        conflicts,
        create_from,
        create_map,
        discard,
        edit,
        export_map,
        feature,
        features_in,
        go_offline,
        go_online,
        here,
        history,
        import_file,
        import_offered,
        keep_pictograms,
        legend,
        library,
        map_view,
        open_external,
        open_map,
        open_read_only,
        pending,
        picture,
        picture_hosts,
        proposals,
        quit,
        ready,
        redo,
        reject,
        remove_map,
        rescue,
        resolve,
        save_now,
        set_locale,
        show_logs,
        sign_in,
        sign_in_close,
        sign_in_page,
        sync_log,
        sync_view,
        take_back,
        take_offline,
        tile,
        undo,
        viewport,
    ]
}

/// Does something on a thread that may wait.
async fn away<T: Send + 'static>(desk: Shared<'_>, act: impl FnOnce(&Desk) -> Answer<T> + Send + 'static) -> Answer<T> {
    let desk = desk.inner().clone();
    let done = tauri::async_runtime::spawn_blocking(move || act(&desk)).await;
    done.map_err(|error| Problem::new("internal", format!("finish a command: {error}")))?
}

macro_rules! commands {
    ($($name:ident($($arg:ident: $kind:ty),*) -> $answer:ty = |$desk:ident| $act:expr;)+) => {
        $(
            #[tauri::command]
            async fn $name(desk: Shared<'_>, $($arg: $kind),*) -> Answer<$answer> {
                away(desk, move |$desk| $act).await
            }
        )+
    };
}

commands! {
    library() -> LibraryView = |desk| desk.library();
    create_map(name: String, layer: String, server: Option<String>) -> String = |desk|
        desk.create_map(&name, &layer, server.as_deref());
    add_sample() -> String = |desk| desk.add_sample();
    take_offline(request: TakeOffline) -> String = |desk| desk.take_offline(&request);
    remove_map(id: String, discard: bool) -> () = |desk| desk.remove_map(&id, discard);
    open_map(id: String) -> MapView = |desk| desk.open_map(&id);
    open_read_only(id: String) -> MapView = |desk| desk.open_read_only(&id);
    close_map() -> () = |desk| { desk.close_map(); Ok(()) };
    map_view() -> MapView = |desk| desk.map_view();
    viewport(query: ViewportQuery) -> Response = |desk| desk.viewport(&query).map(Response::new);
    background() -> Option<BackgroundView> = |desk| desk.background();
    tile(zoom: u32, column: u32, row: u32) -> Response = |desk| desk.tile(zoom, column, row).map(Response::new);
    picture(said: String) -> Response = |desk| desk.picture(&said).map(Response::new);
    keep_pictograms() -> u64 = |desk| desk.keep_pictograms();
    picture_hosts() -> PictureHosts = |desk| Ok(desk.picture_hosts());
    allow_host(host: String, allowed: Option<bool>) -> () = |desk| desk.allow_host(&host, allowed);
    clear_pictures() -> () = |desk| { desk.clear_pictures(); Ok(()) };
    legend() -> Vec<LayerLegend> = |desk| desk.legend();
    feature(object: String) -> FeatureDetail = |desk| desk.feature(&object);
    features_in(bounds: LonLatBox, limit: usize) -> Response = |desk| desk.features_in(bounds, limit).map(Response::new);
    history(object: String) -> Vec<HistoryEntry> = |desk| desk.history(&object);
    take_back(row: i64) -> WrittenEdit = |desk| desk.take_back(row);
    edit(label: String, edits: Vec<Edit>) -> WrittenEdit = |desk| desk.edit(&label, edits);
    undo() -> UndoSummary = |desk| desk.undo();
    redo() -> UndoSummary = |desk| desk.redo();
    sync_view() -> SyncView = |desk| desk.sync_view();
    go_online() -> () = |desk| desk.go_online();
    go_offline() -> () = |desk| desk.go_offline();
    save_now() -> () = |desk| desk.save_now();
    sign_in(how: SignIn) -> () = |desk| desk.sign_in(&how);
    pending() -> Vec<PendingEntry> = |desk| desk.pending();
    discard(rows: Vec<i64>) -> UndoSummary = |desk| desk.discard(rows);
    conflicts() -> Vec<ConflictCard> = |desk| desk.conflicts();
    resolve(id: i64, choice: Side) -> WrittenEdit = |desk| desk.resolve(id, choice);
    proposals() -> Vec<ProposalCard> = |desk| desk.proposals();
    approve(row: i64) -> WrittenEdit = |desk| desk.approve(row);
    reject(row: i64) -> () = |desk| desk.reject(row);
    sync_log(before: Option<i64>) -> Vec<LogLine> = |desk| desk.sync_log(before);
    create_from(id: String) -> String = |desk| desk.create_from(&id);
    import_offered(id: String, layer: Option<String>) -> ImportReport = |desk| desk.import(&id, layer.as_deref());
}

#[tauri::command]
fn cancel(desk: Shared<'_>) {
    desk.cancel();
}

#[tauri::command]
fn answer(desk: Shared<'_>, id: u64, text: Option<String>) {
    desk.answer(id, text);
}

/// Where the user looks, for other Bivouacs; nothing is waited for.
#[tauri::command]
fn here(desk: Shared<'_>, at: Option<Spot>, selected: Option<Vec<String>>) {
    desk.here(at, selected);
}

/// Shows a server's own sign-in page.
#[tauri::command]
async fn sign_in_page(app: AppHandle, desk: Shared<'_>, server: String, allow_http: bool) -> Answer<()> {
    let page = away(desk, move |desk| desk.sign_in_page(&server, allow_http)).await?;
    sign_in::open(&app, &page)
}

#[tauri::command]
fn sign_in_close(app: AppHandle) {
    sign_in::close(&app);
}

#[tauri::command]
fn about(desk: Shared<'_>) -> About {
    desk.about(env!("CARGO_PKG_VERSION"), &tauri::webview_version().unwrap_or_default(), Renderer::in_use().name())
}

#[tauri::command]
fn open_external(app: AppHandle, url: &str) -> Answer<()> {
    let opened = app.opener().open_url(links::checked(url)?, None::<&str>);
    opened.map_err(|error| Problem::new("link_failed", format!("open a link: {error}")))
}

#[tauri::command]
fn show_logs(app: AppHandle) -> Answer<()> {
    let failed = |error: String| Problem::new("io", format!("show the logs: {error}"));
    let folder = app.path().app_log_dir().map_err(|error| failed(error.to_string()))?;
    app.opener().open_path(folder.to_string_lossy(), None::<&str>).map_err(|error| failed(error.to_string()))
}

#[tauri::command]
fn set_locale(language: State<'_, Locale>, locale: String) {
    *language.0.lock().unwrap_or_else(PoisonError::into_inner) = locale;
}

/// Asks where to, then exports; gives the number of features, or nothing when nobody chose.
#[tauri::command]
async fn export_map(app: AppHandle, desk: Shared<'_>, kind: FileKind, layer: Option<String>) -> Answer<Option<u64>> {
    let title = app.state::<Locale>().says("Export the map", "Exporter la carte").to_owned();
    away(desk, move |desk| {
        let dialog = app.dialog().file().set_title(title).set_file_name(desk.export_name(kind)?);
        let Some(path) = dialog.blocking_save_file().and_then(|path| path.into_path().ok()) else { return Ok(None) };
        desk.export_to(kind, layer.as_deref(), &path).map(Some)
    })
    .await
}

/// Asks where to, then copies a map's file; nothing when nobody chose.
#[tauri::command]
async fn back_up(app: AppHandle, desk: Shared<'_>, id: String) -> Answer<Option<BackUp>> {
    let title = app.state::<Locale>().says("Back up the map", "Sauvegarder la carte").to_owned();
    away(desk, move |desk| {
        let dialog = app.dialog().file().set_title(title).set_file_name(desk.back_up_name(&id)?);
        let Some(path) = dialog.blocking_save_file().and_then(|path| path.into_path().ok()) else { return Ok(None) };
        desk.back_up_to(&id, &path).map(Some)
    })
    .await
}

/// Asks where to, then writes what can be read of a damaged map; nothing when nobody chose.
#[tauri::command]
async fn rescue(app: AppHandle, desk: Shared<'_>, id: String) -> Answer<Option<Rescue>> {
    let title = app.state::<Locale>().says("Export what can be read", "Exporter ce qui est lisible").to_owned();
    away(desk, move |desk| {
        let dialog = app.dialog().file().set_title(title).set_file_name(desk.rescue_name(&id)?);
        let Some(path) = dialog.blocking_save_file().and_then(|path| path.into_path().ok()) else { return Ok(None) };
        desk.rescue_to(&id, &path).map(Some)
    })
    .await
}

/// Asks which file, then imports it; nothing when nobody chose.
#[tauri::command]
async fn import_file(app: AppHandle, desk: Shared<'_>, layer: Option<String>) -> Answer<Option<ImportReport>> {
    let title = app.state::<Locale>().says("Import a file", "Importer un fichier").to_owned();
    away(desk, move |desk| {
        let dialog = app.dialog().file().set_title(title).add_filter("GeoJSON, uMap", &["umap", "geojson", "json"]);
        let Some(path) = dialog.blocking_pick_file().and_then(|path| path.into_path().ok()) else { return Ok(None) };
        desk.import_from(&path, layer.as_deref()).map(Some)
    })
    .await
}

/// The page hears events from now on.
#[tauri::command]
fn ready(app: AppHandle) {
    window::ready(&app);
}

/// Ends the program, or, after a question, stays.
#[tauri::command]
fn quit(app: AppHandle, stay: Option<bool>) {
    if stay == Some(true) { window::stay(&app) } else { app.exit(0) }
}

#[cfg(test)]
mod tests {
    /// The page's only door to all of this.
    const PAGE: &str = include_str!("../../ui/src/backend/tauri.ts");
    const CAPABILITY: &str = include_str!("../capabilities/main.json");
    const NAMES: &[&str] = &include!("command_names.rs");

    #[test]
    fn every_command_is_listed_permitted_and_used_by_the_page() {
        for name in NAMES {
            let permission = format!("\"allow-{}\"", name.replace('_', "-"));
            assert!(CAPABILITY.contains(&permission), "{permission} is not in the capability");
            assert!(PAGE.contains(&format!("('{name}'")), "{name} is not called by the page");
        }
    }
}
