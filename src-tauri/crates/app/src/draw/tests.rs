//! Maps in memory, drawn: what a window gets.

use std::collections::BTreeMap;

use bivouac_journal::ids::{FeatureId, LayerId, Object};
use bivouac_journal::json::Json;
use bivouac_journal::operation::{Draft, Verb};
use bivouac_journal::path::Path;
use bivouac_store::{NewMap, Store};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Drawing;
use super::types::{LegendKind, Mark, MarkGeometry, Style, ViewportAnswer, ViewportQuery};

/// Kind, label, colour and count of a line of a legend.
type Line = (LegendKind, String, String, Option<u64>);

const NOW: u64 = 1_795_440_000_000;

fn layer_id(number: u32) -> LayerId {
    LayerId::parse(&format!("00000000-0000-4000-8000-{number:012x}")).unwrap()
}

fn name(layer: u32, feature: u64) -> String {
    format!("{}/{}", layer_id(layer), FeatureId::from_bits(feature))
}

/// A map whose layers have these settings, each with these features: geometry and properties.
fn map(settings: Value, layers: &[(Value, Vec<(Value, Value)>)]) -> Store {
    let new = NewMap {
        uuid: "5b9b24b4-0d8e-4d27-9d6f-0f8b8c8d7a11".to_owned(),
        name: "Trip".to_owned(),
        server: None,
        server_map_id: None,
        slug: None,
        account: None,
        clock_id: "mecla".to_owned(),
        created_at: NOW,
    };
    let mut store = Store::in_memory(&new).unwrap();
    let mut drafts = Vec::new();
    for (key, value) in settings.as_object().unwrap() {
        drafts.push(Draft {
            verb: Verb::Update,
            object: Object::Map,
            path: Some(Path::of(&["properties", key])),
            value: Some(json_of(value)),
        });
    }
    for (number, (settings, _)) in (0..).zip(layers) {
        let value = json!({"id": layer_id(number).to_string(), "rank": number, "properties": settings});
        drafts.push(upsert(Object::Layer(layer_id(number)), &value));
    }
    store.commit_local("map", drafts, NOW).unwrap();
    let mut drafts = Vec::new();
    let mut next = 0;
    for (number, (_, features)) in (0..).zip(layers) {
        for (geometry, properties) in features {
            drafts.push(feature(number, next, geometry, properties));
            next += 1;
        }
    }
    if !drafts.is_empty() {
        store.commit_local("features", drafts, NOW).unwrap();
    }
    store
}

fn json_of(value: &Value) -> Json {
    Json::parse(&value.to_string()).unwrap()
}

fn upsert(object: Object, value: &Value) -> Draft {
    Draft { verb: Verb::Upsert, object, path: None, value: Some(json_of(value)) }
}

fn feature(layer: u32, number: u64, geometry: &Value, properties: &Value) -> Draft {
    let id = FeatureId::from_bits(number);
    let value = json!({"type": "Feature", "geometry": geometry, "properties": properties, "id": id.to_string()});
    upsert(Object::Feature(layer_id(layer), id), &value)
}

fn point(lon: f64, lat: f64) -> Value {
    json!({"type": "Point", "coordinates": [lon, lat]})
}

fn everywhere(zoom: f64) -> ViewportQuery {
    ViewportQuery {
        west: -180.0,
        south: -85.0,
        east: 180.0,
        north: 85.0,
        zoom,
        width: 1200.0,
        height: 800.0,
        pixel_ratio: 1.0,
        ..ViewportQuery::default()
    }
}

fn draw(drawing: &mut Drawing, store: &Store, query: &ViewportQuery) -> ViewportAnswer {
    serde_json::from_slice(&drawing.viewport(store, query).unwrap()).unwrap()
}

fn drawn(store: &Store, query: &ViewportQuery) -> ViewportAnswer {
    draw(&mut Drawing::default(), store, query)
}

/// How each feature is drawn.
fn looks(answer: &ViewportAnswer) -> BTreeMap<String, (Style, Option<String>, Option<f64>)> {
    let look = |mark: &Mark| (answer.styles[mark.s as usize].clone(), mark.t.clone(), mark.r);
    answer.marks.iter().filter_map(|mark| Some((mark.o.clone()?, look(mark)))).collect()
}

fn color(answer: &ViewportAnswer, feature: &str) -> String {
    match &looks(answer).get(feature).expect(feature).0 {
        Style::Marker { icon, .. } => icon.color.clone(),
        Style::Line { stroke, .. } => stroke.clone().unwrap().color,
        Style::Area { fill, .. } | Style::Circle { fill, .. } => fill.clone().unwrap().color,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_map_is_drawn_with_all_that_it_inherits() {
    let square = json!({"type": "Polygon", "coordinates": [[[1, 1], [3, 1], [3, 3], [1, 3], [1, 1]]]});
    let store = map(
        json!({"color": "Teal", "rules": [{"condition": "state=closed", "properties": {"color": "Gray"}}]}),
        &[
            (
                json!({"name": "Huts", "showLabel": true, "labelKey": "{name} ({height} m)"}),
                vec![
                    (point(1.0, 2.0), json!({"name": "Alp", "height": 1200})),
                    (point(2.0, 2.0), json!({"name": "Berg", "state": "closed"})),
                    (point(3.0, 2.0), json!({"state": "closed", "_umap_options": {"color": "Red"}})),
                ],
            ),
            (
                json!({"name": "Fields", "color": "Olive"}),
                vec![(square, json!({"state": "closed", "_umap_options": {"fillOpacity": "{share}"}, "share": "0.6"}))],
            ),
        ],
    );
    let answer = drawn(&store, &everywhere(5.0));
    assert!(!answer.thinned);
    assert_eq!(answer.features, 4);
    assert_eq!(color(&answer, &name(0, 0)), "Teal");
    assert_eq!(color(&answer, &name(0, 1)), "Gray");
    assert_eq!(color(&answer, &name(0, 2)), "Red");
    assert_eq!(color(&answer, &name(1, 3)), "Olive");
    let looks = looks(&answer);
    assert_eq!(looks[&name(0, 0)].1.as_deref(), Some("Alp (1200 m)"));
    assert_eq!(looks[&name(0, 2)].1.as_deref(), Some("( m)"));
    let Style::Area { fill, .. } = &looks[&name(1, 3)].0 else { panic!() };
    assert!((fill.clone().unwrap().opacity - 0.6).abs() < 1e-9);
    // Areas lie below icons, whatever their layer's rank.
    assert_eq!(answer.marks.first().unwrap().o, Some(name(1, 3)));
}

#[test]
fn an_edit_is_drawn_at_once_and_only_what_it_touches_changes() {
    let numbers: Vec<(Value, Value)> = (0..9).map(|n| (point(f64::from(n), 1.0), json!({"value": n}))).collect();
    let layers = [
        (json!({"type": "Choropleth", "choropleth": {"mode": "equidistant", "classes": 3, "brewer": "Reds"}}), numbers),
        (json!({}), vec![(point(1.0, 5.0), json!({"name": "Stone"}))]),
    ];
    let mut store = map(json!({}), &layers);
    let mut drawing = Drawing::default();
    let before = draw(&mut drawing, &store, &everywhere(5.0));
    assert_eq!(color(&before, &name(0, 4)), "#fc9272");
    // One value further away moves the classes of its whole layer, and nothing else.
    let far = Draft {
        verb: Verb::Update,
        object: Object::Feature(layer_id(0), FeatureId::from_bits(8)),
        path: Some(Path::of(&["properties", "value"])),
        value: Some(json_of(&json!(80))),
    };
    store.commit_local("far", vec![far], NOW + 1).unwrap();
    let after = draw(&mut drawing, &store, &everywhere(5.0));
    assert!(after.revision > before.revision);
    assert_eq!(color(&after, &name(0, 4)), "#fee0d2");
    assert_eq!(looks(&after)[&name(1, 9)], looks(&before)[&name(1, 9)]);
    // A deleted feature goes, a new one comes, a layer's colour is followed.
    let gone = Draft {
        verb: Verb::Delete,
        object: Object::Feature(layer_id(0), FeatureId::from_bits(0)),
        path: None,
        value: None,
    };
    let painted = Draft {
        verb: Verb::Update,
        object: Object::Layer(layer_id(1)),
        path: Some(Path::of(&["properties", "color"])),
        value: Some(json_of(&json!("Lime"))),
    };
    store.commit_local("more", vec![gone, feature(1, 77, &point(2.0, 5.0), &json!({})), painted], NOW + 2).unwrap();
    let last = draw(&mut drawing, &store, &everywhere(5.0));
    assert!(!looks(&last).contains_key(&name(0, 0)));
    assert_eq!(color(&last, &name(1, 77)), "Lime");
    // What was kept up to date is what a fresh look finds.
    assert_eq!(drawn(&store, &everywhere(5.0)), last);
}

#[test]
fn a_selected_feature_is_drawn_with_its_stored_numbers_whatever_else_holds() {
    let line: Vec<[f64; 2]> = (0..50).map(|n| [2.123_456_789_012_3 + f64::from(n) * 1e-9, 48.5]).collect();
    let store = map(
        json!({}),
        &[(
            json!({"displayOnLoad": false}),
            vec![(json!({"type": "LineString", "coordinates": line}), json!({})), (point(2.0, 48.0), json!({}))],
        )],
    );
    let unseen = drawn(&store, &everywhere(4.0));
    assert_eq!((unseen.marks.len(), unseen.features), (0, 0));
    let query = ViewportQuery { selected: vec![name(0, 0)], ..everywhere(4.0) };
    let answer = drawn(&store, &query);
    let [mark] = answer.marks.as_slice() else { panic!("{:?}", answer.marks) };
    let wanted: Vec<Vec<f64>> = line.iter().map(|spot| spot.to_vec()).collect();
    assert_eq!(mark.g, MarkGeometry::LineString(wanted));
}

#[test]
fn layers_follow_their_switches_and_zoom_ranges() {
    let one = |lon: f64| vec![(point(lon, 1.0), json!({}))];
    let store = map(json!({}), &[(json!({"fromZoom": 8}), one(1.0)), (json!({"displayOnLoad": false}), one(2.0))]);
    let seen =
        |query: &ViewportQuery| drawn(&store, query).marks.into_iter().filter_map(|mark| mark.o).collect::<Vec<_>>();
    assert_eq!(seen(&everywhere(5.0)), Vec::<String>::new());
    assert_eq!(seen(&everywhere(8.0)), [name(0, 0)]);
    let both = vec![layer_id(0).to_string(), layer_id(1).to_string()];
    assert_eq!(seen(&ViewportQuery { shown: both.clone(), ..everywhere(5.0) }).len(), 2);
    assert_eq!(seen(&ViewportQuery { hidden: both, ..everywhere(8.0) }), Vec::<String>::new());
}

#[test]
fn points_in_a_cluster_layer_are_drawn_together_and_its_lines_alone() {
    let line = json!({"type": "LineString", "coordinates": [[0, 0], [5, 5]]});
    let features = vec![
        (point(1.0, 1.0), json!({})),
        (point(1.1, 1.0), json!({})),
        (point(100.0, 1.0), json!({})),
        (line, json!({})),
    ];
    let store = map(json!({"color": "Navy"}), &[(json!({"type": "Cluster"}), features)]);
    let answer = drawn(&store, &everywhere(4.0));
    let clusters: Vec<&Mark> = answer.marks.iter().filter(|mark| mark.o.is_none()).collect();
    let [cluster] = clusters.as_slice() else { panic!("{:?}", answer.marks) };
    assert_eq!(cluster.n, Some(2));
    assert_eq!(
        answer.styles[cluster.s as usize],
        Style::Cluster { color: "Navy".into(), text_color: "#ffffff".into() }
    );
    let [west, _, east, _] = cluster.b.unwrap();
    assert!((west - 1.0).abs() < 1e-6 && (east - 1.1).abs() < 1e-6);
    let alone = looks(&answer);
    assert!(alone.contains_key(&name(0, 2)) && alone.contains_key(&name(0, 3)) && alone.len() == 2);
}

#[test]
fn heat_is_spots_of_points_with_their_shares() {
    let features = vec![
        (point(1.0, 1.0), json!({"n": "2"})),
        (point(90.0, 1.0), json!({"n": 8})),
        (point(100.0, 40.0), json!({"n": "much"})),
        (json!({"type": "LineString", "coordinates": [[0, 0], [5, 5]]}), json!({"n": 3})),
    ];
    let store =
        map(json!({}), &[(json!({"type": "Heat", "heat": {"radius": 40, "intensityProperty": "n"}}), features)]);
    let answer = drawn(&store, &everywhere(4.0));
    assert_eq!(answer.marks.iter().map(|mark| mark.v.unwrap()).collect::<Vec<_>>(), [0.25, 1.0]);
    let style = &answer.styles[answer.marks[0].s as usize];
    assert_eq!(*style, Style::Heat { radius: 40.0, blur: 15.0, min_opacity: 0.05 });
}

#[test]
fn circles_have_radii_and_legends_say_what_colours_and_sizes_mean() {
    let numbers = |values: &[i32]| -> Vec<(Value, Value)> {
        values
            .iter()
            .map(|n| (point(f64::from(*n), 1.0), json!({"value": n, "sort": if n % 2 == 0 { "even" } else { "odd" }})))
            .collect()
    };
    let store = map(
        json!({"rules": [{"condition": "sort=odd", "name": "Odd ones", "properties": {"color": "Red"}}]}),
        &[
            (
                json!({"type": "Circles", "circles": {"radius": {"min": 4, "max": 24}}, "color": "Lime"}),
                numbers(&[0, 25, 100]),
            ),
            (
                json!({"type": "Choropleth", "choropleth": {"mode": "equidistant", "classes": 3}}),
                numbers(&[0, 10, 20, 30]),
            ),
            (json!({"type": "Categorized", "categorized": {"property": "sort"}}), numbers(&[1, 2, 3])),
            (json!({"color": "Olive"}), numbers(&[1, 2, 3])),
            (json!({"color": "Olive"}), vec![]),
        ],
    );
    let radii: Vec<f64> =
        looks(&drawn(&store, &everywhere(2.0))).into_values().filter_map(|(_, _, radius)| radius).collect();
    assert_eq!(radii.len(), 3);
    assert!([4.0, 14.0, 24.0].iter().all(|wanted| radii.contains(wanted)), "{radii:?}");
    let legends = Drawing::default().legends(&store).unwrap();
    let told: Vec<Vec<Line>> = legends
        .into_iter()
        .map(|legend| legend.entries.into_iter().map(|one| (one.kind, one.label, one.color, one.count)).collect())
        .collect();
    let line = |kind, label: &str, color: &str, count| (kind, label.to_owned(), color.to_owned(), count);
    assert_eq!(told[0].iter().map(|one| one.1.as_str()).collect::<Vec<_>>(), ["0", "100", "100"]);
    assert_eq!(
        told[1],
        [
            line(LegendKind::Class, "0 - 10", "#deebf7", Some(2)),
            line(LegendKind::Class, "10 - 20", "#9ecae1", Some(1)),
            line(LegendKind::Class, "20 - 30", "#3182bd", Some(1)),
        ]
    );
    assert_eq!(
        told[2].iter().map(|one| (one.1.as_str(), one.3)).collect::<Vec<_>>(),
        [("even", Some(1)), ("odd", Some(2))]
    );
    assert_eq!(told[3], [line(LegendKind::Rule, "Odd ones", "Red", Some(2))]);
    assert_eq!(told[4], [line(LegendKind::Layer, "", "Olive", Some(0))]);
}

/// A map of many kinds of layers, crowded enough to be thinned.
fn crowd() -> Store {
    let mut seed = 5_u64;
    let mut next = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(seed >> 33).unwrap()) / f64::from(1_u32 << 31)
    };
    let mut some = |count: u32| -> Vec<(Value, Value)> {
        (0..count)
            .map(|n| {
                let (lon, lat) = (next() * 4.0, 45.0 + next() * 3.0);
                let geometry = match n % 4 {
                    0 => json!({"type": "LineString", "coordinates": [[lon, lat], [lon + 0.02, lat + 0.01], [lon, lat + 0.02]]}),
                    _ => point(lon, lat),
                };
                (geometry, json!({"value": (next() * 100.0).round(), "sort": if n % 3 == 0 { "a" } else { "b" }}))
            })
            .collect()
    };
    map(
        json!({"rules": [{"condition": "value>90", "properties": {"weight": 9}}]}),
        &[
            (json!({}), some(2500)),
            (json!({"type": "Choropleth"}), some(1500)),
            (json!({"type": "Categorized", "categorized": {"property": "sort"}}), some(1000)),
            (json!({"type": "Circles"}), some(600)),
            (json!({"type": "Cluster"}), some(600)),
            (json!({"type": "Heat"}), some(300)),
        ],
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Panning never changes what a feature looks like, nor whether it is drawn, nor a cluster.
    #[test]
    fn colour_radius_and_presence_are_equal_at_every_viewport(
        zoom in 5.0..12.0_f64, pans in proptest::collection::vec((0.0..4.0_f64, 45.0..48.0_f64), 2..6),
    ) {
        thread_local! {
            static CROWD: (Store, std::cell::RefCell<Drawing>) = (crowd(), std::cell::RefCell::default());
        }
        CROWD.with(|(store, drawing)| {
            let mut drawing = drawing.borrow_mut();
            let mut known: BTreeMap<String, (Style, Option<String>, Option<f64>)> = BTreeMap::new();
            let mut boxes: Vec<ViewportQuery> = Vec::new();
            let mut answers: Vec<ViewportAnswer> = Vec::new();
            for (lon, lat) in pans {
                let half = 600.0 * 360.0 / (256.0 * zoom.exp2());
                let query = ViewportQuery {
                    west: lon - half, east: lon + half, south: lat - half * 0.45, north: lat + half * 0.45, ..everywhere(zoom)
                };
                let answer = draw(&mut drawing, store, &query);
                prop_assert!(answer.marks.len() <= super::answer::MOST);
                for (feature, look) in looks(&answer) {
                    let before = known.insert(feature.clone(), look.clone());
                    prop_assert!(before.is_none_or(|before| before == look), "{} changed", feature);
                }
                boxes.push(query);
                answers.push(answer);
            }
            // What one answer shows inside of another's box, the other shows too.
            for one in &answers {
                for (query, other) in boxes.iter().zip(&answers) {
                    for mark in &one.marks {
                        let MarkGeometry::Point(spot) = &mark.g else { continue };
                        let inside = spot[0] > query.west && spot[0] < query.east && spot[1] > query.south && spot[1] < query.north;
                        let same = |there: &&Mark| there.o == mark.o && there.g == mark.g && there.n == mark.n && there.v == mark.v;
                        prop_assert!(!inside || other.marks.iter().any(|there| same(&there)), "{:?}", mark);
                    }
                }
            }
            Ok(())
        })?;
    }
}

#[test]
fn hostile_names_and_texts_leave_the_answer_sound() {
    let text = "\"}],\\<script>\u{0}\u{2028}!";
    let store = map(
        json!({"name": text}),
        &[(
            json!({"name": text, "showLabel": true, "color": text, "iconUrl": text}),
            vec![(point(1.0, 1.0), json!({"name": text, "_umap_options": {"dashArray": text, "labelKey": text}}))],
        )],
    );
    let answer = drawn(&store, &everywhere(3.0));
    assert_eq!(looks(&answer)[&name(0, 0)].1.as_deref(), Some(text));
}
