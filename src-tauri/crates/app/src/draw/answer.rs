//! A viewport's answer, written straight to bytes.

use std::collections::BTreeSet;

use bivouac_store::{Scan, Store};
use rustc_hash::{FxHashMap, FxHashSet};

use super::cluster::{Cluster, clusters};
use super::cursor::Cursor;
use super::heat::{Warm, heat};
use super::item::Item;
use super::level::Kind;
use super::scene::Scene;
use super::thin::{Candidate, Span, Thinning, thin};
use super::types::{Style, ViewportQuery};
use super::world::{Extent, degrees, project, units, unproject, width};
use super::write::{Pen, decimal, whole};
use crate::error::Result;

/// Never more marks than this, but for selected ones.
pub(crate) const MOST: usize = 5000;
/// Icons, circles and lines reach so far out of their places, in pixels.
const REACH: f64 = 64.0;
/// So many thinnings are kept.
const KEPT: usize = 48;

/// What was found out for a zoom, until the map changes.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    thinnings: FxHashMap<(u32, Vec<bool>, Span), Thinning>,
    clusters: FxHashMap<(usize, u32), Vec<(u32, Cluster)>>,
    heat: FxHashMap<(usize, u32), Vec<Warm>>,
}

/// What is drawn for one viewport, before it is written.
#[derive(Default)]
struct Chosen {
    paths: Vec<Mark>,
    icons: Vec<Mark>,
    thinned: bool,
    features: u64,
}

/// One mark.
#[derive(Clone, Copy)]
enum Mark {
    Item(u32),
    /// A layer of clusters, and which of its clusters.
    Cluster(usize, usize),
    /// A layer of heat, and which of its spots.
    Heat(usize, usize),
}

/// Answers a viewport.
pub(crate) fn answer(scene: &Scene, gathered: &mut Gathered, store: &Store, query: &ViewportQuery) -> Result<Vec<u8>> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 24")]
    let level = query.zoom.round().clamp(0.0, 24.0) as u32;
    let shown = scene.plan.shown(query.zoom, &query.hidden, &query.shown);
    gathered.prepare(scene, &shown, level, query);
    let selected = selected(scene, &query.selected);
    let key = (level, shown, span(query));
    let thinning = gathered.thinnings.get(&key);
    let (_, shown, _) = &key;
    let seen = Extent::of(query.bounds());
    let mut chosen = choose(scene, gathered, thinning, shown, level, &selected, seen.wider(REACH, query.zoom));
    chosen.features = count(scene, shown, seen);
    limit(scene, &mut chosen, &selected);
    let exact = exact_geometries(scene, store, &selected)?;
    Ok(write(scene, gathered, &chosen, &exact, level, query))
}

/// How large the asked box is, in tiles; a little jitter of its size makes no difference.
fn span(query: &ViewportQuery) -> Span {
    let pixels = width(query.zoom);
    let (low, high) = (project(query.west, query.north), project(query.east, query.south));
    let side = |from: f64, to: f64, window: f64| ((to - from) * pixels - 2.0).clamp(window.min(4096.0), 8192.0);
    Span::of(side(low[0], high[0], query.width.max(1.0)), side(low[1], high[1], query.height.max(1.0)))
}

impl Gathered {
    /// Forgets everything, because the map changed.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    fn prepare(&mut self, scene: &Scene, shown: &[bool], level: u32, query: &ViewportQuery) {
        let zoom = f64::from(level);
        for (place, (plan, layer)) in scene.plan.layers.iter().zip(&scene.layers).enumerate() {
            if shown.get(place) != Some(&true) {
                continue;
            }
            let recipe = &plan.looks.recipe;
            let points = || {
                layer
                    .members
                    .iter()
                    .filter_map(|member| Some((*member, scene.item(*member)?)))
                    .filter(|(_, item)| item.is_point())
            };
            match plan.kind() {
                Kind::Cluster => {
                    self.clusters.entry((place, level)).or_insert_with(|| {
                        let members: Vec<u32> = points().map(|(member, _)| member).collect();
                        let found = clusters(points().map(|(_, item)| item.middle()), recipe.cluster_radius(), zoom);
                        found.into_iter().filter_map(|cluster| Some((*members.get(cluster.first)?, cluster))).collect()
                    });
                }
                Kind::Heat => {
                    self.heat.entry((place, level)).or_insert_with(|| {
                        let warm = points().filter_map(|(_, item)| Some((item.middle(), item.weight()?)));
                        heat(warm, recipe.heat_radius(), zoom)
                    });
                }
                Kind::Default | Kind::Choropleth | Kind::Categorized | Kind::Circles => {}
            }
        }
        let key = (level, shown.to_vec(), span(query));
        if self.thinnings.contains_key(&key) {
            return;
        }
        if self.thinnings.len() >= KEPT {
            self.thinnings.clear();
        }
        let thinning = self.thinning(scene, shown, level, span(query));
        self.thinnings.insert(key, thinning);
    }

    fn thinning(&self, scene: &Scene, shown: &[bool], level: u32, span: Span) -> Thinning {
        let mut candidates = Vec::with_capacity(scene.items.len());
        let mut others = Vec::new();
        for (place, (plan, layer)) in scene.plan.layers.iter().zip(&scene.layers).enumerate() {
            if shown.get(place) != Some(&true) {
                continue;
            }
            for member in &layer.members {
                let Some(item) = scene.item(*member) else { continue };
                if draws_itself(plan.kind(), item) {
                    candidates.push(Candidate { place: *member, item });
                }
            }
            let anchor = |[x, y]: [f64; 2]| {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts of floats saturate")]
                let anchor = [x, y].map(|share| (share * 4_294_967_296.0) as u32);
                anchor
            };
            let clusters = self.clusters.get(&(place, level)).map_or([].as_slice(), Vec::as_slice);
            others.extend(
                clusters.iter().map(|(_, cluster)| anchor(super::world::project_spot(cluster.extent.middle()))),
            );
            let warm = self.heat.get(&(place, level)).map_or([].as_slice(), Vec::as_slice);
            others.extend(warm.iter().map(|warm| anchor(warm.at)));
        }
        thin(&candidates, &others, level, span)
    }
}

/// Whether a feature is a mark of its own in a layer of that kind.
fn draws_itself(kind: Kind, item: &Item) -> bool {
    match kind {
        Kind::Heat => false,
        Kind::Cluster => !item.is_point(),
        Kind::Default | Kind::Choropleth | Kind::Categorized | Kind::Circles => true,
    }
}

fn selected(scene: &Scene, names: &[String]) -> BTreeSet<u32> {
    let mut places = BTreeSet::new();
    for name in names {
        let Some((layer, id)) = name.split_once('/') else { continue };
        let Some(layer) = scene.plan.layers.iter().position(|plan| plan.id == layer) else { continue };
        let members = scene.layers.get(layer).map_or([].as_slice(), |layer| layer.members.as_slice());
        places.extend(members.iter().filter(|member| scene.item(**member).is_some_and(|item| &*item.id == id)));
    }
    places
}

fn choose(
    scene: &Scene,
    gathered: &Gathered,
    thinning: Option<&Thinning>,
    shown: &[bool],
    level: u32,
    selected: &BTreeSet<u32>,
    seen: Extent,
) -> Chosen {
    let mut chosen = Chosen::default();
    for (place, (plan, layer)) in scene.plan.layers.iter().zip(&scene.layers).enumerate() {
        let visible = shown.get(place) == Some(&true);
        let any = visible || !selected.is_empty();
        if visible && plan.kind() == Kind::Heat {
            let spots = gathered.heat.get(&(place, level)).map_or([].as_slice(), Vec::as_slice);
            let inside = spots.iter().enumerate().filter(|(_, warm)| {
                let [lon, lat] = unproject(warm.at);
                warm.share > 0.0 && seen.holds([units(lon), units(lat)])
            });
            chosen.paths.extend(inside.map(|(spot, _)| Mark::Heat(place, spot)));
        }
        let mut singles = FxHashSet::default();
        if visible && plan.kind() == Kind::Cluster {
            let all = gathered.clusters.get(&(place, level)).map_or([].as_slice(), Vec::as_slice);
            for (cluster, (first, gathered)) in all.iter().enumerate() {
                if !seen.holds(gathered.extent.middle()) {
                    continue;
                }
                if gathered.count == 1 {
                    singles.insert(*first);
                } else {
                    chosen.icons.push(Mark::Cluster(place, cluster));
                }
            }
        }
        for member in layer.members.iter().filter(|_| any) {
            let Some(item) = scene.item(*member) else { continue };
            let forced = !selected.is_empty() && selected.contains(member);
            if !forced {
                if !visible || !item.extent.meets(&seen) {
                    continue;
                }
                if !draws_itself(plan.kind(), item) {
                    if !singles.contains(member) {
                        continue;
                    }
                } else if thinning.is_some_and(|thinning| !thinning.draws(*member)) {
                    chosen.thinned = true;
                    continue;
                }
            }
            let is_icon = matches!(scene.styles.get(item.style), Some(Style::Marker { .. }));
            let list = if is_icon { &mut chosen.icons } else { &mut chosen.paths };
            list.push(Mark::Item(*member));
        }
    }
    chosen
}

fn count(scene: &Scene, shown: &[bool], seen: Extent) -> u64 {
    let visible = |item: &&Item| shown.get(usize::from(item.layer)) == Some(&true) && item.extent.meets(&seen);
    u64::try_from(scene.items.iter().filter(visible).count()).unwrap_or(u64::MAX)
}

/// Leaves out the smallest where there are more marks than ever may be drawn.
fn limit(scene: &Scene, chosen: &mut Chosen, selected: &BTreeSet<u32>) {
    let total = chosen.paths.len() + chosen.icons.len();
    if total <= MOST {
        return;
    }
    chosen.thinned = true;
    let rank = |mark: &Mark| match mark {
        Mark::Item(place) if selected.contains(place) => (0, 0.0_f32, i64::from(*place)),
        Mark::Cluster(..) | Mark::Heat(..) => (1, 0.0, 0),
        Mark::Item(place) => (2, scene.item(*place).map_or(0.0, |item| -item.size), i64::from(*place)),
    };
    let order = |a: &(i32, f32, i64), b: &(i32, f32, i64)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2));
    let mut ranks: Vec<_> = chosen.paths.iter().chain(&chosen.icons).map(rank).collect();
    ranks.sort_by(order);
    let Some(last) = ranks.get(MOST - 1).copied() else { return };
    for list in [&mut chosen.paths, &mut chosen.icons] {
        list.retain(|mark| order(&rank(mark), &last).is_le());
    }
}

/// The selected features' geometries, as they are stored.
fn exact_geometries(scene: &Scene, store: &Store, selected: &BTreeSet<u32>) -> Result<FxHashMap<i64, String>> {
    let numbers: BTreeSet<i64> = selected.iter().filter_map(|place| Some(scene.item(*place)?.number)).collect();
    let mut geometries = FxHashMap::default();
    if !numbers.is_empty() {
        store.scan(Scan::These(&numbers), &mut |row| {
            let mut geometry = None;
            let _ = Cursor::new(row.text).object(|key, cursor| {
                let value = cursor.value()?;
                if key == "geometry" {
                    geometry = Some(value);
                }
                Some(())
            });
            geometries.extend(geometry.map(|text| (row.number, text.to_owned())));
        })?;
    }
    Ok(geometries)
}

fn write(
    scene: &Scene,
    gathered: &Gathered,
    chosen: &Chosen,
    exact: &FxHashMap<i64, String>,
    level: u32,
    query: &ViewportQuery,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 << 16);
    let mut page = Page {
        scene,
        gathered,
        exact,
        level,
        pen: Pen::new(query.zoom, Extent::of(query.bounds())),
        styles: vec![None; scene.styles.len()],
        used_styles: Vec::new(),
        layers: vec![None; scene.plan.layers.len()],
        used_layers: Vec::new(),
        out: Vec::with_capacity(1 << 20),
    };
    for mark in chosen.paths.iter().chain(&chosen.icons) {
        page.mark(*mark);
    }
    out.extend_from_slice(br#"{"revision":"#);
    whole(&mut out, scene.revision());
    out.extend_from_slice(br#","zoom":"#);
    decimal(&mut out, query.zoom, 9);
    out.extend_from_slice(if chosen.thinned { br#","thinned":true"#.as_slice() } else { br#","thinned":false"# });
    out.extend_from_slice(br#","features":"#);
    whole(&mut out, chosen.features);
    out.extend_from_slice(br#","layers":["#);
    for (place, layer) in page.used_layers.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        let id = scene.plan.layers.get(*layer).map_or("", |layer| layer.id.as_str());
        out.extend_from_slice(serde_json::Value::from(id).to_string().as_bytes());
    }
    out.extend_from_slice(br#"],"styles":["#);
    for (place, style) in page.used_styles.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(scene.styles.text(*style).unwrap_or("null").as_bytes());
    }
    out.extend_from_slice(br#"],"marks":["#);
    out.append(&mut page.out);
    out.extend_from_slice(b"]}");
    out
}

/// The marks as they are written, with what they point at.
struct Page<'a> {
    scene: &'a Scene,
    gathered: &'a Gathered,
    exact: &'a FxHashMap<i64, String>,
    level: u32,
    pen: Pen,
    styles: Vec<Option<u64>>,
    used_styles: Vec<u32>,
    layers: Vec<Option<u64>>,
    used_layers: Vec<usize>,
    out: Vec<u8>,
}

impl Page<'_> {
    fn mark(&mut self, mark: Mark) {
        match mark {
            Mark::Item(place) => {
                if let Some(item) = self.scene.item(place) {
                    self.item(item);
                }
            }
            Mark::Cluster(layer, place) => {
                let found = self.gathered.clusters.get(&(layer, self.level)).and_then(|all| all.get(place));
                if let Some((_, cluster)) = found {
                    self.cluster(layer, cluster);
                }
            }
            Mark::Heat(layer, place) => {
                let found = self.gathered.heat.get(&(layer, self.level)).and_then(|all| all.get(place));
                if let Some(warm) = found {
                    self.warm(layer, warm);
                }
            }
        }
    }

    fn item(&mut self, item: &Item) {
        let layer = usize::from(item.layer);
        self.begin(layer, Some(&item.id), item.style);
        let style = self.scene.styles.get(item.style);
        let mask = matches!(style, Some(Style::Area { mask: true, .. }));
        match self.exact.get(&item.number) {
            _ if item.radius.is_some() => self.pen.point(&mut self.out, item.middle()),
            Some(_) if mask => self.pen.exact().geometry(&mut self.out, item, true),
            Some(geometry) => self.out.extend_from_slice(geometry.as_bytes()),
            None => self.pen.geometry(&mut self.out, item, mask),
        }
        if let Some(label) = &item.label {
            self.out.extend_from_slice(br#","t":"#);
            self.out.extend_from_slice(label.as_bytes());
        }
        if let Some(radius) = item.radius {
            self.out.extend_from_slice(br#","r":"#);
            decimal(&mut self.out, f64::from(radius), 2);
        }
        self.out.push(b'}');
    }

    fn cluster(&mut self, layer: usize, cluster: &Cluster) {
        self.begin(layer, None, self.gather_style(layer));
        self.pen.point(&mut self.out, cluster.extent.middle());
        self.out.extend_from_slice(br#","n":"#);
        whole(&mut self.out, u64::from(cluster.count));
        let Extent { west, south, east, north } = cluster.extent;
        for (place, edge) in [west, south, east, north].into_iter().enumerate() {
            self.out.extend_from_slice(if place == 0 { br#","b":["#.as_slice() } else { b"," });
            decimal(&mut self.out, degrees(edge), 7);
        }
        self.out.extend_from_slice(b"]}");
    }

    fn warm(&mut self, layer: usize, warm: &Warm) {
        self.begin(layer, None, self.gather_style(layer));
        self.pen.point(&mut self.out, unproject(warm.at).map(units));
        self.out.extend_from_slice(br#","v":"#);
        decimal(&mut self.out, warm.share, 4);
        self.out.push(b'}');
    }

    fn gather_style(&self, layer: usize) -> u32 {
        self.scene.layers.get(layer).and_then(|layer| layer.gather_style).unwrap_or(0)
    }

    /// Everything up to the geometry.
    fn begin(&mut self, layer: usize, id: Option<&str>, style: u32) {
        if !self.out.is_empty() {
            self.out.push(b',');
        }
        match id {
            Some(id) => {
                let layer = self.scene.plan.layers.get(layer).map_or("", |layer| layer.id.as_str());
                self.out.extend_from_slice(br#"{"o":""#);
                for part in [layer, "/", id] {
                    plain(&mut self.out, part);
                }
                self.out.push(b'"');
            }
            None => self.out.extend_from_slice(br#"{"o":null"#),
        }
        let layer_place = place_of(&mut self.layers, &mut self.used_layers, layer, layer);
        let style_place =
            usize::try_from(style).map_or(0, |at| place_of(&mut self.styles, &mut self.used_styles, at, style));
        self.out.extend_from_slice(br#","l":"#);
        whole(&mut self.out, layer_place);
        self.out.extend_from_slice(br#","s":"#);
        whole(&mut self.out, style_place);
        self.out.extend_from_slice(br#","g":"#);
    }
}

/// Writes a name inside of a JSON text; names are letters, digits and hyphens, but nobody knows.
fn plain(out: &mut Vec<u8>, name: &str) {
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'/') {
        out.extend_from_slice(name.as_bytes());
    } else {
        let text = serde_json::Value::from(name).to_string();
        out.extend_from_slice(text.get(1..text.len().saturating_sub(1)).unwrap_or("").as_bytes());
    }
}

/// The number that something has in this answer; a new one when it is spoken of first.
fn place_of<T>(known: &mut [Option<u64>], used: &mut Vec<T>, at: usize, one: T) -> u64 {
    let next = u64::try_from(used.len()).unwrap_or(0);
    match known.get_mut(at) {
        Some(Some(place)) => *place,
        Some(slot) => {
            *slot = Some(next);
            used.push(one);
            next
        }
        None => 0,
    }
}
