//! One edit of the user's, acknowledged only when it is on disk.

use std::fs::OpenOptions;
use std::io::Write as _;

use bivouac_journal::ids::{FeatureId, LayerId, Object};
use bivouac_journal::json::Json;
use bivouac_journal::operation::{Draft, Verb};
use bivouac_journal::path::Path;

use crate::Outcome;
use crate::catch_up::{new_store, take};
use crate::report::{Limit, Report, quantile, timed};
use crate::workload::{self, Bits, NOW};

const RUNS: usize = 5;
const EDITS: usize = 400;

pub(crate) fn run(report: &mut Report) -> Outcome {
    let made = workload::features(10_000);
    let layer = LayerId::parse(workload::LAYER).ok_or("a layer's name")?;
    let mut bits = Bits(3);
    let (mut ratios, mut medians, mut syncs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let folder = tempfile::tempdir()?;
        let mut store = new_store(&folder.path().join("map"))?;
        take(&mut store, &workload::parts(&made, workload::LARGEST_PART))?;
        let mut bare = OpenOptions::new().create(true).append(true).open(folder.path().join("bare"))?;
        let (mut edits, mut bares) = (Vec::new(), Vec::new());
        for number in 0..EDITS {
            let place = 1 + usize::try_from(bits.below(10_000))?;
            let feature = made.get(place).ok_or("a feature")?;
            let draft = Draft {
                verb: Verb::Update,
                object: Object::Feature(layer.clone(), FeatureId::parse(&feature.feature).ok_or("a feature's name")?),
                path: Some(Path::property("name")),
                value: Some(Json::string(&format!("edited {number}"))),
            };
            let (edit, seconds) = timed(|| store.commit_local("edit", vec![draft], NOW + 200_000_000 + number as u64));
            edit?;
            edits.push(seconds * 1000.0);
            let (synced, seconds) = timed(|| bare.write_all(&[0; 4096]).and_then(|()| bare.sync_data()));
            synced?;
            bares.push(seconds * 1000.0);
        }
        ratios.push(quantile(&edits, 0.99) / quantile(&bares, 0.99));
        medians.push(quantile(&edits, 0.5));
        syncs.push(quantile(&bares, 0.5));
    }
    report.add("edit_p99_over_fdatasync", "x", Limit::AtMost(2.5), &ratios);
    report.add("edit_p50_ms", "ms", Limit::None, &medians);
    report.add("fdatasync_p50_ms", "ms", Limit::None, &syncs);
    Ok(())
}
