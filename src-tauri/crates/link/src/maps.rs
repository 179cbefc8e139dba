//! Reading, creating, saving, sharing and deleting maps, and the token for a map's room.

use reqwest::multipart::Form;
use serde::Deserialize;

use crate::account::id_text;
use crate::answer::parse;
use crate::client::{Client, Inner};
use crate::document::MapDocument;
use crate::error::LinkError;
use crate::http::{Body, Call, lock};
use crate::layers::check_object;
use crate::secret::Secret;
use crate::types::{CreatedMap, LonLat, NewMap, Permissions, PermissionsSave, SavedSettings, Settings};
use crate::urls::{Ids, Place, Urls};

impl Client {
    /// A map's document. Its address templates are used for every later call.
    ///
    /// # Errors
    /// [`LinkError::SignInNeeded`], [`LinkError::Refused`] (also for a deleted map),
    /// [`LinkError::NotFound`] and the network's.
    pub async fn read_map(&self, map: &str) -> Result<MapDocument, LinkError> {
        let action = "reading the map";
        let url = self.inner.place(Place::MapGeojson, ids(map))?;
        let answer = self.inner.exchange(Call::get(action, url).large(0)).await?;
        let time = answer.server_time_ms;
        let text = self.inner.explain(map, answer.ok_json()).await?;
        let mut document = MapDocument::read(action, &text, time)?;
        if let Some(link) = &mut document.permissions.anonymous_edit_url {
            *link = Secret::new(self.inner.full(link.expose()));
        }
        *lock(&self.inner.urls) = Urls::new(document.urls.clone());
        Ok(document)
    }

    /// Creates a map: the signed-in user's own, or an anonymous one with a secret edit link, whose
    /// right this client's cookies hold at once.
    ///
    /// # Errors
    /// [`LinkError::SignInNeeded`] when the server takes no anonymous maps; [`LinkError::Form`].
    pub async fn create_map(&self, new: NewMap) -> Result<CreatedMap, LinkError> {
        let action = "creating a map";
        let url = self.inner.place(Place::MapCreate, Ids::default())?;
        let fields = fields(action, new.name, new.center, &new.settings, &new.tags, new.is_template)?;
        let (made, server_time_ms) = self.inner.post_map(Call::post(action, url, fields), "").await?;
        Ok(CreatedMap {
            url: self.inner.full(&made.url),
            anonymous_edit_url: made.edit_url(&self.inner),
            id: made.id,
            permissions: made.permissions,
            server_time_ms,
        })
    }

    /// Saves a map's settings. They have no version: fetch, merge, save, read back (rule 30).
    ///
    /// # Errors
    /// [`LinkError::SignInNeeded`], [`LinkError::Refused`], [`LinkError::Form`] and the network's.
    pub async fn save_settings(&self, map: &str, new: Settings) -> Result<SavedSettings, LinkError> {
        let action = "saving the map's settings";
        let url = self.inner.place(Place::MapUpdate, ids(map))?;
        let fields = fields(action, new.name, new.center, &new.settings, &new.tags, new.is_template)?;
        let (saved, server_time_ms) = self.inner.post_map(Call::post(action, url, fields), map).await?;
        Ok(SavedSettings { url: self.inner.full(&saved.url), permissions: saved.permissions, server_time_ms })
    }

    /// Sets who may see and edit a map.
    ///
    /// # Errors
    /// As [`Client::save_settings`].
    pub async fn save_permissions(&self, map: &str, new: PermissionsSave) -> Result<(), LinkError> {
        let url = self.inner.place(Place::MapPermissions, ids(map))?;
        let body = Body::Form(permission_fields(new));
        let _one_save_at_a_time = self.inner.saving.lock().await;
        let answer = self.inner.exchange(Call::post("sharing the map", url, body)).await?;
        self.inner.explain(map, answer.ok_json()).await.map(|_| ())
    }

    /// Deletes a map, which only its owner may. The server keeps it, hidden.
    ///
    /// # Errors
    /// As [`Client::save_settings`].
    pub async fn delete_map(&self, map: &str) -> Result<(), LinkError> {
        let url = self.inner.place(Place::MapDelete, ids(map))?;
        let call = Call::post("deleting the map", url, Body::Nothing).header("x-requested-with", "XMLHttpRequest");
        let _one_save_at_a_time = self.inner.saving.lock().await;
        let answer = self.inner.exchange(call).await?;
        self.inner.explain(map, answer.ok_json()).await.map(|_| ())
    }

    /// A token for the map's room, good for 30 seconds.
    ///
    /// # Errors
    /// [`LinkError::SignInNeeded`] and [`LinkError::Refused`] when there is no right to edit: an
    /// answer counts only if it holds a token (rule 49).
    pub async fn ws_token(&self, map: &str) -> Result<Secret, LinkError> {
        #[derive(Deserialize)]
        struct Answer {
            token: String,
        }
        let action = "asking for the room's token";
        let url = self.inner.place(Place::WsToken, ids(map))?;
        let answer = self.inner.exchange(Call::get(action, url)).await?;
        let text = self.inner.explain(map, answer.ok_json()).await?;
        parse::<Answer>(action, &text).map(|answer| Secret::new(answer.token))
    }
}

/// The answer to a created map and to saved settings.
#[derive(Deserialize)]
struct WireSaved {
    #[serde(deserialize_with = "id_text")]
    id: String,
    url: String,
    permissions: Permissions,
}

impl WireSaved {
    fn edit_url(&self, inner: &Inner) -> Option<Secret> {
        let link = self.permissions.anonymous_edit_url.as_ref()?;
        Some(Secret::new(inner.full(link.expose())))
    }
}

impl Inner {
    async fn post_map(&self, call: Call, map: &str) -> Result<(WireSaved, Option<i64>), LinkError> {
        let action = call.action;
        let _one_save_at_a_time = self.saving.lock().await;
        let answer = self.exchange(call).await?;
        let time = answer.server_time_ms;
        let text = self.explain(map, answer.ok_json()).await?;
        Ok((parse(action, &text)?, time))
    }

    /// An address of the server's with its origin.
    fn full(&self, url: &str) -> String {
        self.root.join(url).map_or_else(|_| url.to_owned(), String::from)
    }
}

fn fields(
    action: &'static str,
    name: String,
    center: LonLat,
    settings: &str,
    tags: &[String],
    is_template: bool,
) -> Result<Body, LinkError> {
    check_object(action, settings)?;
    let bad = |detail| LinkError::BadArgument { action, detail };
    if !center.lon.is_finite() || !center.lat.is_finite() {
        return Err(bad("the centre is no position"));
    }
    if tags.iter().any(|tag| tag.contains(',')) {
        return Err(bad("a tag cannot hold a comma"));
    }
    let point = serde_json::json!({ "type": "Point", "coordinates": [center.lon, center.lat] });
    let feature = format!(r#"{{"type":"Feature","geometry":{point},"properties":{settings}}}"#);
    // Multipart, because in a url-encoded form JSON takes three times its size of the server's limit.
    Ok(Body::Multipart(
        Form::new()
            .text("name", name)
            .text("center", point.to_string())
            .text("settings", feature)
            .text("tags", tags.join(","))
            .text("is_template", is_template.to_string()),
    ))
}

fn permission_fields(new: PermissionsSave) -> Vec<(&'static str, String)> {
    let (edit_status, share_status) = match &new {
        PermissionsSave::Owned { edit_status, share_status, .. }
        | PermissionsSave::Anonymous { edit_status, share_status } => (*edit_status, *share_status),
    };
    let mut fields =
        vec![("edit_status", edit_status.number().to_string()), ("share_status", share_status.number().to_string())];
    if let PermissionsSave::Owned { owner, editors, team, .. } = new {
        fields.push(("owner", owner));
        fields.extend(editors.into_iter().map(|editor| ("editors", editor)));
        fields.extend(team.map(|team| ("team", team)));
    }
    fields
}

fn ids(map: &str) -> Ids<'_> {
    Ids { map, ..Ids::default() }
}
