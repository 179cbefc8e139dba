//! The operating system's keyring, on a thread of its own: a keyring may ask its user for a
//! password and never come back, so each call has five seconds.

use std::sync::mpsc;
use std::time::Duration;

use bivouac_link::Secret;
use keyring::{Entry, Error};

use super::{Kind, Secrets, failed};
use crate::error::Result;

const SERVICE: &str = "org.bivouac.Bivouac";
const LIMIT: Duration = Duration::from_secs(5);
const WHAT: &str = "reach the keyring";

type Job = Box<dyn FnOnce() + Send>;

/// The system's keyring.
pub struct Keyring {
    jobs: mpsc::Sender<Job>,
}

impl Keyring {
    /// The keyring, proven by writing, reading and deleting.
    ///
    /// # Errors
    /// When there is none, or it does not keep what it is given.
    pub fn prove() -> Result<Self> {
        let (jobs, todo) = mpsc::channel::<Job>();
        std::thread::Builder::new()
            .name("keyring".to_owned())
            .spawn(move || {
                while let Ok(job) = todo.recv() {
                    job();
                }
            })
            .map_err(|e| failed(WHAT, e))?;
        let keyring = Self { jobs };
        let name = format!("proof {}", uuid::Uuid::new_v4());
        let value = Secret::new(uuid::Uuid::new_v4().to_string());
        keyring.put(&name, &value)?;
        let found = keyring.get(&name)?;
        keyring.remove(&name)?;
        if found.as_ref() == Some(&value) && keyring.get(&name)?.is_none() {
            Ok(keyring)
        } else {
            Err(failed(WHAT, "it does not keep what it is given"))
        }
    }

    fn call<T: Send + 'static>(
        &self,
        name: &str,
        job: impl FnOnce(&Entry) -> keyring::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = mpsc::channel();
        let name = name.to_owned();
        let job: Job = Box::new(move || {
            let result = Entry::new(SERVICE, &name).and_then(|entry| job(&entry));
            // Whoever asked may have given up.
            let _ = answer.send(result);
        });
        self.jobs.send(job).map_err(|_| failed(WHAT, "its thread has ended"))?;
        match answered.recv_timeout(LIMIT) {
            // Only the kind of the error: some carry what they were given.
            Ok(result) => result.map_err(|error| failed(WHAT, kind_of(&error))),
            Err(_) => Err(failed(WHAT, "no answer within 5 s")),
        }
    }
}

impl Secrets for Keyring {
    fn kind(&self) -> Kind {
        Kind::Keyring
    }

    fn get(&self, name: &str) -> Result<Option<Secret>> {
        self.call(name, |entry| match entry.get_password() {
            Ok(text) => Ok(Some(Secret::new(text))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })
    }

    fn put(&self, name: &str, secret: &Secret) -> Result<()> {
        let secret = secret.clone();
        self.call(name, move |entry| entry.set_password(secret.expose()))
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.call(name, |entry| match entry.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(error),
        })
    }
}

fn kind_of(error: &Error) -> &'static str {
    match error {
        Error::NoDefaultStore => "this system has none that answers",
        Error::NoStorageAccess(_) => "it is locked or refuses access",
        Error::PlatformFailure(_) => "the system reports a failure",
        _ => "it failed",
    }
}
