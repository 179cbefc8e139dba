//! One HTTP exchange: cookies, CSRF, Referer, limits and the server's clock, with no redirect followed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use reqwest::header::{COOKIE, DATE, HeaderMap, HeaderValue, REFERER, SET_COOKIE};
use reqwest::{Method, RequestBuilder, Response, Url, multipart};
use tokio::time::timeout;

use crate::MAX_ANSWER_BYTES;
use crate::client::{Inner, ServerTime};
use crate::cookies::{Cookie, to_ms};
use crate::error::LinkError;

/// A small exchange is over in this time, and no silence of a large one is longer.
const QUIET: Duration = Duration::from_secs(30);
/// A large exchange has this time beside what its bytes need.
const LARGE: Duration = Duration::from_secs(120);
/// The slowest network that layers are carried over, in bytes a second: a weak mobile one.
const SLOWEST: u64 = 2048;
const CSRF_COOKIE: &str = "csrftoken";

/// What goes along with a POST.
pub(crate) enum Body {
    Nothing,
    Form(Vec<(&'static str, String)>),
    Multipart(multipart::Form),
}

/// One request.
pub(crate) struct Call {
    pub action: &'static str,
    pub url: Url,
    pub headers: Vec<(&'static str, String)>,
    /// How many bytes a large one sends; `None` for a small one.
    large: Option<usize>,
    /// `None` is a GET.
    body: Option<Body>,
}

impl Call {
    pub(crate) fn get(action: &'static str, url: Url) -> Self {
        Self { action, url, headers: Vec::new(), large: None, body: None }
    }

    pub(crate) fn post(action: &'static str, url: Url, body: Body) -> Self {
        Self { action, url, headers: Vec::new(), large: None, body: Some(body) }
    }

    /// Gives it the time that a layer may take, of which so many bytes are sent.
    pub(crate) fn large(mut self, sends: usize) -> Self {
        self.large = Some(sends);
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// One answer, read to its end.
pub(crate) struct Raw {
    pub action: &'static str,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub server_time_ms: Option<i64>,
}

impl Raw {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn into_text(self) -> Result<String, LinkError> {
        String::from_utf8(self.body).map_err(|_| LinkError::protocol(self.action, "it is not UTF-8"))
    }
}

impl Inner {
    /// Sends a request and reads the whole answer, whatever its status.
    pub(crate) async fn exchange(&self, call: Call) -> Result<Raw, LinkError> {
        let action = call.action;
        let begun = Instant::now();
        let patience = call.large.map(Patience::new);
        let answered = self.request(call)?.send();
        let response = match &patience {
            Some(patience) => timeout(patience.first, answered).await.map_err(|_| LinkError::Timeout { action })?,
            None => answered.await,
        };
        let response = response.map_err(|e| failed(action, &e))?;
        self.take_cookies(response.headers());
        let server_time_ms = self.take_time(response.headers());
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = read_body(action, response, patience).await?;
        let (took_ms, bytes) = (begun.elapsed().as_millis() as u64, body.len());
        tracing::debug!(action, status, bytes, took_ms, "answered");
        Ok(Raw { action, status, headers, body, server_time_ms })
    }

    fn request(&self, call: Call) -> Result<RequestBuilder, LinkError> {
        let is_post = call.body.is_some();
        let method = if is_post { Method::POST } else { Method::GET };
        let mut headers = HeaderMap::new();
        if self.root.scheme() == "https" {
            // Django refuses a POST over https without a Referer of its own origin.
            headers.insert(REFERER, value(call.action, self.root.as_str())?);
        }
        if is_post {
            headers.insert("x-csrftoken", value(call.action, &self.csrf_token())?);
        }
        for (name, text) in &call.headers {
            headers.insert(*name, value(call.action, text)?);
        }
        if let Some(cookies) = lock(&self.jar).header(SystemTime::now()) {
            let mut cookies = value(call.action, &cookies)?;
            cookies.set_sensitive(true);
            headers.insert(COOKIE, cookies);
        }
        let mut request = self.http.request(method, call.url).headers(headers);
        if call.large.is_none() {
            request = request.timeout(QUIET);
        }
        Ok(match call.body {
            None => request,
            // Without a length some proxies refuse a POST.
            Some(Body::Nothing) => request.body(""),
            Some(Body::Form(fields)) => request.form(&fields),
            Some(Body::Multipart(form)) => request.multipart(form),
        })
    }

    /// The token of the cookie, self-made when the server has set none: uMap compares the two.
    pub(crate) fn csrf_token(&self) -> String {
        let mut jar = lock(&self.jar);
        if let Some(token) = jar.get(CSRF_COOKIE, SystemTime::now()) {
            return token.to_owned();
        }
        let token = uuid::Uuid::new_v4().simple().to_string();
        jar.put(Cookie { name: CSRF_COOKIE.to_owned(), value: token.clone(), expires_ms: None });
        token
    }

    fn take_cookies(&self, headers: &HeaderMap) {
        let host = self.root.host_str().unwrap_or_default();
        let is_https = self.root.scheme() == "https";
        let mut jar = lock(&self.jar);
        for header in headers.get_all(SET_COOKIE) {
            if let Ok(text) = header.to_str() {
                jar.accept(text, host, is_https, SystemTime::now());
            }
        }
    }

    fn take_time(&self, headers: &HeaderMap) -> Option<i64> {
        let text = headers.get(DATE)?.to_str().ok()?;
        let server_ms = to_ms(httpdate::parse_http_date(text).ok()?);
        *lock(&self.server_time) = Some(ServerTime { server_ms, received: Instant::now() });
        Some(server_ms)
    }
}

/// A lock whose holder panicked is taken all the same: what it guards is replaced whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn value(action: &'static str, text: &str) -> Result<HeaderValue, LinkError> {
    HeaderValue::from_str(text)
        .map_err(|_| LinkError::BadArgument { action, detail: "a header cannot hold what was given" })
}

/// How long a large exchange may take: what counts is that bytes move, for a layer of megabytes
/// takes minutes over a weak network, and a cut cable must not be waited for as long.
struct Patience {
    /// Until the answer begins.
    first: Duration,
    begun: tokio::time::Instant,
}

impl Patience {
    fn new(sends: usize) -> Self {
        Self { first: QUIET + needed(sends), begun: tokio::time::Instant::now() }
    }

    /// Until the next part of an answer of which there are `received` bytes.
    fn next(&self, received: usize) -> Duration {
        let all = LARGE + self.first + needed(received);
        QUIET.min(all.saturating_sub(self.begun.elapsed()))
    }
}

fn needed(bytes: usize) -> Duration {
    Duration::from_secs(bytes as u64 / SLOWEST)
}

async fn read_body(
    action: &'static str,
    mut response: Response,
    patience: Option<Patience>,
) -> Result<Vec<u8>, LinkError> {
    let too_large = LinkError::TooLarge { action, limit: MAX_ANSWER_BYTES };
    let announced = response.content_length().unwrap_or(0);
    if announced > MAX_ANSWER_BYTES as u64 {
        return Err(too_large);
    }
    let mut body = Vec::with_capacity(announced.min(1 << 20) as usize);
    loop {
        let next = response.chunk();
        let next = match &patience {
            Some(patience) => {
                timeout(patience.next(body.len()), next).await.map_err(|_| LinkError::Timeout { action })?
            }
            None => next.await,
        };
        let Some(chunk) = next.map_err(|e| failed(action, &e))? else { return Ok(body) };
        // Counted after decompression, so a small bomb does not become a large allocation.
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(too_large);
        }
        body.extend_from_slice(&chunk);
    }
}

/// What kept a request from being answered. The outer error is dropped, because it names the URL.
fn failed(action: &'static str, error: &reqwest::Error) -> LinkError {
    if error.is_timeout() {
        return LinkError::Timeout { action };
    }
    why_unreachable(action, error)
}

/// Tells TLS, name resolution and the rest apart by the chain of causes.
pub(crate) fn why_unreachable(action: &'static str, error: &(dyn std::error::Error + 'static)) -> LinkError {
    let mut innermost = None;
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(tls) = tls_error(inner) {
            return LinkError::Tls { action, detail: tls.to_string() };
        }
        // hyper-util's connector has no public type for this step.
        if inner.to_string().starts_with("dns error") {
            return LinkError::Dns { action };
        }
        innermost = Some(inner);
        cause = inner.source();
    }
    let detail = innermost.map_or_else(|| "the connection failed".to_owned(), ToString::to_string);
    LinkError::Offline { action, detail }
}

/// A TLS error, also when it hides in I/O errors.
pub(crate) fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(tls);
    }
    // An I/O error passes over what it wraps when asked for its source, so it is opened here.
    let wrapped = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    tls_error(wrapped)
}
