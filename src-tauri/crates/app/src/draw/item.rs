//! What is kept of a feature between two viewports: where it lies and how it looks.

use std::sync::OnceLock;

use super::classes::Sample;
use super::reading::{Form, Shape};
use super::simplify;
use super::world::{Extent, Spot, TILE, project};

/// A feature, kept.
#[derive(Debug)]
pub(crate) struct Item {
    /// Its number in the file; it also tells which came first.
    pub number: i64,
    /// Its layer, by its place in the plan.
    pub layer: u16,
    pub form: Form,
    /// What it says itself, among the scene's looks.
    pub look: u32,
    /// How it is drawn, among the scene's styles.
    pub style: u32,
    pub sample: Sample,
    /// The radius that it is drawn with, if it is a circle, in pixels.
    pub radius: Option<f32>,
    pub extent: Extent,
    /// The middle of its box, in 2^32ths of the square world.
    pub anchor: [u32; 2],
    /// The longer side of its box, in pixels at zoom 0.
    pub size: f32,
    pub id: Box<str>,
    /// Its label, as a JSON text.
    pub label: Option<Box<str>>,
    /// `None` for a single point, which lies where its box is.
    pub outline: Option<Box<Outline>>,
}

/// Lines, rings or several points.
#[derive(Debug)]
pub(crate) struct Outline {
    pub spots: Box<[Spot]>,
    /// Where lines and rings end.
    pub ends: Box<[u32]>,
    /// At which ring areas end.
    pub areas: Box<[u32]>,
    levels: OnceLock<Box<[u8]>>,
}

impl Outline {
    /// From which level on each point is drawn; found out when it is first drawn.
    pub fn levels(&self, closed: bool) -> &[u8] {
        self.levels.get_or_init(|| simplify::levels(&self.spots, &self.ends, closed))
    }
}

impl Item {
    /// A feature of this shape that nobody dressed yet.
    pub fn new(number: i64, layer: u16, id: &str, shape: Shape) -> Self {
        let extent = shape.extent;
        let corner = |lon: i32, lat: i32| project(super::world::degrees(lon), super::world::degrees(lat));
        let low = corner(extent.west, extent.north);
        let (middle, size) = if shape.form == Form::Point {
            (low, 0.0)
        } else {
            let high = corner(extent.east, extent.south);
            let middle = [f64::midpoint(low[0], high[0]), f64::midpoint(low[1], high[1])];
            (middle, (high[0] - low[0]).max(high[1] - low[1]) * TILE)
        };
        let outline = (shape.form != Form::Point).then(|| {
            Box::new(Outline {
                spots: shape.spots.into_boxed_slice(),
                ends: shape.ends.into_boxed_slice(),
                areas: shape.areas.into_boxed_slice(),
                levels: OnceLock::new(),
            })
        });
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts of floats saturate")]
        Self {
            number,
            layer,
            form: shape.form,
            look: 0,
            style: 0,
            sample: Sample::Nothing,
            radius: None,
            extent,
            anchor: middle.map(|share| (share * 4_294_967_296.0) as u32),
            size: size as f32,
            id: id.into(),
            label: None,
            outline,
        }
    }

    /// The middle of its box, or where the point is.
    pub fn middle(&self) -> Spot {
        self.extent.middle()
    }

    /// How much it counts as heat; `None` for what has no number.
    pub fn weight(&self) -> Option<f64> {
        match self.sample {
            Sample::Number(weight) => Some(weight),
            Sample::Nothing | Sample::Value(_) => None,
        }
    }

    pub fn is_point(&self) -> bool {
        matches!(self.form, Form::Point | Form::Points)
    }
}
