//! One pass over JSON text that copies nothing: is it JSON, and where does each part stand?
//!
//! A list of operations is millions of bytes, so this is written for speed. It accepts nothing
//! that `serde_json` refuses; whoever it answers `None` asks `serde_json`, whose errors are the
//! ones that people see. Nesting is bounded by [`MAX_DEPTH`].

use std::borrow::Cow;

use crate::json::{MAX_DEPTH, Raw};

/// A place in a text.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

/// The members of an object.
pub(crate) fn members(text: &str) -> Option<Vec<(Cow<'_, str>, Raw<'_>)>> {
    let mut scanner = Scanner::new(text);
    let mut members = Vec::with_capacity(8);
    scanner.members(&mut members)?;
    scanner.end()?;
    Some(members)
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// The next byte that is no white space; it stays.
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte()? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// That nothing but white space is left.
    pub fn end(&mut self) -> Option<()> {
        if self.peek().is_none() { Some(()) } else { None }
    }

    /// Passes over one value.
    pub fn value(&mut self) -> Option<Raw<'a>> {
        self.peek()?;
        let from = self.at;
        self.skip()?;
        self.text.get(from..self.at).map(Raw::of)
    }

    /// Passes over one object, and adds its members.
    pub fn members(&mut self, into: &mut Vec<(Cow<'a, str>, Raw<'a>)>) -> Option<()> {
        self.each_member(&mut |scanner, name| {
            let value = scanner.value()?;
            into.push((name, value));
            Some(())
        })
    }

    /// Passes over one object; `each` has to pass over each value.
    pub fn each_member(&mut self, each: &mut dyn FnMut(&mut Self, Cow<'a, str>) -> Option<()>) -> Option<()> {
        if self.opens(b'{', b'}')? {
            return Some(());
        }
        loop {
            let name = self.name()?;
            each(self, name)?;
            if self.closes(b'}')? {
                return Some(());
            }
        }
    }

    /// Passes over one array; `each` has to pass over each item.
    pub fn each_item(&mut self, each: &mut dyn FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if self.opens(b'[', b']')? {
            return Some(());
        }
        loop {
            each(self)?;
            if self.closes(b']')? {
                return Some(());
            }
        }
    }

    /// How far it came, for [`Scanner::since`].
    pub fn place(&mut self) -> usize {
        self.peek();
        self.at
    }

    /// What it passed over since that place.
    pub fn since(&self, place: usize) -> Option<Raw<'a>> {
        self.text.get(place..self.at).map(Raw::of)
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        if self.peek()? != wanted {
            return None;
        }
        self.at += 1;
        Some(())
    }

    /// Enters an array or object; whether it is left again at once, being empty.
    fn opens(&mut self, open: u8, close: u8) -> Option<bool> {
        self.take(open)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        if self.peek()? != close {
            return Some(false);
        }
        self.at += 1;
        self.depth -= 1;
        Some(true)
    }

    /// Behind a member or item: whether it was the last one.
    fn closes(&mut self, close: u8) -> Option<bool> {
        let byte = self.peek()?;
        self.at += 1;
        if byte == b',' {
            return Some(false);
        }
        self.depth -= 1;
        (byte == close).then_some(true)
    }

    /// A member's name and the colon behind it.
    fn name(&mut self) -> Option<Cow<'a, str>> {
        self.take(b'"')?;
        let from = self.at;
        let escapes = self.string()?;
        let inside = self.text.get(from..self.at - 1)?;
        let name = if escapes {
            Cow::Owned(serde_json::from_str(self.text.get(from - 1..self.at)?).ok()?)
        } else {
            Cow::Borrowed(inside)
        };
        self.take(b':')?;
        Some(name)
    }

    fn skip(&mut self) -> Option<()> {
        match self.byte()? {
            b'"' => {
                self.at += 1;
                self.string().map(|_| ())
            }
            b'{' => {
                if self.opens(b'{', b'}')? {
                    return Some(());
                }
                loop {
                    self.take(b'"')?;
                    self.string()?;
                    self.take(b':')?;
                    self.peek()?;
                    self.skip()?;
                    if self.closes(b'}')? {
                        return Some(());
                    }
                }
            }
            b'[' => {
                if self.opens(b'[', b']')? {
                    return Some(());
                }
                loop {
                    self.peek()?;
                    self.skip()?;
                    if self.closes(b']')? {
                        return Some(());
                    }
                }
            }
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.skip_number(),
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        if !self.text.as_bytes().get(self.at..)?.starts_with(word.as_bytes()) {
            return None;
        }
        self.at += word.len();
        Some(())
    }

    /// Passes over one number.
    pub fn number(&mut self) -> Option<&'a str> {
        self.peek()?;
        let from = self.at;
        self.skip_number()?;
        self.text.get(from..self.at)
    }

    fn skip_number(&mut self) -> Option<()> {
        if self.byte()? == b'-' {
            self.at += 1;
        }
        match self.byte()? {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits(),
            _ => return None,
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Some(())
    }

    fn digits(&mut self) {
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Option<()> {
        let from = self.at;
        self.digits();
        (self.at > from).then_some(())
    }

    /// From behind the opening quote to behind the closing one; whether there are escapes inside.
    fn string(&mut self) -> Option<bool> {
        let bytes = self.text.as_bytes();
        let mut escapes = false;
        loop {
            match bytes.get(self.at..self.at + 8).and_then(|eight| <[u8; 8]>::try_from(eight).ok()) {
                Some(eight) => match plain(u64::from_le_bytes(eight)) {
                    8 => {
                        self.at += 8;
                        continue;
                    }
                    before => self.at += before,
                },
                None => {
                    while matches!(bytes.get(self.at)?, b' '..=b'!' | b'#'..=b'[' | b']'..) {
                        self.at += 1;
                    }
                }
            }
            match bytes.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some(escapes);
                }
                b'\\' => {
                    escapes = true;
                    self.escape()?;
                }
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let bytes = self.text.as_bytes();
        match bytes.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' if bytes.get(self.at + 2..self.at + 6)?.iter().all(u8::is_ascii_hexdigit) => self.at += 6,
            _ => return None,
        }
        Some(())
    }
}

/// How many of eight bytes, from the lowest on, are neither quote nor backslash nor control.
fn plain(eight: u64) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let less_than = |word: u64, most: u64| word.wrapping_sub(ONES * most) & !word & TOPS;
    let quote = eight ^ (ONES * u64::from(b'"'));
    let backslash = eight ^ (ONES * u64::from(b'\\'));
    let found = less_than(quote, 1) | less_than(backslash, 1) | less_than(eight, 0x20);
    // The lowest mark is exact; those above it may be a carry.
    usize::try_from(found.trailing_zeros() / 8).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    fn accepts(text: &str) -> bool {
        let mut scanner = Scanner::new(text);
        scanner.value().is_some() && scanner.end().is_some()
    }

    #[test]
    fn what_is_no_json_is_not_passed_over() {
        let texts = [
            "",
            " ",
            "{",
            "[",
            "[1,]",
            "[,1]",
            "{\"a\":1,}",
            "{\"a\"}",
            "{a:1}",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "tru",
            "nul",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\u{1}\"",
            "\"tab\there\"",
            "1 2",
            "[1 2]",
            "{\"a\" 1}",
            "]",
            "[}",
            "NaN",
        ];
        for text in texts {
            assert!(!accepts(text), "{text}");
            assert!(serde_json::from_str::<&RawValue>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(accepts(&("[".repeat(64) + &"]".repeat(64))));
        assert!(!accepts(&("[".repeat(65) + &"]".repeat(65))));
        assert!(accepts(&format!("[{}1]", "[[]],".repeat(100))));
    }

    #[test]
    fn eight_bytes_are_looked_at_at_once() {
        for place in 0..8 {
            for (byte, stops) in
                [(b'"', true), (b'\\', true), (0x1f, true), (b' ', false), (0x80, false), (0xff, false)]
            {
                for around in [b'a', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xc3, 0xff] {
                    let mut eight = [around; 8];
                    eight[place] = byte;
                    assert_eq!(plain(u64::from_le_bytes(eight)), if stops { place } else { 8 }, "{eight:?}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn it_and_serde_agree_on_what_json_is(text in r#"[ \[\]{},:"0-9a\\ue+.\-tn\u{1}é]{0,24}"#) {
            let raw = serde_json::from_str::<&RawValue>(&text);
            prop_assert_eq!(accepts(&text), raw.is_ok(), "{}", text);
            if let Ok(raw) = raw {
                prop_assert_eq!(Scanner::new(&text).value().map(Raw::get), Some(raw.get()));
            }
        }

        #[test]
        fn it_finds_the_members_that_serde_finds(
            names in proptest::collection::vec(r#"([a-zé]|\\n|\\u00e9|\\ud83d\\ude00|\\ud800){0,12}"#, 0..5),
            values in proptest::collection::vec(r#"[0-9]{1,3}|"[a-zé ]{0,20}"|\[[0-9](,[0-9]){0,2}\]|\{"x": ?true\}"#, 5),
            space in " {0,2}",
        ) {
            let members: Vec<_> = names.iter().zip(&values).map(|(n, v)| format!("{space}\"{n}\"{space}:{space}{v}")).collect();
            let text = format!("{{{}{space}}}{space}", members.join(","));
            let theirs = serde_json::from_str::<crate::json::Members<'_>>(&text).ok();
            let ours = super::members(&text);
            prop_assert_eq!(
                ours.map(|m| m.into_iter().map(|(n, v)| (n.into_owned(), v.get().to_owned())).collect::<Vec<_>>()),
                theirs.map(|m| m.0.into_iter().map(|(n, v)| (n.into_owned(), v.get().to_owned())).collect::<Vec<_>>())
            );
        }
    }
}
