//! Which map an address means: the shapes of uMap's own links.

use reqwest::Url;

use crate::error::LinkError;
use crate::policy::origin_of;

/// A map on a server, as an address names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapRef {
    /// Scheme, host and port.
    pub server: String,
    /// The server's number of the map.
    pub id: String,
    /// The readable part of the address, when it has one.
    pub slug: Option<String>,
    /// Whether the address is an anonymous secret edit link (the signature is not kept here).
    pub is_edit_link: bool,
}

/// Reads the address of a map: `/en/map/<slug>_<id>`, `/map/...`, `/m/<id>/` or an anonymous edit
/// link `/en/map/anonymous-edit/<id>:<signature>`.
///
/// # Errors
/// [`LinkError::BadArgument`] when the address names no uMap map.
pub fn find_map(url: &str) -> Result<MapRef, LinkError> {
    let bad = |detail| LinkError::BadArgument { action: "reading the map's address", detail };
    let parsed = Url::parse(url.trim()).map_err(|_| bad("it is no complete web address"))?;
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
        return Err(bad("it is no http or https address"));
    }
    let segments: Vec<&str> =
        parsed.path_segments().map(|parts| parts.filter(|part| !part.is_empty()).collect()).unwrap_or_default();
    let (slug, id, is_edit_link) =
        named(without_language(&segments)).ok_or_else(|| bad("it is not the address of a uMap map"))?;
    Ok(MapRef { server: origin_of(&parsed), id: id.to_owned(), slug: slug.map(str::to_owned), is_edit_link })
}

/// Drops a leading language segment such as `en`, `pt-br` or `zh-hant`.
fn without_language<'a, 'b>(segments: &'b [&'a str]) -> &'b [&'a str] {
    match segments {
        [first, rest @ ..] if !matches!(*first, "m" | "map") => rest,
        _ => segments,
    }
}

fn named<'a>(segments: &[&'a str]) -> Option<(Option<&'a str>, &'a str, bool)> {
    match segments {
        ["m", id] if is_id(id) => Some((None, id, false)),
        ["map", "anonymous-edit", signed] => {
            let id = signed.split([':', '%']).next().filter(|id| is_id(id))?;
            (id.len() < signed.len()).then_some((None, id, true))
        }
        ["map", id] if is_id(id) => Some((None, id, false)),
        // Some pages and endpoints below a map: /map/<id>/geojson/, /map/<id>/download/.
        ["map", id, ..] if is_id(id) => Some((None, id, false)),
        ["map", last] => {
            let (slug, id) = last.rsplit_once('_')?;
            is_id(id).then_some((Some(slug).filter(|slug| !slug.is_empty()), id, false))
        }
        _ => None,
    }
}

/// Whether the text can be a map's number: 1 to 18 digits.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shapes_of_a_maps_address_are_read() {
        let table = [
            ("https://u.org/en/map/my-map_12", Some("my-map"), "12", false),
            ("https://u.org/fr/map/a_b_3?edit#6/48/2", Some("a_b"), "3", false),
            ("https://u.org/map/x_9/", Some("x"), "9", false),
            ("https://u.org/zh-hant/map/_4", None, "4", false),
            ("https://u.org/m/77/", None, "77", false),
            ("https://u.org/en/m/77", None, "77", false),
            ("https://u.org/en/map/5/geojson/", None, "5", false),
            ("https://u.org/en/map/anonymous-edit/5:s_i-G", None, "5", true),
            ("https://u.org/en/map/anonymous-edit/5%3AsiG", None, "5", true),
        ];
        for (url, slug, id, is_edit_link) in table {
            let map = find_map(url).unwrap();
            assert_eq!(map.server, "https://u.org", "{url}");
            assert_eq!((map.slug.as_deref(), map.id.as_str(), map.is_edit_link), (slug, id, is_edit_link), "{url}");
        }
    }

    #[test]
    fn what_names_no_map_is_refused() {
        for url in [
            "",
            "map_1",
            "https://u.org/",
            "https://u.org/en/map/",
            "https://u.org/en/map/nothing",
            "https://u.org/en/map/x_1a",
            "https://u.org/en/map/anonymous-edit/5",
            "https://u.org/en/user/map_1",
            "https://u.org/m/1234567890123456789",
            "ftp://u.org/m/1/",
        ] {
            assert!(matches!(find_map(url), Err(LinkError::BadArgument { .. })), "{url}");
        }
    }
}
