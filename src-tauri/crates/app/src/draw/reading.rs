//! One feature's text, read for drawing: where it lies, what its properties say.

use std::borrow::Cow;

use super::cursor::Cursor;
use super::js::Scalar;
use super::world::{Extent, Spot, units};

/// A feature's properties, as texts.
#[derive(Debug, Default)]
pub(crate) struct Properties<'a> {
    members: Vec<(Cow<'a, str>, &'a str)>,
}

impl<'a> Properties<'a> {
    pub fn get(&self, name: &str) -> Scalar<'a> {
        let found = self.members.iter().find(|(key, _)| key == name);
        found.map_or(Scalar::Undefined, |(_, raw)| Scalar::parse(raw))
    }
}

/// What a geometry is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    Point,
    Points,
    Line,
    Lines,
    Area,
    Areas,
}

/// A geometry's points, flat: the ends of its lines and rings, and for areas of how many rings
/// each is made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    pub form: Form,
    pub spots: Vec<Spot>,
    pub ends: Vec<u32>,
    pub areas: Vec<u32>,
    pub extent: Extent,
    /// The height of the first point.
    pub height: Option<f64>,
}

/// A feature, read.
#[derive(Debug)]
pub(crate) struct Read<'a> {
    /// `None` when it has none that can be drawn.
    pub shape: Option<Shape>,
    /// Its own options, as text; empty for none.
    pub options: &'a str,
    /// Those of maps from before uMap.
    pub old_options: &'a str,
    pub properties: Properties<'a>,
}

/// Reads a GeoJSON feature; `None` when it is none.
pub(crate) fn read(text: &str) -> Option<Read<'_>> {
    let mut read = Read { shape: None, options: "", old_options: "", properties: Properties::default() };
    Cursor::new(text).object(|key, cursor| {
        match key {
            "geometry" if cursor.peek() == Some(b'{') => read.shape = shape(cursor.value()?),
            "properties" if cursor.peek() == Some(b'{') => properties(cursor, &mut read)?,
            _ => {
                cursor.value()?;
            }
        }
        Some(())
    })?;
    Some(read)
}

fn properties<'a>(cursor: &mut Cursor<'a>, read: &mut Read<'a>) -> Option<()> {
    cursor.object(|key, cursor| {
        let value = cursor.value()?;
        match key {
            "_umap_options" => read.options = value,
            "_storage_options" => read.old_options = value,
            _ => read.properties.members.push((name(key), value)),
        }
        Some(())
    })
}

/// A property's name as uMap has it: the first dot becomes a line.
fn name(key: &str) -> Cow<'_, str> {
    let whole = if key.contains('\\') {
        serde_json::from_str::<String>(&format!("\"{key}\"")).map_or(Cow::Borrowed(key), Cow::Owned)
    } else {
        Cow::Borrowed(key)
    };
    if whole.contains('.') { Cow::Owned(whole.replacen('.', "_", 1)) } else { whole }
}

/// Reads a geometry; `None` when there is nothing to draw in it.
pub(crate) fn shape(text: &str) -> Option<Shape> {
    let (mut kind, mut coordinates) = (None, None);
    Cursor::new(text).object(|key, cursor| {
        match key {
            "type" => kind = cursor.string(),
            "coordinates" => coordinates = cursor.value(),
            _ => {
                cursor.value()?;
            }
        }
        Some(())
    })?;
    let form = match kind? {
        "Point" => Form::Point,
        "MultiPoint" => Form::Points,
        "LineString" => Form::Line,
        "MultiLineString" => Form::Lines,
        "Polygon" => Form::Area,
        "MultiPolygon" => Form::Areas,
        _ => return None,
    };
    let coordinates = coordinates?;
    // Twenty bytes for a point is usual.
    let spots = Vec::with_capacity(if form == Form::Point { 1 } else { coordinates.len() / 20 });
    let mut shape = Shape { form, spots, ends: Vec::new(), areas: Vec::new(), extent: Extent::NOWHERE, height: None };
    let depth = match form {
        Form::Point => 0,
        Form::Points | Form::Line => 1,
        Form::Lines | Form::Area => 2,
        Form::Areas => 3,
    };
    list(&mut Cursor::new(coordinates), depth, &mut shape)?;
    if matches!(form, Form::Point | Form::Points) {
        shape.ends.push(count(shape.spots.len()));
    }
    (!shape.spots.is_empty()).then_some(shape)
}

fn list(cursor: &mut Cursor<'_>, depth: u8, shape: &mut Shape) -> Option<()> {
    if depth == 0 {
        return spot(cursor, shape);
    }
    if !cursor.take(b'[') {
        return None;
    }
    if !cursor.take(b']') {
        loop {
            list(cursor, depth - 1, shape)?;
            if cursor.take(b']') {
                break;
            }
            if !cursor.take(b',') {
                return None;
            }
        }
    }
    match (depth, shape.form) {
        (1, Form::Line | Form::Lines | Form::Area | Form::Areas) => shape.ends.push(count(shape.spots.len())),
        (2, Form::Area) | (2, Form::Areas) => shape.areas.push(count(shape.ends.len())),
        (_, Form::Point | Form::Points | Form::Line | Form::Lines | Form::Area | Form::Areas) => {}
    }
    Some(())
}

fn spot(cursor: &mut Cursor<'_>, shape: &mut Shape) -> Option<()> {
    if !cursor.take(b'[') {
        return None;
    }
    let lon = cursor.number()?;
    if !cursor.take(b',') {
        return None;
    }
    let lat = cursor.number()?;
    while cursor.take(b',') {
        let height = cursor.value()?;
        if shape.spots.is_empty() && shape.height.is_none() {
            shape.height = height.parse().ok();
        }
    }
    if !cursor.take(b']') {
        return None;
    }
    let spot = [units(lon), units(lat)];
    shape.extent.add(spot);
    shape.spots.push(spot);
    Some(())
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::world::degrees;

    #[test]
    fn a_feature_is_read_with_its_options_and_properties() {
        let text = r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[2.5,48.25,120]},
            "properties":{"name":"A \"b\"","a.b.c":3,"_umap_options":{"color":"Lime"},"x":null},"id":"aaaaa"}"#;
        let read = read(text).unwrap();
        assert_eq!(read.options, r#"{"color":"Lime"}"#);
        assert_eq!(read.properties.get("name"), Scalar::Text("A \"b\"".into()));
        assert_eq!(read.properties.get("a_b.c"), Scalar::Number(3.0));
        assert_eq!(read.properties.get("x"), Scalar::Null);
        assert_eq!(read.properties.get("y"), Scalar::Undefined);
        let shape = read.shape.unwrap();
        assert_eq!((shape.form, shape.height), (Form::Point, Some(120.0)));
        assert_eq!(shape.spots.iter().map(|[x, y]| (degrees(*x), degrees(*y))).collect::<Vec<_>>(), [(2.5, 48.25)]);
    }

    #[test]
    fn every_type_of_geometry_is_read_flat() {
        let cases = [
            (r#"{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}"#, 2, vec![2], vec![]),
            (r#"{"type":"LineString","coordinates":[[1,2],[3,4],[5,6]]}"#, 3, vec![3], vec![]),
            (r#"{"type":"MultiLineString","coordinates":[[[1,2],[3,4]],[[5,6],[7,8]]]}"#, 4, vec![2, 4], vec![]),
            (
                r#"{"coordinates":[[[0,0],[1,0],[1,1],[0,0]],[[0,0],[1,0],[0,0]]],"type":"Polygon"}"#,
                7,
                vec![4, 7],
                vec![2],
            ),
            (
                r#"{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[0,0]],[[0,0]]],[[[5,5],[6,5],[5,5]]]]}"#,
                7,
                vec![3, 4, 7],
                vec![2, 3],
            ),
        ];
        for (text, spots, ends, areas) in cases {
            let shape = shape(text).unwrap();
            assert_eq!((shape.spots.len(), shape.ends, shape.areas), (spots, ends, areas), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_none() {
        for text in [
            r#"{"type":"LineString","coordinates":[]}"#,
            r#"{"type":"Polygon","coordinates":[[]]}"#,
            r#"{"type":"Point","coordinates":[null,1]}"#,
            r#"{"type":"Point","coordinates":[1]}"#,
            r#"{"type":"Point"}"#,
            r#"{"type":"GeometryCollection","geometries":[]}"#,
            r#"{"type":"LineString","coordinates":[[[1,2],[3,4]]]}"#,
        ] {
            assert_eq!(shape(text), None, "{text}");
        }
        assert!(read(r#"{"type":"Feature","geometry":null,"properties":null}"#).unwrap().shape.is_none());
    }
}
