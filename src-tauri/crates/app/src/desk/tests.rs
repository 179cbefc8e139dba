//! A desk on a temporary folder, without a server; with a real one in the workspace's `tests/desk.rs`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::surroundings::tests::TestSurroundings;
use super::types::{ChipKind, DeskEvent, FileKind, LonLatBox, PendingVerb, SaveStep, TakeOffline};
use super::*;
use crate::edits::Edit;

struct Bench {
    desk: Desk,
    around: Arc<TestSurroundings>,
    folder: tempfile::TempDir,
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let around = Arc::new(TestSurroundings::default());
    let desk = Desk::new(folder.path(), Some(Kind::Memory), around.clone()).unwrap();
    Bench { desk, around, folder }
}

/// A desk with an open map of one layer; the layer's id.
fn opened() -> (Bench, String) {
    let bench = bench();
    let id = bench.desk.create_map("Field", "Points", None).unwrap();
    let view = bench.desk.open_map(&id).unwrap();
    let layer = view.layers[0].id.clone();
    (bench, layer)
}

fn point(name: &str, lon: f64, lat: f64) -> Value {
    json!({"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]}, "properties": {"name": name}})
}

fn add(desk: &Desk, layer: &str, name: &str, lon: f64, lat: f64) -> String {
    let edit = Edit::Add { layer: layer.to_owned(), feature: point(name, lon, lat) };
    desk.edit("add", vec![edit]).unwrap().objects.remove(0)
}

fn set(desk: &Desk, feature: &str, key: &str, value: Value) {
    let edit = Edit::Set { feature: feature.to_owned(), key: key.to_owned(), value };
    desk.edit("set", vec![edit]).unwrap();
}

#[test]
fn a_desk_may_be_used_from_several_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Desk>();
}

#[test]
fn an_empty_library_takes_the_sample_and_opens_it_with_a_layer_of_each_kind() {
    let Bench { desk, around, folder: _folder } = bench();
    assert!(desk.library().unwrap().maps.is_empty());
    let id = desk.add_sample().unwrap();
    let card = desk.library().unwrap().maps.remove(0);
    assert_eq!((card.id.as_str(), card.trouble, card.layers), (id.as_str(), None, 8));
    assert!(card.features > 300, "{}", card.features);
    assert!(around.told().contains(&DeskEvent::Library {}));
    let view = desk.open_map(&id).unwrap();
    let kinds: std::collections::BTreeSet<String> = view.layers.iter().map(|l| format!("{:?}", l.kind)).collect();
    assert_eq!(kinds.len(), 6, "{kinds:?}");
    assert_eq!((view.zoom, view.read_only), (Some(13.0), false));
    assert!(view.bounds.is_some_and(|b| b.west < 0.0 && b.east > 0.0));
    assert_eq!(desk.sync_view().unwrap().chip.kind, ChipKind::LocalOnly);
    assert_eq!(desk.library().unwrap().open, Some(id));
}

#[test]
fn an_edit_is_told_read_beside_the_writer_undone_and_done_again() {
    let (Bench { desk, around, folder: _folder }, layer) = opened();
    let object = add(&desk, &layer, "Spring", 7.123_456_7, 48.1);
    let changed = around.told().into_iter().rev().find_map(|event| match event {
        DeskEvent::Changed { objects, mine, .. } => Some((objects, mine)),
        _ => None,
    });
    assert_eq!(changed, Some((Some(vec![object.clone()]), true)));
    set(&desk, &object, "depth", json!(2.5));
    let detail = desk.feature(&object).unwrap();
    assert_eq!(detail.properties, json!({"name": "Spring", "depth": 2.5}).as_object().cloned().unwrap());
    assert_eq!(detail.geometry, r#"{"type":"Point","coordinates":[7.1234567,48.1]}"#);
    assert_eq!((detail.save_state, detail.may_edit, detail.alive), (SaveStep::Local, true, true));
    assert_eq!(desk.map_view().unwrap().undo.as_deref(), Some("set"));
    assert_eq!(desk.undo().unwrap().changed, 1);
    assert!(!desk.feature(&object).unwrap().properties.contains_key("depth"));
    desk.redo().unwrap();
    assert_eq!(desk.feature(&object).unwrap().properties["depth"], json!(2.5));
    let bounds = LonLatBox { west: 7.0, south: 48.0, east: 7.2, north: 48.2 };
    let exact: Value = serde_json::from_slice(&desk.features_in(bounds, 10).unwrap()).unwrap();
    assert_eq!((&exact["more"], &exact["features"][0]["object"]), (&json!(false), &json!(object)));
    let problem = desk.edit("bad", vec![Edit::Delete { feature: "zzzzz".to_owned() }]).unwrap_err();
    assert_eq!(problem.code, "not_found");
}

#[test]
fn what_was_edited_is_there_after_a_restart_and_can_still_be_undone() {
    let (Bench { desk, folder, .. }, layer) = opened();
    let id = desk.library().unwrap().open.unwrap();
    let object = add(&desk, &layer, "Spring", 7.1, 48.1);
    desk.shut();
    let again = Desk::new(folder.path(), Some(Kind::Memory), Arc::new(TestSurroundings::default())).unwrap();
    again.open_map(&id).unwrap();
    assert_eq!(again.feature(&object).unwrap().properties["name"], json!("Spring"));
    again.undo().unwrap();
    assert!(!again.feature(&object).unwrap().alive);
}

#[test]
fn the_chips_numbers_and_the_pending_list_are_the_rows_of_the_file() {
    let (Bench { desk, folder, .. }, layer) = opened();
    let kept = add(&desk, &layer, "Kept", 7.1, 48.1);
    let gone = add(&desk, &layer, "Gone", 7.2, 48.2);
    set(&desk, &kept, "depth", json!(1));
    desk.edit("delete", vec![Edit::Delete { feature: gone.clone() }]).unwrap();
    let id = desk.library().unwrap().open.unwrap();
    let store = bivouac_store::Store::open_read_only(&folder.path().join("maps").join(&id).join("map.sqlite")).unwrap();
    let counts = store.counts().unwrap();
    let chip = desk.sync_view().unwrap().chip;
    assert_eq!((chip.to_send, chip.to_save), (counts.local + counts.sent, counts.echoed + counts.saved));
    let pending = desk.pending().unwrap();
    assert_eq!(pending.iter().map(|entry| entry.rows.len() as u64).sum::<u64>(), chip.to_send);
    let of = |object: &str| pending.iter().find(|entry| entry.object == object).unwrap();
    assert_eq!((of(&kept).verb, of(&kept).name.as_str()), (PendingVerb::Added, "Kept"));
    assert_eq!(of(&gone).verb, PendingVerb::Deleted);
    assert!(of(&gone).bounds.is_some(), "a deleted feature can be zoomed to where it was");
    assert_eq!(desk.library().unwrap().maps[0].waiting, counts.unverified());
}

#[test]
fn one_pending_edit_is_discarded_and_that_can_be_undone() {
    let (Bench { desk, folder: _folder, .. }, layer) = opened();
    let object = add(&desk, &layer, "Spring", 7.1, 48.1);
    let other = add(&desk, &layer, "Other", 7.2, 48.1);
    set(&desk, &object, "name", json!("Well"));
    let rows = desk.pending().unwrap().into_iter().find(|entry| entry.object == object).unwrap().rows;
    let changing = vec![*rows.last().unwrap()];
    assert_eq!(desk.discard(changing).unwrap().changed, 1);
    assert_eq!(desk.feature(&object).unwrap().properties["name"], json!("Spring"));
    let rows = desk.pending().unwrap().into_iter().find(|entry| entry.object == object).unwrap().rows;
    desk.discard(rows).unwrap();
    assert!(!desk.feature(&object).unwrap().alive);
    assert!(desk.feature(&other).unwrap().alive);
    desk.undo().unwrap();
    assert!(desk.feature(&object).unwrap().alive, "the discard was a step like any other");
}

#[test]
fn the_history_tells_from_and_to_and_a_feature_goes_back_to_any_of_it() {
    let (Bench { desk, folder: _folder, .. }, layer) = opened();
    let object = add(&desk, &layer, "One", 7.1, 48.1);
    set(&desk, &object, "name", json!("Two"));
    set(&desk, &object, "name", json!("Three"));
    set(&desk, &object, "depth", json!(4));
    let history = desk.history(&object).unwrap();
    let told: Vec<(&str, &Value, &Value)> =
        history.iter().map(|e| (e.key.as_deref().unwrap_or("all"), &e.from, &e.to)).take(3).collect();
    assert_eq!(
        told,
        [
            ("properties.depth", &Value::Null, &json!(4)),
            ("properties.name", &json!("Two"), &json!("Three")),
            ("properties.name", &json!("One"), &json!("Two")),
        ]
    );
    assert!(history.iter().all(|entry| entry.mine));
    desk.take_back(history[2].row).unwrap();
    assert_eq!(desk.feature(&object).unwrap().properties["name"], json!("Two"));
    desk.take_back(history[3].row).unwrap();
    let properties = desk.feature(&object).unwrap().properties;
    assert_eq!(Value::Object(properties), json!({"name": "One"}), "as it was made");
}

#[test]
fn a_map_that_another_program_has_is_opened_for_reading_and_says_so() {
    let (Bench { desk, folder, .. }, layer) = opened();
    let object = add(&desk, &layer, "Spring", 7.1, 48.1);
    let id = desk.library().unwrap().open.unwrap();
    let second = Desk::new(folder.path(), Some(Kind::Memory), Arc::new(TestSurroundings::default())).unwrap();
    let view = second.open_map(&id).unwrap();
    assert_eq!((view.read_only, view.read_only_why.as_deref()), (true, Some("in_use")));
    assert!(!view.rights.may_edit && !view.layers[0].may_edit);
    let seen = second.feature(&object).unwrap();
    assert!(seen.alive && !seen.may_edit);
    let set = Edit::Set { feature: object.clone(), key: "name".to_owned(), value: json!("x") };
    assert_eq!(second.edit("set", vec![set]).unwrap_err().code, "not_allowed");
    assert_eq!(second.remove_map(&id, true).unwrap_err().code, "in_use");
    desk.close_map();
    assert!(!second.open_map(&id).unwrap().read_only);
}

#[test]
fn a_map_with_unsent_edits_is_removed_only_with_a_yes() {
    let (Bench { desk, folder: _folder, .. }, layer) = opened();
    add(&desk, &layer, "Spring", 7.1, 48.1);
    let id = desk.library().unwrap().open.unwrap();
    desk.close_map();
    let problem = desk.remove_map(&id, false).unwrap_err();
    assert_eq!(problem.code, "unsent");
    assert!(problem.detail.unwrap().parse::<u64>().unwrap() >= 1);
    desk.remove_map(&id, true).unwrap();
    assert!(desk.library().unwrap().maps.is_empty());
}

#[test]
fn a_damaged_file_is_shown_as_such_and_hides_no_other() {
    let Bench { desk, folder, .. } = bench();
    let id = desk.create_map("Good", "Layer", None).unwrap();
    let bad = desk.create_map("Bad", "Layer", None).unwrap();
    let file = folder.path().join("maps").join(&bad).join("map.sqlite");
    std::fs::write(&file, b"this is no database at all, and it is long enough to be looked at").unwrap();
    let _ = std::fs::remove_file(file.with_extension("sqlite-wal"));
    let maps = desk.library().unwrap().maps;
    let of = |id: &str| maps.iter().find(|map| map.id == id).unwrap();
    assert!(of(&id).trouble.is_none());
    assert!(of(&bad).trouble.is_some());
    assert!(desk.open_map(&bad).is_err());
    assert!(desk.open_map(&id).is_ok());
}

#[test]
fn a_map_goes_out_to_a_file_and_comes_in_again_as_one_step() {
    let (Bench { desk, around, folder }, layer) = opened();
    add(&desk, &layer, "Spring", 7.1, 48.1);
    add(&desk, &layer, "Well", 7.2, 48.2);
    let file = folder.path().join(desk.export_name(FileKind::Umap).unwrap());
    assert_eq!(desk.export_to(FileKind::Umap, None, &file).unwrap(), 2);
    desk.offer_file(&file);
    let Some(DeskEvent::OpenWanted { what, import: Some(import) }) = around.told().pop() else { panic!("not told") };
    assert_eq!(what, "Field.umap");
    let report = desk.import(&import, None).unwrap();
    assert_eq!((report.features, report.new_layers), (2, 1));
    assert_eq!(desk.import(&import, None).unwrap_err().code, "not_found");
    assert_eq!(desk.map_view().unwrap().layers.len(), 2);
    desk.undo().unwrap();
    assert_eq!(desk.map_view().unwrap().layers.len(), 1);
    let into = desk.import_from(&file, Some(&layer)).unwrap();
    assert_eq!((into.features, into.new_layers), (2, 0));
}

#[test]
fn going_online_without_a_server_says_what_is_missing_and_stays_on_this_laptop() {
    let (Bench { desk, folder: _folder, .. }, layer) = opened();
    assert_eq!(desk.go_online().unwrap_err().code, "bad_input");
    let problem = desk.take_offline(&TakeOffline { address: "no address".to_owned(), ..TakeOffline::default() });
    assert_eq!(problem.unwrap_err().code, "bad_input");
    add(&desk, &layer, "Spring", 7.1, 48.1);
    assert_eq!(desk.sync_view().unwrap().chip.kind, ChipKind::LocalOnly);
}

#[test]
fn a_background_is_asked_about_once_and_names_whom_it_is_owed_to() {
    let (Bench { desk, folder: _folder, .. }, _) = opened();
    assert_eq!(desk.background().unwrap(), None, "neither the map nor a server names one");
    let tiles = json!({"name": "OSM", "url_template": "https://{s}.tile.example.org/{z}/{x}/{y}.png",
        "attribution": "© [[https://example.org|Somebody]]", "minZoom": 2, "maxZoom": "17"});
    desk.edit("background", vec![Edit::MapSet { key: "tilelayer".to_owned(), value: tiles }]).unwrap();
    let view = desk.background().unwrap().unwrap();
    assert_eq!((view.leave, view.min_zoom, view.max_zoom), (types::Leave::Unasked, 2, 17));
    assert_eq!(
        (view.host.as_str(), view.attribution.as_str()),
        ("tile.example.org", "© [[https://example.org|Somebody]]")
    );
    let refused = desk.tile(3, 1, 1).unwrap_err();
    assert_eq!((refused.code.as_str(), refused.detail.as_deref()), ("picture_unasked", Some("c.tile.example.org")));
    desk.allow_host("tile.example.org", Some(false)).unwrap();
    assert_eq!(desk.background().unwrap().unwrap().leave, types::Leave::No);
    assert_eq!(desk.picture_hosts().hosts.len(), 1);
    assert_eq!(desk.allow_host("no host/at all", Some(true)).unwrap_err().code, "bad_input");
}

#[test]
fn pictures_of_a_map_reach_into_no_private_network_and_name_no_files() {
    let (Bench { desk, folder: _folder, .. }, _) = opened();
    for (said, code) in [
        ("http://192.168.0.1/router.png", "picture_private"),
        ("http://localhost:9/x.png", "picture_private"),
        ("https://pictures.example.org/a.png", "picture_unasked"),
        ("/uploads/pictogram/tent.svg", "picture_nothing"),
        ("//example.org/a.png", "picture_nothing"),
        ("file:///etc/passwd", "picture_nothing"),
        ("javascript:alert(1)", "picture_nothing"),
    ] {
        assert_eq!(desk.picture(said).unwrap_err().code, code, "{said}");
    }
}

#[test]
fn an_offered_file_becomes_a_map_of_its_own_and_nonsense_becomes_none() {
    let Bench { desk, around, folder } = bench();
    let offered = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        desk.offer_file(&path);
        let wanted = around.told().into_iter().rev().find_map(|event| match event {
            DeskEvent::OpenWanted { import, .. } => import,
            _ => None,
        });
        wanted.unwrap()
    };
    let walk = offered("Walk in May.umap", &point("Gate", 5.0, 45.0).to_string());
    let id = desk.create_from(&walk).unwrap();
    let view = desk.open_map(&id).unwrap();
    assert_eq!((view.name.as_str(), view.layers.iter().map(|layer| layer.features).sum::<u64>()), ("Walk in May", 1));
    let nonsense = offered("broken.umap", "{\"type\":");
    assert!(desk.create_from(&nonsense).is_err());
    assert_eq!(desk.library().unwrap().maps.len(), 1, "no map is left of it");
}

/// A map of many features, closed, whose file had these of its pages overwritten.
fn damaged(pick: impl Fn(&[u8]) -> bool) -> (Bench, String) {
    let (bench, layer) = opened();
    let many = (0..3_000_u32)
        .map(|n| Edit::Add { layer: layer.clone(), feature: point(&format!("Stone {n}"), f64::from(n) / 100.0, 48.0) });
    bench.desk.edit("add", many.collect()).unwrap();
    let id = bench.desk.map_view().unwrap().id;
    bench.desk.close_map();
    let file = bench.folder.path().join("maps").join(&id).join(crate::library::FILE);
    // Whoever closes last brings the log into the file.
    drop(bivouac_store::Store::open(&file).unwrap());
    assert!(!file.with_extension("sqlite-wal").exists());
    let mut bytes = std::fs::read(&file).unwrap();
    let picked: Vec<usize> =
        bytes.chunks(4_096).enumerate().skip(1).filter(|(_, page)| pick(page)).map(|(at, _)| at).collect();
    assert!(!picked.is_empty());
    for at in picked {
        bytes[at * 4_096..(at + 1) * 4_096].fill(0x5a);
    }
    std::fs::write(&file, bytes).unwrap();
    (bench, id)
}

#[test]
fn a_sound_map_is_copied_while_it_is_open_and_the_copy_is_a_map() {
    let (Bench { desk, folder, .. }, layer) = opened();
    add(&desk, &layer, "Spring", 7.0, 48.0);
    let id = desk.map_view().unwrap().id;
    assert_eq!(desk.back_up_name(&id).unwrap(), "Field.sqlite");
    let copy = folder.path().join("copy.sqlite");
    let report = desk.back_up_to(&id, &copy).unwrap();
    assert!(report.sound && report.bytes > 10_000, "{report:?}");
    let store = bivouac_store::Store::open_read_only(&copy).unwrap();
    assert_eq!(store.layers().unwrap()[0].features, 1);
    let itself = folder.path().join("maps").join(&id).join(crate::library::FILE);
    assert_eq!(desk.back_up_to(&id, &itself).unwrap_err().code, "bad_input");
}

#[test]
fn a_damaged_map_gives_what_can_be_read_and_is_copied_as_it_is() {
    let (Bench { desk, folder, .. }, id) = damaged(|page| page.windows(9).any(|part| part == b"\"Stone 27"));
    let rescued = folder.path().join("rescued.umap");
    let report = desk.rescue_to(&id, &rescued).unwrap();
    assert!(report.features > 500 && report.features < 3_000 && report.unreadable > 0, "{report:?}");
    let text: Value = serde_json::from_str(&std::fs::read_to_string(&rescued).unwrap()).unwrap();
    let features: usize =
        text["layers"].as_array().unwrap().iter().map(|layer| layer["features"].as_array().unwrap().len()).sum();
    assert_eq!((text["type"].as_str(), features as u64), (Some("umap"), report.features));
    // Another laptop takes it like any other file.
    let (other, _) = opened();
    assert_eq!(other.desk.import_from(&rescued, None).unwrap().features, report.features);
    let copy = folder.path().join("copy.sqlite");
    let report = desk.back_up_to(&id, &copy).unwrap();
    let original = folder.path().join("maps").join(&id).join(crate::library::FILE);
    assert!(!report.sound);
    assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(&original).unwrap());
}

#[test]
fn a_file_without_a_readable_list_of_tables_is_told_and_can_only_be_copied() {
    let (Bench { desk, folder, .. }, id) = damaged(|_| true);
    let trouble = desk.library().unwrap().maps.remove(0).trouble.unwrap();
    assert_eq!(trouble.code, "damaged");
    assert!(desk.rescue_to(&id, &folder.path().join("rescued.umap")).is_err());
    assert!(!folder.path().join("rescued.umap").exists());
    assert!(desk.open_read_only(&id).is_err());
    assert_eq!(desk.library().unwrap().open, None, "and nothing stays open");
    assert!(!desk.back_up_to(&id, &folder.path().join("copy.sqlite")).unwrap().sound);
}
