//! Features by place, as the texts that they are: nothing is parsed on the way to the window.

use bivouac_journal::geometry::{self, Bounds};
use bivouac_journal::ids::{FeatureId, LayerId, Object};
use bivouac_journal::json::Members;
use rusqlite::params;

use crate::error::Result;
use crate::object;
use crate::open::Store;

const OF_A_LAYER: &str = "SELECT id, layer, uid, document FROM objects
     WHERE kind = 2 AND alive = 1 AND layer = ?1
       AND layer IN (SELECT id FROM objects WHERE kind = 1 AND alive = 1)
     ORDER BY id LIMIT ?2 OFFSET ?3";
/// Read in the order of the table (`+` keeps SQLite from the index by name, after which all had to be sorted).
const OF_ALL_LAYERS: &str = "SELECT id, layer, uid, document FROM objects
     WHERE +kind = 2 AND alive = 1 AND ?1 IS NULL
       AND +layer IN (SELECT id FROM objects WHERE kind = 1 AND alive = 1)
     ORDER BY id LIMIT ?2 OFFSET ?3";

/// Which features.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// Of this layer only.
    pub layer: Option<LayerId>,
    /// Whose box meets this one only.
    pub bounds: Option<Bounds>,
    /// At most so many.
    pub limit: usize,
    /// Without the first ones.
    pub offset: usize,
}

/// A living feature of a listed layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its number in this file.
    pub number: i64,
    /// Its layer.
    pub layer: LayerId,
    /// Its id.
    pub id: FeatureId,
    /// The whole GeoJSON feature.
    pub text: String,
}

impl Store {
    /// Living features of listed layers, in the order in which they came to this laptop.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn features(&self, query: &Query) -> Result<Vec<Shown>> {
        let layer = match &query.layer {
            Some(layer) => match object::number(&self.connection, &Object::Layer(layer.clone()))? {
                Some(number) => Some(number),
                None => return Ok(Vec::new()),
            },
            None => None,
        };
        match query.bounds {
            Some(bounds) => self.inside(layer, bounds, query.limit, query.offset),
            None => self.everywhere(layer, query.limit, query.offset),
        }
    }

    /// What a window over this box draws: at most `limit` features of listed layers.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn viewport(&self, bounds: Bounds, limit: usize) -> Result<Vec<Shown>> {
        self.inside(None, bounds, limit, 0)
    }

    fn everywhere(&self, layer: Option<i64>, limit: usize, offset: usize) -> Result<Vec<Shown>> {
        let sql = if layer.is_some() { OF_A_LAYER } else { OF_ALL_LAYERS };
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![layer, whole(limit), whole(offset)])?;
        let mut last: Option<(i64, LayerId)> = None;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let number = row.get(1)?;
            let layer = match &last {
                Some((known, layer)) if *known == number => layer.clone(),
                Some(_) | None => {
                    let Object::Layer(layer) = object::name(&self.connection, number)? else { continue };
                    last = Some((number, layer.clone()));
                    layer
                }
            };
            let uid = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
            found.push(Shown { number: row.get(0)?, layer, id: FeatureId::trusted(uid), text: row.get(3)? });
        }
        Ok(found)
    }

    /// The R-tree rounds outward to 32 bits; features at the very edge are looked at again.
    fn inside(&self, layer: Option<i64>, wanted: Bounds, limit: usize, offset: usize) -> Result<Vec<Shown>> {
        let sql = "SELECT o.id, l.uid, o.uid, o.document, b.west, b.east, b.south, b.north
                   FROM bounds b JOIN objects o ON o.id = b.id JOIN objects l ON l.id = o.layer
                   WHERE b.east >= ?1 AND b.west <= ?2 AND b.north >= ?3 AND b.south <= ?4
                     AND l.alive = 1 AND (?5 IS NULL OR o.layer = ?5)
                   ORDER BY o.id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![wanted.west, wanted.east, wanted.south, wanted.north, layer])?;
        let (mut found, mut skipped) = (Vec::new(), 0);
        while found.len() < limit {
            let Some(row) = rows.next()? else { break };
            let rounded = Bounds { west: row.get(4)?, east: row.get(5)?, south: row.get(6)?, north: row.get(7)? };
            if !meets(shrunk(rounded), wanted) {
                let text: String = row.get(3)?;
                if !exact(&text).is_none_or(|exact| meets(exact, wanted)) {
                    continue;
                }
            }
            if skipped < offset {
                skipped += 1;
                continue;
            }
            found.push(shown(row)?);
        }
        Ok(found)
    }
}

fn shown(row: &rusqlite::Row<'_>) -> rusqlite::Result<Shown> {
    Ok(Shown {
        number: row.get(0)?,
        layer: LayerId::trusted(&row.get::<_, String>(1)?),
        id: FeatureId::trusted(&row.get::<_, String>(2)?),
        text: row.get(3)?,
    })
}

fn meets(a: Bounds, b: Bounds) -> bool {
    a.east >= b.west && a.west <= b.east && a.north >= b.south && a.south <= b.north
}

/// The box without what rounding to 32 bits may have added.
fn shrunk(b: Bounds) -> Bounds {
    let slack = |edge: f64| edge.abs() * 3e-7 + f64::from(f32::MIN_POSITIVE);
    Bounds {
        west: b.west + slack(b.west),
        east: b.east - slack(b.east),
        south: b.south + slack(b.south),
        north: b.north - slack(b.north),
    }
}

fn exact(text: &str) -> Option<Bounds> {
    let members = Members::parse(text).ok()?;
    geometry::inspect(members.get("geometry")?.get()).ok()?.bounds
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
