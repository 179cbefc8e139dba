//! Which addresses leave the window: what a system's programs open, and nothing that runs.

use bivouac_app::desk::types::Problem;

/// More characters are no address of a person's.
const MOST: usize = 2_000;

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

#[cfg(test)]
mod tests {
    use super::*;

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
