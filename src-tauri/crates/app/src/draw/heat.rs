//! Heat: how much there is where, gathered in cells that are anchored to the world.

use rustc_hash::FxHashMap;

use super::world::{Spot, project_spot, width};

/// The soft edge of a spot, in pixels: that of the library which uMap draws heat with.
pub(crate) const BLUR: f64 = 15.0;
/// The least opacity of a spot.
pub(crate) const MIN_OPACITY: f64 = 0.05;

/// One cell's heat.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Warm {
    /// Where its middle of gravity lies, in worlds.
    pub at: [f64; 2],
    /// Its share of the warmest cell's heat.
    pub share: f64,
}

/// Gathers points with their weights in cells of half a spot; the warmest counts 1, as anything
/// below a heat of 1 counts as little as it is.
pub(crate) fn heat(points: impl Iterator<Item = (Spot, f64)>, radius: f64, zoom: f64) -> Vec<Warm> {
    let across = width(zoom) / ((radius + BLUR) / 2.0);
    let mut places: FxHashMap<[i64; 2], usize> = FxHashMap::default();
    let mut cells: Vec<([f64; 2], f64)> = Vec::new();
    for (spot, weight) in points {
        let at = project_spot(spot);
        #[allow(clippy::cast_possible_truncation, reason = "cells of a world fit")]
        let cell = at.map(|share| (share * across).floor() as i64);
        let place = *places.entry(cell).or_insert(cells.len());
        match cells.get_mut(place) {
            Some((middle, sum)) => {
                let both = *sum + weight;
                if both != 0.0 {
                    for (old, new) in middle.iter_mut().zip(at) {
                        *old = (*old * *sum + new * weight) / both;
                    }
                }
                *sum = both;
            }
            None => cells.push((at, weight)),
        }
    }
    let most = cells.iter().map(|(_, sum)| *sum).fold(1.0, f64::max);
    cells.into_iter().map(|(at, sum)| Warm { at, share: (sum / most).clamp(0.0, 1.0) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::world::units;

    #[test]
    fn points_in_one_cell_add_up_and_the_warmest_counts_one() {
        let spots = [(0.1, 0.1, 1.0), (0.2, 0.1, 2.0), (120.0, 10.0, 1.5)];
        let found = heat(spots.iter().map(|(lon, lat, weight)| ([units(*lon), units(*lat)], *weight)), 25.0, 2.0);
        assert_eq!(found.iter().map(|warm| warm.share).collect::<Vec<_>>(), [1.0, 0.5]);
        // The heavier point draws the middle to itself.
        let middle = found.first().unwrap().at[0];
        assert!((middle - (0.5 + (0.1 + 2.0 * 0.2) / 3.0 / 360.0)).abs() < 1e-9, "{middle}");
    }

    #[test]
    fn less_than_one_stays_less_than_one() {
        let found = heat([([0, 0], 0.25)].into_iter(), 25.0, 2.0);
        assert_eq!(found.first().map(|warm| warm.share), Some(0.25));
    }
}
