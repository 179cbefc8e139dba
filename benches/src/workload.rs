//! The room's traffic that everything is measured with: uMap's own wire form, about 300 bytes an
//! operation, five peers, 30 % upserts, 55 % property updates, 10 % geometries, 5 % deletes,
//! 20 % in conflict: about what another peer wrote just before, with an older clock.

use serde_json::{Value, json};

pub(crate) const NOW: u64 = 1_795_440_000_000;
pub(crate) const LAYER: &str = "28dbd2a5-bbd6-4ad3-a94d-e8e38ee5fece";
/// A browser answers in one message; more than 16 MiB are not received.
pub(crate) const LARGEST_PART: usize = 15 << 20;
/// What a Bivouac puts into one message.
pub(crate) const SENT_PART: usize = 1 << 20;

/// One operation before it is written.
#[derive(Clone)]
pub(crate) struct Made {
    pub writer: u64,
    pub hlc: String,
    pub verb: &'static str,
    /// Empty for the layer itself.
    pub feature: String,
    pub key: Option<&'static str>,
    pub value: Option<Value>,
}

/// A generator whose bits are the same everywhere.
pub(crate) struct Bits(pub u64);

impl Bits {
    pub fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most.max(1)
    }
}

/// So many operations, the first of which makes the layer; `start` sets their clocks and ids
/// apart from another list's.
pub(crate) fn operations(count: u64, start: u64) -> Vec<Made> {
    let mut bits = Bits(7 + start);
    let mut made: Vec<Made> = Vec::new();
    let mut features: Vec<String> = Vec::new();
    made.push(Made {
        writer: 0,
        hlc: format!("{}:0:cloc0", NOW + start * 10),
        verb: "upsert",
        feature: String::new(),
        key: None,
        value: Some(
            json!({"id": LAYER, "rank": 0, "properties": {"displayOnLoad": true, "name": "Layer", "fields": []}}),
        ),
    });
    while (made.len() as u64) < count {
        let number = made.len() as u64;
        let one = match bits.below(100) {
            kind if kind < 30 || features.is_empty() => upsert(number + start, &mut bits, &mut features),
            kind => change(kind, number + start, &mut bits, &features, &made),
        };
        made.push(one);
    }
    made
}

/// Only upserts: a map of so many features.
pub(crate) fn features(count: u64) -> Vec<Made> {
    let mut bits = Bits(11);
    let mut made = operations(1, 0);
    let mut names = Vec::new();
    made.extend((1..=count).map(|number| upsert(number, &mut bits, &mut names)));
    made
}

fn upsert(number: u64, bits: &mut Bits, features: &mut Vec<String>) -> Made {
    let id = name(number);
    features.push(id.clone());
    let value = json!({
        "type": "Feature",
        "geometry": point(bits),
        "properties": {
            "name": format!("Place {number}"),
            "_umap_options": {"color": "Lime", "iconClass": "Circle"},
        },
        "id": id,
    });
    let writer = bits.below(5);
    Made { writer, hlc: stamp(number, 0, writer), verb: "upsert", feature: id, key: None, value: Some(value) }
}

fn change(kind: u64, number: u64, bits: &mut Bits, features: &[String], before: &[Made]) -> Made {
    // 20 of 100 operations, all of them among the 70 that change something.
    let rival = if bits.below(70) < 20 {
        let back = 1 + bits.below(40.min(before.len() as u64 - 1));
        before.get(before.len() - usize::try_from(back).unwrap_or(1)).filter(|rival| !rival.feature.is_empty())
    } else {
        None
    };
    let some = usize::try_from(bits.below(features.len() as u64)).unwrap_or(0);
    let feature = rival.map_or_else(|| features.get(some).cloned().unwrap_or_default(), |rival| rival.feature.clone());
    let writer = match rival {
        Some(rival) => (rival.writer + 1 + bits.below(4)) % 5,
        None => bits.below(5),
    };
    let hlc = stamp(number, if rival.is_some() { bits.below(60.min(number)) } else { 0 }, writer);
    let (verb, key, value) = match kind {
        0..85 => {
            const KEYS: [&str; 3] = ["properties.name", "properties._umap_options.color", "properties.description"];
            let own = KEYS.get(usize::try_from(bits.below(3)).unwrap_or(0)).copied();
            let key = rival.and_then(|rival| rival.key.filter(|key| *key != "geometry")).or(own);
            let text = format!("a value that somebody typed on the way, number {number}");
            ("update", key, Some(json!(text)))
        }
        85..95 => ("update", Some("geometry"), Some(point(bits))),
        _ => ("delete", None, None),
    };
    Made { writer, hlc, verb, feature, key, value }
}

fn point(bits: &mut Bits) -> Value {
    #[allow(clippy::cast_precision_loss)]
    let degrees = |millionths: u64| millionths as f64 / 1e6;
    let (lon, lat) = (degrees(bits.below(20_000_000)), degrees(40_000_000 + bits.below(10_000_000)));
    json!({"type": "Point", "coordinates": [lon, lat]})
}

fn stamp(number: u64, back: u64, writer: u64) -> String {
    format!("{}:{}:cloc{writer}", NOW + (number - back) * 10, number % 10)
}

/// Five letters, another for each number.
fn name(number: u64) -> String {
    bivouac_journal::ids::five_letters(number.wrapping_mul(387_420_489) % 916_132_832)
}

/// The operation as it stands in a list.
pub(crate) fn wire(made: &Made) -> Value {
    let (subject, metadata) = if made.feature.is_empty() {
        ("datalayer", json!({"id": LAYER}))
    } else {
        ("feature", json!({"id": made.feature, "layerId": LAYER, "featureType": "marker"}))
    };
    let mut whole =
        json!({"sender": format!("peer{}", made.writer), "verb": made.verb, "subject": subject, "metadata": metadata});
    if let Value::Object(members) = &mut whole {
        if let Some(key) = made.key {
            members.insert("key".to_owned(), json!(key));
        }
        if let Some(value) = &made.value {
            members.insert("value".to_owned(), value.clone());
        }
        members.insert("dirty".to_owned(), json!(true));
        members.insert("hlc".to_owned(), json!(made.hlc));
    }
    whole
}

/// The operations as answers to a ListOperationsRequest, each at most so many bytes.
pub(crate) fn parts(made: &[Made], most: usize) -> Vec<String> {
    let mut lists: Vec<String> = Vec::new();
    for one in made {
        let text = wire(one).to_string();
        match lists.last_mut() {
            Some(list) if list.len() + text.len() + 200 < most => {
                list.push(',');
                list.push_str(&text);
            }
            Some(_) | None => lists.push(text),
        }
    }
    let (open, close) = (
        r#"{"sender":"peer1","recipient":"mecon","message":{"operations":["#,
        r#"],"verb":"ListOperationsResponse"},"kind":"PeerMessage"}"#,
    );
    lists.into_iter().map(|list| format!("{open}{list}{close}")).collect()
}
