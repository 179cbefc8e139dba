//! Marks as JSON, straight to bytes.

use super::item::{Item, Outline};
use super::reading::Form;
use super::simplify;
use super::world::{Extent, Spot, degrees, width};

/// Above so many points, what lies outside of the window is drawn coarser.
const LONG: usize = 500;
/// How many times coarser.
const COARSER: f64 = 64.0;
/// The world, as masks are filled: to the edges of the square.
const WORLD: &str = "[[-180,-85.0511287],[180,-85.0511287],[180,85.0511287],[-180,85.0511287],[-180,-85.0511287]]";

/// How geometries are written for one viewport.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pen {
    level: u8,
    coarse: u8,
    /// Decimals of a degree: an eighth of a pixel or less.
    decimals: u32,
    /// What is drawn exactly.
    near: Extent,
}

impl Pen {
    /// For a window over this box.
    pub fn new(zoom: f64, seen: Extent) -> Self {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 2 to 7")]
        let decimals = (width(zoom) * 8.0 / 360.0).log10().ceil().clamp(2.0, 7.0) as u32;
        let near = seen.wider(256.0, zoom);
        Self { level: simplify::level(zoom, 1.0), coarse: simplify::level(zoom, COARSER), decimals, near }
    }

    /// Every point, as exactly as it is kept.
    pub fn exact(self) -> Self {
        Self { level: u8::MAX, coarse: u8::MAX, decimals: 7, ..self }
    }

    /// Writes a point.
    pub fn point(&self, to: &mut Vec<u8>, spot: Spot) {
        to.extend_from_slice(br#"{"type":"Point","coordinates":"#);
        self.spot(to, spot);
        to.push(b'}');
    }

    /// Writes a feature's geometry; for a mask the world without it.
    pub fn geometry(&self, to: &mut Vec<u8>, item: &Item, mask: bool) {
        let Some(outline) = item.outline.as_deref() else { return self.point(to, item.middle()) };
        let kind = match item.form {
            Form::Point => "Point",
            Form::Points => "MultiPoint",
            Form::Line => "LineString",
            Form::Lines => "MultiLineString",
            Form::Area => "Polygon",
            Form::Areas if mask => "Polygon",
            Form::Areas => "MultiPolygon",
        };
        to.extend_from_slice(br#"{"type":""#);
        to.extend_from_slice(kind.as_bytes());
        to.extend_from_slice(br#"","coordinates":"#);
        match item.form {
            Form::Point | Form::Points => {
                to.push(b'[');
                self.list(to, &outline.spots, |pen, to, spot| pen.spot(to, *spot));
                to.push(b']');
            }
            Form::Line => self.rings(to, outline, 0, false, false),
            Form::Lines => {
                to.push(b'[');
                self.rings(to, outline, 0, false, true);
                to.push(b']');
            }
            Form::Area | Form::Areas if mask => {
                to.push(b'[');
                to.extend_from_slice(WORLD.as_bytes());
                to.push(b',');
                self.rings(to, outline, 0, true, true);
                to.push(b']');
            }
            Form::Area => {
                to.push(b'[');
                self.rings(to, outline, 0, true, true);
                to.push(b']');
            }
            Form::Areas => {
                to.push(b'[');
                let mut from = 0;
                for (place, end) in outline.areas.iter().enumerate() {
                    if place > 0 {
                        to.push(b',');
                    }
                    to.push(b'[');
                    self.some_rings(to, outline, from, as_place(*end), true, true);
                    to.push(b']');
                    from = as_place(*end);
                }
                to.push(b']');
            }
        }
        to.push(b'}');
    }

    fn rings(&self, to: &mut Vec<u8>, outline: &Outline, from: usize, closed: bool, several: bool) {
        self.some_rings(to, outline, from, outline.ends.len(), closed, several);
    }

    fn some_rings(&self, to: &mut Vec<u8>, outline: &Outline, from: usize, end: usize, closed: bool, several: bool) {
        let levels = outline.levels(closed);
        let long = outline.spots.len() > LONG;
        let wanted =
            |spot: &Spot, level: u8| level <= self.coarse || (level <= self.level && (!long || self.near.holds(*spot)));
        for ring in from..end {
            let start = ring.checked_sub(1).and_then(|before| outline.ends.get(before)).map_or(0, |end| as_place(*end));
            let stop = outline.ends.get(ring).map_or(start, |end| as_place(*end));
            let (spots, levels) = (outline.spots.get(start..stop), levels.get(start..stop));
            let (Some(spots), Some(levels)) = (spots, levels) else { continue };
            if several && ring > from {
                to.push(b',');
            }
            to.push(b'[');
            let drawn = spots.iter().zip(levels).filter(|(spot, level)| wanted(spot, **level)).map(|(spot, _)| spot);
            self.list(to, drawn, |pen, to, spot| pen.spot(to, *spot));
            to.push(b']');
        }
    }

    fn list<'l, T: 'l>(
        &self,
        to: &mut Vec<u8>,
        list: impl IntoIterator<Item = &'l T>,
        write: impl Fn(&Self, &mut Vec<u8>, &T),
    ) {
        for (place, one) in list.into_iter().enumerate() {
            if place > 0 {
                to.push(b',');
            }
            write(self, to, one);
        }
    }

    fn spot(&self, to: &mut Vec<u8>, [lon, lat]: Spot) {
        to.push(b'[');
        decimal(to, degrees(lon), self.decimals);
        to.push(b',');
        decimal(to, degrees(lat), self.decimals);
        to.push(b']');
    }
}

fn as_place(end: u32) -> usize {
    usize::try_from(end).unwrap_or(usize::MAX)
}

/// Writes a number with so many decimals at most, at most 9.
pub(crate) fn decimal(to: &mut Vec<u8>, number: f64, decimals: u32) {
    let unit = 10_u64.pow(decimals.min(9));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts of floats saturate")]
    let scaled = (number.abs() * unit as f64).round() as u64;
    if number < 0.0 && scaled > 0 {
        to.push(b'-');
    }
    whole(to, scaled / unit);
    let mut fraction = scaled % unit;
    if fraction == 0 {
        return;
    }
    let mut digits = decimals;
    while fraction.is_multiple_of(10) {
        fraction /= 10;
        digits -= 1;
    }
    to.push(b'.');
    let mut text = [b'0'; 20];
    let mut rest = fraction;
    for slot in text.iter_mut().take(as_place(digits)).rev() {
        *slot = digit(rest);
        rest /= 10;
    }
    to.extend(text.iter().take(as_place(digits)));
}

/// Writes a whole number.
pub(crate) fn whole(to: &mut Vec<u8>, number: u64) {
    let mut text = [0_u8; 20];
    let (mut rest, mut count) = (number, 0);
    for slot in text.iter_mut().rev() {
        *slot = digit(rest);
        rest /= 10;
        count += 1;
        if rest == 0 {
            break;
        }
    }
    to.extend(text.iter().skip(20 - count));
}

fn digit(number: u64) -> u8 {
    b'0' + u8::try_from(number % 10).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::reading::shape;
    use crate::draw::world::{EDGE, units};

    fn text(number: f64, decimals: u32) -> String {
        let mut to = Vec::new();
        decimal(&mut to, number, decimals);
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn numbers_are_written_short() {
        for (number, decimals, wanted) in [
            (0.0, 3, "0"),
            (-0.0001, 3, "0"),
            (12.5, 3, "12.5"),
            (-12.3456, 2, "-12.35"),
            (7.0005, 4, "7.0005"),
            (179.999_999_9, 7, "179.9999999"),
            (-0.05, 2, "-0.05"),
            (1.999, 2, "2"),
        ] {
            assert_eq!(text(number, decimals), wanted);
        }
    }

    fn written(geometry: &str, zoom: f64, mask: bool) -> serde_json::Value {
        let item = Item::new(1, 0, "aaaaa", shape(geometry).unwrap());
        let seen = Extent { west: units(-180.0), south: units(-EDGE), east: units(180.0), north: units(EDGE) };
        let mut to = Vec::new();
        Pen::new(zoom, seen).geometry(&mut to, &item, mask);
        serde_json::from_slice(&to).unwrap()
    }

    #[test]
    fn every_geometry_is_written_as_it_was_at_a_high_zoom() {
        for geometry in [
            r#"{"type":"Point","coordinates":[2.5,48.25]}"#,
            r#"{"type":"MultiPoint","coordinates":[[2.5,48.25],[3.0,4.5]]}"#,
            r#"{"type":"LineString","coordinates":[[2.5,48.25],[3.5,4.5]]}"#,
            r#"{"type":"MultiLineString","coordinates":[[[2.5,48.25],[3.5,4.5]],[[0.5,0.25],[1.5,1.5]]]}"#,
            r#"{"type":"Polygon","coordinates":[[[0.5,0.5],[9.5,0.5],[9.5,9.5],[0.5,9.5],[0.5,0.5]],[[2.5,2.5],[3.5,2.5],[3.5,3.5],[2.5,2.5]]]}"#,
            r#"{"type":"MultiPolygon","coordinates":[[[[0.5,0.5],[9.5,0.5],[9.5,9.5],[0.5,0.5]],[[2.5,2.5],[3.5,2.5],[3.5,3.5],[2.5,2.5]]],[[[20.5,20.5],[21.5,20.5],[21.5,21.5],[20.5,20.5]]]]}"#,
        ] {
            let wanted: serde_json::Value = serde_json::from_str(geometry).unwrap();
            let whole = |value: serde_json::Value| value.to_string().replace(".0", "");
            assert_eq!(whole(written(geometry, 18.0, false)), whole(wanted));
        }
    }

    #[test]
    fn a_mask_is_the_world_with_the_areas_as_holes() {
        let geometry = r#"{"type":"MultiPolygon","coordinates":[[[[0.5,0.5],[9.5,0.5],[9.5,9.5],[0.5,0.5]]],[[[20.5,20.5],[21.5,20.5],[21.5,21.5],[20.5,20.5]]]]}"#;
        let mask = written(geometry, 10.0, true);
        assert_eq!(mask["type"], "Polygon");
        assert_eq!(mask["coordinates"].as_array().unwrap().len(), 3);
        assert_eq!(mask["coordinates"][0][0][0], -180);
    }

    #[test]
    fn a_long_line_is_coarse_where_the_window_is_not() {
        let spot = |n: i32| format!("[{},{}]", f64::from(n) * 0.01, 45.0 + f64::from(n % 2) * 0.005);
        let geometry =
            format!(r#"{{"type":"LineString","coordinates":[{}]}}"#, (0..4000).map(spot).collect::<Vec<_>>().join(","));
        let item = Item::new(1, 0, "aaaaa", shape(&geometry).unwrap());
        let seen = Extent { west: units(10.0), south: units(44.9), east: units(10.5), north: units(45.1) };
        let mut to = Vec::new();
        Pen::new(11.0, seen).geometry(&mut to, &item, false);
        let drawn: serde_json::Value = serde_json::from_slice(&to).unwrap();
        let spots = drawn["coordinates"].as_array().unwrap();
        assert!(spots.len() > 50 && spots.len() < 300, "{}", spots.len());
        let inside = |spot: &&serde_json::Value| (10.0..=10.5).contains(&spot[0].as_f64().unwrap());
        assert_eq!(spots.iter().filter(inside).count(), 51);
    }
}
