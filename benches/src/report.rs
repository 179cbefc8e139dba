//! The figures: collected, set against their limits, printed and written.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::Outcome;

/// What a figure has to keep.
#[derive(Clone, Copy, Default)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
    /// For information.
    #[default]
    None,
}

#[derive(Serialize)]
struct Figure {
    name: String,
    median: f64,
    unit: &'static str,
    #[serde(skip)]
    limit: Limit,
}

#[derive(Default)]
pub(crate) struct Report(Vec<Figure>);

impl Report {
    /// Adds one figure; `values` are of one kind, their median counts.
    pub fn add(&mut self, name: &str, unit: &'static str, limit: Limit, values: &[f64]) {
        let figure = Figure { name: name.to_owned(), median: median(values), unit, limit };
        eprint_progress(&figure);
        self.0.push(figure);
    }

    pub fn write(&self, path: &Path) -> Outcome {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(std::fs::write(path, serde_json::to_string_pretty(&self.0)? + "\n")?)
    }
}

#[allow(clippy::print_stderr, reason = "the run takes minutes")]
fn eprint_progress(figure: &Figure) {
    eprintln!("{figure}");
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<44} {:>10.3} {:<6}", self.name, self.median, self.unit)?;
        match self.limit {
            Limit::AtMost(most) if self.median <= most => write!(f, " at most {most}: kept"),
            Limit::AtMost(most) => write!(f, " at most {most}: MISSED"),
            Limit::AtLeast(least) if self.median >= least => write!(f, " at least {least}: kept"),
            Limit::AtLeast(least) => write!(f, " at least {least}: MISSED"),
            Limit::None => Ok(()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for figure in &self.0 {
            writeln!(f, "{figure}")?;
        }
        Ok(())
    }
}

pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which that share of the values lies; NaN for none.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let place = (last as f64 * share).round() as usize;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

/// Runs something and tells the seconds that it took.
pub(crate) fn timed<T>(what: impl FnOnce() -> T) -> (T, f64) {
    let started = std::time::Instant::now();
    let result = what();
    (result, started.elapsed().as_secs_f64())
}
