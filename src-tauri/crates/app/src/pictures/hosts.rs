//! Which hosts pictures may come from, as the user said; everything else is asked about.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use bivouac_link::is_among;

use crate::error::{AppError, Result};

/// What was said about hosts, in a file.
#[derive(Debug)]
pub struct Hosts {
    file: PathBuf,
    known: BTreeMap<String, bool>,
}

impl Hosts {
    /// Reads what was said; a file that makes no sense counts as nothing said.
    #[must_use]
    pub fn at(file: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap_or_default();
        let known = serde_json::from_str(&text).unwrap_or_else(|error| {
            if !text.is_empty() {
                tracing::warn!(%error, "read what was said about hosts");
            }
            BTreeMap::new()
        });
        Self { file: file.to_owned(), known }
    }

    /// What was said about a host, or about the domain that it lies in.
    #[must_use]
    pub fn get(&self, host: &str) -> Option<bool> {
        let said =
            |wanted: bool| self.all().filter(|(_, said)| *said == wanted).map(|(host, _)| host.to_owned()).collect();
        let (yes, no): (BTreeSet<String>, BTreeSet<String>) = (said(true), said(false));
        // What was said of the host itself goes before what was said of its domain.
        let own = self.known.get(host).copied();
        own.or_else(|| is_among(host, &no).then_some(false)).or_else(|| is_among(host, &yes).then_some(true))
    }

    /// Every host about which something was said.
    pub fn all(&self) -> impl Iterator<Item = (&str, bool)> {
        self.known.iter().map(|(host, allowed)| (host.as_str(), *allowed))
    }

    /// Those that may be asked.
    #[must_use]
    pub fn allowed(&self) -> BTreeSet<String> {
        self.all().filter(|(_, allowed)| *allowed).map(|(host, _)| host.to_owned()).collect()
    }

    /// Says something about a host, or takes it back.
    ///
    /// # Errors
    /// When it cannot be written; it is not so then.
    pub fn set(&mut self, host: &str, allowed: Option<bool>) -> Result<()> {
        let mut known = self.known.clone();
        match allowed {
            Some(allowed) => known.insert(host.to_owned(), allowed),
            None => known.remove(host),
        };
        let what = || format!("write the file {}", self.file.display());
        let text = serde_json::to_string_pretty(&known).unwrap_or_default();
        let part = self.file.with_extension("part");
        fs::write(&part, text).and_then(|()| fs::rename(&part, &self.file)).map_err(AppError::io(what()))?;
        self.known = known;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_remembered_and_can_be_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hosts.json");
        let mut hosts = Hosts::at(&file);
        assert_eq!(hosts.get("a.org"), None);
        hosts.set("a.org", Some(true)).unwrap();
        hosts.set("b.org", Some(false)).unwrap();
        let mut again = Hosts::at(&file);
        assert_eq!((again.get("a.org"), again.get("b.org")), (Some(true), Some(false)));
        assert_eq!(again.allowed().into_iter().collect::<Vec<_>>(), ["a.org"]);
        again.set("a.org", None).unwrap();
        assert_eq!(Hosts::at(&file).get("a.org"), None);
        hosts.set("tiles.org", Some(true)).unwrap();
        hosts.set("b.tiles.org", Some(false)).unwrap();
        let said = ["a.tiles.org", "b.tiles.org", "x.b.tiles.org", "eviltiles.org"].map(|host| hosts.get(host));
        assert_eq!(said, [Some(true), Some(false), Some(false), None]);
        fs::write(&file, "nonsense").unwrap();
        assert_eq!(Hosts::at(&file).get("b.org"), None, "nobody is allowed by a broken file");
    }
}
