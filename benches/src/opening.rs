//! Opening a large map: a viewport query, not a load.

use bivouac_journal::geometry::Bounds;
use bivouac_store::Store;

use crate::Outcome;
use crate::catch_up::{new_store, take};
use crate::report::{Limit, Report, timed};
use crate::workload;

const RUNS: usize = 21;

pub(crate) fn run(report: &mut Report) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("map");
    take(&mut new_store(&path)?, &workload::parts(&workload::features(100_000), workload::LARGEST_PART))?;
    let window = Bounds { west: 10.0, south: 45.0, east: 12.0, north: 46.0 };
    let (mut milliseconds, mut found) = (Vec::new(), 0);
    for _ in 0..RUNS {
        let (shown, seconds) = timed(|| Store::open(&path).and_then(|store| store.viewport(window, 2000)));
        found = shown?.len();
        milliseconds.push(seconds * 1000.0);
    }
    if found < 500 {
        return Err(format!("the viewport shows {found} features only").into());
    }
    report.add("open_100k_first_viewport_ms", "ms", Limit::AtMost(10.0), &milliseconds);
    Ok(())
}
