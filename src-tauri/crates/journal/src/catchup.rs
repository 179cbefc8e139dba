//! Reading another peer's log: what in it is news, what is history (rule 16).
//!
//! Browsers hand out everything since their page was loaded, saved or not, superseded or not.
//! Per register only the newest operation counts; it is news when it is not saved, as far as
//! that log can tell.

use std::collections::BTreeMap;

use crate::clock::{Order, Stamp};
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
}

/// Takes a live envelope apart.
#[must_use]
pub fn live(envelope: Envelope) -> Log {
    let mut log = Log::default();
    if envelope.reference_version().is_some() {
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

/// Takes a peer's log apart and tells news from history.
#[must_use]
pub fn sort_log(envelopes: Vec<Envelope>) -> Log {
    let mut log = Log::default();
    let mut saved_at: BTreeMap<LayerId, Order> = BTreeMap::new();
    let mut operations: Vec<Operation> = Vec::new();
    for envelope in envelopes {
        let announced = envelope.reference_version().map(|(layer, _)| layer.clone());
        for entry in envelope.entries {
            match (entry, &announced) {
                (Entry::Operation(operation), Some(layer)) => {
                    let order = operation.order();
                    let last = saved_at.entry(layer.clone()).or_insert_with(Order::lowest);
                    *last = order.max(last.clone());
                }
                (Entry::Operation(operation), None) => operations.push(*operation),
                (Entry::Refused { why, .. }, _) => *log.refused.entry(why).or_default() += 1,
            }
        }
    }
    let mut paths = Paths::default();
    // They were found sound when they were read.
    let writes: Vec<Vec<Write>> =
        operations.iter().map(|operation| operation.written(&mut paths, false).unwrap_or_default()).collect();
    let news = Registers::default().news(&operations, &writes, &saved_at);
    log.operations.reserve_exact(operations.len());
    for ((operation, writes), is_news) in operations.into_iter().zip(writes).zip(news) {
        let standing = if is_news { Standing::Unsaved } else { Standing::History };
        log.operations.push(Incoming { operation, standing, writes });
    }
    log
}

/// The newest operation of each register; objects, paths and registers as numbers.
#[derive(Default)]
struct Registers<'a> {
    objects: HashMap<&'a Object, u32>,
    paths: HashMap<&'a str, u32>,
    numbers: HashMap<(u32, u32), u32>,
    /// Its order, and whether it is unsaved; by the register's number.
    newest: Vec<(Place<'a>, bool)>,
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
    fn news(
        mut self,
        operations: &'a [Operation],
        writes: &'a [Vec<Write>],
        saved_at: &BTreeMap<LayerId, Order>,
    ) -> Vec<bool> {
        let mut touched: Vec<u32> = Vec::with_capacity(operations.len() * 2);
        let mut ends: Vec<usize> = Vec::with_capacity(operations.len());
        for (operation, writes) in operations.iter().zip(writes) {
            let at = place(operation);
            let layer_saved = || saved_at.get(operation.object.layer()?);
            let unsaved =
                operation.dirty != Some(false) || layer_saved().is_some_and(|saved| operation.order() > *saved);
            let next = number(self.objects.len());
            let object = *self.objects.entry(&operation.object).or_insert(next);
            for write in writes {
                let next = number(self.paths.len());
                let path = *self.paths.entry(write.path.as_stored()).or_insert(next);
                let next = number(self.newest.len());
                let register = *self.numbers.entry((object, path)).or_insert(next);
                touched.push(register);
                match self.newest.get_mut(usize::try_from(register).unwrap_or(usize::MAX)) {
                    Some(newest) if at >= newest.0 => *newest = (at, unsaved),
                    Some(_) => {}
                    None => self.newest.push((at, unsaved)),
                }
            }
            ends.push(touched.len());
        }
        let mut start = 0;
        let each = operations.iter().zip(ends).map(|(operation, end)| {
            let at = place(operation);
            let registers = touched.get(start..end).unwrap_or_default();
            start = end;
            registers.iter().any(|register| {
                let newest = usize::try_from(*register).ok().and_then(|r| self.newest.get(r));
                newest.is_some_and(|(newest, unsaved)| *unsaved && *newest == at)
            })
        });
        each.collect()
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
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
    fn rule_23_a_reference_version_is_no_operation() {
        assert!(log_of(&[saved("1:0:a")]).operations.is_empty());
    }
}
