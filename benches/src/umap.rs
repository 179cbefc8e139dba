//! uMap's own engine on the same operations, as it is installed from PyPI, run by Node.
//!
//! `BIVOUAC_BENCH_UMAP` is the folder of its JavaScript modules; tests/support/run-bench.sh finds it.

use std::process::Command;

use crate::Outcome;
use crate::catch_up::{new_store, take};
use crate::report::{Limit, Report, timed};
use crate::workload;

pub(crate) fn run(report: &mut Report) -> Outcome {
    let modules = std::env::var("BIVOUAC_BENCH_UMAP").map_err(|_| "BIVOUAC_BENCH_UMAP is not set: run make bench")?;
    compare(report, "catch_up_3k_vs_umap", &modules, 3_000, 3, 200.0)?;
    if std::env::var("BIVOUAC_BENCH_FULL").is_ok_and(|full| full == "1") {
        compare(report, "catch_up_10k_vs_umap", &modules, 10_000, 1, 500.0)?;
    }
    Ok(())
}

/// So many operations onto as many that both hold already.
fn compare(report: &mut Report, name: &str, modules: &str, count: u64, runs: usize, least: f64) -> Outcome {
    let held = workload::parts(&workload::operations(count, 0), workload::LARGEST_PART);
    let coming = workload::operations(count + 1, count);
    let coming = workload::parts(coming.get(1..).unwrap_or_default(), workload::LARGEST_PART);
    let folder = tempfile::tempdir()?;
    let (first, second) = (folder.path().join("held.json"), folder.path().join("coming.json"));
    std::fs::write(&first, held.concat())?;
    std::fs::write(&second, coming.concat())?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/umap-engine.mjs");
    let (mut ratios, mut theirs, mut ours) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..runs {
        let output = Command::new("node").arg(script).arg(modules).arg(&first).arg(&second).output()?;
        if !output.status.success() {
            return Err(format!("uMap's engine in Node: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let umap: f64 = String::from_utf8(output.stdout)?.trim().parse::<f64>()? / 1000.0;
        let mut own = Vec::new();
        for again in 0..5 {
            let mut store = new_store(&folder.path().join(format!("map-{run}-{again}")))?;
            take(&mut store, &held)?;
            let (taken, seconds) = timed(|| take(&mut store, &coming));
            if taken?.applied < usize::try_from(count / 2)? {
                return Err("the operations were not taken in".into());
            }
            own.push(seconds);
        }
        let own = crate::report::median(&own);
        ratios.push(umap / own);
        theirs.push(umap);
        ours.push(own);
    }
    report.add(name, "x", Limit::AtLeast(least), &ratios);
    report.add(&format!("{name}_theirs"), "s", Limit::None, &theirs);
    report.add(&format!("{name}_ours"), "s", Limit::None, &ours);
    Ok(())
}
