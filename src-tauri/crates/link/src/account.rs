//! Signing in and out, who is signed in, and the secret edit link of a map without an account.

use std::sync::atomic::Ordering;
use std::time::SystemTime;

use reqwest::Url;
use serde::{Deserialize, Deserializer};

use crate::answer::parse;
use crate::client::{Client, Inner};
use crate::error::LinkError;
use crate::http::{Body, Call, lock};
use crate::map_url::{MapRef, find_map};
use crate::policy::origin_of;
use crate::urls::{Ids, Place};

/// Somebody (or a team) as a map's permissions name them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Person {
    /// The server's number.
    #[serde(deserialize_with = "id_text")]
    pub id: String,
    /// The shown name.
    #[serde(default)]
    pub name: String,
}

/// Whoever is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// The server's number.
    #[serde(deserialize_with = "id_text")]
    pub id: String,
    /// The shown name.
    pub name: String,
    /// The teams.
    #[serde(default)]
    pub teams: Vec<Person>,
    /// Whether the map that this came with is theirs.
    #[serde(default)]
    pub is_owner: bool,
}

impl Client {
    /// Signs in with a user name and a password; the session lives in the cookies from then on.
    ///
    /// # Errors
    /// [`LinkError::WrongPassword`]; [`LinkError::Protocol`] when the server has no such sign-in
    /// (it may use providers only).
    pub async fn sign_in(&self, user: &str, password: &str) -> Result<User, LinkError> {
        let action = "signing in";
        let inner = &self.inner;
        let url = inner.place(Place::Login, Ids::default())?;
        // The page sets the CSRF cookie, and says whether passwords are taken at all.
        let page = inner.exchange(Call::get(action, url.clone())).await?.ok()?.into_text()?;
        if !page.contains("\"password\"") {
            return Err(LinkError::protocol(action, "the server takes no passwords"));
        }
        let fields = vec![("username", user.to_owned()), ("password", password.to_owned())];
        let answer = inner.exchange(Call::post(action, url, Body::Form(fields))).await?;
        match answer.status {
            302 => {}
            200 => return Err(LinkError::WrongPassword),
            _ => {
                answer.ok()?;
                return Err(LinkError::protocol(action, "an unexpected status"));
            }
        }
        inner.signed_in.store(true, Ordering::Relaxed);
        let user = inner.who().await?;
        user.ok_or_else(|| LinkError::protocol(action, "it said yes, yet nobody is signed in"))
    }

    /// Ends the session on the server and forgets it here; edit links of anonymous maps stay.
    ///
    /// # Errors
    /// When the server cannot be asked. The session is forgotten here all the same.
    pub async fn sign_out(&self) -> Result<(), LinkError> {
        let url = self.inner.place(Place::Logout, Ids::default())?;
        let result = self.inner.exchange(Call::get("signing out", url)).await;
        self.inner.signed_in.store(false, Ordering::Relaxed);
        lock(&self.inner.jar).remove("sessionid");
        let answer = result?;
        if (300..400).contains(&answer.status) { Ok(()) } else { answer.ok().map(|_| ()) }
    }

    /// Who is signed in, by the server's own word.
    ///
    /// # Errors
    /// When the server cannot be asked or answers nonsense.
    pub async fn whoami(&self) -> Result<Option<User>, LinkError> {
        self.inner.who().await
    }

    /// Opens an anonymous map's secret edit link: the right to edit is a cookie from then on.
    ///
    /// # Errors
    /// [`LinkError::Refused`] when the server does not accept the link; [`LinkError::BadArgument`]
    /// when it is none, or one of another server.
    pub async fn open_edit_link(&self, url: &str) -> Result<MapRef, LinkError> {
        let action = "opening the edit link";
        let mut map = find_map(url)?;
        let bad = |detail| LinkError::BadArgument { action, detail };
        if !map.is_edit_link {
            return Err(bad("it is no secret edit link"));
        }
        let url = Url::parse(url.trim()).map_err(|_| bad("it is no complete web address"))?;
        if origin_of(&url) != self.server() {
            return Err(bad("it leads to another server"));
        }
        let answer = self.inner.exchange(Call::get(action, url)).await?;
        if answer.status != 302 {
            answer.ok()?;
            return Err(LinkError::protocol(action, "the link leads nowhere"));
        }
        let name = format!("anonymous_owner|{}", map.id);
        if lock(&self.inner.jar).get(&name, SystemTime::now()).is_none() {
            return Err(LinkError::protocol(action, "it came without the right to edit"));
        }
        let place = answer.header("location").and_then(|to| self.inner.root.join(to).ok());
        if let Some(there) = place.and_then(|place| find_map(place.as_str()).ok()) {
            map.slug = there.slug;
        }
        Ok(map)
    }
}

impl Inner {
    pub(crate) async fn who(&self) -> Result<Option<User>, LinkError> {
        #[derive(Deserialize)]
        struct Answer {
            user: Option<User>,
        }
        let action = "asking who is signed in";
        let url = self.place(Place::Whoami, Ids::default())?;
        let answer = self.exchange(Call::get(action, url)).await?;
        match answer.ok_json() {
            Ok(text) => Ok(parse::<Answer>(action, &text)?.user),
            Err(LinkError::SignInNeeded { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }
}

/// An id that the server writes as a number or as a text.
pub(crate) fn id_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Number(u64),
        Text(String),
    }
    Ok(match Id::deserialize(deserializer)? {
        Id::Number(number) => number.to_string(),
        Id::Text(text) => text,
    })
}
