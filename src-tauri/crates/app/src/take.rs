//! Taking a map offline: its settings and every layer over HTTP into a new file, which becomes a
//! map of this laptop only when it is whole.

use std::cell::RefCell;

use bivouac_link::{Client, MapDocument, MapRef, Secret, find_map};
use bivouac_store::{Error as StoreError, NewMap, Store};

use crate::account::{Account, Door};
use crate::error::{AppError, Result};
use crate::host::Progress;
use crate::library::{FILE, Library, OpenMap, clock_id, fresh_uuid};
use crate::online::server_map;

/// Which map, and with whose rights.
#[derive(Clone, Debug)]
pub struct Request {
    /// The map's address.
    pub url: String,
    /// Whose rights.
    pub account: Account,
    /// The secret edit link, when that is the right.
    pub edit_link: Option<Secret>,
}

/// What was read of a map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// How many layers were read.
    pub layers: usize,
}

impl Request {
    /// Reads what a user gave: an address, and a user name or a secret edit link.
    ///
    /// # Errors
    /// When both are given, or the link is none.
    pub fn new(url: &str, user: Option<&str>, edit_link: Option<&str>) -> Result<Self> {
        let what = "take the map offline";
        let is_link = |text: &str| crate::account::is_edit_link(text);
        let (account, edit_link) = match (user, edit_link) {
            (Some(_), Some(_)) => {
                return Err(AppError::bad(what, "give either a user or an edit link"));
            }
            (_, Some(link)) if !is_link(link) => {
                return Err(AppError::bad(what, "this is no secret edit link"));
            }
            (None, Some(link)) => (Account::EditLink, Some(Secret::new(link))),
            (Some(user), None) if user.trim().is_empty() => {
                return Err(AppError::bad(what, "the user name is empty"));
            }
            (Some(user), None) => (Account::User(user.trim().to_owned()), None),
            (None, None) if is_link(url) => (Account::EditLink, Some(Secret::new(url))),
            (None, None) => (Account::Nobody, None),
        };
        Ok(Self { url: url.to_owned(), account, edit_link })
    }
}

/// Takes a map offline.
///
/// # Errors
/// When it is on this laptop already, the server refuses, or the user stops it; nothing is left then.
pub async fn take(library: &Library, request: &Request, door: &Door<'_>) -> Result<OpenMap> {
    let address = find_map(&request.url)?;
    if let Some(link) = &request.edit_link {
        let other = find_map(link.expose())?;
        if (&other.server, &other.id) != (&address.server, &address.id) {
            return Err(AppError::bad("take the map offline", "the edit link belongs to another map"));
        }
    }
    if let Some(entry) = library.at_address(&address)? {
        let why = format!("it is on this laptop already, as {:?} ({}): sync it", entry.name(), entry.uuid);
        return Err(AppError::bad("take the map offline", why));
    }
    let client = connect(&address, request, door).await?;
    let document = client.read_map(&address.id).await?;
    // Only now it is certain that the link opens the map.
    keep_link(&address, request, door)?;
    let uuid = fresh_uuid();
    let part = library.part()?;
    let new = NewMap {
        uuid: uuid.clone(),
        name: document.name.clone(),
        server: Some(client.server()),
        server_map_id: address.id.parse().ok(),
        slug: address.slug.clone(),
        account: request.account.label(),
        clock_id: clock_id(door.host),
        created_at: door.host.now_ms(),
    };
    let store = RefCell::new(Store::create(&part.folder.join(FILE), &new)?);
    merge(&store, &client, &address.id, &document, door).await?;
    let mut store = store.into_inner();
    let now = door.host.now_ms();
    let mut tx = store.begin()?;
    let mut record = tx.map()?;
    record.synced_at = now;
    tx.set_map(&record)?;
    tx.commit()?;
    drop(store);
    door.leave(&client, &request.account)?;
    library.place(part, &uuid)
}

async fn connect(address: &MapRef, request: &Request, door: &Door<'_>) -> Result<Client> {
    match &request.edit_link {
        Some(link) => {
            let client = door.client(&address.server)?;
            client.open_edit_link(link.expose()).await?;
            Ok(client)
        }
        None => door.connect(&address.server, &request.account, Some(&address.id)).await,
    }
}

fn keep_link(address: &MapRef, request: &Request, door: &Door<'_>) -> Result<()> {
    match &request.edit_link {
        Some(link) => door.keep_link(&address.server, &address.id, link),
        None => Ok(()),
    }
}

/// Merges a map's document and every layer that changed since it was read last.
///
/// # Errors
/// When the server cannot be read, or the user stops it.
pub async fn merge(
    store: &RefCell<Store>,
    client: &Client,
    map: &str,
    document: &MapDocument,
    door: &Door<'_>,
) -> Result<Read> {
    let layers = store.borrow_mut().merge_map(&server_map(document)?, door.host.now_ms())?;
    let total = u64::try_from(layers.len()).unwrap_or(0);
    let what = "reading layers";
    for (done, layer) in (0_u64..).zip(&layers) {
        door.host.progress(Progress { what, done, total });
        if door.host.cancelled() {
            return Err(AppError::Cancelled("take the map offline".to_owned()));
        }
        let read = match client.read_layer(map, layer.as_str()).await {
            Ok(read) => read,
            Err(bivouac_link::LinkError::NotFound { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        let version = read.version.as_str();
        let at_ms = version.parse().unwrap_or(0);
        let merged = store.borrow_mut().merge_layer(layer, version, at_ms, &read.body, door.host.now_ms());
        match merged {
            // One layer that nobody can read keeps nobody from the others.
            Err(error @ StoreError::BadDocument(_)) => {
                door.host.notify(&format!("{error}; the layer is left as it is"))
            }
            other => other?,
        }
    }
    door.host.progress(Progress { what, done: total, total });
    Ok(Read { layers: layers.len() })
}
