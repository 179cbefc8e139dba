//! How much memory a catch-up needs at its peak, in a process of its own.

use std::path::Path;
use std::process::Command;

use crate::Outcome;
use crate::catch_up::{new_store, take};
use crate::report::{Limit, Report};
use crate::workload;

/// The argument that makes this program the measured process.
pub(crate) const CHILD: &str = "--memory-of-a-catch-up";

pub(crate) fn run(report: &mut Report) -> Outcome {
    let parts = workload::parts(&workload::operations(100_000, 0), workload::LARGEST_PART);
    let mut peaks = Vec::new();
    for _ in 0..3 {
        let folder = tempfile::tempdir()?;
        for (number, part) in parts.iter().enumerate() {
            std::fs::write(folder.path().join(format!("{number:03}.json")), part)?;
        }
        let output = Command::new(std::env::current_exe()?).arg(CHILD).arg(folder.path()).output()?;
        if !output.status.success() {
            return Err(format!("the measured process failed: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        peaks.push(String::from_utf8(output.stdout)?.trim().parse()?);
    }
    report.add("catch_up_100k_peak_mb", "MB", Limit::AtMost(120.0), &peaks);
    Ok(())
}

/// Reads the messages one after the other, as they come from a socket, and prints the megabytes above idle.
pub(crate) fn child(folder: &Path) -> Outcome {
    let mut files: Vec<_> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut store = new_store(&folder.join("map"))?;
    let idle = status("VmRSS:")?;
    for file in files {
        let text = std::fs::read_to_string(file)?;
        take(&mut store, &[text])?;
    }
    println!("{}", (status("VmHWM:")? - idle) / 1024.0);
    Ok(())
}

/// A line of Linux's account of this process, in KiB.
fn status(name: &str) -> Outcome<f64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find(|line| line.starts_with(name)).ok_or("no such line in /proc/self/status")?;
    Ok(line.split_whitespace().nth(1).ok_or("no number in /proc/self/status")?.parse()?)
}
