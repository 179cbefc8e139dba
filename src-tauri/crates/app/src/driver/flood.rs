//! A flood of operations is taken in at a steady pace (rule 40).
//!
//! Frames are read as they come, or the server would think us gone; single operations of others
//! beyond a thousand a second wait, in their order. What waits is kept in memory up to a limit
//! and on the disk beyond it. Nothing is dropped: whoever goes offline asks for it anew. Lists and
//! batches go through, each one is one commit.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

/// So many single operations of others are taken in each second.
const PER_SECOND: u64 = 1_000;
/// So many bytes wait in memory; more goes to the disk.
const IN_MEMORY: usize = 4 * 1024 * 1024;

/// What came too fast.
#[derive(Debug)]
pub(super) struct Flood {
    /// The second that runs, and how many operations it took in.
    since_ms: u64,
    taken: u64,
    waiting: VecDeque<String>,
    bytes: usize,
    in_memory: usize,
    spill: Option<Spill>,
}

impl Default for Flood {
    fn default() -> Self {
        Self { since_ms: 0, taken: 0, waiting: VecDeque::new(), bytes: 0, in_memory: IN_MEMORY, spill: None }
    }
}

impl Flood {
    /// Takes a frame: gives it back when it may be handled now, keeps it otherwise.
    ///
    /// # Errors
    /// When what waits cannot be written to the disk.
    pub(super) fn admit(&mut self, text: String, me: &str, now_ms: u64) -> std::io::Result<Option<String>> {
        if !is_single_foreign(&text, me) {
            return Ok(Some(text));
        }
        if self.is_empty() && self.has_room(now_ms) {
            self.taken += 1;
            return Ok(Some(text));
        }
        if self.spill.is_none() && self.bytes + text.len() <= self.in_memory {
            self.bytes += text.len();
            self.waiting.push_back(text);
            return Ok(None);
        }
        let spill = match &mut self.spill {
            Some(spill) => spill,
            None => self.spill.insert(Spill::new()?),
        };
        spill.put(&text)?;
        Ok(None)
    }

    /// The next frame whose time has come.
    ///
    /// # Errors
    /// When it cannot be read back from the disk.
    pub(super) fn next(&mut self, now_ms: u64) -> std::io::Result<Option<String>> {
        if self.is_empty() || !self.has_room(now_ms) {
            return Ok(None);
        }
        if self.waiting.is_empty()
            && let Some(spill) = &mut self.spill
        {
            while self.bytes < self.in_memory
                && let Some(text) = spill.take()?
            {
                self.bytes += text.len();
                self.waiting.push_back(text);
            }
            if spill.is_empty() {
                self.spill = None;
            }
        }
        let text = self.waiting.pop_front();
        if let Some(text) = &text {
            self.bytes -= text.len();
            self.taken += 1;
        }
        Ok(text)
    }

    /// When [`Flood::next`] may give something, in ms of the same clock.
    pub(super) fn next_due(&self) -> Option<u64> {
        (!self.is_empty()).then_some(if self.taken < PER_SECOND { self.since_ms } else { self.since_ms + 1_000 })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.spill.is_none()
    }

    /// The room is lost: what it said is asked for anew.
    pub(super) fn clear(&mut self) {
        *self = Self { in_memory: self.in_memory, ..Self::default() };
    }

    fn has_room(&mut self, now_ms: u64) -> bool {
        if now_ms >= self.since_ms + 1_000 {
            (self.since_ms, self.taken) = (now_ms, 0);
        }
        self.taken < PER_SECOND
    }
}

/// Whether a frame is one operation of somebody else: told by its ends, where browsers and we
/// write sender and kind; what is written in another way is not slowed down here.
fn is_single_foreign(text: &str, me: &str) -> bool {
    let Some(rest) = text.trim_start().strip_prefix('{') else { return false };
    let is_operation = text.trim_end().trim_end_matches('}').trim_end().ends_with("\"OperationMessage\"")
        || rest.contains("\"kind\":\"OperationMessage\"");
    if !is_operation {
        return false;
    }
    let begin: String = rest.chars().take(200).filter(|c| !c.is_whitespace()).collect();
    !begin.contains("\"verb\":\"batch\"") && !begin.contains(&format!("\"sender\":\"{me}\""))
}

/// Frames on the disk, in a file without a name that is gone with the program.
#[derive(Debug)]
struct Spill {
    file: File,
    read_at: u64,
    write_at: u64,
}

impl Spill {
    fn new() -> std::io::Result<Self> {
        Ok(Self { file: tempfile::tempfile()?, read_at: 0, write_at: 0 })
    }

    fn is_empty(&self) -> bool {
        self.read_at == self.write_at
    }

    fn put(&mut self, text: &str) -> std::io::Result<()> {
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.file.seek(SeekFrom::Start(self.write_at))?;
        self.file.write_all(&length.to_le_bytes())?;
        self.file.write_all(text.as_bytes())?;
        self.write_at += 8 + length;
        Ok(())
    }

    fn take(&mut self) -> std::io::Result<Option<String>> {
        if self.is_empty() {
            return Ok(None);
        }
        let mut length = [0; 8];
        self.file.seek(SeekFrom::Start(self.read_at))?;
        self.file.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        let mut text = String::new();
        (&self.file).take(length).read_to_string(&mut text)?;
        self.read_at += 8 + length;
        Ok(Some(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(sender: &str, n: u64) -> String {
        format!(
            r#"{{"sender":"{sender}","verb":"update","subject":"map","key":"properties.name","value":"{n}","dirty":true,"hlc":"{n}:0:other","kind":"OperationMessage"}}"#
        )
    }

    fn number(text: &str) -> u64 {
        let (_, rest) = text.split_once("\"hlc\":\"").unwrap();
        rest.split(':').next().unwrap().parse().unwrap()
    }

    #[test]
    fn rule_40_beyond_a_thousand_a_second_operations_wait_in_their_order_and_none_is_dropped() {
        let mut flood = Flood { in_memory: 10_000, ..Flood::default() };
        let mut taken: Vec<u64> = Vec::new();
        for n in 0..3_500 {
            taken.extend(flood.admit(operation("other", n), "meeee", 5_000).unwrap().map(|text| number(&text)));
        }
        assert_eq!(taken.len(), 1_000);
        assert!(flood.spill.is_some(), "what waits spills to the disk");
        assert!(flood.waiting.iter().map(String::len).sum::<usize>() <= 10_000);
        for (second, expected) in [(5_999, 1_000), (6_000, 2_000), (7_000, 3_000), (8_000, 3_500)] {
            if second > 5_999 {
                assert_eq!(flood.next_due(), Some(second));
            }
            while let Some(text) = flood.next(second).unwrap() {
                taken.push(number(&text));
            }
            assert_eq!(taken.len(), expected, "at {second}");
        }
        assert!(flood.is_empty() && flood.next_due().is_none() && flood.spill.is_none());
        assert!(taken.iter().copied().eq(0..3_500), "in their order");
    }

    #[test]
    fn rule_40_later_ones_wait_behind_what_waits_and_lists_batches_and_echoes_do_not() {
        let mut flood = Flood::default();
        for n in 0..1_001 {
            flood.admit(operation("other", n), "meeee", 0).unwrap();
        }
        assert_eq!(flood.admit(operation("other", 1_001), "meeee", 1_500).unwrap(), None, "in order");
        let exempt = [
            operation("meeee", 7),
            r#"{"sender":"other","verb":"batch","subject":"feature","operations":[],"hlc":"1:0:a","kind":"OperationMessage"}"#.to_owned(),
            r#"{"sender":"other","recipient":"meeee","message":{"operations":[],"verb":"ListOperationsResponse"},"kind":"PeerMessage"}"#.to_owned(),
            r#"{"sender":"other","lastKnownHLC":"0:0:0","kind":"SavedMessage"}"#.to_owned(),
            r#"{"peers":{},"kind":"ListPeersResponse"}"#.to_owned(),
        ];
        for text in exempt {
            assert_eq!(flood.admit(text.clone(), "meeee", 0).unwrap(), Some(text));
        }
    }
}
