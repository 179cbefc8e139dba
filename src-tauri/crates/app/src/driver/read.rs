//! Reading the server's documents into the store (step 4 of coming back online).

use bivouac_journal::ids::LayerId;
use bivouac_store::Error as StoreError;

use super::errands::{Desk, ReadDone};
use super::{DriverError, Event};
use crate::server::{Clock, Failure, LayerRead, Server, Version};

/// A laptop's clock that differs by more from the server's is told, in ms (rule 3).
const SKEW_TOLD_MS: i64 = 120_000;

impl<S: Server, C: Clock> Desk<S, C> {
    /// Reads the map and every layer whose version changed, and merges them.
    pub(super) async fn read_server(&self) -> Result<ReadDone, DriverError> {
        let layers = self.read_map().await?;
        let mut done = ReadDone { layers: 0, skew_ms: self.skew()?, ..ReadDone::default() };
        for layer in layers {
            match self.read_layer(&layer).await {
                Ok(read) => done.layers += usize::from(read),
                // One layer that nobody can read keeps nobody from the others. Its version stays
                // unknown, so that it is read again, and a save of it ends with the same words.
                Err(DriverError::Store(error @ StoreError::BadDocument(_))) => {
                    self.tell(Event::Failed(Failure::Rejected(error.to_string())));
                }
                Err(error) => return Err(error),
            }
        }
        done.again = self.again.get();
        done.lost = self.look_for_lost().await?;
        Ok(done)
    }

    /// Reads settings and the list of layers; the layers whose documents have to be read.
    pub(super) async fn read_map(&self) -> Result<Vec<LayerId>, DriverError> {
        let map = self.server.read_map().await?;
        Ok(self.store.borrow_mut().merge_map(&map, self.now_ms())?)
    }

    fn skew(&self) -> Result<Option<i64>, DriverError> {
        let skew = self.store.borrow().clock_skew()?;
        Ok((skew.abs() > SKEW_TOLD_MS).then_some(skew))
    }

    /// Reads one layer and merges it; `false` when the server does not have it.
    pub(super) async fn read_layer(&self, layer: &LayerId) -> Result<bool, DriverError> {
        match self.server.read_layer(layer).await {
            Ok(read) => {
                self.merge(layer, &read).await?;
                Ok(true)
            }
            Err(Failure::NotFound(_)) => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Merges a document. Where it contends with an unsaved operation, the kept versions since
    /// the base are merged before it, so that each value gets the time at which it came (M11).
    pub(super) async fn merge(&self, layer: &LayerId, read: &LayerRead) -> Result<(), DriverError> {
        let contends = self.store.borrow_mut().contends(layer, &read.body)?;
        let base = self.store.borrow().reference(layer)?;
        if contends && let Some(base) = base {
            let kept = self.server.versions(layer).await?;
            for version in between(kept, &base, &read.version) {
                self.merge_version(layer, &version).await?;
            }
        }
        let at = version_ms(&read.version);
        let by_room = self.saved_by_room.contains(&(layer.clone(), read.version.clone()));
        let again = if by_room { self.store.borrow_mut().reassert_vanished(layer, &read.body)? } else { 0 };
        self.store.borrow_mut().merge_layer(layer, &read.version, at, &read.body, self.now_ms())?;
        self.again.set(self.again.get() + again);
        Ok(())
    }

    /// Merges a kept version as somebody else's; one that is gone meanwhile is passed over.
    pub(super) async fn merge_version(&self, layer: &LayerId, version: &Version) -> Result<(), DriverError> {
        match self.server.read_version(layer, &version.reference).await {
            Ok(body) => {
                let mut store = self.store.borrow_mut();
                store.merge_layer(layer, &version.reference, version.at_ms, &body, self.now_ms())?;
                Ok(())
            }
            Err(Failure::NotFound(_)) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }
}

impl<S: Server, C: Clock> Desk<S, C> {
    /// Merges a version that another save overtook: theirs, but no base for anything.
    pub(super) async fn merge_overtaken(&self, layer: &LayerId, version: &Version) -> Result<(), DriverError> {
        match self.server.read_version(layer, &version.reference).await {
            Ok(body) => {
                self.store.borrow_mut().merge_overtaken(layer, version.at_ms, &body, self.now_ms())?;
                Ok(())
            }
            Err(Failure::NotFound(_)) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }
}

/// The versions after `base` and before `newest`, oldest first.
pub(super) fn between(kept: Vec<Version>, base: &str, newest: &str) -> Vec<Version> {
    let (base, newest) = (version_ms(base), version_ms(newest));
    let mut versions: Vec<Version> =
        kept.into_iter().filter(|version| (base + 1..newest).contains(&version_ms(&version.reference))).collect();
    versions.sort_by_key(|version| version_ms(&version.reference));
    versions
}

/// A version's name is the time of its save in ms; the second one of a millisecond has a suffix.
pub(super) fn version_ms(version: &str) -> u64 {
    version.split('_').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
