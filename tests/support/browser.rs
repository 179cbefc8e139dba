//! The Node program that drives Chromium, and the lines of JSON spoken with it.

use std::collections::HashMap;
use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::server::{UmapServer, support_folder};
use crate::web_peer::WebPeer;

/// The slowest command (a page that opens) gives up by itself after 30 s, or what `BIVOUAC_TEST_PATIENCE_MS` says.
const ANSWER: Duration = Duration::from_secs(400);

/// One Chromium. Its peers have cookies of their own, so they are different people.
#[derive(Debug, Clone)]
pub struct Browser {
    driver: Arc<Driver>,
}

type Reply = Result<Value, String>;

pub(crate) struct Driver {
    child: Mutex<Child>,
    stdin: Mutex<Option<ChildStdin>>,
    waiting: Arc<Mutex<HashMap<u64, Sender<Reply>>>>,
    next: AtomicU64,
}

impl Browser {
    /// Starts a headless Chromium, in about 1 s. It ends when the last of its peers is dropped.
    #[track_caller]
    pub fn launch() -> Self {
        let folder = support_folder().join("web-peer");
        assert!(
            folder.join("node_modules/playwright-core").is_dir(),
            "the browser driver is not installed: run `make test`, or `tests/support/install.sh test`"
        );
        let started =
            Command::new("node").arg(folder.join("peer.mjs")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(error) => panic!("could not start node for the web peer: {error}"),
        };
        let waiting = Arc::new(Mutex::new(HashMap::new()));
        if let Some(stdout) = child.stdout.take() {
            let waiting = Arc::clone(&waiting);
            thread::spawn(move || read_answers(stdout, &waiting));
        }
        let stdin = Mutex::new(child.stdin.take());
        let driver = Driver { child: Mutex::new(child), stdin, waiting, next: AtomicU64::new(1) };
        let browser = Self { driver: Arc::new(driver) };
        browser.driver.call("launch", "", json!({}));
        browser
    }

    /// A person at a browser: not signed in, no page open.
    #[track_caller]
    pub fn anonymous(&self) -> WebPeer {
        let name = format!("peer{}", self.driver.next.fetch_add(1, Ordering::Relaxed));
        self.driver.call("newPeer", &name, json!({}));
        WebPeer::new(Arc::clone(&self.driver), name)
    }

    /// A person signed in at this server.
    #[track_caller]
    pub fn signed_in(&self, server: &UmapServer, user: &str) -> WebPeer {
        self.signed_in_at(server.url(), server, user)
    }

    /// The same, through another address of the server, such as a proxy's.
    #[track_caller]
    pub fn signed_in_at(&self, address: &str, server: &UmapServer, user: &str) -> WebPeer {
        let peer = self.anonymous();
        peer.sign_in(address, user, server.password());
        peer
    }
}

impl Driver {
    /// Asks and waits; several threads may do so at once.
    #[track_caller]
    pub(crate) fn call(&self, command: &str, peer: &str, arguments: Value) -> Value {
        match self.try_call(command, peer, arguments) {
            Ok(value) => value,
            Err(why) => panic!("web peer {peer}: {command}: {why}"),
        }
    }

    pub(crate) fn try_call(&self, command: &str, peer: &str, arguments: Value) -> Reply {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut request = match arguments {
            Value::Object(fields) => fields,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
        };
        request.insert("id".to_owned(), json!(id));
        request.insert("cmd".to_owned(), json!(command));
        request.insert("peer".to_owned(), json!(peer));
        let (sender, answer) = channel();
        lock(&self.waiting).insert(id, sender);
        if let Some(stdin) = lock(&self.stdin).as_mut() {
            writeln!(stdin, "{}", Value::Object(request))
                .and_then(|()| stdin.flush())
                .map_err(|error| format!("the browser driver is gone: {error}"))?;
        }
        match answer.recv_timeout(ANSWER) {
            Ok(reply) => reply,
            Err(_) => Err(format!("no answer in {ANSWER:?}, or the browser driver ended")),
        }
    }
}

fn read_answers(stdout: ChildStdout, waiting: &Mutex<HashMap<u64, Sender<Reply>>>) {
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        let Ok(mut message) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        let Some(id) = message["id"].as_u64() else {
            continue;
        };
        let reply = match message["error"].as_str() {
            Some(why) => Err(why.to_owned()),
            None => Ok(message["ok"].take()),
        };
        if let Some(sender) = lock(waiting).remove(&id) {
            // Whoever asked may have given up.
            let _ = sender.send(reply);
        }
    }
    // Dropping the senders wakes everybody who still waits.
    lock(waiting).clear();
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The program closes Chromium and leaves when its input ends.
        lock(&self.stdin).take();
        let mut child = lock(&self.child);
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(10) {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}
