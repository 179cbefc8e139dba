//! A large map, as a server would hand it out: 60,000 points, 25,000 lines of 20 points, 15,000
//! polygons of 40 (1,000 with a hole), 8 properties each, 12 layers of all six types, 3 rules,
//! labels on two layers.

use std::fmt::Write as _;

use bivouac_journal::ids::{LayerId, five_letters};
use bivouac_store::{ServerLayer, ServerMap, Store};
use serde_json::{Value, json};

use crate::Outcome;
use crate::workload::{Bits, NOW};

pub(crate) const FEATURES: u64 = 100_000;
const KINDS: [&str; 12] = [
    "Default",
    "Cluster",
    "Heat",
    "Choropleth",
    "Categorized",
    "Circles",
    "Default",
    "Default",
    "Choropleth",
    "Categorized",
    "Default",
    "Cluster",
];

/// The map's own settings.
pub(crate) fn settings() -> Value {
    json!({"name": "Large", "color": "Teal", "rules": [
        {"condition": "state=closed", "properties": {"color": "Gray", "opacity": 0.3}},
        {"condition": "size>900", "properties": {"weight": 5}},
    ]})
}

/// Its layers, each with the text of its features.
pub(crate) fn layers() -> Outcome<Vec<(ServerLayer, String)>> {
    let layers: Vec<ServerLayer> = (0_u64..).zip(KINDS).map(|(number, kind)| layer(number, kind)).collect();
    let mut bodies = vec![String::new(); layers.len()];
    let mut bits = Bits(29);
    for number in 0..FEATURES {
        let layer = usize::try_from(number).unwrap_or(0) % bodies.len();
        let Some(body) = bodies.get_mut(layer) else { continue };
        if !body.is_empty() {
            body.push(',');
        }
        feature(body, number, &mut bits)?;
    }
    Ok(layers.into_iter().zip(bodies).collect())
}

/// Writes the map into a store, as if it had been read from its server.
pub(crate) fn fill(store: &mut Store) -> Outcome {
    let Value::Object(settings) = settings() else { return Err("no settings".into()) };
    let layers = layers()?;
    let all = layers.iter().map(|(layer, _)| layer.clone()).collect();
    store.merge_map(&ServerMap { settings, layers: all, ..ServerMap::default() }, NOW)?;
    for (layer, body) in layers {
        let text = format!(r#"{{"type":"FeatureCollection","features":[{body}]}}"#);
        store.merge_layer(&layer.id, "1", NOW, &text, NOW)?;
    }
    Ok(())
}

fn layer(number: u64, kind: &str) -> ServerLayer {
    let mut properties = json!({
        "name": format!("Layer {number}"), "type": kind, "displayOnLoad": true,
        "fields": [{"key": "name", "type": "String"}, {"key": "size", "type": "Number"}, {"key": "state", "type": "Enum"}],
        "choropleth": {"property": "size", "brewer": "YlOrRd", "classes": 7},
        "categorized": {"property": "sort", "brewer": "Set2"},
        "circles": {"property": "size", "radius": {"min": 2, "max": 20}},
        "heat": {"radius": 25, "intensityProperty": "size"},
        "showLabel": number.is_multiple_of(6),
    });
    if let (6, Some(members)) = (number, properties.as_object_mut()) {
        members.insert("rules".to_owned(), json!([{"condition": "sort=b", "properties": {"color": "Red"}}]));
    }
    let Value::Object(properties) = properties else { unreachable!("an object was written") };
    ServerLayer {
        id: LayerId::trusted(&format!("00000000-0000-4000-8000-{number:012x}")),
        rank: i64::try_from(number).unwrap_or(0),
        parent: None,
        properties,
        edit_status: 0,
        edit_mode: None,
        reference: None,
    }
}

fn feature(to: &mut String, number: u64, bits: &mut Bits) -> Outcome {
    let geometry = match number % 20 {
        0..12 => format!(r#""Point","coordinates":{}"#, spot(place(bits))),
        12..17 => {
            let (mut lon, mut lat) = place(bits);
            let mut walk = Vec::with_capacity(20);
            for _ in 0..20 {
                lon += step(bits, 2_000);
                lat += step(bits, 2_000);
                walk.push(spot((lon, lat)));
            }
            format!(r#""LineString","coordinates":[{}]"#, walk.join(","))
        }
        _ => {
            let middle = place(bits);
            let radius = 0.002 + degrees(bits.below(10_000));
            let hole = if number % 300 == 17 { format!(",{}", ring(middle, radius / 3.0, 12)) } else { String::new() };
            format!(r#""Polygon","coordinates":[{}{hole}]"#, ring(middle, radius, 39))
        }
    };
    let size = bits.below(1000);
    let sort = ["a", "b", "c", "d", "e"].get(usize::try_from(bits.below(5)).unwrap_or(0)).copied().unwrap_or("a");
    let state = if bits.below(10) == 0 { "closed" } else { "open" };
    let id = five_letters(number.wrapping_mul(387_420_489) % 916_132_832);
    write!(
        to,
        r#"{{"type":"Feature","geometry":{{"type":{geometry}}},"properties":{{"name":"Place {number}","description":"Seen on the way, number {number}","size":{size},"sort":"{sort}","state":"{state}","ref":"R{number}","height":{},"checked":true}},"id":"{id}"}}"#,
        size / 3
    )?;
    Ok(())
}

/// Most of them in and around towns.
fn place(bits: &mut Bits) -> (f64, f64) {
    let town = bits.below(60);
    let (lon, lat) = (degrees(town * 7_919_353 % 8_000_000), 43.0 + degrees(town * 5_104_729 % 6_000_000));
    let spread = if bits.below(3) == 0 { 1_500_000 } else { 60_000 };
    (lon + step(bits, spread), lat + step(bits, spread / 2))
}

fn ring((lon, lat): (f64, f64), radius: f64, corners: u32) -> String {
    let corner = |n: u32| {
        let turn = f64::from(n % corners) / f64::from(corners) * std::f64::consts::TAU;
        let radius = radius * (1.0 + 0.2 * (turn * 5.0).sin());
        spot((lon + radius * turn.cos(), lat + radius * 0.7 * turn.sin()))
    };
    format!("[{}]", (0..=corners).map(corner).collect::<Vec<_>>().join(","))
}

fn spot((lon, lat): (f64, f64)) -> String {
    format!("[{lon:.6},{lat:.6}]")
}

/// Up to so many millionths of a degree in either direction.
fn step(bits: &mut Bits, most: u64) -> f64 {
    degrees(bits.below(2 * most)) - degrees(most)
}

fn degrees(millionths: u64) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    let degrees = millionths as f64 / 1e6;
    degrees
}
