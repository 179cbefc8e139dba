//! What goes to stdout and stderr: text for people, or JSON, never a mixture.

use std::io::{self, ErrorKind, Write};

use bivouac_app::AppError;
use serde_json::{Value, json};

/// Where results go.
#[derive(Clone, Copy, Debug)]
pub struct Out {
    json: bool,
}

impl Out {
    /// Results as text, or as JSON.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether JSON is wanted.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// One result: JSON, or the lines that say the same.
    pub fn result(self, value: &Value, lines: impl FnOnce() -> Vec<String>) -> Result<(), AppError> {
        if self.json {
            return self.raw(&value.to_string());
        }
        lines().iter().try_for_each(|line| self.line(line))
    }

    /// A line of text; what could steer a terminal is taken out.
    pub fn line(self, text: &str) -> Result<(), AppError> {
        self.raw(&clean(text))
    }

    /// A line as it is.
    pub fn raw(self, text: &str) -> Result<(), AppError> {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(AppError::io("write to the standard output"))
    }

    /// Why a command failed, on stderr.
    pub fn error(self, error: &AppError) {
        if self.json {
            let told = json!({ "error": { "code": error.code(), "text": error.to_string(), "advice": error.advice(), "exit": error.exit_code() } });
            complain(&told.to_string());
            return;
        }
        complain(&format!("bivouac: {}", clean(&error.to_string())));
        if let Some(advice) = error.advice() {
            complain(&format!("  {advice}"));
        }
    }
}

/// A line to stderr; nobody reading it is no reason to stop.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether an error only says that the reader of our output has gone.
pub fn is_broken_pipe(error: &AppError) -> bool {
    matches!(error, AppError::Io { source, .. } if source.kind() == ErrorKind::BrokenPipe)
}

/// Text of others without control characters, which could steer a terminal.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// An instant in ms as people and scripts read it; `None` for 0.
pub fn instant(ms: u64) -> Option<String> {
    if ms == 0 {
        return None;
    }
    let at = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok()?;
    at.format(&time::format_description::well_known::Rfc3339).ok()
}

/// How far this laptop's clock is from the server's, by ms that it is ahead.
pub fn skew(ms: i64) -> String {
    let seconds = ms.unsigned_abs() / 1000;
    let side = if ms < 0 { "behind" } else { "ahead of" };
    format!("this laptop's clock is {seconds} s {side} the server's")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_printed() {
        assert_eq!(clean("a\u{1b}[2Jb\nc"), "a\u{fffd}[2Jb\u{fffd}c");
    }

    #[test]
    fn a_clock_is_ahead_or_behind() {
        assert_eq!(skew(86_401_000), "this laptop's clock is 86401 s ahead of the server's");
        assert_eq!(skew(-86_398_500), "this laptop's clock is 86398 s behind the server's");
    }

    #[test]
    fn instants_are_read_as_rfc_3339() {
        assert_eq!(instant(1_700_000_000_123).as_deref(), Some("2023-11-14T22:13:20.123Z"));
        assert_eq!(instant(0), None);
    }
}
