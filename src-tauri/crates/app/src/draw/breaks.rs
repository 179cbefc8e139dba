//! Where the classes of a choropleth begin and end: uMap's five methods.
//!
//! Each answers the least value, the greatest value of each class, and so one number more than
//! there are classes. Values are taken as they are; the same ones in the same order give the same
//! breaks on every computer.

mod natural;
mod quantiles;

use natural::{clusters, natural};
use quantiles::quantiles;

/// How classes are found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Method {
    /// Groups with the least differences inside, by dynamic programming (Wang and Song 2011).
    #[default]
    Kmeans,
    /// Classes of equal width.
    Equidistant,
    /// Natural breaks (Fisher 1958, Jenks 1977).
    Jenks,
    /// Classes of about equally many values.
    Quantiles,
    /// As written.
    Manual(Vec<f64>),
}

impl Method {
    /// Breaks for so many classes; `values` in the order of their features.
    pub fn breaks(&self, values: &[f64], classes: usize) -> Vec<f64> {
        let classes = classes.min(values.len());
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        match self {
            Method::Manual(breaks) if !values.is_empty() => breaks.clone(),
            Method::Manual(_) => Vec::new(),
            Method::Kmeans => clusters(&sorted, classes),
            Method::Equidistant => equidistant(&sorted, classes),
            Method::Jenks => natural(&sorted, classes),
            Method::Quantiles => quantiles(values, classes),
        }
    }
}

fn equidistant(sorted: &[f64], classes: usize) -> Vec<f64> {
    let [least, .., greatest] = *sorted else { return sorted.to_vec() };
    let width = (greatest - least) / classes as f64;
    let mut breaks: Vec<f64> =
        (0..classes).map(|class| if class == 0 { least } else { least + width * class as f64 }).collect();
    breaks.push(greatest);
    breaks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What simple-statistics 7, which uMap 3.7.3 ships, answers for these in Node 20.
    #[test]
    fn breaks_are_those_of_umaps_browser() {
        for case in cases() {
            let fields: Vec<&str> = case.split(" | ").collect();
            let [method, classes, values, breaks] = fields.as_slice() else { panic!("{case}") };
            let numbers = |text: &str| {
                text.split(' ').filter(|n| !n.is_empty()).map(|n| n.parse().unwrap()).collect::<Vec<f64>>()
            };
            let chosen = match *method {
                "kmeans" => Method::Kmeans,
                "equidistant" => Method::Equidistant,
                "jenks" => Method::Jenks,
                "quantiles" => Method::Quantiles,
                other => panic!("{other}"),
            };
            let found = chosen.breaks(&numbers(values), classes.parse().unwrap());
            assert_eq!(found, numbers(breaks), "{method}, {classes} classes of {values}");
        }
    }

    fn cases() -> Vec<&'static str> {
        let all: Vec<&str> = include_str!("breaks/cases.txt").lines().filter(|line| !line.starts_with('#')).collect();
        assert!(all.len() > 100);
        all
    }

    #[test]
    fn manual_breaks_are_taken_as_they_are_unless_there_is_nothing() {
        let manual = Method::Manual(vec![0.0, 10.0, 5.0]);
        assert_eq!(manual.breaks(&[1.0], 9), [0.0, 10.0, 5.0]);
        assert_eq!(manual.breaks(&[], 9), Vec::<f64>::new());
        assert_eq!(Method::Kmeans.breaks(&[], 5), Vec::<f64>::new());
    }

    #[test]
    fn sixty_thousand_values_take_no_time() {
        let values: Vec<f64> = (0..60_000).map(|n| f64::from((n * 7919) % 10_007)).collect();
        for method in [Method::Kmeans, Method::Jenks, Method::Quantiles, Method::Equidistant] {
            let started = std::time::Instant::now();
            assert_eq!(method.breaks(&values, 9).len(), 10);
            assert!(started.elapsed().as_secs() < 5, "{method:?}");
        }
    }
}
