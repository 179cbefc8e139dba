//! Signing in through a server's own page: which page, and what its cookies are worth. The window
//! that shows it belongs to the shell.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bivouac_link::{Cookie, SavedCookies, find_map};

use super::types::DeskEvent;
use super::work::Leave;
use super::{Answer, Desk};
use crate::error::AppError;

/// uMap's cookies that make a session; whatever else the page sets stays there.
const SESSION: [&str; 2] = ["sessionid", "csrftoken"];
/// Asking who is signed in takes no longer.
const LIMIT: Duration = Duration::from_secs(20);

impl Desk {
    /// The address of the sign-in page of a server, which may be named by one of its maps; plain
    /// http only to this computer or where the user confirmed it.
    ///
    /// # Errors
    /// When it is no server that may be talked to.
    pub fn sign_in_page(&self, server: &str, allow_http: bool) -> Answer<String> {
        let server = find_map(server).map_or_else(|_| server.trim().to_owned(), |map| map.server);
        let host = self.work.host(None);
        let vault = self.work.vault(&host);
        let leave = Leave { allow_http, ..Leave::default() };
        let server = self.work.door(&host, &vault, &leave).client(&server)?.server();
        Ok(format!("{server}/en/login/"))
    }

    /// Tries cookies of a server's page; whoever they sign in is kept and told as
    /// [`DeskEvent::SignedIn`]. Nobody is signed in yet: `None`.
    ///
    /// # Errors
    /// When the server cannot be asked, or the session cannot be kept.
    pub fn try_session(&self, server: &str, cookies: Vec<Cookie>) -> Answer<Option<String>> {
        let cookies: Vec<Cookie> =
            cookies.into_iter().filter(|cookie| SESSION.contains(&cookie.name.as_str())).collect();
        if !cookies.iter().any(|cookie| cookie.name == "sessionid") {
            return Ok(None);
        }
        let host = self.work.host(None);
        let vault = self.work.vault(&host);
        let door = self.work.door(&host, &vault, &Leave::default());
        let client = door.client(server)?;
        client
            .restore_cookies(SavedCookies { server: client.server(), signed_in: true, cookies })
            .map_err(AppError::from)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(AppError::io("start the runtime of a request"))?;
        let late = || AppError::Offline("ask who is signed in: no answer in time".to_owned());
        let who = runtime.block_on(async { tokio::time::timeout(LIMIT, client.whoami()).await });
        let Some(user) = who.map_err(|_| late())?.map_err(AppError::from)? else { return Ok(None) };
        door.keep_user(&client, &user.name)?;
        self.tell(DeskEvent::SignedIn { server: client.server(), user: user.name.clone() });
        Ok(Some(user.name))
    }
}

/// A cookie as a webview gives it; `expires_s` is in seconds since 1970.
#[must_use]
pub fn cookie(name: &str, value: &str, expires_s: Option<i64>) -> Cookie {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let past = expires_s.is_some_and(|end| u64::try_from(end).map_or(true, |end| end < now));
    let value = if past { String::new() } else { value.to_owned() };
    Cookie { name: name.to_owned(), value, expires_ms: expires_s.map(|end| end.saturating_mul(1_000)) }
}
