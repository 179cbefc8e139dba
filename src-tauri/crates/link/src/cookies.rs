//! The cookie jar of one account on one server, small because a client talks to one origin only.
//!
//! uMap's rights live in cookies (`sessionid`, `anonymous_owner|<map>`), so a jar can be taken out
//! and put back, for the caller to keep in its secrets store.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// One cookie; its value is never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cookie {
    /// The name.
    pub name: String,
    /// The value, byte for byte as the server sent it.
    pub value: String,
    /// When it ends, in milliseconds since 1970; `None` for the end of the session.
    pub expires_ms: Option<i64>,
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The names of anonymous cookies hold a map's number, which is no secret.
        write!(f, "Cookie({})", self.name)
    }
}

/// A jar to be stored as a secret: whoever has it is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedCookies {
    /// The origin that they belong to.
    pub server: String,
    /// Whether somebody had signed in (an expired session is told from a missing right by it).
    pub signed_in: bool,
    /// All cookies, sorted by name.
    pub cookies: Vec<Cookie>,
}

/// The cookies of one origin.
#[derive(Debug, Default)]
pub(crate) struct Jar {
    cookies: Vec<Cookie>,
}

impl Jar {
    pub(crate) fn from_saved(cookies: Vec<Cookie>) -> Self {
        let mut jar = Self::default();
        for cookie in cookies {
            jar.put(cookie);
        }
        jar
    }

    pub(crate) fn all(&self, now: SystemTime) -> Vec<Cookie> {
        let mut all: Vec<Cookie> = self.alive(now).cloned().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    pub(crate) fn get(&self, name: &str, now: SystemTime) -> Option<&str> {
        self.alive(now).find(|cookie| cookie.name == name).map(|cookie| cookie.value.as_str())
    }

    pub(crate) fn put(&mut self, cookie: Cookie) {
        self.remove(&cookie.name);
        if sendable(&cookie) {
            self.cookies.push(cookie);
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.cookies.retain(|cookie| cookie.name != name);
    }

    /// Takes one `Set-Cookie` header. `host` and `is_https` describe the origin.
    ///
    /// A cookie for another domain is refused, and so is a `Secure` one over plain http. Paths are
    /// not kept apart: uMap sets all of its cookies for `/`.
    pub(crate) fn accept(&mut self, header: &str, host: &str, is_https: bool, now: SystemTime) {
        let mut parts = header.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let (mut max_age, mut expires) = (None, None);
        for part in parts {
            let (key, argument) = part.split_once('=').unwrap_or((part, ""));
            match key.trim().to_ascii_lowercase().as_str() {
                "domain" if !covers(argument, host) => return,
                "secure" if !is_https => return,
                "max-age" => max_age = argument.trim().parse::<i64>().ok(),
                "expires" => expires = httpdate::parse_http_date(argument.trim()).ok(),
                _ => {}
            }
        }
        // Max-Age wins over Expires (RFC 6265, 5.3).
        let expires_ms = match (max_age, expires) {
            (Some(seconds), _) => Some(to_ms(now).saturating_add(seconds.saturating_mul(1000))),
            (None, Some(at)) => Some(to_ms(at)),
            (None, None) => None,
        };
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        if expires_ms.is_some_and(|end| end <= to_ms(now)) {
            self.remove(&name);
        } else {
            self.put(Cookie { name, value, expires_ms });
        }
    }

    /// The `Cookie` header of a request, if there is anything to send.
    pub(crate) fn header(&self, now: SystemTime) -> Option<String> {
        let pairs: Vec<String> = self.alive(now).map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    fn alive(&self, now: SystemTime) -> impl Iterator<Item = &Cookie> {
        let now = to_ms(now);
        self.cookies.iter().filter(move |cookie| cookie.expires_ms.is_none_or(|end| end > now))
    }
}

/// Milliseconds since 1970; 0 for anything before.
pub(crate) fn to_ms(at: SystemTime) -> i64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn covers(domain: &str, host: &str) -> bool {
    let domain = domain.trim().trim_start_matches('.').to_ascii_lowercase();
    host == domain || host.ends_with(&format!(".{domain}"))
}

/// A name and a value that cannot break out of a header line or into another cookie.
fn sendable(cookie: &Cookie) -> bool {
    let clean = |text: &str| text.bytes().all(|b| matches!(b, 0x20..=0x7e) && b != b';');
    !cookie.name.is_empty() && clean(&cookie.name) && clean(&cookie.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_cookie_ends_by_max_age_and_is_removed_by_an_expired_one() {
        let mut jar = Jar::default();
        jar.accept("sessionid=abc; Max-Age=60; Path=/; HttpOnly", "u.org", true, at(1000));
        assert_eq!(jar.header(at(1059)).as_deref(), Some("sessionid=abc"));
        assert_eq!(jar.header(at(1060)), None);
        jar.accept("sessionid=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/", "u.org", true, at(1001));
        assert_eq!(jar.get("sessionid", at(1001)), None);
    }

    #[test]
    fn an_anonymous_cookie_keeps_its_colons_and_bar() {
        let mut jar = Jar::default();
        jar.accept("anonymous_owner|7=7:1tX:si-g_; Path=/", "u.org", false, at(0));
        assert_eq!(jar.header(at(1)).as_deref(), Some("anonymous_owner|7=7:1tX:si-g_"));
    }

    #[test]
    fn cookies_of_other_domains_and_secure_ones_over_http_are_refused() {
        let mut jar = Jar::default();
        jar.accept("a=1; Domain=evil.org", "u.org", true, at(0));
        jar.accept("b=1; Domain=org.u.org", "u.org", true, at(0));
        jar.accept("c=1; Secure", "u.org", false, at(0));
        jar.accept("d=1; Domain=.u.org", "map.u.org", true, at(0));
        jar.accept("e", "u.org", true, at(0));
        jar.accept("f=x\r\ny", "u.org", true, at(0));
        assert_eq!(jar.header(at(1)).as_deref(), Some("d=1"));
    }

    #[test]
    fn printing_a_jar_shows_no_value() {
        let saved = SavedCookies {
            server: "https://u.org".into(),
            signed_in: true,
            cookies: vec![Cookie { name: "sessionid".into(), value: "topsecret".into(), expires_ms: None }],
        };
        assert!(!format!("{saved:?}").contains("topsecret"));
        let text = serde_json::to_string(&saved).unwrap();
        assert_eq!(serde_json::from_str::<SavedCookies>(&text).unwrap(), saved);
    }
}
