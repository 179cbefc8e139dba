//! A flat look at a GeoJSON geometry: is it sound, and where does it lie?
//!
//! Coordinates are never rewritten here (rule 32); they are read once, without building a tree.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::json::string;
use crate::scan::Scanner;

/// A box in degrees: west, south, east, north.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// The least longitude.
    pub west: f64,
    /// The least latitude.
    pub south: f64,
    /// The greatest longitude.
    pub east: f64,
    /// The greatest latitude.
    pub north: f64,
}

impl Bounds {
    fn point(lon: f64, lat: f64) -> Self {
        Self { west: lon, south: lat, east: lon, north: lat }
    }

    /// The smallest box around both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self {
            west: self.west.min(other.west),
            south: self.south.min(other.south),
            east: self.east.max(other.east),
            north: self.north.max(other.north),
        }
    }
}

/// What a geometry is, as far as uMap's peers care.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// uMap's name for this kind of geometry.
    pub feature_type: FeatureType,
    /// Where it lies; `None` when it has no coordinates yet, as a cancelled line.
    pub bounds: Option<Bounds>,
}

/// uMap's three kinds of features, as they stand in an operation's metadata (rule 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FeatureType {
    /// A point.
    Marker,
    /// A line or several.
    Polyline,
    /// A polygon or several.
    Polygon,
}

impl FeatureType {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            FeatureType::Marker => "marker",
            FeatureType::Polyline => "polyline",
            FeatureType::Polygon => "polygon",
        }
    }
}

/// Why a geometry was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GeometryError {
    /// Not JSON, not an object, or of the wrong form inside.
    #[error("read a geometry: {0}")]
    Malformed(String),
    /// A type that uMap does not draw as one feature.
    #[error("read a geometry: unsupported type {0}")]
    UnsupportedType(String),
}

/// Reads a geometry without keeping it.
///
/// # Errors
/// When it is not a geometry, or a coordinate is not finite or out of range
/// (longitude ±360°, for maps drawn across the antimeridian; latitude ±90°).
pub fn inspect(text: &str) -> Result<Shape, GeometryError> {
    let Geometry { kind, coordinates } = match scanned(text) {
        Some(geometry) => geometry,
        // Something is wrong with it, and this names it.
        None => serde_json::from_str(text).map_err(|e| GeometryError::Malformed(e.to_string()))?,
    };
    let (feature_type, depth) = match kind.as_ref() {
        "Point" => (FeatureType::Marker, 1),
        "MultiPoint" => (FeatureType::Marker, 2),
        "LineString" => (FeatureType::Polyline, 2),
        "MultiLineString" => (FeatureType::Polyline, 3),
        "Polygon" => (FeatureType::Polygon, 3),
        "MultiPolygon" => (FeatureType::Polygon, 4),
        other => {
            return Err(GeometryError::UnsupportedType(other.chars().take(40).collect()));
        }
    };
    let Some(coordinates) = coordinates else {
        return Err(GeometryError::Malformed("no coordinates".to_owned()));
    };
    if coordinates.bounds.is_some() && coordinates.depth != depth {
        return Err(GeometryError::Malformed(format!(
            "coordinates of a {kind} nest {depth} deep, these {}",
            coordinates.depth
        )));
    }
    Ok(Shape { feature_type, bounds: coordinates.bounds })
}

/// The sound geometries, fast.
fn scanned(text: &str) -> Option<Geometry<'_>> {
    let mut scanner = Scanner::new(text);
    let mut geometry = Geometry { kind: Cow::Borrowed(""), coordinates: None };
    scanner.each_member(&mut |scanner, name| {
        match name.as_ref() {
            "type" => geometry.kind = string(scanner.value()?)?,
            "coordinates" => geometry.coordinates = Some(coordinates(scanner)?),
            _ => {
                scanner.value()?;
            }
        }
        Some(())
    })?;
    scanner.end()?;
    Some(geometry)
}

fn coordinates(scanner: &mut Scanner<'_>) -> Option<Coordinates> {
    let mut found = Positions::default();
    scanner.each_item(&mut |scanner| {
        if scanner.peek()? == b'[' {
            found.inside(coordinates(scanner)?);
        } else {
            let number: f64 = scanner.number()?.parse().ok()?;
            found.number(number.is_finite().then_some(number)?);
        }
        Some(())
    })?;
    found.end().ok()
}

/// What an array of coordinates holds, item by item.
#[derive(Default)]
struct Positions {
    position: [f64; 2],
    numbers: usize,
    depth: usize,
    bounds: Option<Bounds>,
}

impl Positions {
    fn number(&mut self, number: f64) {
        if let Some(slot) = self.position.get_mut(self.numbers) {
            *slot = number;
        }
        self.numbers += 1;
    }

    fn inside(&mut self, inner: Coordinates) {
        self.depth = self.depth.max(inner.depth);
        self.bounds = match (self.bounds, inner.bounds) {
            (Some(a), Some(b)) => Some(a.union(b)),
            (a, b) => a.or(b),
        };
    }

    fn end(self) -> Result<Coordinates, &'static str> {
        if self.numbers == 0 {
            return Ok(Coordinates { bounds: self.bounds, depth: self.depth + 1 });
        }
        let [lon, lat] = self.position;
        if self.depth > 0 || self.numbers < 2 {
            return Err("a position is two numbers or more");
        }
        if lon.abs() > 360.0 || lat.abs() > 90.0 {
            return Err("a coordinate is out of range");
        }
        Ok(Coordinates { bounds: Some(Bounds::point(lon, lat)), depth: 1 })
    }
}

struct Geometry<'a> {
    kind: Cow<'a, str>,
    coordinates: Option<Coordinates>,
}

/// A text that is copied only where it holds an escape.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Geometry<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Each<'a> {
            type Value = Geometry<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a GeoJSON geometry")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Geometry<'a>, A::Error> {
                let mut geometry = Geometry { kind: Cow::Borrowed(""), coordinates: None };
                while let Some(Text(key)) = map.next_key()? {
                    match key.as_ref() {
                        "type" => {
                            let Text(kind) = map.next_value()?;
                            geometry.kind = kind;
                        }
                        "coordinates" => geometry.coordinates = Some(map.next_value()?),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(geometry)
            }
        }
        deserializer.deserialize_map(Each(std::marker::PhantomData))
    }
}

/// The box of an array of positions of any depth.
#[derive(Clone, Copy)]
struct Coordinates {
    bounds: Option<Bounds>,
    depth: usize,
}

enum Item {
    Number(f64),
    Array(Coordinates),
}

impl<'de> Deserialize<'de> for Coordinates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Item::deserialize(deserializer)? {
            Item::Array(coordinates) => Ok(coordinates),
            Item::Number(_) => Err(serde::de::Error::custom("coordinates are an array")),
        }
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Item;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a finite number or an array of them")
            }
            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Item, E> {
                if number.is_finite() { Ok(Item::Number(number)) } else { Err(E::custom("a coordinate is not finite")) }
            }
            #[allow(clippy::cast_precision_loss)]
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Item, E> {
                Ok(Item::Number(number as f64))
            }
            #[allow(clippy::cast_precision_loss)]
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Item, E> {
                Ok(Item::Number(number as f64))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Item, A::Error> {
                let mut found = Positions::default();
                while let Some(item) = items.next_element()? {
                    match item {
                        Item::Number(number) => found.number(number),
                        Item::Array(inner) => found.inside(inner),
                    }
                }
                found.end().map(Item::Array).map_err(serde::de::Error::custom)
            }
        }
        deserializer.deserialize_any(Each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_of_a_geometry_is_found_without_keeping_it() {
        let shape =
            inspect(r#"{"coordinates":[[[0,1],[4,1.5],[4,-3,700]],[[1,1],[2,1],[1,2]]],"type":"Polygon"}"#).unwrap();
        assert_eq!(shape.feature_type, FeatureType::Polygon);
        assert_eq!(shape.bounds, Some(Bounds { west: 0.0, south: -3.0, east: 4.0, north: 2.0 }));
    }

    #[test]
    fn a_cancelled_line_has_no_box() {
        let shape = inspect(r#"{"type":"LineString","coordinates":[]}"#).unwrap();
        assert_eq!(shape.bounds, None);
    }

    #[test]
    fn unsound_geometries_are_refused() {
        for bad in [
            "null",
            "[]",
            r#"{"type":"Point"}"#,
            r#"{"type":"Point","coordinates":[1]}"#,
            r#"{"type":"Point","coordinates":[1,91]}"#,
            r#"{"type":"Point","coordinates":[1e999,1]}"#,
            r#"{"type":"Point","coordinates":["1","2"]}"#,
            r#"{"type":"Point","coordinates":[[1,2]]}"#,
            r#"{"type":"Polygon","coordinates":[[1,2],[3,4]]}"#,
            r#"{"type":"Circle","coordinates":[1,2]}"#,
            r#"{"type":"GeometryCollection","geometries":[]}"#,
            r#"{"type":"LineString","coordinates":[[1,2],3]}"#,
        ] {
            assert!(inspect(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn both_ways_of_looking_see_the_same(
            kind in "Point|LineString|MultiPolygon|P\\\\u006fint",
            coordinates in r#"\[{1,3}(-?[0-9]{1,3}(\.[0-9]{1,9})?(e[0-9])?,? ?){0,4}(\],\[)?("?[0-9]{1,2}"?,[0-9]{1,20}){0,1}\]{1,3}"#,
        ) {
            let text = format!(r#"{{"type": "{kind}","x":[{{}}],"coordinates":{coordinates} }}"#);
            let theirs = serde_json::from_str::<Geometry<'_>>(&text).ok();
            let seen = |g: Geometry<'_>| (g.kind.into_owned(), g.coordinates.map(|c| (c.bounds, c.depth)));
            proptest::prop_assert_eq!(scanned(&text).map(seen), theirs.map(seen), "{}", text);
        }
    }
}
