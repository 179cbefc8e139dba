//! Which points of lines and rings are needed from which zoom on.
//!
//! Each point gets the lowest level at which it moves the line by more than half a pixel
//! (Douglas and Peucker 1973, with each point at least as coarse as the one that it hangs on), once;
//! drawing at a zoom is then one comparison for each point, and the same wherever the window is.

use super::world::{Spot, TILE, degrees, project};

/// A line may lie so far from where it is, in pixels.
const NEAR: f64 = 0.5;
/// Levels for each zoom.
const STEPS: f64 = 8.0;
/// Levels of the points that are always drawn.
const ALWAYS: u8 = 0;

/// The level of a zoom for lines that may lie so many times [`NEAR`] from where they are.
pub(crate) fn level(zoom: f64, coarser: f64) -> u8 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0 to 255")]
    let level = ((zoom - coarser.log2()) * STEPS).floor().clamp(0.0, 255.0) as u8;
    level
}

/// The level of each point, of lines that end at `ends`; `closed` for rings.
pub(crate) fn levels(spots: &[Spot], ends: &[u32], closed: bool) -> Box<[u8]> {
    let flat = flat(spots);
    let mut levels = vec![u8::MAX; spots.len()];
    let mut from = 0;
    for end in ends.iter().filter_map(|end| usize::try_from(*end).ok()) {
        if let (Some(line), Some(levels)) = (flat.get(from..end), levels.get_mut(from..end)) {
            one(line, levels, closed);
        }
        from = end;
    }
    levels.into_boxed_slice()
}

/// In pixels at zoom 0. Small things are flat: there the projection is a stretching.
fn flat(spots: &[Spot]) -> Vec<[f64; 2]> {
    let (south, north) =
        spots.iter().fold((i32::MAX, i32::MIN), |(south, north), spot| (south.min(spot[1]), north.max(spot[1])));
    if degrees(north) - degrees(south) > 2.0 {
        let projected = |spot: &Spot| project(degrees(spot[0]), degrees(spot[1])).map(|share| share * TILE);
        return spots.iter().map(projected).collect();
    }
    let pixels = TILE / 360.0;
    let middle = f64::midpoint(degrees(south), degrees(north)).clamp(-85.0, 85.0);
    let taller = pixels / middle.to_radians().cos();
    spots.iter().map(|spot| [degrees(spot[0]) * pixels, degrees(spot[1]) * taller]).collect()
}

fn one(line: &[[f64; 2]], levels: &mut [u8], closed: bool) {
    let Some(last) = line.len().checked_sub(1) else { return };
    set(levels, 0, ALWAYS);
    set(levels, last, ALWAYS);
    if closed && last >= 3 {
        // A ring is two lines, parted where it is farthest from its beginning.
        let begin = at(line, 0);
        let farthest = (1..last).max_by(|a, b| square(at(line, *a), begin).total_cmp(&square(at(line, *b), begin)));
        let Some(parted) = farthest else { return };
        set(levels, parted, ALWAYS);
        split(line, levels, 0, parted, u8::MIN);
        split(line, levels, parted, last, u8::MIN);
        // Three corners at least.
        let third = (1..last).filter(|place| *place != parted).min_by_key(|place| levels.get(*place).copied());
        if let Some(third) = third {
            set(levels, third, ALWAYS);
        }
        return;
    }
    split(line, levels, 0, last, u8::MIN);
}

fn split(line: &[[f64; 2]], levels: &mut [u8], from: usize, to: usize, least: u8) {
    let mut waiting = vec![(from, to, least)];
    while let Some((from, to, least)) = waiting.pop() {
        let (a, b) = (at(line, from), at(line, to));
        let mut farthest = (from, -1.0);
        for place in from + 1..to {
            let far = away(at(line, place), a, b);
            if far > farthest.1 {
                farthest = (place, far);
            }
        }
        let (place, far) = farthest;
        if place == from {
            continue;
        }
        let level = needed(far.sqrt()).max(least);
        set(levels, place, level);
        waiting.push((from, place, level));
        waiting.push((place, to, level));
    }
}

/// The lowest level at which so many pixels at zoom 0 are more than [`NEAR`].
fn needed(far: f64) -> u8 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0 to 255")]
    let level = ((NEAR / far).log2() * STEPS).ceil().clamp(0.0, 255.0) as u8;
    level
}

fn at(line: &[[f64; 2]], place: usize) -> [f64; 2] {
    line.get(place).copied().unwrap_or([0.0; 2])
}

fn set(levels: &mut [u8], place: usize, level: u8) {
    if let Some(slot) = levels.get_mut(place) {
        *slot = level;
    }
}

fn square([ax, ay]: [f64; 2], [bx, by]: [f64; 2]) -> f64 {
    (ax - bx) * (ax - bx) + (ay - by) * (ay - by)
}

/// The square of the distance from a stretch.
fn away(spot: [f64; 2], a: [f64; 2], b: [f64; 2]) -> f64 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let length = dx * dx + dy * dy;
    if length == 0.0 {
        return square(spot, a);
    }
    let along = (((spot[0] - a[0]) * dx + (spot[1] - a[1]) * dy) / length).clamp(0.0, 1.0);
    square(spot, [a[0] + along * dx, a[1] + along * dy])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::draw::world::{units, width};

    fn kept(levels: &[u8], level: u8) -> Vec<usize> {
        (0..levels.len()).filter(|place| levels[*place] <= level).collect()
    }

    #[test]
    fn a_straight_line_is_its_ends_and_a_ring_keeps_three_corners() {
        let line: Vec<Spot> = (0..100).map(|n| [units(f64::from(n) * 0.01), units(45.0)]).collect();
        let straight = levels(&line, &[100], false);
        assert_eq!(kept(&straight, level(14.0, 1.0)), [0, 99]);
        let ring: Vec<Spot> = [(0.0, 0.0), (1e-6, 0.0), (1e-6, 1e-6), (0.0, 1e-6), (0.0, 0.0)]
            .iter()
            .map(|(x, y)| [units(*x), units(*y)])
            .collect();
        assert_eq!(kept(&levels(&ring, &[5], true), 0).len(), 4);
    }

    #[test]
    fn each_line_of_several_has_its_own_ends() {
        let spots: Vec<Spot> = (0..6).map(|n| [units(f64::from(n) * 1e-6), 0]).collect();
        assert_eq!(kept(&levels(&spots, &[3, 6], false), 0), [0, 2, 3, 5]);
    }

    proptest! {
        #[test]
        fn nothing_lies_farther_from_what_is_drawn_than_half_a_pixel(
            walk in proptest::collection::vec((-0.01..0.01_f64, -0.01..0.01_f64), 2..80),
            zoom in 2.0..18.0_f64,
        ) {
            let (mut lon, mut lat) = (5.0, 47.0);
            let spots: Vec<Spot> = walk.iter().map(|(dx, dy)| { lon += dx; lat += dy; [units(lon), units(lat)] }).collect();
            let levels = levels(&spots, &[u32::try_from(spots.len()).unwrap()], false);
            let drawn = kept(&levels, level(zoom, 1.0));
            let pixel = |place: usize| project(degrees(spots[place][0]), degrees(spots[place][1])).map(|share| share * width(zoom));
            for pair in drawn.windows(2) {
                for place in pair[0]..=pair[1] {
                    let far = away(pixel(place), pixel(pair[0]), pixel(pair[1])).sqrt();
                    // One step of a level is 2^(1/8) of the distance.
                    prop_assert!(far <= NEAR * 1.12, "{far} at zoom {zoom}");
                }
            }
        }

        #[test]
        fn a_higher_zoom_draws_every_point_of_a_lower_one(
            walk in proptest::collection::vec((-0.1..0.1_f64, -0.1..0.1_f64), 4..40), low in 0.0..20.0_f64, more in 0.0..4.0_f64,
        ) {
            let spots: Vec<Spot> = walk.iter().map(|(x, y)| [units(*x), units(*y)]).collect();
            let levels = levels(&spots, &[u32::try_from(spots.len()).unwrap()], true);
            let few = kept(&levels, level(low, 1.0));
            let many = kept(&levels, level(low + more, 1.0));
            prop_assert!(few.iter().all(|place| many.contains(place)));
            prop_assert!(few.len() >= 4);
        }
    }
}
