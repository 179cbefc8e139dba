//! How much memory a program and what it started take.

use std::fs;
use std::path::Path;

/// The proportional set sizes, in MB (10^6 bytes), of the processes whose environment names this folder, by the
/// name of their program.
#[must_use]
pub fn footprints(folder: &Path) -> Vec<(String, f64)> {
    let mark = folder.to_string_lossy().into_owned();
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let mut found = Vec::new();
    for process in processes.flatten().map(|entry| entry.path()) {
        let Ok(environment) = fs::read(process.join("environ")) else { continue };
        if !String::from_utf8_lossy(&environment).split('\0').any(|one| one.ends_with(&mark)) {
            continue;
        }
        let (Ok(name), Ok(rollup)) =
            (fs::read_to_string(process.join("comm")), fs::read_to_string(process.join("smaps_rollup")))
        else {
            continue;
        };
        let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        let kib: Option<f64> = pss.and_then(|rest| rest.split_whitespace().next()).and_then(|text| text.parse().ok());
        found.push((name.trim().to_owned(), kib.unwrap_or_default() * 1024.0 / 1e6));
    }
    found
}
