//! Pictures and tiles of the web: one small answer from whatever server a map names.
//!
//! A map is written by anybody, so an address in it must not reach into the network that this
//! laptop stands in: the resolved address is looked at, and it is the one connected to; each
//! redirect is looked at again. No cookies, no referrer. Whether somebody may be asked at all, and
//! what an answer is worth, is the caller's to decide.

mod private;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CACHE_CONTROL, LOCATION};
use reqwest::{Response, Url};

use crate::client::CONNECT;
use crate::error::LinkError;
use crate::http::why_unreachable;
use crate::policy::origin_of;
use crate::tls;
use private::{OnlyPublic, Private, is_public};

/// One picture is over in this time.
const LIMIT: Duration = Duration::from_secs(20);
/// More redirects lead nowhere.
const MOST_REDIRECTS: usize = 3;
/// Longer addresses are none.
const MOST_CHARACTERS: usize = 2_000;
const ACTION: &str = "loading a picture";

/// Where pictures come from.
#[derive(Clone, Debug)]
pub struct Web {
    public: reqwest::Client,
    /// For origins that the user confirmed, wherever they lie.
    confirmed: reqwest::Client,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its body.
    pub bytes: Vec<u8>,
    /// For how long its server says that it holds; `None` when it does not say.
    pub fresh_for: Option<Duration>,
}

impl Web {
    /// Connects to nothing yet. Proxies of the environment are not used: behind one nobody knows
    /// which address a name stands for.
    ///
    /// # Errors
    /// [`LinkError::Tls`] when this computer has no usable certificates.
    pub fn new() -> Result<Self, LinkError> {
        let tls = tls::client_config()?;
        let builder = || {
            reqwest::Client::builder()
                .tls_backend_preconfigured((*tls).clone())
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(CONNECT)
                .timeout(LIMIT)
                .no_proxy()
                .user_agent(concat!("Bivouac/", env!("CARGO_PKG_VERSION"), " (offline editor for uMap)"))
        };
        let failed = |_| LinkError::Tls {
            action: "preparing encrypted connections",
            detail: "the HTTP library refuses the configuration".to_owned(),
        };
        let public = builder().dns_resolver(Arc::new(OnlyPublic)).build().map_err(failed)?;
        Ok(Self { public, confirmed: builder().build().map_err(failed)? })
    }

    /// Reads what is at an address, `most` bytes of it at most. Only origins of `confirmed` may
    /// lie in a private network; redirects lead to hosts of `hosts` alone.
    ///
    /// # Errors
    /// [`LinkError::OriginRefused`] for private addresses and other hosts, [`LinkError::TooLarge`],
    /// and whatever keeps an answer from coming.
    pub async fn fetch(
        &self,
        address: &str,
        hosts: &BTreeSet<String>,
        confirmed: &BTreeSet<String>,
        most: usize,
    ) -> Result<Fetched, LinkError> {
        let mut url = picture_url(address)?;
        for _ in 0..=MOST_REDIRECTS {
            let response = self.ask(&url, hosts, confirmed).await?;
            let status = response.status().as_u16();
            if matches!(status, 301 | 302 | 303 | 307 | 308) {
                let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
                let to = to.and_then(|to| url.join(to).ok()).map(String::from);
                url = picture_url(&to.ok_or_else(|| LinkError::protocol(ACTION, "a redirect to nowhere"))?)?;
                continue;
            }
            return match status {
                200 => read(response, most).await,
                404 => Err(LinkError::NotFound { action: ACTION }),
                410 => Err(LinkError::Gone { action: ACTION }),
                401 | 403 => Err(LinkError::Refused { action: ACTION }),
                429 | 502..=504 => Err(LinkError::Busy { action: ACTION, status }),
                500..=599 => Err(LinkError::Server { action: ACTION, status }),
                _ => Err(LinkError::Rejected { action: ACTION, status }),
            };
        }
        Err(LinkError::protocol(ACTION, "redirects without end"))
    }

    async fn ask(
        &self,
        url: &Url,
        hosts: &BTreeSet<String>,
        confirmed: &BTreeSet<String>,
    ) -> Result<Response, LinkError> {
        let origin = origin_of(url);
        let refused = || LinkError::OriginRefused { origin: origin.clone() };
        let is_confirmed = confirmed.contains(&origin);
        let is_allowed = is_among(&host_of(url), hosts) && may_be_public(url);
        if !is_confirmed && !is_allowed {
            return Err(refused());
        }
        let client = if is_confirmed { &self.confirmed } else { &self.public };
        client.get(url.clone()).send().await.map_err(|error| {
            if error.is_timeout() {
                return LinkError::Timeout { action: ACTION };
            }
            if was_private(&error) { refused() } else { why_unreachable(ACTION, &error) }
        })
    }
}

/// The address of a picture, when it is one that may be asked for at all.
///
/// # Errors
/// [`LinkError::BadArgument`] for anything but a plain http(s) address.
pub fn picture_host(address: &str) -> Result<String, LinkError> {
    Ok(host_of(&picture_url(address)?))
}

/// Whether the name of a host alone says that it lies in a private network.
///
/// # Errors
/// [`LinkError::BadArgument`] for anything but a plain http(s) address.
pub fn is_private(address: &str) -> Result<bool, LinkError> {
    Ok(!may_be_public(&picture_url(address)?))
}

/// Whether a host, or the domain that it lies in, is among those.
#[must_use]
pub fn is_among(host: &str, hosts: &BTreeSet<String>) -> bool {
    let within =
        |domain: &String| domain.contains('.') && host.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.'));
    hosts.contains(host) || hosts.iter().any(within)
}

/// The origin of an address.
///
/// # Errors
/// [`LinkError::BadArgument`] for anything but a plain http(s) address.
pub fn picture_origin(address: &str) -> Result<String, LinkError> {
    Ok(origin_of(&picture_url(address)?))
}

fn picture_url(address: &str) -> Result<Url, LinkError> {
    let bad = |detail| LinkError::BadArgument { action: ACTION, detail };
    if address.len() > MOST_CHARACTERS {
        return Err(bad("the address is too long"));
    }
    let url = Url::parse(address.trim()).map_err(|_| bad("it is no complete web address"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(bad("it is no http or https address"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("it must not hold a user name or a password"));
    }
    Ok(url)
}

/// Host, and port where it is not the scheme's own: what a user is asked about.
fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Literal addresses never reach a resolver, so they are looked at here.
fn may_be_public(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    match plain.parse() {
        Ok(address) => is_public(address),
        // A name without a dot is one of the network around.
        Err(_) => plain.trim_end_matches('.').contains('.') && !plain.trim_end_matches('.').ends_with(".local"),
    }
}

fn was_private(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if inner.is::<Private>() {
            return true;
        }
        cause = inner.source();
    }
    false
}

async fn read(mut response: Response, most: usize) -> Result<Fetched, LinkError> {
    let too_large = LinkError::TooLarge { action: ACTION, limit: most };
    if response.content_length().is_some_and(|length| usize::try_from(length).map_or(true, |length| length > most)) {
        return Err(too_large);
    }
    let control = response.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
    let fresh_for = control.and_then(|control| {
        let age = control.split(',').find_map(|part| part.trim().strip_prefix("max-age=")?.parse().ok());
        age.map(Duration::from_secs)
    });
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| why_unreachable(ACTION, &error))? {
        if bytes.len() + chunk.len() > most {
            return Err(too_large);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Fetched { bytes, fresh_for })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_web_addresses_name_pictures() {
        assert_eq!(picture_host("https://tile.example.org/1/2/3.png").unwrap(), "tile.example.org");
        assert_eq!(picture_host("http://tile.example.org:8080/a").unwrap(), "tile.example.org:8080");
        for bad in ["javascript:alert(1)", "data:image/png;base64,AA", "file:///etc/passwd", "//x/y", "", "ftp://x/y"] {
            assert!(picture_host(bad).is_err(), "{bad}");
        }
        assert!(picture_host("https://user:word@example.org/a.png").is_err());
        assert!(picture_host(&format!("https://example.org/{}", "a".repeat(2_000))).is_err());
    }

    #[test]
    fn leave_for_a_domain_is_leave_for_what_lies_in_it_and_for_nothing_beside_it() {
        let hosts = BTreeSet::from(["tile.example.org".to_owned(), "org".to_owned()]);
        assert!(is_among("tile.example.org", &hosts) && is_among("a.tile.example.org", &hosts));
        for other in ["example.org", "eviltile.example.org", "tile.example.org.evil.net", "tile.example.org:8080"] {
            assert!(!is_among(other, &hosts), "{other}");
        }
    }

    #[test]
    fn hosts_that_say_themselves_that_they_are_private_are_known_without_asking_anybody() {
        for private in [
            "http://127.0.0.1:8000/a",
            "http://localhost/a",
            "http://printer/a",
            "http://printer.local/a",
            "http://192.168.1.1/a",
            "http://10.1.2.3/a",
            "http://169.254.169.254/latest",
            "http://[::1]/a",
            "http://[fd00::1]/a",
            "http://[::ffff:10.0.0.1]/a",
            "http://0.0.0.0/a",
            "http://0x7f000001/a",
        ] {
            assert!(is_private(private).unwrap(), "{private}");
        }
        assert!(!is_private("https://tile.example.org/a").unwrap());
        assert!(!is_private("https://93.184.216.34/a").unwrap());
    }
}
