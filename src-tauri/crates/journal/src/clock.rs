//! Hybrid Logical Clocks: who wrote later, across laptops whose clocks disagree.
//!
//! The text form is uMap's `<milliseconds>:<counter>:<id>`. Browsers compare it as a string, so
//! the counter never exceeds 9 in what we make (rule 2). A stamp that is malformed, or from the
//! year 2100 on, sorts below everything (rule 4). A foreign clock far ahead never moves ours
//! (rule 3).

use std::fmt;
use std::sync::Arc;

/// 2100-01-01T00:00:00Z in milliseconds; a wall clock from here on is invalid (rule 4).
pub const END_OF_TIME_MS: u64 = 4_102_444_800_000;

/// How far ahead of ours a foreign wall clock may be and still move ours, in ms (rule 3).
pub const MAX_AHEAD_MS: u64 = 5 * 60 * 1000;

/// The greatest counter that we emit: one digit, so that string order is numeric order (rule 2).
pub const MAX_COUNTER: u32 = 9;

/// One instant of one clock.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hlc {
    /// Milliseconds since 1970.
    pub wall: u64,
    /// Distinguishes instants of one millisecond.
    pub counter: u32,
    /// The writer's own clock id; not its peer id.
    pub id: Arc<str>,
}

impl Hlc {
    /// Reads `^\d{1,15}:\d{1,9}:[^:]{1,64}$` with a wall clock before 2100 (rule 4).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (wall, counter, id) = Self::split(text)?;
        Some(Self { wall, counter, id: id.into() })
    }

    /// As [`Hlc::parse`], with the id where it stands.
    pub(crate) fn split(text: &str) -> Option<(u64, u32, &str)> {
        let (wall, rest) = Self::number(text, 15)?;
        let (counter, id) = Self::number(rest, 9)?;
        let id_fits = !id.is_empty() && (id.len() <= 64 || id.chars().count() <= 64);
        if !id_fits || id.as_bytes().contains(&b':') || wall >= END_OF_TIME_MS {
            return None;
        }
        Some((wall, u32::try_from(counter).ok()?, id))
    }

    /// The number of at most so many digits before a colon, and what follows.
    fn number(text: &str, most: usize) -> Option<(u64, &str)> {
        let mut number = 0_u64;
        for (place, byte) in text.bytes().enumerate() {
            match byte {
                b'0'..=b'9' if place < most => number = number * 10 + u64::from(byte - b'0'),
                b':' if place > 0 => return Some((number, text.get(place + 1..)?)),
                _ => return None,
            }
        }
        None
    }
}

impl fmt::Display for Hlc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.wall, self.counter, self.id)
    }
}

impl fmt::Debug for Hlc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a peer put where its clock belongs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stamp {
    /// Missing, malformed or from beyond 2100; kept as it came (rule 4).
    Invalid(Arc<str>),
    /// A usable instant.
    Valid(Hlc),
}

impl Stamp {
    /// Reads a stamp; never fails.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Hlc::parse(text).map_or_else(|| Self::Invalid(text.into()), Self::Valid)
    }

    /// The instant, when it is one.
    #[must_use]
    pub fn hlc(&self) -> Option<&Hlc> {
        match self {
            Stamp::Valid(hlc) => Some(hlc),
            Stamp::Invalid(_) => None,
        }
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stamp::Valid(hlc) => hlc.fmt(f),
            Stamp::Invalid(text) => f.write_str(text),
        }
    }
}

/// The place of a write among all writes of one register (M1): numerically by wall clock,
/// counter and id, then by the place inside a batch. Writes of equal order are settled by
/// their bytes, see [`crate::merge`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order {
    /// `false` for every invalid stamp: one constant order below all others (rule 4).
    pub valid: bool,
    /// Milliseconds since 1970.
    pub wall: u64,
    /// Distinguishes instants of one millisecond.
    pub counter: u32,
    /// The writer's clock id; empty for what came from the server (M11).
    pub id: Arc<str>,
    /// The place inside a batch.
    pub index: u32,
}

impl Order {
    /// The order of an operation with this stamp at this place of its batch.
    #[must_use]
    pub fn new(stamp: &Stamp, index: u32) -> Self {
        match stamp {
            Stamp::Valid(hlc) => Self { valid: true, wall: hlc.wall, counter: hlc.counter, id: hlc.id.clone(), index },
            Stamp::Invalid(_) => Self::lowest(),
        }
    }

    /// The order of every write whose clock is invalid (rule 4).
    #[must_use]
    pub fn lowest() -> Self {
        Self { valid: false, wall: 0, counter: 0, id: "".into(), index: 0 }
    }

    /// The order of a server operation: `(time, 0, "")` (M11). A first read is `server(0)`.
    #[must_use]
    pub fn server(time_ms: u64) -> Self {
        Self { valid: true, wall: time_ms, counter: 0, id: "".into(), index: 0 }
    }
}

/// Our own clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    wall: u64,
    counter: u32,
    id: Arc<str>,
}

/// A foreign clock was too far ahead to be adopted (rule 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFarAhead {
    /// How far, in milliseconds.
    pub by_ms: u64,
}

impl Clock {
    /// A clock with this id that has not ticked before `wall`:`counter`.
    #[must_use]
    pub fn resume(id: &str, wall: u64, counter: u32) -> Self {
        Self { wall, counter, id: id.into() }
    }

    /// The last instant that was given out or adopted.
    #[must_use]
    pub fn last(&self) -> Hlc {
        Hlc { wall: self.wall, counter: self.counter, id: self.id.clone() }
    }

    /// The id in every instant of this clock.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The next instant: later than every one before, and than the wall clock if that is sane.
    pub fn tick(&mut self, now_ms: u64) -> Hlc {
        if now_ms > self.wall && now_ms < END_OF_TIME_MS {
            (self.wall, self.counter) = (now_ms, 0);
        } else if self.counter >= MAX_COUNTER {
            (self.wall, self.counter) = (self.wall + 1, 0);
        } else {
            self.counter += 1;
        }
        self.last()
    }

    /// Takes note of a foreign instant, so that our next one is later.
    ///
    /// # Errors
    /// [`TooFarAhead`] when it is more than five minutes ahead; our clock stays (rule 3).
    pub fn receive(&mut self, foreign: &Hlc, now_ms: u64) -> Result<(), TooFarAhead> {
        if foreign.wall > now_ms.saturating_add(MAX_AHEAD_MS) && foreign.wall > self.wall {
            return Err(TooFarAhead { by_ms: foreign.wall - now_ms });
        }
        if (foreign.wall, foreign.counter) > (self.wall, self.counter) {
            (self.wall, self.counter) = (foreign.wall, foreign.counter);
        }
        Ok(())
    }

    /// An instant for one write that has to follow `winner`, which may be in the future: the
    /// clock itself does not move there (rule 3).
    pub fn tick_after(&mut self, winner: Option<&Order>, now_ms: u64) -> Hlc {
        let next = self.tick(now_ms);
        match winner {
            Some(order) if order.valid && order.wall >= next.wall => {
                let wall = order.wall.saturating_add(1).min(END_OF_TIME_MS - 1);
                if wall <= now_ms.saturating_add(MAX_AHEAD_MS) {
                    (self.wall, self.counter) = (wall, 0);
                }
                Hlc { wall, counter: 0, id: self.id.clone() }
            }
            Some(_) | None => next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: u64 = 1_795_440_000_000;

    #[test]
    fn a_stamp_is_three_parts_before_the_year_2100() {
        for good in ["1795440656049:0:4uzaG", "0:0:0", "1:999999999:x", "4102444799999:0:é"] {
            assert_eq!(Hlc::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "",
            ":",
            "1:2",
            "1:2:3:4",
            "a:0:x",
            "1:b:x",
            "1:0:",
            "+1:0:x",
            "1:-1:x",
            " 1:0:x",
            "4102444800000:0:x",
            "1234567890123456:0:x",
            "1:1234567890:x",
            "1:0:a:b",
        ] {
            assert!(Hlc::parse(bad).is_none(), "{bad}");
        }
        assert!(Hlc::parse(&format!("1:0:{}", "x".repeat(65))).is_none());
    }

    #[test]
    fn rule_2_counters_compare_as_numbers() {
        let order = |text: &str| Order::new(&Stamp::parse(text), 0);
        assert!(order("5:10:a") > order("5:9:a"));
        assert!(order("10:0:a") > order("9:0:a"));
        assert!(order("nonsense") < Order::server(0));
        assert_eq!(order("nonsense"), order("4102444800000:0:x"));
    }

    #[test]
    fn rule_2_we_never_emit_a_counter_above_nine() {
        let mut clock = Clock::resume("aaaaa", 0, 0);
        let stamps: Vec<_> = (0..100).map(|_| clock.tick(NOW)).collect();
        for pair in stamps.windows(2) {
            let [a, b] = pair else { continue };
            assert!(a < b && a.to_string() < b.to_string(), "{a} {b}");
            assert!(b.counter <= MAX_COUNTER);
        }
    }

    #[test]
    fn rule_3_a_clock_far_ahead_does_not_move_ours() {
        let mut clock = Clock::resume("aaaaa", 0, 0);
        let ahead = Hlc::parse(&format!("{}:3:zzzzz", NOW + MAX_AHEAD_MS + 1)).unwrap();
        assert!(clock.receive(&ahead, NOW).is_err());
        assert_eq!(clock.tick(NOW).wall, NOW);
        let near = Hlc::parse(&format!("{}:3:zzzzz", NOW + MAX_AHEAD_MS)).unwrap();
        clock.receive(&near, NOW).unwrap();
        assert!(clock.tick(NOW) > near);
    }

    #[test]
    fn rule_3_an_edit_over_a_future_winner_follows_it_alone() {
        let mut clock = Clock::resume("aaaaa", 0, 0);
        let winner = Order::new(&Stamp::parse(&format!("{}:7:zzzzz", NOW + 86_400_000)), 4);
        let edit = clock.tick_after(Some(&winner), NOW);
        assert_eq!((edit.wall, edit.counter), (NOW + 86_400_001, 0));
        assert_eq!(clock.tick(NOW + 1).wall, NOW + 1);
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_back(wall in 0..END_OF_TIME_MS, counter in 0..999_999_999_u32, id in "[A-Za-z0-9]{1,64}") {
            let hlc = Hlc { wall, counter, id: id.as_str().into() };
            prop_assert_eq!(Hlc::parse(&hlc.to_string()), Some(hlc));
        }

        #[test]
        fn a_clock_only_goes_forward(events in prop::collection::vec((any::<bool>(), NOW - 1000..NOW + 1000, 0..20_u32), 1..50)) {
            let mut clock = Clock::resume("me", 0, 0);
            let mut last = clock.last();
            for (receive, wall, counter) in events {
                if receive {
                    let _ = clock.receive(&Hlc { wall, counter, id: "you".into() }, wall);
                } else {
                    let next = clock.tick(wall);
                    prop_assert!(next > last);
                    prop_assert!(next.counter <= MAX_COUNTER);
                    last = next;
                }
            }
        }
    }
}
