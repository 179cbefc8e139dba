//! Every captured message of real uMap rooms survives reading and writing unchanged.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::PathBuf;

use bivouac_journal::json::same;
use bivouac_journal::wire::{Frame, parse, print_frame};
use serde_json::Value;

fn captured() -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures/wire");
    let mut messages = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for (number, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
            let line: Value = serde_json::from_str(line).unwrap();
            if let Some(message) = line.get("msg") {
                messages.push((format!("{name}:{}", number + 1), message.clone()));
            }
        }
    }
    messages.sort_by(|a, b| a.0.cmp(&b.0));
    messages
}

#[test]
fn every_captured_message_survives_reading_and_writing() {
    let messages = captured();
    assert!(messages.len() > 250, "only {} messages found", messages.len());
    for (place, message) in messages {
        let frame = parse(&message.to_string()).unwrap_or_else(|e| panic!("{place}: {e}"));
        let printed: Value = serde_json::from_str(&print_frame(&frame)).unwrap();
        assert!(same(&printed, &message), "{place}:\n  {message}\n  {printed}");
    }
}

#[test]
fn what_browsers_sent_of_their_own_accord_is_accepted() {
    for (place, message) in captured().into_iter().filter(|(place, _)| place.starts_with('A')) {
        let Ok(Frame::Operation(envelope)) = parse(&message.to_string()) else {
            continue;
        };
        for entry in &envelope.entries {
            assert!(entry.operation().is_some(), "{place}: {entry:?}");
        }
    }
}
