//! What a map window asks while it is moved over 100,000 features.

use bivouac_app::draw::Drawing;
use bivouac_app::draw::types::{ViewportAnswer, ViewportQuery};
use bivouac_store::Store;

use crate::Outcome;
use crate::catch_up::new_store;
use crate::large_map;
use crate::report::{Limit, Report, timed};

const RUNS: usize = 15;
const COLD_RUNS: usize = 5;

pub(crate) fn run(report: &mut Report) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("map");
    large_map::fill(&mut new_store(&path)?)?;
    let store = Store::open_read_only(&path)?;

    let all = over(4.0, 46.2, 6.6);
    let mut cold = Vec::new();
    for _ in 0..COLD_RUNS {
        let (answer, seconds) = timed(|| Drawing::default().viewport(&store, &all));
        check(&answer?, large_map::FEATURES)?;
        cold.push(seconds * 1000.0);
    }
    report.add("viewport_100k_cold_ms", "ms", Limit::AtMost(300.0), &cold);

    let mut drawing = Drawing::default();
    for (name, middle, limit) in [
        ("viewport_100k_all_ms", all, Limit::AtMost(30.0)),
        ("viewport_100k_town_ms", over(3.9, 46.1, 12.0), Limit::AtMost(30.0)),
    ] {
        drawing.viewport(&store, &middle)?;
        let mut milliseconds = Vec::new();
        let mut bytes = 0;
        for run in 0..RUNS {
            // A pan: what was found out for the zoom stays, the box does not.
            let shift = (middle.east - middle.west) * 0.01 * f64::from(u32::try_from(run).unwrap_or(0));
            let query = ViewportQuery { west: middle.west + shift, east: middle.east + shift, ..middle.clone() };
            let (answer, seconds) = timed(|| drawing.viewport(&store, &query));
            let answer = answer?;
            check(&answer, 1)?;
            bytes = answer.len();
            milliseconds.push(seconds * 1000.0);
        }
        report.add(name, "ms", limit, &milliseconds);
        #[allow(clippy::cast_precision_loss)]
        report.add(&name.replace("_ms", "_kib"), "KiB", Limit::None, &[bytes as f64 / 1024.0]);
    }
    Ok(())
}

/// A window of 1200 by 800 pixels.
fn over(lon: f64, lat: f64, zoom: f64) -> ViewportQuery {
    let across = 1200.0 * 360.0 / (256.0 * zoom.exp2());
    let down = 800.0 * 360.0 / (256.0 * zoom.exp2()) * lat.to_radians().cos();
    ViewportQuery {
        west: lon - across / 2.0,
        south: lat - down / 2.0,
        east: lon + across / 2.0,
        north: lat + down / 2.0,
        zoom,
        width: 1200.0,
        height: 800.0,
        pixel_ratio: 1.0,
        ..ViewportQuery::default()
    }
}

fn check(answer: &[u8], least: u64) -> Outcome {
    let answer: ViewportAnswer = serde_json::from_slice(answer)?;
    if answer.features < least || answer.marks.is_empty() || answer.marks.len() > 5000 {
        return Err(format!("{} marks for {} features", answer.marks.len(), answer.features).into());
    }
    Ok(())
}
