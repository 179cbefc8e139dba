//! Near points together, as uMap does it, but for a whole layer at once: what a browser clusters
//! depends on where its window is, and changes while it is moved.

use rustc_hash::FxHashMap;

use super::world::{Extent, Spot, project_spot, width};

/// Points that are drawn as one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cluster {
    /// The point that it began with, by its place in the list.
    pub first: usize,
    /// How many points.
    pub count: u32,
    /// What they cover.
    pub extent: Extent,
}

/// Clusters points: each joins the first cluster whose first point is at most `radius` pixels
/// away, or begins one.
pub(crate) fn clusters(points: impl Iterator<Item = Spot>, radius: f64, zoom: f64) -> Vec<Cluster> {
    let pixels = width(zoom);
    let mut clusters: Vec<Cluster> = Vec::new();
    let mut middles: Vec<[f64; 2]> = Vec::new();
    let mut cells: FxHashMap<[i64; 2], Vec<usize>> = FxHashMap::default();
    for (place, spot) in points.enumerate() {
        let at = project_spot(spot).map(|share| share * pixels);
        #[allow(clippy::cast_possible_truncation, reason = "pixels fit")]
        let cell = at.map(|coordinate| (coordinate / radius).floor() as i64);
        let mut joined: Option<usize> = None;
        for x in cell[0] - 1..=cell[0] + 1 {
            for y in cell[1] - 1..=cell[1] + 1 {
                for candidate in cells.get(&[x, y]).map_or([].as_slice(), Vec::as_slice) {
                    let near = middles.get(*candidate).is_some_and(|[x, y]| (x - at[0]).hypot(y - at[1]) <= radius);
                    if near && joined.is_none_or(|before| *candidate < before) {
                        joined = Some(*candidate);
                    }
                }
            }
        }
        match joined.and_then(|joined| clusters.get_mut(joined)) {
            Some(cluster) => {
                cluster.count += 1;
                cluster.extent.add(spot);
            }
            None => {
                cells.entry(cell).or_default().push(clusters.len());
                middles.push(at);
                let mut extent = Extent::NOWHERE;
                extent.add(spot);
                clusters.push(Cluster { first: place, count: 1, extent });
            }
        }
    }
    clusters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::world::{degrees, units};

    fn at(spots: &[(f64, f64)], radius: f64, zoom: f64) -> Vec<(usize, u32)> {
        let spots = spots.iter().map(|(lon, lat)| [units(*lon), units(*lat)]);
        clusters(spots, radius, zoom).iter().map(|cluster| (cluster.first, cluster.count)).collect()
    }

    #[test]
    fn points_join_the_first_cluster_within_the_radius() {
        // At zoom 0 a degree of longitude is 0.71 pixels wide.
        let spots = [(0.0, 0.0), (50.0, 0.0), (112.0, 0.0), (-110.0, 0.0), (120.0, 0.0)];
        assert_eq!(at(&spots, 80.0, 0.0), [(0, 4), (4, 1)]);
        assert_eq!(at(&spots, 80.0, 3.0), [(0, 1), (1, 1), (2, 2), (3, 1)]);
        assert_eq!(at(&[], 80.0, 3.0), []);
    }

    #[test]
    fn the_grid_finds_what_looking_at_every_cluster_finds() {
        let mut seed = 7_u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            f64::from(u32::try_from(seed >> 40).unwrap()) / f64::from(1 << 24)
        };
        let spots: Vec<Spot> = (0..800).map(|_| [units(next() * 20.0), units(40.0 + next() * 10.0)]).collect();
        for zoom in [3.0, 5.0, 7.0] {
            let pixels = |spot: Spot| project_spot(spot).map(|share| share * width(zoom));
            let mut plain: Vec<(usize, u32)> = Vec::new();
            for (place, spot) in spots.iter().enumerate() {
                let [x, y] = pixels(*spot);
                let near = plain.iter_mut().find(|(first, _)| {
                    let [a, b] = pixels(spots[*first]);
                    (a - x).hypot(b - y) <= 60.0
                });
                match near {
                    Some((_, count)) => *count += 1,
                    None => plain.push((place, 1)),
                }
            }
            let found = clusters(spots.iter().copied(), 60.0, zoom);
            assert_eq!(found.iter().map(|c| (c.first, c.count)).collect::<Vec<_>>(), plain, "zoom {zoom}");
            for cluster in found {
                let [lon, lat] = spots[cluster.first];
                assert!(degrees(cluster.extent.west) <= degrees(lon) && degrees(cluster.extent.north) >= degrees(lat));
            }
        }
    }
}
