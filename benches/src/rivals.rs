//! The same operations in loro and in yrs, both in memory: one map of registers for each feature,
//! each operation a transaction of its own on its writer's replica, as in a room.

use loro::{ExportMode, LoroDoc};
use yrs::updates::decoder::Decode;
use yrs::{Doc, Map, ReadTxn, StateVector, Transact, Update, WriteTxn};

use bivouac_store::{Query, Store};
use serde_json::Value;

use crate::Outcome;
use crate::catch_up::{new_store, take};
use crate::report::{Limit, Report, timed};
use crate::workload::{self, Made};

const RUNS: usize = 5;
const PEERS: u64 = 5;

pub(crate) fn run(report: &mut Report) -> Outcome {
    let made = workload::operations(100_000, 0);
    let parts = workload::parts(&made, workload::LARGEST_PART);
    let (loro_updates, yrs_updates) = (loro_updates(&made)?, yrs_updates(&made)?);
    let (mut over_loro, mut over_yrs, mut reading) = (Vec::new(), Vec::new(), Vec::new());
    let (mut loro_seconds, mut yrs_seconds, mut ours) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("map");
        let mut store = new_store(&path)?;
        let (taken, own) = timed(|| take(&mut store, &parts));
        taken?;
        drop(store);
        let (doc, loro) = timed(|| import_loro(&loro_updates));
        let doc = doc?;
        let ((), yrs) = {
            let (applied, seconds) = timed(|| apply_yrs(&yrs_updates));
            (applied?, seconds)
        };
        let snapshot = doc.export(ExportMode::Snapshot)?;
        let (read, theirs) = timed(|| read_loro(&snapshot));
        let (shown, mine) = timed(|| read_own(&path));
        if read? == 0 || shown? < 10_000 {
            return Err("nothing was read".into());
        }
        over_loro.push(own / loro);
        over_yrs.push(own / yrs);
        reading.push(theirs / mine);
        loro_seconds.push(loro);
        yrs_seconds.push(yrs);
        ours.push(own);
    }
    report.add("apply_100k_over_loro", "x", Limit::AtMost(2.0), &over_loro);
    report.add("apply_100k_over_yrs", "x", Limit::AtMost(2.0), &over_yrs);
    report.add("read_everything_after_opening_vs_loro", "x", Limit::AtLeast(5.0), &reading);
    report.add("apply_100k_loro", "s", Limit::None, &loro_seconds);
    report.add("apply_100k_yrs", "s", Limit::None, &yrs_seconds);
    report.add("apply_100k_ours", "s", Limit::None, &ours);
    Ok(())
}

/// The registers that an operation writes; the value as JSON text, as ours are kept.
fn writes(made: &Made) -> Vec<(String, String)> {
    match (made.verb, made.key, &made.value) {
        ("update", Some(key), Some(value)) => vec![(key.to_owned(), value.to_string())],
        ("delete", ..) => vec![("@".to_owned(), "false".to_owned())],
        (_, _, Some(value)) => {
            let mut writes = vec![("@".to_owned(), "true".to_owned())];
            writes.extend(value.get("geometry").map(|geometry| ("geometry".to_owned(), geometry.to_string())));
            for (name, value) in value.get("properties").and_then(Value::as_object).into_iter().flatten() {
                match value {
                    Value::Object(options) => writes.extend(
                        options
                            .iter()
                            .map(|(option, value)| (format!("properties._umap_options.{option}"), value.to_string())),
                    ),
                    other => writes.push((format!("properties.{name}"), other.to_string())),
                }
            }
            writes
        }
        _ => Vec::new(),
    }
}

fn object(made: &Made) -> &str {
    if made.feature.is_empty() { workload::LAYER } else { &made.feature }
}

fn loro_updates(made: &[Made]) -> Outcome<Vec<Vec<u8>>> {
    (0..PEERS)
        .map(|peer| {
            let doc = LoroDoc::new();
            doc.set_peer_id(peer + 1)?;
            for one in made.iter().filter(|one| one.writer == peer) {
                let map = doc.get_map(object(one));
                for (key, value) in writes(one) {
                    map.insert(&key, value)?;
                }
                doc.commit();
            }
            Ok(doc.export(ExportMode::all_updates())?)
        })
        .collect()
}

fn import_loro(updates: &[Vec<u8>]) -> Outcome<LoroDoc> {
    let doc = LoroDoc::new();
    doc.import_batch(updates)?;
    Ok(doc)
}

fn yrs_updates(made: &[Made]) -> Outcome<Vec<Vec<u8>>> {
    (0..PEERS)
        .map(|peer| {
            let doc = Doc::with_client_id(peer + 1);
            for one in made.iter().filter(|one| one.writer == peer) {
                let mut transaction = doc.transact_mut();
                let map = transaction.get_or_insert_map(object(one));
                for (key, value) in writes(one) {
                    map.insert(&mut transaction, key, value);
                }
            }
            let update = doc.transact().encode_state_as_update_v1(&StateVector::default());
            Ok(update)
        })
        .collect()
}

fn apply_yrs(updates: &[Vec<u8>]) -> Outcome {
    let doc = Doc::new();
    for update in updates {
        doc.transact_mut().apply_update(Update::decode_v1(update)?)?;
    }
    Ok(())
}

fn read_loro(snapshot: &[u8]) -> Outcome<usize> {
    let doc = LoroDoc::from_snapshot(snapshot)?;
    Ok(doc.get_deep_value().into_map().map_err(|_| "loro shows no map")?.len())
}

fn read_own(path: &std::path::Path) -> Outcome<usize> {
    let store = Store::open(path)?;
    Ok(store.features(&Query { limit: usize::MAX, ..Query::default() })?.len())
}
