//! A disk without room: a clear error, nothing half written, and all is well when there is room.
//!
//! The limit on file sizes stands for the disk: it needs no rights, and the system refuses the
//! same calls. With the signal for it ignored, writing fails as on a full disk.

use std::process::{Command, Stdio};

use crate::runner::{Laptop, Ran};

/// Runs a command that may not make any file larger than so many KiB.
fn within(laptop: &Laptop, kib: u32, args: &[&str]) -> Ran {
    let mut command = Command::new("sh");
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", kib * 2);
    command.args(["-c", &script, env!("CARGO_BIN_EXE_bivouac")]).args(args).stdin(Stdio::null());
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command.env("BIVOUAC_DATA_DIR", laptop.folder.path()).env("BIVOUAC_SECRETS", "memory");
    Ran::of(&mut command)
}

#[test]
fn an_edit_on_a_full_disk_is_refused_whole_and_works_again_when_there_is_room() {
    let laptop = Laptop::with_map();
    let feature = |n: u32| {
        format!(
            r#"{{"do":"add","layer":"L","feature":{{"type":"Feature","properties":{{"name":"{}{n}"}},"geometry":{{"type":"Point","coordinates":[5.1,45.2]}}}}}}"#,
            "long ".repeat(20)
        )
    };
    let batch = laptop.write("batch.jsonl", &(0..3_000).map(feature).collect::<Vec<_>>().join("\n"));
    let before = laptop.json(&["status", "Field"])["state_hash"].clone();
    let ran = within(&laptop, 400, &["edit", "Field", "batch", &batch]);
    assert_eq!(ran.code, 1, "{} {}", ran.out, ran.err);
    assert!(ran.err.contains("the disk is full"), "{}", ran.err);
    assert!(ran.err.contains("make room"), "{}", ran.err);
    assert_eq!(laptop.json(&["status", "Field"])["state_hash"], before, "nothing is half written");
    laptop.fine(&["verify", "Field"]);
    laptop.fine(&["edit", "Field", "batch", &batch]);
    assert_eq!(laptop.json(&["features", "Field"]).as_array().unwrap().len(), 3_002);
    laptop.fine(&["verify", "Field"]);
}

#[test]
fn a_map_can_be_looked_at_where_there_is_no_room_at_all() {
    let laptop = Laptop::with_map();
    for args in [["layers", "Field"], ["features", "Field"], ["conflicts", "Field"], ["verify", "Field"]] {
        let ran = within(&laptop, 0, &args);
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
    }
    assert!(within(&laptop, 0, &["features", "Field"]).out.contains("aaaa1"));
    let ran = within(&laptop, 0, &["edit", "Field", "set", "aaaa1", "name", "\"x\""]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    // Its first write is into the file that says who has the map.
    assert!(ran.err.contains("lock the map Field"), "{}", ran.err);
    assert_eq!(laptop.properties("aaaa1")["name"], "A");
    laptop.fine(&["edit", "Field", "set", "aaaa1", "name", "\"x\""]);
}

#[test]
fn an_export_and_a_new_map_on_a_full_disk_leave_nothing_half_done() {
    let laptop = Laptop::with_map();
    let file = laptop.path("out.geojson");
    let ran = within(&laptop, 0, &["export", "Field", "--format", "geojson", &file]);
    assert_eq!(ran.code, 1, "{} {}", ran.out, ran.err);
    assert!(!std::path::Path::new(&file).exists(), "half an export");
    let ran = within(&laptop, 0, &["new", "Another"]);
    assert_eq!(ran.code, 1, "{} {}", ran.out, ran.err);
    assert_eq!(laptop.json(&["maps"]).as_array().unwrap().len(), 1);
    laptop.fine(&["new", "Another"]);
}

#[test]
fn compacting_says_what_it_did_and_changes_nothing_that_is_shown() {
    let laptop = Laptop::with_map();
    let before = laptop.json(&["status", "Field"])["state_hash"].clone();
    let done = laptop.json(&["compact", "Field"]);
    assert_eq!(
        (&done["removed"], &done["expired"], &done["horizon"]),
        (&0.into(), &0.into(), &serde_json::Value::Null)
    );
    assert!(laptop.fine(&["compact", "Field"]).out.contains("0 operations of others left the log"));
    assert_eq!(laptop.json(&["status", "Field"])["state_hash"], before);
    assert_eq!(laptop.json(&["log", "Field"]).as_array().unwrap().len(), 4, "edits of ours stay");
}
