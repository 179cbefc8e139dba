//! What is heard and said while the map is live: shown before the disk has it, and never in
//! another order.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bivouac_journal::catchup::{self, Log};
use bivouac_journal::ids::PeerId;
use bivouac_journal::path::Path;
use bivouac_journal::wire::{self, Frame};
use bivouac_store::Store;
use common::*;

const ME: &str = "meeee";

fn told(number: u64, name: &str) -> (Option<PeerId>, Log) {
    let text = format!(
        r#"{{"sender":"peerA","verb":"update","subject":"feature","metadata":{{"id":"{}","layerId":"{}","featureType":"marker"}},"key":"properties.name","value":"{name}","dirty":true,"hlc":"{}:0:other","kind":"OperationMessage"}}"#,
        id(1),
        layer(1),
        NOW + number,
    );
    let Ok(Frame::Operation(envelope)) = wire::parse(&text) else { panic!("{text}") };
    (Some(PeerId::trusted("peerA")), catchup::live(envelope))
}

/// A map in a file, with one feature that everybody knows.
fn in_a_file(folder: &tempfile::TempDir) -> Store {
    let mut store = Store::create(&folder.path().join("map"), &new_map()).unwrap();
    let object = feature(1, 1);
    let value = point(&object, 1.0, 2.0, "first");
    let drafts =
        vec![draft_upsert(bivouac_journal::ids::Object::Layer(layer(1)), layer_value(1)), draft_upsert(object, value)];
    store.commit_local("add", drafts, NOW).unwrap();
    for frame in store.prepare_frames(&PeerId::trusted(ME), NOW, &mut || 7).unwrap() {
        store.echoed(frame.id, NOW).unwrap();
    }
    store
}

#[test]
fn what_is_heard_is_seen_at_once_by_every_program_and_the_disk_is_given_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = in_a_file(&folder);
    store.settling().unwrap().expect("the echoes").wait().unwrap();
    assert!(store.settling().unwrap().is_none(), "nothing was committed since");
    store.commit_heard(vec![told(10, "heard"), told(11, "heard again")], NOW + 20).unwrap();
    let other = Store::open_read_only(&folder.path().join("map")).unwrap();
    let name = Path::property("name");
    assert_eq!(shown(&other, &feature(1, 1), &name).as_deref(), Some("\"heard again\""));
    store.settling().unwrap().expect("what was heard").wait().unwrap();
    assert!(store.settling().unwrap().is_none(), "it was given once");
    // A program that is killed leaves the file and its log as they are.
    for part in ["map", "map-wal"] {
        std::fs::copy(folder.path().join(part), folder.path().join(part.replace("map", "killed"))).unwrap();
    }
    let killed = Store::open(&folder.path().join("killed")).unwrap();
    assert_eq!(killed.state_hash().unwrap(), store.state_hash().unwrap());
    assert_sound(&killed);
}

#[test]
fn m8_an_edit_made_while_live_is_committed_with_its_frame_and_one_made_otherwise_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = in_a_file(&folder);
    let rename = |name: &str| vec![draft_update(feature(1, 1), Path::property("name"), Some(name))];
    let waiting = |store: &mut Store| {
        let frames = store.begin().unwrap().unechoed().unwrap();
        frames.into_iter().map(|frame| frame.text).collect::<Vec<_>>()
    };
    store.commit_local("rename", rename("\"offline\""), NOW + 100).unwrap();
    assert_eq!(waiting(&mut store), [""; 0], "who is offline speaks to nobody");
    store.speak_as(Some((PeerId::trusted(ME), 5)));
    store.commit_local("rename", rename("\"live\""), NOW + 200).unwrap();
    let frames = waiting(&mut store);
    assert_eq!(frames.len(), 1, "what it replaced before it was sent is not sent: {frames:?}");
    assert!(frames[0].contains("\"live\"") && frames[0].contains("\"sender\":\"meeee\""), "{frames:?}");
    let sent = store.prepare_frames(&PeerId::trusted(ME), NOW + 201, &mut || 9).unwrap();
    let texts: Vec<_> = sent.iter().map(|frame| frame.text.clone()).collect();
    assert_eq!(texts, frames, "what goes out is what was committed, byte for byte");
    store.speak_as(None);
    store.commit_local("rename", rename("\"offline again\""), NOW + 300).unwrap();
    assert_eq!(waiting(&mut store), frames);
    assert_sound(&store);
}
