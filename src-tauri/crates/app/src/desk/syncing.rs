//! Online and offline, and where that stands.

use std::sync::PoisonError;

use bivouac_journal::wire::Here;
use bivouac_link::{Secret, find_map};

use super::stay::Wish;
use super::types::{LogLine, SignIn, Spot, SyncView};
use super::work::Leave;
use super::{Answer, Desk};
use crate::account::{Account, is_edit_link};
use crate::error::{AppError, Result};

/// Lines of the log of synchronising that are given at once.
const LINES: usize = 200;

impl Desk {
    /// Where synchronising stands.
    ///
    /// # Errors
    /// When no map is open, or its file cannot be read.
    pub fn sync_view(&self) -> Answer<SyncView> {
        let open = self.opened()?;
        Ok(open.read(|store| {
            let (record, counts, peers) = (store.map()?, store.counts()?, store.peers()?);
            let mut room = open.room.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(room.view(&record, &counts, &peers))
        })?)
    }

    /// Goes online, and stays so until told otherwise; what comes of it is told as events.
    ///
    /// # Errors
    /// When the map is on no server, or open for reading only.
    pub fn go_online(&self) -> Answer<()> {
        Ok(self.online(Wish::default())?)
    }

    /// Goes offline; the map stays open and is edited on.
    ///
    /// # Errors
    /// When the map is open for reading only.
    pub fn go_offline(&self) -> Answer<()> {
        self.opened()?.seat()?.offline();
        Ok(())
    }

    /// Sends and saves now what a pause would have been waited for.
    ///
    /// # Errors
    /// When the map is open for reading only.
    pub fn save_now(&self) -> Answer<()> {
        self.opened()?.seat()?.save_now();
        Ok(())
    }

    /// Opens the map with another right from now on, and goes online.
    ///
    /// # Errors
    /// When what was given is no right of this map's.
    pub fn sign_in(&self, with: &SignIn) -> Answer<()> {
        let open = self.opened()?;
        let record = open.read(|store| Ok(store.map()?))?;
        let given = |text: &Option<String>| text.clone().map(|text| text.trim().to_owned()).filter(|t| !t.is_empty());
        let leave = Leave {
            password: with.password.as_deref().filter(|text| !text.is_empty()).map(Secret::new),
            keep_password: with.keep_password,
            allow_http: with.allow_http,
        };
        let server = given(&with.server);
        let account = match (given(&with.user), given(&with.edit_link)) {
            (Some(_), Some(_)) => {
                return Err(AppError::bad("sign in", "give either a user or an edit link").into());
            }
            (Some(user), None) => Some(Account::User(user)),
            (None, Some(link)) => {
                self.keep_link(&record, &link, &leave)?;
                Some(Account::EditLink)
            }
            (None, None) => None,
        };
        let server = match server {
            Some(server) => {
                let host = self.work.host(None);
                let vault = self.work.vault(&host);
                Some(self.work.door(&host, &vault, &leave).client(&server)?.server())
            }
            None => None,
        };
        Ok(self.online(Wish { account, server, leave })?)
    }

    /// Tells other Bivouacs where the user looks; with nothing at all to be seen no more. Nobody
    /// waits for it, nothing of it is kept, and without a map or a room it goes nowhere.
    pub fn here(&self, at: Option<Spot>, selected: Option<Vec<String>>) {
        let Ok(open) = self.opened() else { return };
        let Ok(seat) = open.seat() else { return };
        let millionths = |degrees: f64| (degrees * 1e6).round() as i64;
        let at = at.map(|at| (millionths(at.lon), millionths(at.lat)));
        let seen = at.is_some() || selected.is_some();
        seat.here(seen.then(|| Here { at, selected: selected.unwrap_or_default() }));
    }

    /// What happened during synchronising, the latest first, before that line.
    ///
    /// # Errors
    /// When no map is open, or its file cannot be read.
    pub fn sync_log(&self, before: Option<i64>) -> Answer<Vec<LogLine>> {
        let events = self.opened()?.read(|store| Ok(store.events_before(before, LINES)?))?;
        let words = |detail: &str| serde_json::from_str::<String>(detail).unwrap_or_else(|_| detail.to_owned());
        let line = |event: bivouac_store::Event| LogLine {
            id: event.id,
            at: event.at,
            detail: words(&event.detail),
            code: event.kind,
        };
        Ok(events.into_iter().map(line).collect())
    }

    fn online(&self, wish: Wish) -> Result<()> {
        let open = self.opened()?;
        let server = open.read(|store| Ok(store.map()?.server))?;
        if server.is_none() && wish.server.is_none() {
            return Err(AppError::bad("go online", "the map is on no server: say which"));
        }
        open.seat()?.online(wish);
        Ok(())
    }

    fn keep_link(&self, record: &bivouac_store::MapRecord, link: &str, leave: &Leave) -> Result<()> {
        let what = "use the secret edit link";
        let (Some(server), Some(id)) = (&record.server, record.server_map_id) else {
            return Err(AppError::bad(what, "the map is on no server yet"));
        };
        let address = find_map(link)?;
        if !is_edit_link(link) || address.server != *server || address.id != id.to_string() {
            return Err(AppError::bad(what, "it is none of this map's"));
        }
        let host = self.work.host(None);
        let vault = self.work.vault(&host);
        self.work.door(&host, &vault, leave).keep_link(server, &address.id, &Secret::new(link))
    }
}
