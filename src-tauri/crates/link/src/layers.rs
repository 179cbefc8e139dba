//! Reading, creating, saving and deleting layers.

use reqwest::multipart::{Form, Part};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::account::id_text;
use crate::answer::parse;
use crate::client::{Client, Inner};
use crate::document::WireLayer;
use crate::error::LinkError;
use crate::http::{Body, Call, Raw};
use crate::save::{LayerDocument, LayerSave, Reference, Saved, Version};
use crate::urls::{Ids, Place};
use crate::{MAX_ANSWER_BYTES, MAX_SETTINGS_BYTES};

const VERSION_HEADER: &str = "x-datalayer-version";
const REFERENCE_HEADER: &str = "x-datalayer-reference";

impl Client {
    /// A layer's file, byte for byte, and its version.
    ///
    /// # Errors
    /// [`LinkError::SignInNeeded`], [`LinkError::Refused`], [`LinkError::NotFound`] and the network's.
    pub async fn read_layer(&self, map: &str, layer: &str) -> Result<LayerDocument, LinkError> {
        let url = self.inner.place(Place::LayerView, ids(map, layer))?;
        let answer = self.inner.exchange(Call::get("reading a layer", url).large(0)).await?;
        self.inner.explain(map, layer_document(answer, None)).await
    }

    /// The versions that the server kept of a layer, newest first (uMap keeps ten).
    ///
    /// # Errors
    /// As [`Client::read_layer`].
    pub async fn versions(&self, map: &str, layer: &str) -> Result<Vec<Version>, LinkError> {
        #[derive(Deserialize)]
        struct Answer {
            versions: Vec<WireVersion>,
        }
        let action = "listing a layer's versions";
        let url = self.inner.place(Place::LayerVersions, ids(map, layer))?;
        let answer = self.inner.exchange(Call::get(action, url)).await?;
        let text = self.inner.explain(map, answer.ok_json()).await?;
        let answer: Answer = parse(action, &text)?;
        answer.versions.into_iter().map(|version| version.read(action)).collect()
    }

    /// One kept version of a layer.
    ///
    /// # Errors
    /// As [`Client::read_layer`]; [`LinkError::NotFound`] when the server does not keep it any more.
    pub async fn read_version(
        &self,
        map: &str,
        layer: &str,
        reference: &Reference,
    ) -> Result<LayerDocument, LinkError> {
        let ids = Ids { map, layer, reference: reference.as_str() };
        let url = self.inner.place(Place::LayerVersion, ids)?;
        let answer = self.inner.exchange(Call::get("reading a layer's version", url).large(0)).await?;
        self.inner.explain(map, layer_document(answer, Some(reference))).await
    }

    /// Creates a layer under a UUID of the caller's.
    ///
    /// # Errors
    /// [`LinkError::LayerExists`] when the UUID is taken, be it by a deleted layer.
    pub async fn create_layer(&self, map: &str, save: LayerSave) -> Result<Saved, LinkError> {
        self.inner.save("creating a layer", Place::LayerCreate, map, save, None).await
    }

    /// Saves a layer on top of the version that its edits are based on.
    ///
    /// # Errors
    /// [`LinkError::Conflict`] when the server cannot merge it with what it holds. After a
    /// [`LinkError::Timeout`], [`LinkError::Offline`] or [`LinkError::Server`], or when this future
    /// was dropped, it may have been saved all the same: read it back.
    pub async fn save_layer(&self, map: &str, save: LayerSave, based_on: &Reference) -> Result<Saved, LinkError> {
        self.inner.save("saving a layer", Place::LayerUpdate, map, save, Some(based_on)).await
    }

    /// Overwrites a layer whatever the server holds. Only after the user confirmed it, and after
    /// `replaced`, the server's current version, was kept on this computer (rule 29).
    ///
    /// # Errors
    /// As [`Client::save_layer`], but never a conflict.
    pub async fn force_save_layer(
        &self,
        map: &str,
        save: LayerSave,
        replaced: &LayerDocument,
    ) -> Result<Saved, LinkError> {
        tracing::debug!(replaced = %replaced.version, "overwriting a layer without a reference");
        self.inner.save("overwriting a layer", Place::LayerUpdate, map, save, None).await
    }

    /// Deletes a layer: the server keeps it, hidden. Deleting it again works.
    ///
    /// # Errors
    /// [`LinkError::Refused`], [`LinkError::NotFound`] and the network's.
    pub async fn delete_layer(&self, map: &str, layer: &str) -> Result<(), LinkError> {
        let url = self.inner.place(Place::LayerDelete, ids(map, layer))?;
        let call = Call::post("deleting a layer", url, Body::Nothing).header("x-requested-with", "XMLHttpRequest");
        let _one_save_at_a_time = self.inner.saving.lock().await;
        let answer = self.inner.exchange(call).await?;
        self.inner.explain(map, answer.ok_json()).await.map(|_| ())
    }
}

impl Inner {
    async fn save(
        &self,
        action: &'static str,
        place: Place,
        map: &str,
        save: LayerSave,
        based_on: Option<&Reference>,
    ) -> Result<Saved, LinkError> {
        check_object(action, &save.settings)?;
        if save.geojson.len() > MAX_ANSWER_BYTES {
            return Err(LinkError::TooLarge { action, limit: MAX_ANSWER_BYTES });
        }
        let url = self.place(place, ids(map, &save.id))?;
        let sends = save.geojson.len();
        let mut call = Call::post(action, url, Body::Multipart(form(save)?)).large(sends);
        if let Some(reference) = based_on {
            call = call.header(REFERENCE_HEADER, reference.as_str());
        }
        let _one_save_at_a_time = self.saving.lock().await;
        let answer = self.exchange(call).await?;
        self.explain(map, saved(answer)).await
    }
}

/// Refuses settings that the server would store as junk, or not take.
pub(crate) fn check_object(action: &'static str, settings: &str) -> Result<(), LinkError> {
    if settings.len() > MAX_SETTINGS_BYTES {
        return Err(LinkError::TooLarge { action, limit: MAX_SETTINGS_BYTES });
    }
    crate::members::Members::parse(settings)
        .map(|_| ())
        .map_err(|_| LinkError::BadArgument { action, detail: "the settings are no JSON object" })
}

/// All fields, always: the server takes a missing parent or rank for none (PROTOCOL, datalayers).
fn form(save: LayerSave) -> Result<Form, LinkError> {
    let file = Part::text(save.geojson).file_name("blob").mime_str("application/json").map_err(|_| {
        LinkError::BadArgument { action: "packing a layer", detail: "the HTTP library refuses the file" }
    })?;
    Ok(Form::new()
        .text("name", save.name)
        .text("rank", save.rank.to_string())
        .text("parent", save.parent.unwrap_or_default())
        .text("settings", save.settings)
        .text("display_on_load", if save.display_on_load { "true" } else { "false" })
        .part("geojson", file))
}

fn saved(answer: Raw) -> Result<Saved, LinkError> {
    #[derive(Deserialize)]
    struct Merged<'a> {
        #[serde(borrow, default)]
        geojson: Option<&'a RawValue>,
    }
    let (action, server_time_ms) = (answer.action, answer.server_time_ms);
    let header = answer.header(VERSION_HEADER).map(str::to_owned);
    let text = answer.ok_json()?;
    let layer = parse::<WireLayer>(action, &text)?.entry(None);
    let merged: Merged<'_> =
        serde_json::from_str(&text).map_err(|_| LinkError::protocol(action, "its merged document cannot be read"))?;
    Ok(Saved {
        version: version(action, header.or_else(|| layer.reference_version.clone()))?,
        merged: merged.geojson.map(|raw| raw.get().to_owned()),
        layer,
        server_time_ms,
    })
}

fn layer_document(answer: Raw, asked: Option<&Reference>) -> Result<LayerDocument, LinkError> {
    let (action, server_time_ms) = (answer.action, answer.server_time_ms);
    let answer = answer.ok()?;
    let header = answer.header(VERSION_HEADER).map(str::to_owned);
    let is_page = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    if is_page {
        return Err(LinkError::protocol(action, "it is a web page"));
    }
    let version = match asked {
        Some(reference) => reference.clone(),
        None => version(action, header)?,
    };
    Ok(LayerDocument { body: answer.into_text()?, version, server_time_ms })
}

fn version(action: &'static str, text: Option<String>) -> Result<Reference, LinkError> {
    let text = text.ok_or_else(|| LinkError::protocol(action, "it names no version"))?;
    Reference::new(text).map_err(|_| LinkError::protocol(action, "its version is odd"))
}

fn ids<'a>(map: &'a str, layer: &'a str) -> Ids<'a> {
    Ids { map, layer, reference: "" }
}

#[derive(Deserialize)]
struct WireVersion {
    #[serde(default)]
    name: String,
    #[serde(rename = "ref", deserialize_with = "id_text")]
    reference: String,
    #[serde(deserialize_with = "id_text")]
    at: String,
    #[serde(default)]
    size: u64,
}

impl WireVersion {
    /// Two saves within one millisecond share its number: the file of the second one has a
    /// suffix, which the server then lists as reference and time alike, though it hands the
    /// version out under `<milliseconds>_<suffix>` only. So both are read from the file's name.
    fn read(self, action: &'static str) -> Result<Version, LinkError> {
        let stem = self.name.split('.').next().unwrap_or_default();
        let named = stem.split_once('_').map_or("", |(_layer, version)| version);
        let reference = if self.at.parse::<i64>().is_ok() { self.reference } else { named.to_owned() };
        let digits = reference.split('_').next().unwrap_or_default();
        let at_ms = digits.parse().map_err(|_| LinkError::protocol(action, "a version's time is no number"))?;
        let reference = version(action, Some(reference))?;
        Ok(Version { reference, at_ms, size: self.size, name: self.name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_save_of_one_millisecond_is_listed_by_its_file() {
        let listed = r#"{"name": "ca515caf-86dd-44ae-8f7d-0e0ef3d6608e_1795469912257_hnLcRzt.geojson", "ref": "hnLcRzt", "at": "hnLcRzt", "size": 4689}"#;
        let version: WireVersion = serde_json::from_str(listed).unwrap();
        let version = version.read("listing").unwrap();
        assert_eq!(version.reference.as_str(), "1795469912257_hnLcRzt");
        assert_eq!(version.at_ms, 1_795_469_912_257);
    }
}
