//! Finding, listing, owning and sweeping maps.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::host::TestHost;

fn born(library: &Library, name: &str) -> OpenMap {
    let birth = Birth { name: name.to_owned(), ..Birth::default() };
    library.new_map(&birth, &TestHost::default()).unwrap()
}

fn at_server(map: &mut OpenMap, server: &str, id: i64) {
    let mut tx = map.store.begin().unwrap();
    let mut record = tx.map().unwrap();
    record.server = Some(server.to_owned());
    record.server_map_id = Some(id);
    tx.set_map(&record).unwrap();
    tx.commit().unwrap();
}

#[test]
fn a_map_is_found_by_id_beginning_name_and_address() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::at(folder.path()).unwrap();
    let mut map = born(&library, "Trees");
    at_server(&mut map, "https://umap.example.org", 12);
    let uuid = map.record().unwrap().uuid;
    drop(map);
    drop(born(&library, "Other"));
    let beginning = uuid.get(..8).unwrap();
    for text in [
        uuid.as_str(),
        beginning,
        "Trees",
        "trees",
        "https://umap.example.org/en/map/trees_12",
        "https://umap.example.org/m/12/",
    ] {
        assert_eq!(library.find(text).unwrap().uuid, uuid, "{text}");
    }
    for text in ["Tree", "https://umap.example.org/m/13/", "https://other.example.org/m/12/", ""] {
        assert_eq!(library.find(text).unwrap_err().code(), "not_found", "{text}");
    }
}

#[test]
fn what_a_process_left_half_made_is_no_map_and_is_swept_later() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::at(folder.path()).unwrap();
    let left = library.folder(".part-dead");
    fs::create_dir(&left).unwrap();
    fs::write(left.join(FILE), "half").unwrap();
    let alive = library.part().unwrap();
    assert!(!left.exists(), "nobody holds it");
    let other = library.part().unwrap();
    assert!(alive.folder.exists(), "another process is still making it");
    assert!(library.maps().unwrap().is_empty());
    let folders = [alive.folder.clone(), other.folder.clone()];
    drop((alive, other));
    assert!(folders.iter().all(|folder| !folder.exists()), "given up, nothing is left");
}

#[test]
fn one_process_writes_and_others_read() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::at(folder.path()).unwrap();
    let map = born(&library, "Trees");
    assert_eq!(library.write("Trees").unwrap_err().code(), "in_use");
    assert_eq!(library.read("Trees").unwrap().map().unwrap().name, "Trees");
    drop(map);
    assert!(library.write("Trees").is_ok());
}

#[test]
fn a_map_without_its_file_is_listed_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::at(folder.path()).unwrap();
    fs::create_dir(library.folder("b7a2c1d4-0000-4000-8000-000000000000")).unwrap();
    let entries = library.maps().unwrap();
    let error = entries.first().unwrap().found.as_ref().unwrap_err();
    assert_eq!((error.code(), error.exit_code()), ("missing", 5));
    assert!(error.advice().is_some());
    assert_eq!(library.write("b7a2c1d4").unwrap_err().exit_code(), 5);
}
