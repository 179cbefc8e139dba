//! The registers of one object, sorted by path.
//!
//! An object has a handful of them, and there are objects by the hundred thousand: side by side
//! they take half the room of a tree and are read in one go.

use std::borrow::Borrow;

use crate::merge::Register;
use crate::path::Path;

/// Each register with its winner.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Winners(Vec<(Path, Register)>);

impl Winners {
    /// The winner at exactly that path.
    #[must_use]
    pub fn get<Q: Ord + ?Sized>(&self, path: &Q) -> Option<&Register>
    where
        Path: Borrow<Q>,
    {
        self.0.get(self.place(path).ok()?).map(|(_, register)| register)
    }

    /// Whether that very path was written.
    #[must_use]
    pub fn contains_key<Q: Ord + ?Sized>(&self, path: &Q) -> bool
    where
        Path: Borrow<Q>,
    {
        self.place(path).is_ok()
    }

    /// By path.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &Register)> {
        self.0.iter().map(|(path, register)| (path, register))
    }

    /// The paths, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|(path, _)| path)
    }

    /// The winners, by path.
    pub fn values(&self) -> impl Iterator<Item = &Register> {
        self.0.iter().map(|(_, register)| register)
    }

    /// The winners, by path.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Register> {
        self.0.iter_mut().map(|(_, register)| register)
    }

    /// How many registers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts a winner in; the one that stood there.
    pub fn insert(&mut self, path: Path, register: Register) -> Option<Register> {
        match self.place(&path) {
            Ok(place) => self.0.get_mut(place).map(|(_, standing)| std::mem::replace(standing, register)),
            Err(place) => {
                self.0.insert(place, (path, register));
                None
            }
        }
    }

    /// Takes away what lies below a path and is found wanting.
    pub(crate) fn remove_below(&mut self, path: &Path, is_gone: impl Fn(&Register) -> bool) {
        let from = self.place(path).map_or_else(|place| place, |place| place + 1);
        let rest = self.0.get(from..).unwrap_or_default();
        // Names that begin with the path's own, such as `name2` behind `name`, lie between.
        let to = from + rest.iter().take_while(|(other, _)| other.as_stored().starts_with(path.as_stored())).count();
        let mut at = 0;
        if to > from {
            self.0.retain(|(other, register)| {
                let inside = (from..to).contains(&at);
                at += 1;
                !(inside && path.covers(other) && is_gone(register))
            });
        }
    }

    /// Makes room for so many more.
    pub(crate) fn reserve(&mut self, more: usize) {
        self.0.reserve_exact(more);
    }

    fn place<Q: Ord + ?Sized>(&self, path: &Q) -> Result<usize, usize>
    where
        Path: Borrow<Q>,
    {
        self.0.binary_search_by(|(other, _)| other.borrow().cmp(path))
    }
}

impl FromIterator<(Path, Register)> for Winners {
    fn from_iter<I: IntoIterator<Item = (Path, Register)>>(registers: I) -> Self {
        let mut winners: Vec<(Path, Register)> = registers.into_iter().collect();
        if !winners.is_sorted_by(|(a, _), (b, _)| a < b) {
            // Of two at one path the later one stays.
            winners.reverse();
            winners.sort_by(|(a, _), (b, _)| a.cmp(b));
            winners.dedup_by(|(a, _), (b, _)| a == b);
        }
        Self(winners)
    }
}

impl<'a> IntoIterator for &'a Winners {
    type Item = (&'a Path, &'a Register);
    type IntoIter = std::iter::Map<std::slice::Iter<'a, (Path, Register)>, fn(&'a (Path, Register)) -> Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(path, register)| (path, register))
    }
}

impl IntoIterator for Winners {
    type Item = (Path, Register);
    type IntoIter = std::vec::IntoIter<(Path, Register)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::clock::Order;

    fn register(row: i64) -> Register {
        Register { order: Order::server(0), value: None, row }
    }

    proptest! {
        #[test]
        fn they_are_a_sorted_map(
            written in proptest::collection::vec(("[ab](\u{1f}[ab]){0,2}", 0..9_i64), 0..20),
            asked in "[ab](\u{1f}[ab]){0,2}",
        ) {
            let written: Vec<_> = written.iter().map(|(path, row)| (Path::from_stored(path), register(*row))).collect();
            let mut tree = BTreeMap::new();
            let mut winners = Winners::default();
            for (path, register) in &written {
                prop_assert_eq!(
                    winners.insert(path.clone(), register.clone()),
                    tree.insert(path.clone(), register.clone())
                );
            }
            prop_assert_eq!(&written.into_iter().collect::<Winners>(), &winners);
            let asked = Path::from_stored(&asked);
            prop_assert_eq!(winners.get(&asked), tree.get(&asked));
            prop_assert_eq!(winners.get(asked.as_stored()), tree.get(&asked));
            tree.retain(|path, register| !(asked.covers(path) && register.row < 4));
            winners.remove_below(&asked, |register| register.row < 4);
            prop_assert!(winners.iter().eq(tree.iter()));
        }
    }
}
