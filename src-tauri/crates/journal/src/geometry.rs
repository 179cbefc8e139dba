//! A flat look at a GeoJSON geometry: is it sound, and where does it lie?
//!
//! Coordinates are never rewritten here (rule 32); they are read once, without building a tree.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

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
    let Geometry { kind, coordinates } =
        serde_json::from_str(text).map_err(|e| GeometryError::Malformed(e.to_string()))?;
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
                let mut position = [0.0; 2];
                let (mut numbers, mut depth, mut bounds) = (0_usize, 0_usize, None::<Bounds>);
                while let Some(item) = items.next_element()? {
                    match item {
                        Item::Number(number) => {
                            if let Some(slot) = position.get_mut(numbers) {
                                *slot = number;
                            }
                            numbers += 1;
                        }
                        Item::Array(inner) => {
                            depth = depth.max(inner.depth);
                            bounds = match (bounds, inner.bounds) {
                                (Some(a), Some(b)) => Some(a.union(b)),
                                (a, b) => a.or(b),
                            };
                        }
                    }
                }
                if numbers == 0 {
                    return Ok(Item::Array(Coordinates { bounds, depth: depth + 1 }));
                }
                let [lon, lat] = position;
                if depth > 0 || numbers < 2 {
                    return Err(serde::de::Error::custom("a position is two numbers or more"));
                }
                if lon.abs() > 360.0 || lat.abs() > 90.0 {
                    return Err(serde::de::Error::custom("a coordinate is out of range"));
                }
                let bounds = Some(Bounds::point(lon, lat));
                Ok(Item::Array(Coordinates { bounds, depth: 1 }))
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
}
