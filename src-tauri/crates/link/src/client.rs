//! A client of one server for one account; every call of this crate starts here.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use reqwest::Url;

use crate::cookies::{Jar, SavedCookies};
use crate::error::LinkError;
use crate::http::lock;
use crate::map_url::is_id;
use crate::policy::{Policy, origin_of};
use crate::tls;
use crate::urls::{Ids, Place, Urls};

/// How long opening a connection may take.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);

/// The server's clock, as its last answer said it.
#[derive(Debug, Clone, Copy)]
pub struct ServerTime {
    /// Milliseconds since 1970 in the `Date` header, which is exact to a second.
    pub server_ms: i64,
    /// When that answer came.
    pub received: Instant,
}

/// One account (or nobody) on one uMap server. Cheap to clone; clones share cookies and clock, and
/// let only one save through at a time (rule 31), so one account should have one client.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) root: Url,
    pub(crate) http: reqwest::Client,
    pub(crate) tls: Arc<rustls::ClientConfig>,
    pub(crate) jar: Mutex<Jar>,
    pub(crate) urls: Mutex<Urls>,
    pub(crate) server_time: Mutex<Option<ServerTime>>,
    /// Somebody signed in with these cookies; whether the session still lives is another question.
    pub(crate) signed_in: AtomicBool,
    /// Held during a save: the server keeps its merge flag in the session (rule 31).
    pub(crate) saving: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.server()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the server at `server` (scheme, host, port; a path is ignored). Connects to nothing yet.
    /// Over https a proxy of the environment (`HTTPS_PROXY`) is used; the websocket knows none.
    ///
    /// # Errors
    /// [`LinkError::OriginRefused`] when the policy does not allow the origin,
    /// [`LinkError::BadArgument`] when it is no address, [`LinkError::Tls`] when this computer has
    /// no usable certificates.
    pub fn new(server: &str, policy: &Policy) -> Result<Self, LinkError> {
        let root = policy.checked(server)?;
        let tls = tls::client_config()?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured((*tls).clone())
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .tcp_keepalive(Duration::from_secs(20))
            // uvicorn drops idle connections after 5 s: a save must not meet one that just died.
            .pool_idle_timeout(Duration::from_secs(4))
            .user_agent(concat!("Bivouac/", env!("CARGO_PKG_VERSION")));
        if root.scheme() == "http" {
            // This computer, or a neighbour that the user confirmed: never by way of a proxy.
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|_| LinkError::Tls {
            action: "preparing encrypted connections",
            detail: "the HTTP library refuses the configuration".to_owned(),
        })?;
        let inner = Inner {
            root,
            http,
            tls,
            jar: Mutex::default(),
            urls: Mutex::default(),
            server_time: Mutex::default(),
            signed_in: AtomicBool::new(false),
            saving: tokio::sync::Mutex::new(()),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Scheme, host and port of the server.
    pub fn server(&self) -> String {
        origin_of(&self.inner.root)
    }

    /// The server's clock as of its last answer, to be compared with this computer's (rule 3).
    pub fn server_time(&self) -> Option<ServerTime> {
        *lock(&self.inner.server_time)
    }

    /// The cookies, to be stored as a secret and given to [`Client::restore_cookies`] later.
    pub fn save_cookies(&self) -> SavedCookies {
        SavedCookies {
            server: self.server(),
            signed_in: self.inner.signed_in.load(Ordering::Relaxed),
            cookies: lock(&self.inner.jar).all(SystemTime::now()),
        }
    }

    /// Replaces all cookies by stored ones.
    ///
    /// # Errors
    /// [`LinkError::BadArgument`] when they belong to another server.
    pub fn restore_cookies(&self, saved: SavedCookies) -> Result<(), LinkError> {
        if saved.server != self.server() {
            return Err(LinkError::BadArgument {
                action: "restoring a session",
                detail: "it belongs to another server",
            });
        }
        self.inner.signed_in.store(saved.signed_in, Ordering::Relaxed);
        *lock(&self.inner.jar) = Jar::from_saved(saved.cookies);
        Ok(())
    }

    /// The websocket address of a map's room; it holds no secret (the token travels inside).
    ///
    /// # Errors
    /// [`LinkError::BadArgument`] when `map` is no map number.
    pub fn socket_url(&self, map: &str) -> Result<String, LinkError> {
        let mut url = self.inner.place(Place::WsSync, Ids { map, ..Ids::default() })?;
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        url.set_scheme(scheme).map_err(|()| LinkError::BadArgument {
            action: "making the address of the room",
            detail: "the server's address has an odd scheme",
        })?;
        Ok(url.into())
    }
}

impl Inner {
    /// The address of a place for checked ids.
    pub(crate) fn place(&self, place: Place, ids: Ids<'_>) -> Result<Url, LinkError> {
        let bad = |detail| LinkError::BadArgument { action: "making an address on the server", detail };
        if place.needs("{map_id}") && !is_id(ids.map) {
            return Err(bad("a map's id is a number"));
        }
        if place.needs("{pk}") && !is_plain(ids.layer) {
            return Err(bad("a layer's id is letters, digits, _ and -"));
        }
        if place.needs("{ref}") && !is_plain(ids.reference) {
            return Err(bad("a layer's version is letters, digits, _ and -"));
        }
        lock(&self.urls).resolve(&self.root, place, ids)
    }

    /// Tells a missing right from a missing sign-in, which uMap answers alike with 403.
    pub(crate) async fn explain<T>(&self, map: &str, result: Result<T, LinkError>) -> Result<T, LinkError> {
        let Err(LinkError::Refused { action }) = result else {
            return result;
        };
        let was_signed_in = self.signed_in.load(Ordering::Relaxed);
        let has_edit_link = lock(&self.jar).get(&format!("anonymous_owner|{map}"), SystemTime::now()).is_some();
        let nobody = if was_signed_in { matches!(self.who().await, Ok(None)) } else { !has_edit_link };
        Err(if nobody { LinkError::SignInNeeded { action } } else { LinkError::Refused { action } })
    }
}

fn is_plain(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}
