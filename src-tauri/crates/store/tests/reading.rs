//! Viewports, layers, history and past instants.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bivouac_journal::geometry::Bounds;
use bivouac_journal::ids::Object;
use bivouac_journal::path::Path;
use bivouac_store::{Error, Origin, Query, SaveState};
use common::*;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_viewport_holds_exactly_what_lies_in_it(
        points in prop::collection::vec((-180.0..180.0_f64, -90.0..90.0_f64), 1..60),
        from in any::<prop::sample::Index>(),
        size in (0.0..90.0_f64, 0.0..90.0_f64),
    ) {
        let mut store = store_with_layer();
        let drafts = points.iter().enumerate().map(|(number, (lon, lat))| {
            let object = feature(1, number as u64);
            draft_upsert(object.clone(), point(&object, *lon, *lat, "n"))
        });
        store.commit_local("add", drafts.collect(), NOW).unwrap();
        // An edge that is a point's own coordinate is where rounding would show.
        let (west, south) = points[from.index(points.len())];
        let bounds = Bounds { west, south, east: west + size.0, north: south + size.1 };
        let found: Vec<_> = store.viewport(bounds, 1000).unwrap().into_iter().map(|f| f.id).collect();
        let expected: Vec<_> = points.iter().enumerate()
            .filter(|(_, (lon, lat))| *lon >= bounds.west && *lon <= bounds.east && *lat >= bounds.south && *lat <= bounds.north)
            .map(|(number, _)| id(number as u64))
            .collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn a_viewport_shows_neither_the_dead_nor_what_lies_in_dead_layers_nor_old_places() {
    let mut store = store_with_layer();
    let (stays, goes, moves) = (feature(1, 1), feature(1, 2), feature(1, 3));
    let here = Bounds { west: 0.0, south: 0.0, east: 10.0, north: 10.0 };
    for object in [&stays, &goes, &moves] {
        store.commit_local("add", vec![draft_upsert(object.clone(), point(object, 5.0, 5.0, "n"))], NOW).unwrap();
    }
    let away = r#"{"type":"Point","coordinates":[50,50]}"#;
    store.commit_local("move", vec![draft_update(moves.clone(), Path::geometry(), Some(away))], NOW + 1).unwrap();
    store.commit_local("delete", vec![draft_delete(goes)], NOW + 2).unwrap();
    let found = store.viewport(here, 10).unwrap();
    assert_eq!(found.iter().map(|f| &f.text).collect::<Vec<_>>(), [point(&stays, 5.0, 5.0, "n").as_str()]);
    assert_eq!(store.features(&Query { limit: 10, ..Query::default() }).unwrap().len(), 2);
    store.commit_local("layer", vec![draft_delete(Object::Layer(layer(1)))], NOW + 3).unwrap();
    assert!(store.viewport(here, 10).unwrap().is_empty());
    assert_sound(&store);
}

#[test]
fn layers_come_by_rank_and_groups_before_what_lies_in_them() {
    let mut store = store_with_layer();
    let mut drafts = Vec::new();
    for number in [4, 3, 2] {
        drafts.push(draft_upsert(Object::Layer(layer(number)), layer_value(number)));
    }
    let parent = format!("\"{}\"", layer(3));
    drafts.push(draft_update(Object::Layer(layer(1)), Path::of(&["parentId"]), Some(&parent)));
    drafts.push(draft_update(Object::Layer(layer(4)), Path::of(&["rank"]), Some("2")));
    store.commit_local("layers", drafts, NOW).unwrap();
    let layers = store.layers().unwrap();
    let shown: Vec<_> = layers.iter().map(|view| (view.layer.name(), view.depth)).collect();
    assert_eq!(shown, [("L2", 0), ("L4", 0), ("L3", 0), ("L1", 1)]);
}

#[test]
fn a_first_read_is_kept_byte_for_byte_and_enters_history_only_when_touched() {
    let mut store = store_with_layer();
    let text = r#"{"type":"Feature", "properties":{"_umap_options":{},"z":1.50,"a":null},"geometry":{"type":"Point","coordinates":[1.10,2e0]},"id":"abcde"}"#;
    let object = Object::Feature(layer(1), bivouac_journal::ids::FeatureId::parse("abcde").unwrap());
    let Object::Feature(_, id) = &object else { panic!() };
    let mut tx = store.begin().unwrap();
    tx.seed_feature(&layer(1), id, text, NOW + 10).unwrap();
    tx.commit().unwrap();
    let view = store.feature(&layer(1), id).unwrap().unwrap();
    assert_eq!((view.text.as_str(), view.base.as_deref()), (text, Some(text)));
    assert!(store.history(&object).unwrap().is_empty());
    assert_sound(&store);

    store.commit_local("edit", vec![draft_update(object.clone(), Path::property("a"), Some("2"))], NOW + 20).unwrap();
    let view = store.feature(&layer(1), id).unwrap().unwrap();
    assert_eq!(
        view.text,
        r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[1.10,2e0]},"properties":{"a":2,"z":1.50},"id":"abcde"}"#
    );
    assert_eq!(view.base.as_deref(), Some(text), "the base stays what the server said");
    let history = store.history(&object).unwrap();
    assert_eq!(history.iter().map(|row| row.origin).collect::<Vec<_>>(), [Origin::Server, Origin::Local]);
    assert_eq!(history[0].operation.value.as_ref().unwrap().as_str(), text);
    let mut tx = store.begin().unwrap();
    let base = tx.base(&object).unwrap().unwrap();
    assert_eq!(base.state.winner(&Path::property("z")).unwrap().value.as_ref().unwrap().as_str(), "1.50");
    assert_eq!(base.state.winner(&Path::property("a")).unwrap().value.as_ref().unwrap().as_str(), "null");
    drop(tx);
    assert!(store.past(NOW + 5).unwrap().features.is_empty());
    assert_eq!(store.past(NOW + 15).unwrap().features.len(), 1);
    assert_sound(&store);
}

#[test]
fn the_map_is_shown_as_it_was_at_a_past_instant_until_compaction() {
    let mut store = store_with_layer();
    let object = feature(1, 1);
    store.commit_local("add", vec![draft_upsert(object.clone(), point(&object, 1.0, 2.0, "a"))], NOW + 10).unwrap();
    let name = Path::property("name");
    for (number, value) in ["\"b\"", "\"c\""].into_iter().enumerate() {
        let now = NOW + 20 + number as u64 * 10;
        let theirs = update(&format!("{now}:0:other"), object.clone(), name.clone(), Some(value));
        store.commit_foreign(vec![live(theirs)], now).unwrap();
    }
    let name_at = |at: u64| {
        let past = store.past(at).unwrap();
        past.features
            .first()
            .map(|f| serde_json::from_str::<serde_json::Value>(&f.text).unwrap()["properties"]["name"].clone())
    };
    assert_eq!(name_at(NOW + 5), None);
    assert_eq!([name_at(NOW + 15), name_at(NOW + 25), name_at(NOW + 35)].map(|n| n.unwrap()), ["a", "b", "c"]);

    let hash = store.state_hash().unwrap();
    let later = NOW + 31 * 24 * 3600 * 1000;
    assert_eq!(store.compact(later).unwrap().removed, 0, "the server may still turn out to hold it (M11)");
    let body = format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, point(&object, 1.0, 2.0, "c").as_str());
    let upto = store.last_row().unwrap();
    store.verified(&layer(1), &(NOW + 40).to_string(), &body, upto, NOW + 40).unwrap();
    assert_eq!(store.state_hash().unwrap(), hash);
    let later = NOW + 31 * 24 * 3600 * 1000;
    let compacted = store.compact(later).unwrap();
    assert_eq!(compacted.removed, 1, "only the superseded foreign row goes");
    assert_eq!(store.state_hash().unwrap(), hash);
    assert!(matches!(store.past(NOW + 25), Err(Error::BeforeHorizon { .. })));
    assert_eq!(store.past(later).unwrap().features.len(), 1);
    assert_sound(&store);
}

#[test]
fn own_edits_are_counted_by_how_far_they_are() {
    let mut store = store_with_layer();
    let object = feature(1, 1);
    store.commit_local("add", vec![draft_upsert(object.clone(), point(&object, 1.0, 2.0, "a"))], NOW).unwrap();
    for value in ["1", "2", "3"] {
        store.commit_local("edit", vec![draft_update(object.clone(), Path::property("n"), Some(value))], NOW).unwrap();
    }
    let counts = store.counts().unwrap();
    assert_eq!((counts.local, counts.superseded), (3, 2), "layer, feature and the last value wait; two were replaced");
    let mut tx = store.begin().unwrap();
    let rows: Vec<i64> = tx.pending(None).unwrap().iter().map(|row| row.row).collect();
    tx.set_state(&rows, SaveState::Verified).unwrap();
    tx.commit().unwrap();
    assert_eq!((store.counts().unwrap().verified, store.counts().unwrap().unverified()), (3, 0));
}
