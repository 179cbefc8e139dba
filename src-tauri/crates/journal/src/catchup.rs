//! Reading another peer's log: what in it is news, what is history (rule 16).
//!
//! Browsers hand out everything since their page was loaded, saved or not, superseded or not.
//! Per register only the newest operation counts; it is news when it is not saved, as far as
//! that log can tell.

use std::collections::BTreeMap;

use crate::clock::{Hlc, Order, Stamp};
use crate::hash::HashMap;
use crate::ids::{LayerId, Object};
use crate::operation::{Operation, Write};
use crate::path::Paths;
use crate::wire::{Entry, Envelope, Refusal};

/// How an operation is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It came live: it applies, whatever its flag says.
    Live,
    /// It came in a log and is not saved: it applies.
    Unsaved,
    /// It came in a log and is saved or superseded there: recorded, not applied.
    History,
}

/// An operation and how it is to be taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// The operation.
    pub operation: Operation,
    /// Its standing.
    pub standing: Standing,
    /// The register writes that it stands for; none when it is unsound.
    pub writes: Vec<Write>,
}

/// What a log held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    /// The operations in the order in which they came.
    pub operations: Vec<Incoming>,
    /// What may not be applied, by reason.
    pub refused: BTreeMap<Refusal, usize>,
    /// Versions of layers that were announced in it, each with the stamp of its announcement.
    pub announced: Vec<(LayerId, Hlc)>,
}

/// Takes a live envelope apart.
#[must_use]
pub fn live(envelope: Envelope) -> Log {
    let mut log = Log::default();
    if let Some((layer, _)) = envelope.reference_version() {
        log.announced.extend(announcement(layer, &envelope.entries));
        return log;
    }
    for entry in envelope.entries {
        match entry {
            Entry::Operation(operation) => {
                let writes = operation.writes().unwrap_or_default();
                log.operations.push(Incoming { operation: *operation, standing: Standing::Live, writes });
            }
            Entry::Refused { why, .. } => *log.refused.entry(why).or_default() += 1,
        }
    }
    log
}

/// Whose version of which layer was announced, and when.
fn announcement(layer: &LayerId, entries: &[Entry]) -> Option<(LayerId, Hlc)> {
    entries.iter().find_map(|entry| match entry {
        Entry::Operation(operation) => Some((layer.clone(), operation.stamp.hlc()?.clone())),
        Entry::Refused { .. } => None,
    })
}

/// Takes a peer's log apart and tells news from history.
#[must_use]
pub fn sort_log(envelopes: Vec<Envelope>) -> Log {
    let mut log = Log::default();
    let mut saved_at: BTreeMap<LayerId, Order> = BTreeMap::new();
    let mut paths = Paths::default();
    log.operations.reserve_exact(envelopes.len());
    for envelope in envelopes {
        let announced = envelope.reference_version().map(|(layer, _)| layer.clone());
        if let Some(layer) = &announced {
            log.announced.extend(announcement(layer, &envelope.entries));
        }
        for entry in envelope.entries {
            match (entry, &announced) {
                (Entry::Operation(operation), Some(layer)) => {
                    let order = operation.order();
                    let last = saved_at.entry(layer.clone()).or_insert_with(Order::lowest);
                    *last = order.max(last.clone());
                }
                (Entry::Operation(operation), None) => {
                    // It was found sound when it was read.
                    let writes = operation.written(&mut paths, false).unwrap_or_default();
                    log.operations.push(Incoming { operation: *operation, standing: Standing::History, writes });
                }
                (Entry::Refused { why, .. }, _) => *log.refused.entry(why).or_default() += 1,
            }
        }
    }
    let news = Registers::default().news(&log.operations, &saved_at);
    for (incoming, is_news) in log.operations.iter_mut().zip(news) {
        if is_news {
            incoming.standing = Standing::Unsaved;
        }
    }
    log
}

/// So many registers of an object are looked through before they are looked up.
const FEW: usize = 16;

/// The newest operation of each register; objects, paths and registers as numbers.
#[derive(Default)]
struct Registers<'a> {
    objects: HashMap<&'a Object, u32>,
    /// The first register of each object.
    first: Vec<Option<u32>>,
    paths: HashMap<&'a str, u32>,
    registers: Vec<Newest<'a>>,
    /// Those of objects that have more than a few.
    more: HashMap<(u32, u32), u32>,
}

/// What stands newest in a register.
struct Newest<'a> {
    path: u32,
    at: Place<'a>,
    unsaved: bool,
    /// Another register of the object.
    next: Option<u32>,
}

/// As [`Order`], borrowed: whether it is valid, wall clock, counter, id, index.
type Place<'a> = (bool, u64, u32, &'a str, u32);

fn place(operation: &Operation) -> Place<'_> {
    match &operation.stamp {
        Stamp::Valid(hlc) => (true, hlc.wall, hlc.counter, &hlc.id, operation.index),
        Stamp::Invalid(_) => (false, 0, 0, "", 0),
    }
}

impl<'a> Registers<'a> {
    /// Whether each operation is the newest and unsaved in any of its registers.
    fn news(mut self, operations: &'a [Incoming], saved_at: &BTreeMap<LayerId, Order>) -> Vec<bool> {
        let mut touched: Vec<u32> = Vec::with_capacity(operations.len() * 3);
        let mut ends: Vec<usize> = Vec::with_capacity(operations.len());
        self.objects.reserve(operations.len() / 2);
        for Incoming { operation, writes, .. } in operations {
            let at = place(operation);
            let layer_saved = || saved_at.get(operation.object.layer()?);
            let unsaved =
                operation.dirty != Some(false) || layer_saved().is_some_and(|saved| operation.order() > *saved);
            let object = self.object(&operation.object);
            touched.extend(writes.iter().map(|write| {
                let path = self.path(write.path.as_stored());
                self.write(object, path, at, unsaved)
            }));
            ends.push(touched.len());
        }
        let mut start = 0;
        let each = operations.iter().zip(ends).map(|(Incoming { operation, .. }, end)| {
            let at = place(operation);
            let registers = touched.get(start..end).unwrap_or_default();
            start = end;
            registers.iter().any(|register| {
                let newest = self.registers.get(usize_of(*register));
                newest.is_some_and(|newest| newest.unsaved && newest.at == at)
            })
        });
        each.collect()
    }

    fn object(&mut self, object: &'a Object) -> u32 {
        let next = number(self.objects.len());
        let number = *self.objects.entry(object).or_insert(next);
        if number == next {
            self.first.push(None);
        }
        number
    }

    fn path(&mut self, path: &'a str) -> u32 {
        let next = number(self.paths.len());
        *self.paths.entry(path).or_insert(next)
    }

    /// Puts a write to its register; that register's number.
    fn write(&mut self, object: u32, path: u32, at: Place<'a>, unsaved: bool) -> u32 {
        let new = number(self.registers.len());
        let register = self.register(object, path, new);
        match self.registers.get_mut(usize_of(register)) {
            Some(newest) if at >= newest.at => (newest.at, newest.unsaved) = (at, unsaved),
            Some(_) => {}
            None => self.registers.push(Newest { path, at, unsaved, next: None }),
        }
        register
    }

    /// The number of a register, `new` when there was none.
    fn register(&mut self, object: u32, path: u32, new: u32) -> u32 {
        let Some(mut link) = self.first.get_mut(usize_of(object)) else { return new };
        for _ in 0..FEW {
            let Some(at) = *link else {
                *link = Some(new);
                return new;
            };
            let Some(register) = self.registers.get_mut(usize_of(at)) else { return new };
            if register.path == path {
                return at;
            }
            link = &mut register.next;
        }
        *self.more.entry((object, path)).or_insert(new)
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn usize_of(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Frame, PeerBody, parse};

    const LAYER: &str = "28dbd2a5-bbd6-4ad3-a94d-e8e38ee5fece";

    fn log_of(operations: &[String]) -> Log {
        let text = format!(
            r#"{{"sender":"aaaaa","recipient":"bbbbb","message":{{"operations":[{}],"verb":"ListOperationsResponse"}},"kind":"PeerMessage"}}"#,
            operations.join(",")
        );
        let Frame::Peer { body: PeerBody::ListOperationsResponse { operations, .. }, .. } = parse(&text).unwrap()
        else {
            panic!("not a list")
        };
        sort_log(operations)
    }

    fn rename(at: &str, name: &str, dirty: &str) -> String {
        format!(
            r#"{{"verb":"update","subject":"feature","metadata":{{"id":"abcde","layerId":"{LAYER}","featureType":"marker"}},"key":"properties.name","value":"{name}"{dirty},"hlc":"{at}"}}"#
        )
    }

    fn saved(at: &str) -> String {
        format!(
            r#"{{"verb":"update","subject":"datalayer","metadata":{{"id":"{LAYER}"}},"key":"referenceVersion","value":"17","dirty":false,"hlc":"{at}"}}"#
        )
    }

    fn standings(log: &Log) -> Vec<Standing> {
        log.operations.iter().map(|o| o.standing).collect()
    }

    #[test]
    fn rule_16_only_the_newest_of_a_register_counts() {
        use Standing::{History, Unsaved};
        let cases = [
            (vec![rename("1:0:a", "x", r#","dirty":true"#)], vec![Unsaved]),
            (vec![rename("1:0:a", "x", "")], vec![Unsaved]),
            (vec![rename("1:0:a", "x", r#","dirty":false"#)], vec![History]),
            // Undone values stay flagged true behind a saved one.
            (
                vec![rename("1:0:a", "x", r#","dirty":true"#), rename("2:0:a", "y", r#","dirty":false"#)],
                vec![History, History],
            ),
            (
                vec![rename("2:0:a", "y", r#","dirty":true"#), rename("1:0:a", "x", r#","dirty":true"#)],
                vec![Unsaved, History],
            ),
            // Called clean by somebody's save, but it came after this log's last save.
            (vec![saved("1:0:a"), rename("2:0:a", "y", r#","dirty":false"#)], vec![Unsaved]),
            (vec![saved("3:0:a"), rename("2:0:a", "y", r#","dirty":false"#)], vec![History]),
        ];
        for (operations, expected) in cases {
            assert_eq!(standings(&log_of(&operations)), expected, "{operations:?}");
        }
    }

    #[test]
    fn rule_16_only_the_newest_counts_in_an_object_of_many_registers() {
        let set = |at: u32, name: u32| {
            format!(
                r#"{{"verb":"update","subject":"datalayer","metadata":{{"id":"{LAYER}"}},"key":"properties.p{name}","value":{at},"hlc":"{at}:0:a"}}"#
            )
        };
        // Each register twice, the newer one first for every other of them.
        let older_first = |name: &u32| name.is_multiple_of(2);
        let first: Vec<u32> = (0..100).collect();
        let at = |name: u32, again: bool| if older_first(&name) == again { 2000 + name } else { 1000 + name };
        let operations: Vec<_> =
            [false, true].iter().flat_map(|again| first.iter().map(|name| set(at(*name, *again), *name))).collect();
        let found = standings(&log_of(&operations));
        let expected = [false, true].iter().flat_map(|again| {
            first.iter().map(|name| if older_first(name) == *again { Standing::Unsaved } else { Standing::History })
        });
        assert_eq!(found, expected.collect::<Vec<_>>());
    }

    #[test]
    fn rule_23_a_reference_version_is_no_operation() {
        let log = log_of(&[saved("1:0:a")]);
        assert!(log.operations.is_empty());
        assert_eq!(log.announced.len(), 1, "but it tells what was saved when (rule 24)");
    }
}
