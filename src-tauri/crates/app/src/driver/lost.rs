//! Looking for changes that a peer's log calls saved and that no version of the server holds.

use std::collections::BTreeMap;

use bivouac_journal::ids::LayerId;
use bivouac_store::Suspect;

use super::DriverError;
use super::errands::Desk;
use crate::server::{Clock, Failure, Server};

/// So many versions of a layer does a server keep; with fewer, none was dropped yet.
const KEPT_VERSIONS: usize = 10;

impl<S: Server, C: Clock> Desk<S, C> {
    /// Offers what never reached a version (rule 16); how many. What cannot be known, because
    /// the versions of that time are gone, is not offered.
    pub(super) async fn look_for_lost(&self) -> Result<usize, DriverError> {
        let suspects = self.store.borrow_mut().suspects()?;
        let mut lost: Vec<Suspect> = Vec::new();
        let mut by_layer: BTreeMap<LayerId, Vec<Suspect>> = BTreeMap::new();
        for suspect in &suspects.values {
            match suspect.layer() {
                Some(layer) => by_layer.entry(layer.clone()).or_default().push(suspect.clone()),
                // Settings have no versions; but who had saved this would have changed them later.
                None if self.store.borrow().map()?.modified_at < suspect.at_ms => lost.push(suspect.clone()),
                None => {}
            }
        }
        for (layer, suspects) in by_layer {
            lost.extend(self.in_no_version(&layer, suspects).await?);
        }
        Ok(self.store.borrow_mut().offer(&suspects, &lost, self.now_ms())?)
    }

    async fn in_no_version(&self, layer: &LayerId, mut suspects: Vec<Suspect>) -> Result<Vec<Suspect>, DriverError> {
        let kept = match self.server.versions(layer).await {
            Ok(kept) => kept,
            Err(Failure::NotFound(_) | Failure::Refused(_)) => return Ok(Vec::new()),
            Err(failure) => return Err(failure.into()),
        };
        let oldest = kept.iter().map(|version| version.at_ms).min().unwrap_or(0);
        suspects.retain(|suspect| kept.len() < KEPT_VERSIONS || oldest <= suspect.at_ms);
        for version in kept {
            // A delete shows in what came after it; before, the feature may not have been there.
            let counts = |suspect: &Suspect| {
                !(suspect.path.is_existence() && suspect.value.is_none()) || version.at_ms >= suspect.at_ms
            };
            if !suspects.iter().any(counts) {
                continue;
            }
            match self.server.read_version(layer, &version.reference).await {
                Ok(body) => suspects.retain(|suspect| !counts(suspect) || !suspect.is_in(&body)),
                // What is gone may have held them all.
                Err(Failure::NotFound(_)) => return Ok(Vec::new()),
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(suspects)
    }
}
