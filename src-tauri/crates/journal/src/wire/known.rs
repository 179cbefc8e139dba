//! Names that repeat through a list, made once: a long list is a few layers, peers, clocks and keys.

use std::borrow::Cow;
use std::sync::Arc;

use crate::clock::{Hlc, Stamp};
use crate::ids::{LayerId, PeerId};
use crate::path::{Path, Subject};

/// So many of each kind are looked through.
const MOST: usize = 16;

/// The names that a frame held so far.
#[derive(Debug, Default)]
pub(super) struct Known {
    layers: Vec<LayerId>,
    peers: Vec<PeerId>,
    clocks: Vec<Arc<str>>,
    paths: Vec<(Subject, String, Path)>,
}

impl Known {
    pub fn layer(&mut self, text: &str) -> Option<LayerId> {
        if let Some(known) = self.layers.iter().find(|layer| layer.as_str() == text) {
            return Some(known.clone());
        }
        let layer = LayerId::parse(text)?;
        keep(&mut self.layers, layer.clone());
        Some(layer)
    }

    pub fn peer(&mut self, text: &str) -> Option<PeerId> {
        if let Some(known) = self.peers.iter().find(|peer| peer.as_str() == text) {
            return Some(known.clone());
        }
        let peer = PeerId::parse(text)?;
        keep(&mut self.peers, peer.clone());
        Some(peer)
    }

    /// As [`Stamp::parse`]; a missing one is invalid.
    pub fn stamp(&mut self, text: Option<Cow<'_, str>>) -> Stamp {
        let text = text.unwrap_or_default();
        let Some((wall, counter, id)) = Hlc::split(&text) else {
            return Stamp::Invalid(text.as_ref().into());
        };
        let id = match self.clocks.iter().find(|clock| ***clock == *id) {
            Some(known) => known.clone(),
            None => {
                let id: Arc<str> = id.into();
                keep(&mut self.clocks, id.clone());
                id
            }
        };
        Stamp::Valid(Hlc { wall, counter, id })
    }

    pub fn path(&mut self, subject: Subject, key: &str) -> Option<Path> {
        let mut known = self.paths.iter();
        if let Some((_, _, path)) = known.find(|(s, k, _)| *s == subject && k == key) {
            return Some(path.clone());
        }
        let path = Path::from_wire(subject, key)?;
        keep(&mut self.paths, (subject, key.to_owned(), path.clone()));
        Some(path)
    }
}

fn keep<T>(list: &mut Vec<T>, one: T) {
    if list.len() < MOST {
        list.push(one);
    }
}
