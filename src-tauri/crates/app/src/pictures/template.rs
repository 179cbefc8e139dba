//! The address of a tile from uMap's template, as Leaflet fills it in.

use serde_json::{Map, Value};

/// Beyond this zoom nobody has tiles.
const MOST_ZOOM: u32 = 24;
/// Hosts that share the work, where a template says `{s}`.
const SUBDOMAINS: [&str; 3] = ["a", "b", "c"];

/// A background of tiles, as a map or its server names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// What people call it.
    pub name: String,
    /// The address with places for the tile.
    pub address: String,
    /// Whom it is owed to, in uMap's text syntax.
    pub attribution: String,
    /// The first zoom that has tiles.
    pub min_zoom: u32,
    /// The last one; beyond it its tiles are drawn larger.
    pub max_zoom: u32,
    /// Whether rows are counted from the south.
    pub tms: bool,
}

impl Template {
    /// Reads uMap's `tilelayer`; `None` when it names no tiles.
    #[must_use]
    pub fn read(said: &Map<String, Value>) -> Option<Self> {
        let text = |key: &str| said.get(key).and_then(Value::as_str).unwrap_or("").trim().to_owned();
        let zoom = |key: &str| match said.get(key) {
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) | None => None,
        };
        // Saturates, and nonsense becomes 0.
        let zoom = |key: &str, otherwise: u32| zoom(key).map_or(otherwise, |zoom: f64| zoom.round() as u32);
        let template = Self {
            name: text("name"),
            address: text("url_template"),
            attribution: text("attribution"),
            min_zoom: zoom("minZoom", 0).min(MOST_ZOOM),
            max_zoom: zoom("maxZoom", 18).min(MOST_ZOOM),
            tms: said.get("tms").is_some_and(|tms| tms == &Value::Bool(true) || tms == "true"),
        };
        template.tile(0, 0, 0).is_some().then_some(template)
    }

    /// Who is asked for tiles: a host, or the domain of several that share the work.
    #[must_use]
    pub fn host(&self) -> String {
        let sample = self.tile(0, 0, 0).and_then(|tile| bivouac_link::picture_host(&tile).ok()).unwrap_or_default();
        if self.address.contains("://{s}.") {
            return sample.split_once('.').map_or_else(|| sample.clone(), |(_, domain)| domain.to_owned());
        }
        sample
    }

    /// The address of a tile, counted from the north-west; `None` for a tile that does not exist
    /// and for a template with places that nobody can fill.
    #[must_use]
    pub fn tile(&self, zoom: u32, column: u32, row: u32) -> Option<String> {
        let across = 1_u32.checked_shl(zoom).filter(|_| zoom <= MOST_ZOOM)?;
        if column >= across || row >= across {
            return None;
        }
        let from_south = across - 1 - row;
        let counted = if self.tms { from_south } else { row };
        let subdomain = SUBDOMAINS.get(usize::try_from((column + row) % 3).ok()?)?;
        let mut address = String::new();
        let mut rest = self.address.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (place, after) = after.split_once('}')?;
            address.push_str(before);
            match place.trim() {
                "z" => address.push_str(&zoom.to_string()),
                "x" => address.push_str(&column.to_string()),
                "y" => address.push_str(&counted.to_string()),
                "-y" => address.push_str(&from_south.to_string()),
                "s" => address.push_str(subdomain),
                // Tiles for dense screens are another address; the plain ones always exist.
                "r" => {}
                _ => return None,
            }
            rest = after;
        }
        address.push_str(rest);
        bivouac_link::picture_host(&address).is_ok().then_some(address)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(said: Value) -> Option<Template> {
        Template::read(said.as_object().unwrap())
    }

    #[test]
    fn tiles_are_counted_as_leaflet_counts_them() {
        let cases = [
            ("https://t.example.org/{z}/{x}/{y}.png", false, "https://t.example.org/3/5/1.png"),
            ("https://t.example.org/{z}/{x}/{y}.png", true, "https://t.example.org/3/5/6.png"),
            ("https://t.example.org/{z}/{x}/{-y}{r}.png", false, "https://t.example.org/3/5/6.png"),
            ("https://{s}.t.example.org/{ z }/{x}/{y}.png", false, "https://a.t.example.org/3/5/1.png"),
            ("https://t.example.org/wmts?l=a&z={z}&x={x}&y={y}", false, "https://t.example.org/wmts?l=a&z=3&x=5&y=1"),
        ];
        for (address, tms, tile) in cases {
            let template = template(json!({"url_template": address, "tms": tms})).unwrap();
            assert_eq!(template.tile(3, 5, 1).as_deref(), Some(tile), "{address}");
            assert_eq!(template.tile(3, 8, 1), None, "there are eight columns");
            assert_eq!(template.tile(25, 0, 0), None);
            assert_eq!(template.host(), "t.example.org");
        }
    }

    #[test]
    fn zooms_may_be_texts_and_are_bounded() {
        let read = |min: Value, max: Value| {
            let said = json!({"url_template": "https://t.example.org/{z}/{x}/{y}", "minZoom": min, "maxZoom": max});
            template(said).map(|template| (template.min_zoom, template.max_zoom)).unwrap()
        };
        assert_eq!(read(json!(2), json!("17")), (2, 17));
        assert_eq!(read(Value::Null, Value::Null), (0, 18));
        assert_eq!(read(json!(-3), json!(1e9)), (0, 24));
        assert_eq!(read(json!("x"), json!([])), (0, 18));
    }

    #[test]
    fn what_names_no_tiles_is_no_background() {
        for nonsense in [
            json!({}),
            json!({"url_template": ""}),
            json!({"url_template": 7}),
            json!({"url_template": "https://t.example.org/{z}/{x}/{secret}"}),
            json!({"url_template": "https://t.example.org/{z}/{x}/{y"}),
            json!({"url_template": "javascript:alert({z})"}),
            json!({"url_template": "file:///etc/{z}{x}{y}"}),
            json!({"url_template": "//t.example.org/{z}/{x}/{y}"}),
        ] {
            assert_eq!(template(nonsense.clone()), None, "{nonsense}");
        }
    }
}
