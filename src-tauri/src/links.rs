//! Which addresses leave the window, and which bring a map into it: what a system's programs open,
//! and nothing that runs.

use bivouac_app::desk::types::Problem;
use bivouac_link::find_map;
use tauri::Url;

/// More characters are no address of a person's.
const MOST: usize = 2_000;
/// How links of this program begin.
const SCHEME: &str = "bivouac:";

/// An address that may be given to the system.
///
/// # Errors
/// When its kind is none of http(s), mailto, tel and geo, or it is no plain text.
pub fn checked(url: &str) -> Result<&str, Problem> {
    let url = url.trim();
    let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase()).unwrap_or_default();
    let known = matches!(scheme.as_str(), "http" | "https" | "mailto" | "tel" | "geo");
    let plain = url.len() <= MOST && !url.chars().any(|c| c.is_control() || c.is_whitespace());
    if known && plain {
        Ok(url)
    } else {
        Err(Problem::new("link_refused", "open a link: only web pages, mail, telephone and places are opened"))
    }
}

/// The map that a `bivouac:` link asks to open: an encrypted address of a map, or one on this very
/// computer. Nothing else can be said by such a link.
pub fn wanted_map(link: &str) -> Option<String> {
    let rest = link.split_at_checked(SCHEME.len()).filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME))?.1;
    let address = rest.strip_prefix("//").unwrap_or(rest);
    if address.len() > MOST || address.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return None;
    }
    let url = Url::parse(address).ok()?;
    let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let safe = url.scheme() == "https" || (url.scheme() == "http" && here);
    let plain = url.username().is_empty() && url.password().is_none();
    (safe && plain && find_map(url.as_str()).is_ok()).then(|| url.to_string())
}

/// Whether something given to the program is a link of its own.
pub fn is_ours(given: &str) -> bool {
    given.get(..SCHEME.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_maps_at_encrypted_addresses_and_nothing_else() {
        for good in [
            "bivouac:https://umap.example.org/en/map/walk_12",
            "bivouac://https://umap.example.org/m/12/",
            "BIVOUAC:https://umap.example.org/fr/map/12",
            "bivouac:http://127.0.0.1:8000/en/map/walk_12",
            "bivouac:http://localhost/en/map/walk_12",
        ] {
            assert!(wanted_map(good).is_some(), "{good}");
            assert!(is_ours(good));
        }
        for bad in [
            "bivouac:",
            "bivouac:http://umap.example.org/en/map/walk_12",
            "bivouac:http://localhost.example.org/en/map/walk_12",
            "bivouac:https://user:word@umap.example.org/en/map/walk_12",
            "bivouac:https://umap.example.org/",
            "bivouac:https://umap.example.org/en/about",
            "bivouac:file:///home/a/walk.umap",
            "bivouac:javascript:alert(1)",
            "bivouac:/home/a/walk.umap",
            "bivouac:--data-dir=/tmp",
            "bivouac:https://umap.example.org/en/map/walk 12",
            "bivouac:bivouac:https://umap.example.org/en/map/walk_12",
            "https://umap.example.org/en/map/walk_12",
            "bivouäc:https://umap.example.org/en/map/walk_12",
        ] {
            assert_eq!(wanted_map(bad), None, "{bad}");
        }
        assert_eq!(wanted_map(&format!("bivouac:https://umap.example.org/en/map/{}_1", "a".repeat(2_000))), None);
    }

    #[test]
    fn only_what_cannot_run_leaves_the_window() {
        for good in [
            "https://umap.example.org/m/1",
            "http://a.b",
            "mailto:a@b.c",
            "tel:+33123",
            "geo:48.1,7.1",
            " HTTPS://a.b ",
        ] {
            assert!(checked(good).is_ok(), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "java\nscript:alert(1)",
            "file:///etc/passwd",
            "data:text/html,x",
            "bivouac:x",
            "vscode://x",
            "https://a.b/\u{0}",
            "https://a.b/ --option",
            "",
            "www.example.org",
        ] {
            assert_eq!(checked(bad).unwrap_err().code, "link_refused", "{bad}");
        }
    }
}
