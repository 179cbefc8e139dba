//! How many bytes an operation costs, and how fast a catch-up is: a plain program, run by hand.
//!
//! The workload is the one of the benchmarks: about 300 bytes an operation on the wire, 30 %
//! upserts, 55 % property updates, 10 % geometry, 5 % deletes, five writers, 20 % in conflict.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::time::Instant;

use bivouac_journal::clock::Stamp;
use bivouac_journal::geometry::{Bounds, FeatureType};
use bivouac_journal::ids::{FeatureId, LayerId, Object, PeerId};
use bivouac_journal::json::Json;
use bivouac_journal::operation::{Marks, Operation, Verb};
use bivouac_journal::path::Path;
use bivouac_store::{Incoming, NewMap, Standing, Store};

const NOW: u64 = 1_795_440_000_000;

struct Bits(u64);

impl Bits {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

fn main() {
    let count: u64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.bivouac");
    let new = NewMap {
        uuid: "u".to_owned(),
        name: "m".to_owned(),
        server: None,
        server_map_id: None,
        slug: None,
        account: None,
        clock_id: "mecla".to_owned(),
        created_at: NOW,
    };
    let started = Instant::now();
    for _ in 0..100 {
        drop(Store::in_memory(&new).unwrap());
    }
    println!("a map in memory: {:.2} ms", started.elapsed().as_secs_f64() * 10.0);
    let (operations, wire) = workload(count);
    let mut store = Store::create(&path, &new).unwrap();
    let incoming: Vec<Incoming> =
        operations.iter().cloned().map(|operation| Incoming { operation, standing: Standing::Unsaved }).collect();
    let raw = raw_insert(&operations, &folder.path().join("raw"));
    let again = incoming.clone();
    let started = Instant::now();
    let report = store.commit_foreign(incoming, NOW + 1_000_000).unwrap();
    let first = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let repeated = store.commit_foreign(again, NOW + 1_000_000).unwrap().repeated;
    let second = started.elapsed().as_secs_f64();
    println!("{} applied in {first:.3} s = {:.1} times the raw insert ({raw:.3} s)", report.applied, first / raw);
    println!("{repeated} repeated in {second:.3} s = {:.2} of the first time", second / first);
    drop(store);
    let started = Instant::now();
    let store = Store::open(&path).unwrap();
    let found = store.viewport(Bounds { west: 10.0, south: 45.0, east: 12.0, north: 46.0 }, 2000).unwrap().len();
    println!("open and first viewport ({found} features): {:.2} ms", started.elapsed().as_secs_f64() * 1000.0);
    drop(store);
    let whole = std::fs::metadata(&path).unwrap().len();
    println!("wire {} bytes an operation; file {} bytes an operation", wire / count, whole / count);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let mut statement =
        connection.prepare("SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 12").unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut log = 0;
    while let Some(row) = rows.next().unwrap() {
        let (name, bytes): (String, u64) = (row.get(0).unwrap(), row.get(1).unwrap());
        log += if name.starts_with("operations") { bytes } else { 0 };
        println!("  {name}: {:.1} bytes an operation", bytes as f64 / count as f64);
    }
    println!("log with its indexes: {:.2} of the wire", log as f64 / wire as f64);
}

fn workload(count: u64) -> (Vec<Operation>, u64) {
    let layer = LayerId::parse("28dbd2a5-bbd6-4ad3-a94d-e8e38ee5fece").unwrap();
    let mut bits = Bits(7);
    let (mut features, mut operations, mut wire): (Vec<FeatureId>, Vec<Operation>, u64) = (Vec::new(), Vec::new(), 0);
    let value = format!(r#"{{"id":"{layer}","rank":0,"properties":{{"name":"L"}}}}"#);
    operations.push(operation(0, 0, Verb::Upsert, Object::Layer(layer.clone()), None, Some(value)));
    for number in 1..count {
        let writer = bits.below(5);
        let wall = number - if bits.below(5) == 0 { bits.below(number.min(50)) } else { 0 };
        let (lon, lat) = (bits.below(20_000_000) as f64 / 1e6, 40.0 + bits.below(10_000_000) as f64 / 1e6);
        let geometry = format!(r#"{{"type":"Point","coordinates":[{lon},{lat}]}}"#);
        let some =
            |bits: &mut Bits, features: &[FeatureId]| features[bits.below(features.len() as u64) as usize].clone();
        let made = match bits.below(100) {
            kind if kind < 30 || features.is_empty() => {
                let id = FeatureId::from_bits(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                features.push(id.clone());
                let value = format!(
                    r#"{{"type":"Feature","geometry":{geometry},"properties":{{"name":"Place {number}","description":"seen on the way {number}","_umap_options":{{"color":"Lime","iconClass":"Circle"}}}},"id":"{id}"}}"#
                );
                operation(wall, writer, Verb::Upsert, Object::Feature(layer.clone(), id), None, Some(value))
            }
            kind if kind < 85 => {
                let path = [Path::property("name"), Path::option("color"), Path::property("description")];
                let path = path[bits.below(3) as usize].clone();
                let id = some(&mut bits, &features);
                operation(
                    wall,
                    writer,
                    Verb::Update,
                    Object::Feature(layer.clone(), id),
                    Some(path),
                    Some(format!("\"value {number}\"")),
                )
            }
            kind if kind < 95 => {
                let id = some(&mut bits, &features);
                operation(
                    wall,
                    writer,
                    Verb::Update,
                    Object::Feature(layer.clone(), id),
                    Some(Path::geometry()),
                    Some(geometry),
                )
            }
            _ => {
                let id = some(&mut bits, &features);
                operation(wall, writer, Verb::Delete, Object::Feature(layer.clone(), id), None, None)
            }
        };
        operations.push(made);
    }
    for operation in &operations {
        // The envelope of PROTOCOL.md, section 4, is about 210 bytes.
        wire += 210 + operation.value.as_ref().map_or(0, |value| value.as_str().len() as u64);
        wire += operation.path.as_ref().map_or(0, |path| path.as_stored().len() as u64 + 9);
    }
    (operations, wire)
}

fn operation(
    wall: u64,
    writer: u64,
    verb: Verb,
    object: Object,
    path: Option<Path>,
    value: Option<String>,
) -> Operation {
    Operation {
        stamp: Stamp::parse(&format!("{}:{}:cloc{writer}", NOW + wall * 10, wall % 3)),
        index: 0,
        verb,
        object,
        feature_type: Some(FeatureType::Marker),
        path,
        value: value.map(|text| Json::parse(&text).unwrap()),
        sender: Some(PeerId::trusted(&format!("peer{writer}"))),
        dirty: Some(true),
        marks: Marks::default(),
        extra: None,
    }
}

/// The same rows, inserted and nothing else.
fn raw_insert(operations: &[Operation], path: &std::path::Path) -> f64 {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (row INTEGER PRIMARY KEY, hlc TEXT, object TEXT, path TEXT, value TEXT);").unwrap();
    let started = Instant::now();
    connection.execute_batch("BEGIN").unwrap();
    {
        let mut insert =
            connection.prepare("INSERT INTO t (hlc, object, path, value) VALUES (?1, ?2, ?3, ?4)").unwrap();
        for operation in operations {
            let object = match &operation.object {
                Object::Feature(_, id) => id.as_str(),
                Object::Map | Object::Layer(_) => "",
            };
            let path = operation.path.as_ref().map(Path::as_stored);
            insert
                .execute(rusqlite::params![
                    operation.stamp.to_string(),
                    object,
                    path,
                    operation.value.as_ref().map(Json::as_str)
                ])
                .unwrap();
        }
    }
    connection.execute_batch("COMMIT").unwrap();
    started.elapsed().as_secs_f64()
}
