//! What users of pages do less often: deleting a layer, moving a feature, grouping, insisting.

use bivouac_app::server::{Failure, Saved};
use serde_json::{Value, json};

use super::browser::Browser;
use super::http::{Post, features};
use super::page::{feature_metadata, operation, text};
use super::random::Rng;

impl Browser {
    /// One of the rarer things. In a room a page tells of it; without one only its save does.
    pub fn random_deed(&self, plain: bool, rng: &mut Rng) {
        let layers: Vec<String> = self.page.borrow().layers.keys().cloned().collect();
        let (Some(layer), Some(other)) = (rng.pick(&layers).cloned(), rng.pick(&layers).cloned()) else { return };
        match rng.below(10) {
            0..=2 if layers.len() > 1 && !plain => self.delete_layer(&layer),
            3..=5 if layer != other => self.move_feature(&layer, &other, rng),
            6..=7 => {
                let parent = (layer != other && rng.percent(70)).then(|| json!(other));
                self.act(operation("update", "datalayer", json!({"id": layer}), Some("parentId"), parent));
            }
            _ => self.insists.set(!self.insists.get()),
        }
    }

    /// One batch: each feature, then the layer.
    fn delete_layer(&self, layer: &str) {
        let has_children = self.page.borrow().layers.values().any(|other| other.parent.as_deref() == Some(layer));
        let held = self.page.borrow().layers.get(layer).map(|held| held.features.clone()).unwrap_or_default();
        if has_children {
            return;
        }
        let mut operations: Vec<Value> = Vec::new();
        for (id, feature) in &held {
            self.ledger.delete(layer, id);
            operations.push(operation("delete", "feature", feature_metadata(layer, id, feature), None, None));
        }
        self.ledger.delete_layer(layer);
        operations.push(operation("delete", "datalayer", json!({"id": layer}), None, None));
        let mut batch = operation("batch", "datalayer", json!({"id": layer}), None, None);
        batch["operations"] = Value::Array(operations);
        self.act(batch);
    }

    fn move_feature(&self, from: &str, to: &str, rng: &mut Rng) {
        let held = self.page.borrow().layers.get(from).map(|held| held.features.clone()).unwrap_or_default();
        let Some((id, feature)) = rng.pick(&held).cloned() else { return };
        self.ledger.delete(from, &id);
        self.act(operation("delete", "feature", feature_metadata(from, &id, &feature), None, None));
        self.act(operation("upsert", "feature", feature_metadata(to, &id, &feature), None, Some(feature)));
    }

    /// Saves without a reference: what the page does not hold its user has deleted.
    pub(super) async fn insist(&self, post: Post) -> Result<Saved, Failure> {
        let (latest, _) = self.link.http.read_layer(&post.id)?;
        let held: Vec<String> = features(&post.body).iter().map(|feature| text(&feature["id"])).collect();
        for feature in features(&latest) {
            let id = text(&feature["id"]);
            if !held.contains(&id) {
                self.ledger.delete(&post.id, &id);
            }
        }
        self.say(|| format!("insists on its layer {}", super::http::short(&post.id)));
        self.link.there().await?;
        self.link.http.save(&self.name, post, None).await
    }
}
