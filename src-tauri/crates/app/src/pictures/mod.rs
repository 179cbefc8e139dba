//! Tiles and pictures of the web that a map names: asked for with leave alone, checked, and kept on
//! the disk, so that what was seen once is there without a network.
//!
//! Nothing is loaded ahead but a map's pictograms: tiles come one by one, as somebody looks.

mod cache;
mod hosts;
mod kind;
mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use bivouac_link::{LinkError, Web, is_private, picture_host, picture_origin};

use crate::error::{AppError, Result};
use cache::Cache;
pub use cache::Limits;
pub use hosts::Hosts;
pub use template::Template;

/// The largest answer that is taken.
const MOST_BYTES: usize = 2 * 1024 * 1024;
/// A host that could not be reached is left alone for this long, in ms.
const REST_MS: u64 = 20_000;
/// What is not there is not asked for again for this long, in ms.
const NOT_THERE_MS: u64 = 10 * 60_000;
/// More addresses are not remembered as not there.
const MOST_NOT_THERE: usize = 5_000;

/// Why a picture is not shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// Nobody was asked yet whether that host may be.
    #[error("load a picture: nobody was asked yet about {0}")]
    Unasked(String),
    /// The user said no.
    #[error("load a picture: {0} was refused")]
    Refused(String),
    /// It lies in a private network, which a map has no business in.
    #[error("load a picture: {0} lies in a private network")]
    Private(String),
    /// It is not on this laptop and there is no way to it.
    #[error("load a picture: there is no way to it now")]
    Offline,
    /// There is none at that address, or it is no picture.
    #[error("load a picture: there is none")]
    Nothing,
}

/// What somebody wants to see.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Its complete address.
    pub address: &'a str,
    /// Whether it is a tile; tiles and other pictures have room of their own on the disk.
    pub tile: bool,
    /// Origins that the user takes maps from: they need no leave and may lie anywhere.
    pub confirmed: &'a BTreeSet<String>,
    /// Whether the network may be used.
    pub online: bool,
    /// The wall clock, in ms.
    pub now_ms: u64,
}

/// Pictures of the web, and those kept.
#[derive(Debug)]
pub struct Pictures {
    cache: Mutex<Cache>,
    hosts: Mutex<Hosts>,
    net: OnceLock<Net>,
    /// Until when hosts rest, and addresses count as empty.
    resting: Mutex<BTreeMap<String, u64>>,
    nothing: Mutex<BTreeMap<String, u64>>,
}

#[derive(Debug)]
struct Net {
    web: Web,
    runtime: tokio::runtime::Runtime,
}

impl Pictures {
    /// The pictures kept in a folder, which holds the answers about hosts too.
    #[must_use]
    pub fn at(folder: &Path, limits: Limits) -> Self {
        Self {
            cache: Mutex::new(Cache::at(&folder.join("cache"), limits)),
            hosts: Mutex::new(Hosts::at(&folder.join("picture-hosts.json"))),
            net: OnceLock::new(),
            resting: Mutex::default(),
            nothing: Mutex::default(),
        }
    }

    /// The answers about hosts.
    pub fn hosts(&self) -> MutexGuard<'_, Hosts> {
        lock(&self.hosts)
    }

    /// Lets a host be asked, or not, or forgets the answer.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn allow(&self, host: &str, allowed: Option<bool>) -> Result<()> {
        lock(&self.resting).remove(host);
        lock(&self.nothing).clear();
        self.hosts().set(host, allowed)
    }

    /// How much is kept, in bytes.
    #[must_use]
    pub fn kept(&self) -> u64 {
        lock(&self.cache).bytes()
    }

    /// Forgets every picture.
    pub fn clear(&self) {
        lock(&self.cache).clear();
        lock(&self.nothing).clear();
    }

    /// Whether a host may be asked: `None` while nobody said so.
    #[must_use]
    pub fn may(&self, address: &str, confirmed: &BTreeSet<String>) -> Option<bool> {
        let host = picture_host(address).ok()?;
        if picture_origin(address).is_ok_and(|origin| confirmed.contains(&origin)) {
            return Some(true);
        }
        self.hosts().get(&host)
    }

    /// The picture at an address; waits for the network where it has to.
    ///
    /// # Errors
    /// Why it is not shown.
    pub fn get(&self, wanted: &Wanted<'_>) -> Result<Vec<u8>, Missing> {
        let host = picture_host(wanted.address).map_err(|_| Missing::Nothing)?;
        let own = picture_origin(wanted.address).is_ok_and(|origin| wanted.confirmed.contains(&origin));
        if !own {
            if is_private(wanted.address).unwrap_or(true) {
                return Err(Missing::Private(host));
            }
            match self.hosts().get(&host) {
                Some(true) => {}
                Some(false) => return Err(Missing::Refused(host)),
                None => return Err(Missing::Unasked(host)),
            }
        }
        let kept = lock(&self.cache).get(wanted.address, wanted.now_ms);
        match kept {
            Some(kept) if kept.fresh || !wanted.online => Ok(kept.bytes),
            Some(kept) => self.load(wanted, host).or(Ok(kept.bytes)),
            None if !wanted.online => Err(Missing::Offline),
            None => self.load(wanted, host),
        }
    }

    fn load(&self, wanted: &Wanted<'_>, host: String) -> Result<Vec<u8>, Missing> {
        let now = wanted.now_ms;
        if lock(&self.resting).get(&host).is_some_and(|until| *until > now) {
            return Err(Missing::Offline);
        }
        if lock(&self.nothing).get(wanted.address).is_some_and(|until| *until > now) {
            return Err(Missing::Nothing);
        }
        let net = self.net().map_err(|_| Missing::Offline)?;
        let allowed = self.hosts().allowed();
        let got = net.runtime.block_on(net.web.fetch(wanted.address, &allowed, wanted.confirmed, MOST_BYTES));
        let missing = match got {
            Ok(got) => match kind::checked(got.bytes) {
                Some(bytes) => {
                    lock(&self.cache).put(wanted.address, wanted.tile, &bytes, got.fresh_for, now);
                    return Ok(bytes);
                }
                None => Missing::Nothing,
            },
            Err(LinkError::OriginRefused { .. }) => Missing::Private(host.clone()),
            Err(error) if error.is_offline() || !error.is_permanent() => Missing::Offline,
            Err(_) => Missing::Nothing,
        };
        match missing {
            Missing::Offline => {
                lock(&self.resting).insert(host, now + REST_MS);
            }
            Missing::Nothing | Missing::Private(_) => {
                let mut nothing = lock(&self.nothing);
                if nothing.len() >= MOST_NOT_THERE {
                    nothing.clear();
                }
                nothing.insert(wanted.address.to_owned(), now + NOT_THERE_MS);
            }
            Missing::Unasked(_) | Missing::Refused(_) => {}
        }
        Err(missing)
    }

    fn net(&self) -> Result<&Net> {
        if let Some(net) = self.net.get() {
            return Ok(net);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("pictures")
            .enable_all()
            .build()
            .map_err(AppError::io("start the runtime of pictures"))?;
        let made = Net { web: Web::new()?, runtime };
        Ok(self.net.get_or_init(|| made))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
