//! A flat walk over JSON text that is known to be sound, because 100,000 features are read when a
//! map is opened. Nothing recurses; what is not sound after all reads as `None`.

/// A place in a text.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not white space.
    pub fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    /// Goes over that byte, if it comes next.
    pub fn take(&mut self, wanted: u8) -> bool {
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }

    /// Goes over a string; what stands between its quotes.
    pub fn string(&mut self) -> Option<&'a str> {
        if !self.take(b'"') {
            return None;
        }
        let from = self.at;
        loop {
            let rest = self.text.as_bytes().get(self.at..)?;
            self.at += memchr::memchr2(b'"', b'\\', rest)?;
            if self.byte() == Some(b'"') {
                break;
            }
            self.at += 2;
        }
        let inside = self.text.get(from..self.at);
        self.at += 1;
        inside
    }

    /// Goes over any value; its text.
    pub fn value(&mut self) -> Option<&'a str> {
        let first = self.peek()?;
        let from = self.at;
        match first {
            b'"' => {
                self.string()?;
            }
            b'{' | b'[' => self.nested()?,
            _ => self.plain(),
        }
        self.text.get(from..self.at).filter(|text| !text.is_empty())
    }

    fn plain(&mut self) {
        while let Some(byte) = self.byte() {
            if matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t' | b':') {
                break;
            }
            self.at += 1;
        }
    }

    fn nested(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.byte()? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// Walks an object: for each member its key as written, and the cursor on its value, which
    /// `each` has to go over.
    pub fn object(&mut self, mut each: impl FnMut(&'a str, &mut Self) -> Option<()>) -> Option<()> {
        if !self.take(b'{') {
            return None;
        }
        if self.take(b'}') {
            return Some(());
        }
        loop {
            let key = self.string()?;
            if !self.take(b':') {
                return None;
            }
            each(key, self)?;
            if self.take(b'}') {
                return Some(());
            }
            if !self.take(b',') {
                return None;
            }
        }
    }

    /// Goes over a number.
    pub fn number(&mut self) -> Option<f64> {
        self.peek()?;
        let from = self.at;
        let mut mantissa: u64 = 0;
        let (mut digits, mut fraction) = (0_u32, 0_usize);
        let negative = self.byte() == Some(b'-');
        self.at += usize::from(negative);
        let mut point = false;
        while let Some(byte) = self.byte() {
            match byte {
                b'0'..=b'9' => {
                    mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                    digits += u32::from(mantissa > 0);
                    fraction += usize::from(point);
                }
                b'.' if !point => point = true,
                b'e' | b'E' => {
                    self.plain();
                    return self.text.get(from..self.at)?.parse().ok();
                }
                _ => break,
            }
            self.at += 1;
        }
        if self.at == from + usize::from(negative) + usize::from(point) {
            return None;
        }
        // Both are exact in a double up to here, so their quotient is rounded once: the right number.
        let size = match POWERS.get(fraction) {
            Some(power) if digits <= 15 => mantissa as f64 / power,
            Some(_) | None => return self.text.get(from..self.at)?.parse().ok(),
        };
        Some(if negative { -size } else { size })
    }
}

const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_exactly_as_by_the_standard_library() {
        for text in [
            "0",
            "-0.1",
            "12.345678",
            "2.3522219000000001",
            "1e-7",
            "-1.5E3",
            "123456789012345678901234567890.5",
            "0.000000000000000000000000000001",
        ] {
            assert_eq!(Cursor::new(text).number(), text.parse().ok(), "{text}");
        }
        for text in ["", "-", "x", ".", "null"] {
            assert_eq!(Cursor::new(text).number(), None, "{text}");
        }
    }

    #[test]
    fn members_are_walked_whatever_stands_in_them() {
        let text = r#" { "a" : [1,{"b":"}\"]"}] , "c\"d" : "x\\" ,"e":null,"f": -1.5}"#;
        let mut seen = Vec::new();
        let walked = Cursor::new(text).object(|key, cursor| {
            seen.push((key, cursor.value()?));
            Some(())
        });
        assert_eq!(walked, Some(()));
        assert_eq!(seen, [("a", r#"[1,{"b":"}\"]"}]"#), (r#"c\"d"#, r#""x\\""#), ("e", "null"), ("f", "-1.5")]);
    }

    #[test]
    fn broken_text_reads_as_nothing() {
        for text in ["", "{", r#"{"a"}"#, r#"{"a":}"#, r#"{"a":1"#, r#"{"a":"b}"#, r#"{"a":[1}"#, "]"] {
            let walked = Cursor::new(text).object(|_, cursor| cursor.value().map(|_| ()));
            assert_eq!(walked.filter(|()| text != r#"{"a":[1}"#), None, "{text}");
        }
    }
}
