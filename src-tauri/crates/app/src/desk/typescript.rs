//! The TypeScript of what crosses to the window, checked against `ui/src/generated`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ts_rs::{Config, TS};

use super::types;
use crate::draw::types as draw;
use crate::edits::Edit;

/// Set to write the files instead of comparing them.
const UPDATE: &str = "BIVOUAC_UPDATE_TYPES";

/// Every type that a command takes or answers, and the events; what they hold follows by itself.
fn write(config: &Config) {
    macro_rules! all {
        ($($root:ty),+ $(,)?) => { $(<$root>::export_all(config).unwrap();)+ };
    }
    all!(
        Edit,
        draw::LayerLegend,
        draw::ViewportAnswer,
        draw::ViewportQuery,
        types::About,
        types::BackUp,
        types::BackgroundView,
        types::ConflictCard,
        types::DeskEvent,
        types::ExactFeatures,
        types::FeatureDetail,
        types::FileKind,
        types::HistoryEntry,
        types::ImportReport,
        types::LibraryView,
        types::LogLine,
        types::MapView,
        types::PendingEntry,
        types::PictureHosts,
        types::Problem,
        types::ProposalCard,
        types::Rescue,
        types::Side,
        types::SignIn,
        types::SyncView,
        types::TakeOffline,
        types::UndoSummary,
        types::WrittenEdit,
    );
}

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../ui/src/generated")
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let Ok(items) = std::fs::read_dir(folder) else { return BTreeMap::new() };
    let one = |item: std::io::Result<std::fs::DirEntry>| {
        let item = item.unwrap();
        let name = item.file_name().into_string().unwrap();
        name.ends_with(".ts").then(|| (name, std::fs::read_to_string(item.path()).unwrap()))
    };
    items.filter_map(one).collect()
}

#[test]
fn the_committed_typescript_is_what_the_types_say() {
    let fresh = tempfile::tempdir().unwrap();
    write(&Config::new().with_large_int("number").with_out_dir(fresh.path()));
    let made = files(fresh.path());
    assert!(made.len() > 20, "{:?}", made.keys());
    let folder = committed();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        for name in files(&folder).keys() {
            std::fs::remove_file(folder.join(name)).unwrap();
        }
        for (name, text) in &made {
            std::fs::write(folder.join(name), text).unwrap();
        }
    }
    let there = files(&folder);
    let stale: Vec<&String> =
        made.keys().chain(there.keys()).filter(|name| made.get(*name) != there.get(*name)).collect();
    assert!(stale.is_empty(), "{stale:?} differ: run the tests of bivouac-app once with {UPDATE}=1");
}
