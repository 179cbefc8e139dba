//! Which layer or feature a name means, in the map and in the batch so far.

use std::collections::BTreeSet;

use bivouac_journal::ids::{FeatureId, LayerId, Object};

use super::Planner;
use crate::error::{AppError, Result};

impl Planner<'_> {
    pub(super) fn layer(&self, text: &str) -> Result<LayerId> {
        let there = self.layers.iter().filter(|view| !self.gone_layers.contains(&view.id));
        let mut all: Vec<(LayerId, String)> =
            there.map(|view| (view.id.clone(), view.layer.name().to_owned())).collect();
        all.extend(self.made_layers.iter().map(|(id, name)| (id.clone(), name.clone())));
        find_layer(&all, text)
    }

    pub(super) fn feature(&self, text: &str) -> Result<(LayerId, FeatureId)> {
        if let Some(place) = self.called.get(text).filter(|place| self.made.contains_key(*place)) {
            return Ok(place.clone());
        }
        let (wanted_layer, id) = match text.rsplit_once('/') {
            Some((layer, id)) => (Some(self.layer(layer)?), id),
            None => (None, text),
        };
        let id = FeatureId::parse(id)
            .ok_or_else(|| not_found(&format!("the feature {text:?}"), "an id is five letters or digits"))?;
        let mut hits: BTreeSet<LayerId> = BTreeSet::new();
        for object in self.store.find_feature(&id)? {
            let Some(layer) = object.layer() else {
                continue;
            };
            if !self.gone.contains(&(layer.clone(), id.clone())) && self.is_there(layer, &id)? {
                hits.insert(layer.clone());
            }
        }
        hits.extend(self.made.keys().filter(|(_, made)| *made == id).map(|(layer, _)| layer.clone()));
        if let Some(layer) = wanted_layer {
            hits.retain(|hit| *hit == layer);
        }
        let mut hits = hits.into_iter();
        match (hits.next(), hits.next()) {
            (None, _) => Err(not_found(&format!("the feature {text:?}"), "the map has no such feature")),
            (Some(layer), None) => Ok((layer, id)),
            (Some(first), Some(second)) => {
                let among = format!("{first}/{id}, {second}/{id}");
                Err(AppError::Ambiguous { what: format!("the feature {text:?}"), among })
            }
        }
    }

    pub(super) fn is_there(&self, layer: &LayerId, id: &FeatureId) -> Result<bool> {
        if self.made.contains_key(&(layer.clone(), id.clone())) {
            return Ok(true);
        }
        let listed = self.layers.iter().any(|view| view.id == *layer) && !self.gone_layers.contains(layer);
        let gone = self.gone.contains(&(layer.clone(), id.clone()));
        Ok(listed && !gone && self.store.state(&Object::Feature(layer.clone(), id.clone()))?.is_alive())
    }

    /// Unique over the whole map, dead ones included (rule 43).
    pub(super) fn is_free(&self, id: &FeatureId) -> Result<bool> {
        Ok(!self.made.keys().any(|(_, made)| made == id)
            && !self.gone.iter().any(|(_, gone)| gone == id)
            && self.store.find_feature(id)?.is_empty())
    }

    pub(super) fn fresh_id(&self) -> Result<FeatureId> {
        loop {
            let id = FeatureId::from_bits(self.host.random());
            if self.is_free(&id)? {
                return Ok(id);
            }
        }
    }
}

/// The layer of that id, name or unique beginning of an id.
pub(crate) fn find_layer(all: &[(LayerId, String)], text: &str) -> Result<LayerId> {
    type Test<'t> = &'t dyn Fn(&(LayerId, String)) -> bool;
    let ways: [Test<'_>; 3] = [&|(id, _)| id.as_str() == text, &|(_, name)| name == text, &|(id, _)| {
        text.len() >= 4 && id.as_str().starts_with(text)
    }];
    for way in ways {
        let hits: Vec<&(LayerId, String)> = all.iter().filter(|layer| way(layer)).collect();
        match hits.as_slice() {
            [] => {}
            [(id, _)] => return Ok(id.clone()),
            several => {
                let among = several.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>().join(", ");
                return Err(AppError::Ambiguous { what: format!("the layer {text:?}"), among });
            }
        }
    }
    Err(not_found(&format!("the layer {text:?}"), "the map has no layer of that name or id"))
}

pub(super) fn not_found(what: &str, why: &str) -> AppError {
    AppError::NotFound { what: what.to_owned(), why: why.to_owned() }
}
