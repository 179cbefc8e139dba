//! The terminal as the application's host: questions only when somebody can answer them.

use std::cell::RefCell;
use std::io::{BufRead, IsTerminal, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use bivouac_app::host::{Host, Passphrase, Progress};
use bivouac_link::Secret;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::out::{clean, complain};

/// A terminal, or whatever stands in its place.
#[derive(Debug, Default)]
pub struct Terminal {
    /// Whether every question is answered with yes.
    pub yes: bool,
    bar: RefCell<Option<ProgressBar>>,
}

impl Terminal {
    /// A terminal; `yes` answers every question.
    pub fn new(yes: bool) -> Self {
        Self { yes, bar: RefCell::new(None) }
    }

    fn can_ask() -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    fn ask_secret(prompt: &str) -> Option<Secret> {
        if !Self::can_ask() {
            return None;
        }
        rpassword::prompt_password(prompt).ok().filter(|text| !text.is_empty()).map(Secret::new)
    }
}

impl Host for Terminal {
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(0)
    }

    fn progress(&self, step: Progress<'_>) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let mut bar = self.bar.borrow_mut();
        let shown = bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len}");
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar
        });
        shown.set_length(step.total);
        shown.set_message(step.what.to_owned());
        shown.set_position(step.done);
        if step.done >= step.total {
            shown.finish_and_clear();
            *bar = None;
        }
    }

    fn notify(&self, text: &str) {
        complain(&format!("bivouac: {}", clean(text)));
    }

    fn password(&self, account: &str) -> Option<Secret> {
        match std::env::var("BIVOUAC_PASSWORD") {
            Ok(password) if !password.is_empty() => Some(Secret::new(password)),
            Ok(_) | Err(_) => Self::ask_secret(&format!("Password of {}: ", clean(account))),
        }
    }

    fn passphrase(&self, purpose: Passphrase) -> Option<Secret> {
        match std::env::var("BIVOUAC_PASSPHRASE") {
            Ok(passphrase) if !passphrase.is_empty() => return Some(Secret::new(passphrase)),
            Ok(_) | Err(_) => {}
        }
        match purpose {
            Passphrase::Existing => Self::ask_secret("Passphrase of the file of secrets: "),
            Passphrase::New => {
                let first = Self::ask_secret("A passphrase for a new file of secrets (empty: keep nothing): ")?;
                let second = Self::ask_secret("Once more: ")?;
                if first == second {
                    return Some(first);
                }
                self.notify("the two are not equal: nothing is kept");
                None
            }
        }
    }

    fn confirm(&self, question: &str) -> bool {
        if self.yes {
            return true;
        }
        if !Self::can_ask() {
            return false;
        }
        let mut stderr = std::io::stderr().lock();
        let asked = write!(stderr, "{} [y/N] ", clean(question)).and_then(|()| stderr.flush());
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        asked.is_ok() && read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
    }
}
