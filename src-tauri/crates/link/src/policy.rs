//! Which servers may be talked to: encrypted ones, this computer itself, and what the user confirmed.

use std::collections::BTreeSet;

use reqwest::Url;

use crate::error::LinkError;

/// The origins that a [`crate::Client`] may be made for. The default allows https, and http only
/// on this computer.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    confirmed_http: BTreeSet<String>,
}

impl Policy {
    /// Also allows one plain http origin, because the user looked at it and confirmed it.
    ///
    /// # Errors
    /// [`LinkError::BadArgument`] when `origin` is no http address.
    pub fn confirm_http(mut self, origin: &str) -> Result<Self, LinkError> {
        let url = parse(origin)?;
        self.confirmed_http.insert(origin_of(&url));
        Ok(self)
    }

    /// The origin of `server`, if this policy allows it.
    ///
    /// # Errors
    /// [`LinkError::OriginRefused`], or [`LinkError::BadArgument`] when it is no http(s) address.
    pub fn check(&self, server: &str) -> Result<String, LinkError> {
        Ok(origin_of(&self.checked(server)?))
    }

    /// The root URL of the server, if this policy allows it.
    pub(crate) fn checked(&self, server: &str) -> Result<Url, LinkError> {
        let mut url = parse(server)?;
        let origin = origin_of(&url);
        let allowed = url.scheme() == "https" || is_this_computer(&url) || self.confirmed_http.contains(&origin);
        if !allowed {
            return Err(LinkError::OriginRefused { origin });
        }
        url.set_path("/");
        url.set_query(None);
        url.set_fragment(None);
        Ok(url)
    }
}

/// Scheme, host and port (when it is not the scheme's own), as browsers write it.
pub(crate) fn origin_of(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn parse(text: &str) -> Result<Url, LinkError> {
    let bad = |detail| LinkError::BadArgument { action: "reading the server's address", detail };
    let url = Url::parse(text.trim()).map_err(|_| bad("it is no complete web address"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(bad("it is no http or https address"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("it must not hold a user name or a password"));
    }
    Ok(url)
}

/// `localhost`, 127.0.0.1 and ::1 only: other loopback names can be made to point elsewhere.
fn is_this_computer(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_and_this_computer_are_allowed_and_plain_http_is_not() {
        let policy = Policy::default();
        for good in [
            "https://umap.example.org",
            "https://umap.example.org:8443/en/map/x_1",
            "http://localhost:8000",
            "http://127.0.0.1:8811/",
            "http://[::1]:80",
            "HTTPS://UMAP.example.org",
        ] {
            assert!(policy.check(good).is_ok(), "{good}");
        }
        for refused in [
            "http://umap.example.org",
            "http://localhost.example.org",
            "http://127.0.0.1.example.org",
            "http://192.168.1.4",
        ] {
            assert!(matches!(policy.check(refused), Err(LinkError::OriginRefused { .. })), "{refused}");
        }
        for nonsense in ["", "umap", "ftp://x", "file:///etc", "https://u:p@x.org"] {
            assert!(matches!(policy.check(nonsense), Err(LinkError::BadArgument { .. })), "{nonsense}");
        }
    }

    #[test]
    fn a_confirmed_http_origin_is_allowed_on_its_own_port_only() {
        let policy = Policy::default().confirm_http("http://umap.lan:8000/en/").unwrap();
        assert_eq!(policy.check("http://umap.lan:8000/x").unwrap(), "http://umap.lan:8000");
        assert!(policy.check("http://umap.lan").is_err());
        assert!(policy.check("http://other.lan:8000").is_err());
    }
}
