//! Tiles, pictograms and pictures of the open map. The page names tiles by number and pictures by
//! what the map says; addresses are made and judged here.

use std::collections::BTreeSet;

use bivouac_link::{is_private, picture_host};
use bivouac_store::MapRecord;
use serde_json::{Map, Value};

use super::open::Open;
use super::types::{BackgroundView, Leave, PictureHost, PictureHosts, Problem};
use super::{Answer, Desk};
use crate::account::confirmed_origins;
use crate::error::{AppError, Result};
use crate::pictures::{Missing, Template, Wanted};

/// So many pictograms of one map are loaded ahead.
const MOST_AHEAD: usize = 500;

impl Desk {
    /// The background of the open map; `None` when neither it nor its server names one.
    ///
    /// # Errors
    /// When no map is open, or its file cannot be read.
    pub fn background(&self) -> Answer<Option<BackgroundView>> {
        let open = self.opened()?;
        let (template, record) = template(&open)?;
        let Some(template) = template else { return Ok(None) };
        let Some(sample) = template.tile(0, 0, 0) else { return Ok(None) };
        let confirmed = self.confirmed(&record);
        let leave = match self.pictures.may(&sample, &confirmed) {
            Some(true) => Leave::Yes,
            Some(false) => Leave::No,
            None if is_private(&sample).unwrap_or(true) => Leave::Private,
            None => Leave::Unasked,
        };
        let host = template.host();
        Ok(Some(BackgroundView {
            key: format!("{} {}", template.address, template.tms),
            name: template.name,
            attribution: template.attribution,
            min_zoom: template.min_zoom,
            max_zoom: template.max_zoom,
            host,
            leave,
            online: self.may_load(&open, &record),
        }))
    }

    /// A tile of the background, counted from the north-west.
    ///
    /// # Errors
    /// Why it is not shown: `picture_…`.
    pub fn tile(&self, zoom: u32, column: u32, row: u32) -> Answer<Vec<u8>> {
        let open = self.opened()?;
        let (template, record) = template(&open)?;
        let address = template.and_then(|template| template.tile(zoom, column, row));
        self.look(&open, &record, &address.ok_or_else(|| missing(Missing::Nothing))?, true)
    }

    /// A pictogram or a picture in a text, by what the map says: an address, or the end of one on
    /// the map's own server.
    ///
    /// # Errors
    /// Why it is not shown: `picture_…`.
    pub fn picture(&self, said: &str) -> Answer<Vec<u8>> {
        let open = self.opened()?;
        let record = open.read(|store| Ok(store.map()?))?;
        self.look(&open, &record, &complete(said, &record).ok_or_else(|| missing(Missing::Nothing))?, false)
    }

    /// Loads the pictograms of the open map, so that they are there without a network; gives the
    /// number of those that are.
    ///
    /// # Errors
    /// When no map is open, or its file cannot be read.
    pub fn keep_pictograms(&self) -> Answer<u64> {
        let open = self.opened()?;
        let said = open.draw(|drawing, store| drawing.pictograms(store))?;
        let record = open.read(|store| Ok(store.map()?))?;
        let mut kept = 0;
        for address in said.iter().filter_map(|said| complete(said, &record)).take(MOST_AHEAD) {
            kept += u64::from(self.look(&open, &record, &address, false).is_ok());
        }
        Ok(kept)
    }

    /// What was said about hosts.
    #[must_use]
    pub fn picture_hosts(&self) -> PictureHosts {
        let hosts = self.pictures.hosts();
        let one = |(host, allowed): (&str, bool)| PictureHost { host: host.to_owned(), allowed };
        let hosts: Vec<PictureHost> = hosts.all().map(one).collect();
        PictureHosts { hosts, bytes: self.pictures.kept() }
    }

    /// Says whether a host may be asked for pictures; `None` takes that back.
    ///
    /// # Errors
    /// When it is no host, or it cannot be written.
    pub fn allow_host(&self, host: &str, allowed: Option<bool>) -> Answer<()> {
        if picture_host(&format!("https://{host}")).ok().as_deref() != Some(host) {
            return Err(AppError::bad("allow a host", "it is no name of one").into());
        }
        Ok(self.pictures.allow(host, allowed)?)
    }

    /// Forgets every kept picture.
    pub fn clear_pictures(&self) {
        self.pictures.clear();
    }

    fn look(&self, open: &Open, record: &MapRecord, address: &str, tile: bool) -> Answer<Vec<u8>> {
        let confirmed = self.confirmed(record);
        let (online, now_ms) = (self.may_load(open, record), self.work.surroundings.now_ms());
        let wanted = Wanted { address, tile, confirmed: &confirmed, online, now_ms };
        self.pictures.get(&wanted).map_err(missing)
    }

    /// The origins that the user takes maps from: they need no leave.
    fn confirmed(&self, record: &MapRecord) -> BTreeSet<String> {
        let mut confirmed = confirmed_origins(self.library.root());
        confirmed.extend(record.server.clone());
        confirmed
    }

    /// "Work offline" holds for pictures too; a map on no server has no such switch.
    fn may_load(&self, open: &Open, record: &MapRecord) -> bool {
        let room = open.room.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        record.server.is_none() || open.seat.is_err() || room.online
    }
}

/// The map's own background, else the one that its server shows where maps name none.
fn template(open: &Open) -> Result<(Option<Template>, MapRecord)> {
    open.read(|store| {
        let (record, settings) = (store.map()?, crate::sync::settings(store)?);
        let own = settings.get("tilelayer").and_then(Value::as_object).and_then(Template::read);
        let facts: Map<String, Value> =
            record.urls.as_deref().and_then(|urls| serde_json::from_str(urls).ok()).unwrap_or_default();
        let servers = || facts.get("tilelayer").and_then(Value::as_object).and_then(Template::read);
        Ok((own.or_else(servers), record))
    })
}

/// What a map says, as a complete address.
fn complete(said: &str, record: &MapRecord) -> Option<String> {
    let said = said.trim();
    if said.starts_with('/') && !said.starts_with("//") {
        return Some(format!("{}{said}", record.server.as_deref()?));
    }
    picture_host(said).is_ok().then(|| said.to_owned())
}

fn missing(why: Missing) -> Problem {
    let (code, detail) = match &why {
        Missing::Unasked(host) => ("picture_unasked", Some(host.clone())),
        Missing::Refused(host) => ("picture_refused", Some(host.clone())),
        Missing::Private(host) => ("picture_private", Some(host.clone())),
        Missing::Offline => ("picture_offline", None),
        Missing::Nothing => ("picture_nothing", None),
    };
    Problem { detail, ..Problem::new(code, why.to_string()) }
}
