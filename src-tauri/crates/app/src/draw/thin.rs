//! What is left out where more features lie than a window can draw.
//!
//! At each zoom the world is a grid of cells, and of the small features of a layer whose middles
//! lie in one cell the first is drawn. How large the cells are depends on the map, the layers that
//! are shown and the size of the window, never on where the window is: while it is moved, what is
//! drawn stays, and what is not stays away.

use rustc_hash::{FxHashMap, FxHashSet};

use super::item::Item;

/// So many marks are wanted in a window.
pub(crate) const WANTED: u32 = 4000;
/// The sides of cells are powers of two, up to this one, in pixels.
const LARGEST: u32 = 8;

/// A thing to be drawn, as far as thinning goes.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<'i> {
    pub place: u32,
    pub item: &'i Item,
}

/// Which features are drawn at a zoom.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Thinning {
    /// Those that are not, as bits by their places.
    out: Vec<u64>,
    /// The side of a cell as a power of two; `None` when all are drawn.
    pub cell: Option<u32>,
}

impl Thinning {
    /// Whether a feature is drawn.
    pub fn draws(&self, place: u32) -> bool {
        let (word, bit) = (place / 64, place % 64);
        usize::try_from(word).ok().and_then(|word| self.out.get(word)).is_none_or(|bits| bits & (1 << bit) == 0)
    }

    fn leave_out(&mut self, place: u32) {
        let (word, bit) = (place / 64, place % 64);
        let Ok(word) = usize::try_from(word) else { return };
        if self.out.len() <= word {
            self.out.resize(word + 1, 0);
        }
        if let Some(bits) = self.out.get_mut(word) {
            *bits |= 1 << bit;
        }
    }
}

/// How a window of that size lies over the tiles of 256 pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Span {
    across: u32,
    down: u32,
}

impl Span {
    /// Of a window of so many pixels.
    pub fn of(width: f64, height: f64) -> Self {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 64")]
        let tiles = |pixels: f64| (((pixels - 1.0) / 256.0).ceil() + 1.0).clamp(2.0, 64.0) as u32;
        Self { across: tiles(width), down: tiles(height) }
    }
}

/// Finds the smallest cells with which no window of that size has more than [`WANTED`] marks.
/// `others` are the places of marks that are drawn besides, such as clusters, in 2^32ths of the
/// world; `zoom` is a whole one.
pub(crate) fn thin(candidates: &[Candidate<'_>], others: &[[u32; 2]], zoom: u32, span: Span) -> Thinning {
    let all = u32::try_from(candidates.len() + others.len()).unwrap_or(u32::MAX);
    let tile = |anchor: [u32; 2]| anchor.map(|share| shifted(share, 32_u32.saturating_sub(zoom)));
    let fits = |drawn: &mut dyn Iterator<Item = [u32; 2]>| {
        let mut tiles: FxHashMap<[u32; 2], u32> = FxHashMap::default();
        for anchor in drawn.chain(others.iter().copied()) {
            *tiles.entry(tile(anchor)).or_default() += 1;
        }
        fullest(&tiles, span) <= WANTED
    };
    if all <= WANTED || fits(&mut candidates.iter().map(|one| one.item.anchor)) {
        return Thinning::default();
    }
    let mut thinning = Thinning::default();
    for cell in 1..=LARGEST {
        thinning = with_cells(candidates, zoom, cell);
        let mut drawn = candidates.iter().filter(|one| thinning.draws(one.place)).map(|one| one.item.anchor);
        if fits(&mut drawn) {
            break;
        }
    }
    thinning
}

fn with_cells(candidates: &[Candidate<'_>], zoom: u32, cell: u32) -> Thinning {
    let mut thinning = Thinning { out: Vec::new(), cell: Some(cell) };
    let shift = (24 + cell).saturating_sub(zoom);
    // Pixels at zoom 0.
    let side = f64::from(cell).exp2() / f64::from(zoom).exp2();
    let mut taken: FxHashSet<(u16, bool, u64)> = FxHashSet::default();
    taken.reserve(candidates.len() / 4);
    for Candidate { place, item } in candidates {
        if f64::from(item.size) > side {
            continue;
        }
        let [x, y] = item.anchor.map(|share| u64::from(shifted(share, shift)));
        if !taken.insert((item.layer, item.is_point(), x << 32 | y)) {
            thinning.leave_out(*place);
        }
    }
    thinning
}

fn shifted(share: u32, by: u32) -> u32 {
    share.checked_shr(by).unwrap_or(0)
}

/// The most marks that a window of that span has, with its upper left corner in some tile that
/// has any.
fn fullest(tiles: &FxHashMap<[u32; 2], u32>, span: Span) -> u32 {
    let most = tiles.values().copied().max().unwrap_or(0);
    if most.saturating_mul(span.across * span.down) <= WANTED {
        return most;
    }
    let window = |[x, y]: [u32; 2]| -> u32 {
        let columns =
            (0..span.across).flat_map(|dx| (0..span.down).map(move |dy| [x.saturating_add(dx), y.saturating_add(dy)]));
        columns.filter_map(|at| tiles.get(&at)).sum()
    };
    let corners = tiles.keys().flat_map(|[x, y]| {
        // The corner tile itself, and the ones from which this tile is in the middle.
        let back = [x.saturating_sub(span.across / 2), y.saturating_sub(span.down / 2)];
        [[*x, *y], back, [*x, back[1]], [back[0], *y]]
    });
    corners.map(window).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::reading::shape;

    fn points(count: u32) -> Vec<Item> {
        let mut seed = 3_u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            f64::from(u32::try_from(seed >> 33).unwrap()) / f64::from(1_u32 << 31)
        };
        let one = |number: u32| {
            let text = format!(r#"{{"type":"Point","coordinates":[{},{}]}}"#, next() * 10.0, 40.0 + next() * 10.0);
            Item::new(i64::from(number), u16::try_from(number % 3).unwrap(), "aaaaa", shape(&text).unwrap())
        };
        (0..count).map(one).collect()
    }

    fn candidates(items: &[Item]) -> Vec<Candidate<'_>> {
        (0..).zip(items).map(|(place, item)| Candidate { place, item }).collect()
    }

    #[test]
    fn few_features_are_all_drawn_at_every_zoom() {
        let items = points(3000);
        for zoom in 0..20 {
            assert_eq!(thin(&candidates(&items), &[], zoom, Span::of(1200.0, 800.0)), Thinning::default());
        }
    }

    #[test]
    fn of_many_at_most_as_many_as_wanted_are_drawn() {
        let items = points(30_000);
        let all = candidates(&items);
        let count = |zoom| {
            let thinning = thin(&all, &[], zoom, Span::of(1200.0, 800.0));
            all.iter().filter(|one| thinning.draws(one.place)).count()
        };
        let drawn: Vec<usize> = (0..14).map(count).collect();
        assert!(drawn.iter().take(5).all(|drawn| *drawn <= 4000 && *drawn > 2), "{drawn:?}");
        assert!(drawn.windows(2).take(8).all(|pair| pair[0] <= pair[1] + 2000), "{drawn:?}");
        assert_eq!(drawn.last(), Some(&30_000));
    }

    #[test]
    fn what_is_larger_than_a_cell_is_never_left_out() {
        let mut items = points(20_000);
        let text = r#"{"type":"LineString","coordinates":[[2,42],[8,48]]}"#;
        items.push(Item::new(99_999, 0, "bbbbb", shape(text).unwrap()));
        let all = candidates(&items);
        let thinning = thin(&all, &[], 7, Span::of(800.0, 600.0));
        assert!(thinning.cell.is_some() && thinning.draws(20_000));
    }
}
