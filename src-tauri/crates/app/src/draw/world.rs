//! Where things lie: degrees as whole numbers, and the world as a browser's map projects it.

use bivouac_journal::geometry::Bounds;

/// Units of a degree: about 1.3 cm, and ±256° fit into 32 bits.
const UNITS: f64 = 8_388_608.0;
/// How wide the world is at zoom 0, in pixels.
pub(crate) const TILE: f64 = 256.0;
/// The northernmost latitude of the square world.
pub(crate) const EDGE: f64 = 85.051_128_779_806_59;

/// Longitude, latitude, in [`UNITS`] of a degree.
pub(crate) type Spot = [i32; 2];

/// Degrees as units; what is far outside is put to the edge.
pub(crate) fn units(degrees: f64) -> i32 {
    #[allow(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
    let units = (degrees * UNITS).round() as i32;
    units
}

pub(crate) fn degrees(units: i32) -> f64 {
    f64::from(units) / UNITS
}

/// A box in units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub west: i32,
    pub south: i32,
    pub east: i32,
    pub north: i32,
}

impl Extent {
    /// Holds nothing.
    pub const NOWHERE: Self = Self { west: i32::MAX, south: i32::MAX, east: i32::MIN, north: i32::MIN };

    pub fn of(bounds: Bounds) -> Self {
        Self {
            west: units(bounds.west),
            south: units(bounds.south),
            east: units(bounds.east),
            north: units(bounds.north),
        }
    }

    pub fn add(&mut self, [lon, lat]: Spot) {
        self.west = self.west.min(lon);
        self.south = self.south.min(lat);
        self.east = self.east.max(lon);
        self.north = self.north.max(lat);
    }

    pub fn meets(&self, other: &Self) -> bool {
        self.east >= other.west && self.west <= other.east && self.north >= other.south && self.south <= other.north
    }

    pub fn holds(&self, [lon, lat]: Spot) -> bool {
        lon >= self.west && lon <= self.east && lat >= self.south && lat <= self.north
    }

    pub fn middle(&self) -> Spot {
        let middle = |a: i32, b: i32| {
            #[allow(clippy::cast_possible_truncation, reason = "the middle of two lies between them")]
            let middle = ((i64::from(a) + i64::from(b)) / 2) as i32;
            middle
        };
        [middle(self.west, self.east), middle(self.south, self.north)]
    }

    /// With so many pixels more on each side.
    pub fn wider(&self, pixels: f64, zoom: f64) -> Self {
        let across = units(pixels * 360.0 / width(zoom));
        Self {
            west: self.west.saturating_sub(across),
            south: self.south.saturating_sub(across),
            east: self.east.saturating_add(across),
            north: self.north.saturating_add(across),
        }
    }
}

/// How wide the world is, in pixels.
pub(crate) fn width(zoom: f64) -> f64 {
    TILE * zoom.exp2()
}

/// From the left and upper edge of the square world, in worlds.
pub(crate) fn project(lon: f64, lat: f64) -> [f64; 2] {
    let sine = lat.clamp(-EDGE, EDGE).to_radians().sin();
    [lon / 360.0 + 0.5, 0.5 - ((1.0 + sine) / (1.0 - sine)).ln() / (4.0 * std::f64::consts::PI)]
}

pub(crate) fn project_spot([lon, lat]: Spot) -> [f64; 2] {
    project(degrees(lon), degrees(lat))
}

/// The way back.
pub(crate) fn unproject([x, y]: [f64; 2]) -> [f64; 2] {
    let lat = (std::f64::consts::PI * (1.0 - 2.0 * y)).sinh().atan().to_degrees();
    [(x - 0.5) * 360.0, lat]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_the_way_there_and_back_within_two_centimetres() {
        for (lon, lat) in [(0.0, 0.0), (2.352_221_9, 48.856_614), (-179.999_999_9, -84.999_999_9), (190.5, 12.0)] {
            let [x, y] = project_spot([units(lon), units(lat)]);
            let [back_lon, back_lat] = unproject([x, y]);
            assert!(
                (back_lon - lon).abs() < 2e-7 && (back_lat - lat).abs() < 2e-7,
                "{lon} {lat}: {back_lon} {back_lat}"
            );
        }
    }

    #[test]
    fn the_world_is_a_square_of_256_pixels_at_zoom_0() {
        let corner = project(-180.0, EDGE);
        assert!(corner[0].abs() < 1e-12 && corner[1].abs() < 1e-9);
        assert!((width(3.0) - 2048.0).abs() < f64::EPSILON);
    }
}
