//! What the application needs of whoever runs it: a terminal, a window or a test.

use std::cell::{Cell, RefCell};

use bivouac_link::Secret;

/// One step of long work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is being done, for people.
    pub what: &'a str,
    /// How much of it is done.
    pub done: u64,
    /// Of how much; 0 when nobody knows.
    pub total: u64,
}

/// What a passphrase is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passphrase {
    /// To open the file of secrets that is there.
    Existing,
    /// To make a new one.
    New,
}

/// The surroundings of the application.
pub trait Host {
    /// The wall clock, in milliseconds since 1970.
    fn now_ms(&self) -> u64;

    /// 64 random bits.
    fn random(&self) -> u64 {
        uuid::Uuid::new_v4().as_u64_pair().0
    }

    /// Long work has come so far.
    fn progress(&self, step: Progress<'_>);

    /// Something worth knowing, which stops nothing.
    fn notify(&self, text: &str);

    /// A password of that account; `None` when nobody can be asked.
    fn password(&self, account: &str) -> Option<Secret>;

    /// A passphrase for the file of secrets; `None` when nobody can be asked or none is wanted.
    fn passphrase(&self, purpose: Passphrase) -> Option<Secret>;

    /// A yes; no when nobody can be asked.
    fn confirm(&self, question: &str) -> bool;

    /// Whether the user wants long work to stop.
    fn cancelled(&self) -> bool {
        false
    }
}

/// A host for tests: answers as it was told, and remembers what it was told.
#[derive(Debug, Default)]
pub struct TestHost {
    /// The clock.
    pub now_ms: Cell<u64>,
    /// The answer to every question for a password.
    pub password: Option<String>,
    /// The answer to every question for a passphrase.
    pub passphrase: Option<String>,
    /// The answer to every question.
    pub says_yes: bool,
    /// Whether long work is to stop.
    pub cancelled: bool,
    /// Every notice, question and step.
    pub told: RefCell<Vec<String>>,
}

impl Host for TestHost {
    fn now_ms(&self) -> u64 {
        // Every look is a little later than the one before.
        let now = self.now_ms.get().max(1_700_000_000_000) + 10;
        self.now_ms.set(now);
        now
    }

    fn progress(&self, step: Progress<'_>) {
        self.told.borrow_mut().push(format!("{} {}/{}", step.what, step.done, step.total));
    }

    fn notify(&self, text: &str) {
        self.told.borrow_mut().push(text.to_owned());
    }

    fn password(&self, _: &str) -> Option<Secret> {
        self.password.as_ref().map(Secret::new)
    }

    fn passphrase(&self, _: Passphrase) -> Option<Secret> {
        self.passphrase.as_ref().map(Secret::new)
    }

    fn confirm(&self, question: &str) -> bool {
        self.told.borrow_mut().push(question.to_owned());
        self.says_yes
    }

    fn cancelled(&self) -> bool {
        self.cancelled
    }
}
