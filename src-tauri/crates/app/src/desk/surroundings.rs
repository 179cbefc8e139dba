//! What a desk needs of whoever shows it, and what one piece of its work asks.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use bivouac_link::Secret;

use super::types::{DeskEvent, Level, Question};
use crate::host::{Host, Passphrase, Progress};

/// The surroundings of a desk: a window, or a test.
pub trait Surroundings: Send + Sync {
    /// The wall clock, in milliseconds since 1970.
    fn now_ms(&self) -> u64;

    /// 64 random bits.
    fn random(&self) -> u64 {
        uuid::Uuid::new_v4().as_u64_pair().0
    }

    /// Something happened; must not wait.
    fn tell(&self, event: DeskEvent);

    /// A passphrase for the file of secrets that was given beforehand.
    fn passphrase(&self) -> Option<Secret> {
        None
    }
}

/// Questions that wait for their answers.
#[derive(Default)]
pub(super) struct Questions {
    last: AtomicU64,
    waiting: Mutex<BTreeMap<u64, mpsc::Sender<Option<String>>>>,
}

impl Questions {
    /// Asks, and waits until it is answered or given up.
    fn ask(&self, surroundings: &dyn Surroundings, question: Question, text: &str) -> Option<String> {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let (answer, answered) = mpsc::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, answer);
        surroundings.tell(DeskEvent::Asked { id, question, text: text.to_owned() });
        answered.recv().ok().flatten()
    }

    /// Gives an answer; whether anybody waited for it.
    pub(super) fn answer(&self, id: u64, text: Option<String>) -> bool {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        waiting.is_some_and(|answer| answer.send(text).is_ok())
    }

    /// Answers everything with nothing.
    pub(super) fn give_up(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// The host of one piece of work.
pub(super) struct WorkHost {
    pub(super) surroundings: Arc<dyn Surroundings>,
    pub(super) questions: Arc<Questions>,
    /// The password that was typed for it.
    pub(super) password: RefCell<Option<Secret>>,
    pub(super) cancel: Arc<AtomicBool>,
}

impl Host for WorkHost {
    fn now_ms(&self) -> u64 {
        self.surroundings.now_ms()
    }

    fn random(&self) -> u64 {
        self.surroundings.random()
    }

    fn progress(&self, step: Progress<'_>) {
        let what = step.what.replace(' ', "-");
        self.surroundings.tell(DeskEvent::Progress { what, done: step.done, total: step.total });
    }

    fn notify(&self, text: &str) {
        let (level, code) = (Level::Info, "notice".to_owned());
        self.surroundings.tell(DeskEvent::Notice { level, code, text: text.to_owned() });
    }

    fn password(&self, _: &str) -> Option<Secret> {
        self.password.borrow().clone()
    }

    fn passphrase(&self, purpose: Passphrase) -> Option<Secret> {
        if let Some(given) = self.surroundings.passphrase() {
            return Some(given);
        }
        let (question, text) = match purpose {
            Passphrase::Existing => (Question::Passphrase, "the passphrase of the file of secrets"),
            Passphrase::New => (Question::NewPassphrase, "a passphrase for a new file of secrets"),
        };
        let said = self.questions.ask(&*self.surroundings, question, text);
        said.filter(|said| !said.is_empty()).map(Secret::new)
    }

    fn confirm(&self, question: &str) -> bool {
        self.questions.ask(&*self.surroundings, Question::Confirm, question).is_some()
    }

    fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Remembers what it was told and answers as it was set up to.
    #[derive(Default)]
    pub struct TestSurroundings {
        clock: AtomicU64,
        told: Mutex<Vec<DeskEvent>>,
    }

    impl TestSurroundings {
        /// Everything told so far.
        pub fn told(&self) -> Vec<DeskEvent> {
            self.told.lock().unwrap().clone()
        }
    }

    impl Surroundings for TestSurroundings {
        fn now_ms(&self) -> u64 {
            1_700_000_000_000 + self.clock.fetch_add(10, Ordering::Relaxed)
        }

        fn tell(&self, event: DeskEvent) {
            self.told.lock().unwrap().push(event);
        }

        fn passphrase(&self) -> Option<Secret> {
            Some(Secret::new("correct horse"))
        }
    }

    #[test]
    fn a_question_waits_for_its_answer_and_for_no_other() {
        let questions = Arc::new(Questions::default());
        let surroundings = Arc::new(TestSurroundings::default());
        let (asking, around) = (questions.clone(), surroundings.clone());
        let thread = std::thread::spawn(move || asking.ask(&*around, Question::Confirm, "really?"));
        let id = loop {
            if let Some(DeskEvent::Asked { id, .. }) = surroundings.told().pop() {
                break id;
            }
            std::thread::yield_now();
        };
        assert!(!questions.answer(id + 1, None));
        assert!(questions.answer(id, Some("yes".to_owned())));
        assert_eq!(thread.join().unwrap().as_deref(), Some("yes"));
        assert!(!questions.answer(id, None), "it is answered once");
    }
}
