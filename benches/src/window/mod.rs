//! The real window over a map of 100,000 features, and a uMap browser over the same map beside it.
//!
//! Needs a virtual display, WebKit's driver, Chromium and a uMap server, as the tests do; run-bench.sh has them ready.

mod bivouac;
mod umap;

use std::time::Duration;

use serde_json::Value;
use support::{MapSpec, TestMap, UmapServer};

use crate::Outcome;
use crate::large_map;
use crate::report::{Report, quantile};

/// Drags the map; see there.
const DRAG: &str = include_str!("drag.js");
/// How far each of three views is zoomed in after all of the map was in view.
const ZOOMS: [(&str, usize); 3] = [("all", 0), ("country", 3), ("town", 3)];

pub(crate) fn run(report: &mut Report) -> Outcome {
    let program = std::env::var("BIVOUAC_BENCH_WINDOW").map_err(|_| "BIVOUAC_BENCH_WINDOW names no program")?;
    let server = UmapServer::shared();
    let map = on_the_server(&server)?;
    bivouac::run(report, program.as_ref(), &server, &map)?;
    umap::run(report, &server, &map)
}

/// Puts the large map on the server.
fn on_the_server(server: &UmapServer) -> Outcome<TestMap> {
    let map = TestMap::create(server, &MapSpec::new("Large"));
    map.save_properties(&large_map::settings());
    for (rank, (layer, body)) in large_map::layers()?.into_iter().enumerate() {
        // Layers of other runs may still be there under the large map's own ids.
        let id = uuid::Uuid::new_v4().to_string();
        let settings = Value::Object(layer.properties);
        let text = format!(
            r#"{{"type":"FeatureCollection","features":[{body}],"properties":{settings},"id":"{id}","rank":{rank}}}"#
        );
        map.add_document(&id, rank, &settings, &text);
    }
    Ok(map)
}

/// What one drag took: each frame, and the longest one until the map was at rest again.
struct Drag {
    frames: Vec<f64>,
    longest: f64,
}

impl Drag {
    fn read(answer: &Value) -> Outcome<Self> {
        let frames = answer["frames"].as_array().ok_or_else(|| format!("no frames: {answer}"))?;
        let frames: Vec<f64> = frames.iter().filter_map(Value::as_f64).collect();
        let longest = answer["longest"].as_f64().unwrap_or(f64::NAN);
        if frames.len() < 20 { Err(format!("{} frames", frames.len()).into()) } else { Ok(Self { frames, longest }) }
    }
}

/// Frames of the drags over all views together, and those of each.
#[derive(Default)]
struct Pans {
    frames: Vec<f64>,
    by_view: Vec<(&'static str, f64, f64, f64)>,
}

impl Pans {
    fn add(&mut self, view: &'static str, drags: &[Drag]) {
        let frames: Vec<f64> = drags.iter().flat_map(|drag| drag.frames.iter().copied()).collect();
        let longest = drags.iter().map(|drag| drag.longest).fold(0.0, f64::max);
        self.by_view.push((view, quantile(&frames, 0.5), quantile(&frames, 0.95), longest));
        self.frames.extend(frames);
    }

    /// The worst view's median and 95th of a hundred.
    fn worst(&self) -> (f64, f64) {
        self.by_view.iter().fold((0.0, 0.0), |(p50, p95), view| (view.1.max(p50), view.2.max(p95)))
    }
}

/// Asks again until there is an answer.
fn wait<T>(what: &str, seconds: u64, mut look: impl FnMut() -> Option<T>) -> Outcome<T> {
    let started = std::time::Instant::now();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if started.elapsed() > Duration::from_secs(seconds) {
            return Err(format!("{what}: not within {seconds} s").into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
