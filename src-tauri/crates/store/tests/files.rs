//! Opening, refusing and surviving.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;

use bivouac_journal::ids::Object;
use bivouac_journal::path::Path;
use bivouac_store::{Error, NewRow, Origin, Store};
use common::*;

fn sqlite(path: &std::path::Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path).unwrap()
}

#[test]
fn a_map_is_there_again_after_closing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bivouac");
    let object = feature(1, 1);
    let hash = {
        let mut store = Store::create(&path, &new_map()).unwrap();
        let drafts = vec![
            draft_upsert(Object::Layer(layer(1)), layer_value(1)),
            draft_upsert(object.clone(), point(&object, 1.25, 2.5, "n")),
        ];
        store.commit_local("add", drafts, NOW).unwrap();
        store.state_hash().unwrap()
    };
    let store = Store::open(&path).unwrap();
    assert_eq!(store.map().unwrap().name, "Trip");
    assert_eq!(store.state_hash().unwrap(), hash);
    assert_sound(&store);
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("part")), "{names:?}");
}

#[test]
fn a_reader_sees_what_the_writer_committed_and_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bivouac");
    let mut writer = Store::create(&path, &new_map()).unwrap();
    let mut reader = Store::open_read_only(&path).unwrap();
    assert!(reader.layers().unwrap().is_empty());
    let draft = || vec![draft_upsert(Object::Layer(layer(1)), layer_value(1))];
    writer.commit_local("layer", draft(), NOW).unwrap();
    assert_eq!(reader.layers().unwrap().len(), 1);
    assert!(matches!(reader.commit_local("layer", draft(), NOW), Err(Error::ReadOnly)));
    drop(writer);
    drop(reader);
    assert_eq!(Store::open_read_only(&path).unwrap().layers().unwrap().len(), 1);
}

#[test]
fn a_missing_and_an_existing_file_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bivouac");
    assert!(matches!(Store::open(&path), Err(Error::Missing(_))));
    drop(Store::create(&path, &new_map()).unwrap());
    assert!(matches!(Store::create(&path, &new_map()), Err(Error::Exists(_))));
}

#[test]
fn a_newer_file_is_refused_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bivouac");
    drop(Store::create(&path, &new_map()).unwrap());
    sqlite(&path).pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(Store::open(&path), Err(Error::Newer { found: 99, .. })));
    assert!(matches!(Store::open_read_only(&path), Err(Error::Newer { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn foreign_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "{\"type\":\"FeatureCollection\",\"features\":[]}".repeat(200)).unwrap();
    assert!(matches!(Store::open(&text), Err(Error::Foreign)));
    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    assert!(matches!(Store::open(&empty), Err(Error::Foreign)));
    let other = folder.path().join("other");
    sqlite(&other).execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(Store::open(&other), Err(Error::Foreign)));
}

#[test]
fn a_damaged_file_is_an_error_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bivouac");
    {
        let mut store = Store::create(&path, &new_map()).unwrap();
        let mut drafts = vec![draft_upsert(Object::Layer(layer(1)), layer_value(1))];
        for number in 0..500 {
            let object = feature(1, number);
            drafts.push(draft_upsert(object.clone(), point(&object, 1.0, 2.0, "n")));
        }
        store.commit_local("add", drafts, NOW).unwrap();
    }
    let whole = fs::read(&path).unwrap();
    let size: usize = sqlite(&path).query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
    let mut refused = 0;
    for page in 0..whole.len() / size {
        let mut broken = whole.clone();
        let keep = if page == 0 { 100 } else { 0 };
        broken[page * size + keep..(page + 1) * size].fill(0xa5);
        fs::write(&path, &broken).unwrap();
        let sound = Store::open(&path).and_then(|store| store.verify());
        refused += usize::from(!matches!(sound, Ok(verified) if verified.disagreements.is_empty()));
    }
    assert_eq!(refused, whole.len() / size, "every broken page is noticed");
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let cut = Store::open(&path).and_then(|store| store.verify());
    assert!(!matches!(cut, Ok(verified) if verified.disagreements.is_empty()));
}

#[test]
fn a_transaction_that_did_not_commit_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bivouac");
    let object = feature(1, 1);
    let mut store = Store::create(&path, &new_map()).unwrap();
    store.commit_local("layer", vec![draft_upsert(Object::Layer(layer(1)), layer_value(1))], NOW).unwrap();
    let before = (store.state_hash().unwrap(), store.verify().unwrap().operations, store.map().unwrap());
    {
        let mut tx = store.begin().unwrap();
        let operation = upsert("9:0:other", object.clone(), &point(&object, 1.0, 2.0, "n"));
        let row = tx.append(&NewRow::of(&operation, Origin::Foreign, NOW)).unwrap();
        tx.apply(&operation, row).unwrap();
        tx.base(&object).unwrap();
        assert!(tx.state(&object).unwrap().is_alive());
    }
    assert_eq!((store.state_hash().unwrap(), store.verify().unwrap().operations, store.map().unwrap()), before);
    // Names given in it are void, so the same clock id must be named again.
    store.commit_foreign(vec![live(upsert("9:0:other", object.clone(), &point(&object, 1.0, 2.0, "n")))], NOW).unwrap();
    assert_eq!(shown(&store, &object, &Path::property("name")).as_deref(), Some("\"n\""));
    assert_sound(&store);
}

/// The child of the next test: commits in a loop and says so, until it is killed.
#[test]
fn a_process_killed_while_it_writes_loses_nothing_that_it_acknowledged() {
    use std::io::{BufRead, BufReader, Write};
    const CHILD: &str = "BIVOUAC_STORE_TEST_CHILD";
    if let Some(path) = std::env::var_os(CHILD) {
        let mut store = Store::open(std::path::Path::new(&path)).unwrap();
        let start = store.layers().unwrap()[0].features;
        for number in start.. {
            let drafts = (0..20).map(|part| {
                let object = feature(1, number * 20 + part);
                draft_upsert(object.clone(), point(&object, 1.0, 2.0, "n"))
            });
            store.commit_local("add", drafts.collect(), NOW + number).unwrap();
            let mut out = std::io::stdout().lock();
            writeln!(out, "acknowledged {}", store.layers().unwrap()[0].features).unwrap();
            out.flush().unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bivouac");
    let mut store = Store::create(&path, &new_map()).unwrap();
    store.commit_local("layer", vec![draft_upsert(Object::Layer(layer(1)), layer_value(1))], NOW).unwrap();
    drop(store);
    for round in 0..5_u64 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_process_killed_while_it_writes_loses_nothing_that_it_acknowledged", "--nocapture"])
            .env(CHILD, &path)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = 0;
        let mut heard = 0;
        while heard < 3 + round {
            let line = lines.next().unwrap().unwrap();
            if let Some((_, count)) = line.split_once("acknowledged ") {
                (acknowledged, heard) = (count.trim().parse::<u64>().unwrap(), heard + 1);
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(round * 3));
        child.kill().unwrap();
        child.wait().unwrap();
        let store = Store::open(&path).unwrap();
        let features = store.layers().unwrap()[0].features;
        assert!(features >= acknowledged && features.is_multiple_of(20), "{features} of {acknowledged}");
        assert_sound(&store);
    }
}

#[test]
fn a_file_that_lacks_a_part_of_its_format_is_damaged_and_told_in_one_line() {
    for change in ["DROP TABLE conflicts", "ALTER TABLE objects DROP COLUMN read_at", "PRAGMA user_version = 0"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.sqlite");
        drop(Store::create(&path, &new_map()).unwrap());
        sqlite(&path).execute_batch(change).unwrap();
        let looked = Store::open(&path).and_then(|store| store.counts().and_then(|_| store.verify()));
        let Err(error) = looked else { panic!("{change} goes unnoticed") };
        assert!(matches!(error, Error::Damaged(_)), "{change}: {error:?}");
        let text = error.to_string();
        assert!(text.len() < 200 && !text.contains('\n'), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn a_map_in_a_folder_that_cannot_be_written_can_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.sqlite");
    drop(Store::create(&path, &new_map()).unwrap());
    let mode = |mode| std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o555);
    let name = Store::open_read_only(&path).and_then(|store| store.map()).map(|map| map.name);
    mode(0o755);
    assert_eq!(name.unwrap(), "Trip");
}
