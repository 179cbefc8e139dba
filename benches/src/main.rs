//! Measures what the product promises, in ratios taken within one run wherever that is possible.
//!
//! Prints a table and writes a list of {name, median, unit} to the file named as the argument.
//! `BIVOUAC_BENCH_FULL=1` adds the comparison that keeps uMap's own engine busy for minutes.
#![allow(clippy::print_stdout, reason = "the table is what this program is for")]

use std::path::PathBuf;

mod catch_up;
mod edits;
mod large_map;
mod live;
mod memory;
mod opening;
mod report;
#[cfg(feature = "rivals")]
mod rivals;
mod room;
mod umap;
mod viewport;
#[cfg(feature = "rivals")]
mod window;
mod workload;

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    if first.as_deref() == Some(memory::CHILD) {
        return memory::child(&PathBuf::from(arguments.next().ok_or("a folder is missing")?));
    }
    if first.as_deref() == Some(room::CHILD) {
        return room::child();
    }
    let target = first.ok_or("usage: bivouac-bench OUT.json [part of a name]...")?;
    let wanted: Vec<String> = arguments.collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|w| name.contains(w.as_str()));
    let mut report = report::Report::default();
    if wants("catch_up") {
        catch_up::run(&mut report)?;
    }
    if wants("memory") {
        memory::run(&mut report)?;
    }
    if wants("opening") {
        opening::run(&mut report)?;
    }
    if wants("viewport") {
        viewport::run(&mut report)?;
    }
    if wants("edits") {
        edits::run(&mut report)?;
    }
    if wants("live") {
        live::run(&mut report)?;
    }
    #[cfg(feature = "rivals")]
    if wants("rivals") {
        rivals::run(&mut report)?;
    }
    if wants("umap") {
        umap::run(&mut report)?;
    }
    #[cfg(feature = "rivals")]
    if wants("window") {
        window::run(&mut report)?;
    }
    report.write(&PathBuf::from(target))?;
    print!("{report}");
    Ok(())
}
