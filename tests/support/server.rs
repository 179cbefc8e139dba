//! The real uMap server: the one that `make test` shares between tests, or one of a test's own that may be
//! stopped and broken.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, process};

use crate::ports::free_port;

static OWN: AtomicU32 = AtomicU32::new(0);
const PASSWORD: &str = "umap-test-pw";

/// A running uMap server with the users admin, alice, bob and carol.
#[derive(Debug)]
pub struct UmapServer {
    url: String,
    password: String,
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    environment: Vec<(&'static str, String)>,
}

impl UmapServer {
    /// The server that `make test` started, from `BIVOUAC_TEST_UMAP` and `BIVOUAC_TEST_UMAP_PASSWORD`.
    /// Other tests use it too: make maps of your own, and leave the server running.
    #[track_caller]
    pub fn shared() -> Self {
        let Ok(url) = env::var("BIVOUAC_TEST_UMAP") else {
            panic!(
                "BIVOUAC_TEST_UMAP is not set, so there is no uMap server to test against: run `make test`, or \
                 `tests/support/umap-server.sh start` and then `set -a; eval \"$(tests/support/umap-server.sh env)\"`"
            );
        };
        let password = env::var("BIVOUAC_TEST_UMAP_PASSWORD").unwrap_or_else(|_| PASSWORD.to_owned());
        Self { url: url.trim_end_matches('/').to_owned(), password, own: None }
    }

    /// Starts a server for one test alone, on free ports, in about 3 s; it ends when dropped.
    /// `name` is part of its folder's name: letters, digits and dashes.
    #[track_caller]
    pub fn own(name: &str) -> Self {
        let run = env::var("BIVOUAC_TEST_RUN").unwrap_or_else(|_| "alone".to_owned());
        let number = OWN.fetch_add(1, Ordering::Relaxed);
        let port = free_port();
        let environment = vec![
            // run-tests.sh sweeps up the folders of its run, should this process be killed.
            ("UMAPSRV_NAME", format!("run-{run}-{name}-{}-{number}", process::id())),
            ("UMAPSRV_PORT", port.to_string()),
            ("UMAPSRV_PG_PORT", free_port().to_string()),
            ("UMAPSRV_REDIS_PORT", free_port().to_string()),
            ("UMAPSRV_PASSWORD", PASSWORD.to_owned()),
        ];
        let server = Self {
            url: format!("http://127.0.0.1:{port}"),
            password: PASSWORD.to_owned(),
            own: Some(Own { environment }),
        };
        server.script("start");
        server
    }

    /// `http://host:port`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        self.url.split("://").nth(1).unwrap_or(&self.url)
    }

    /// The password of every user.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Stops the web part politely: websockets see a close with 1012. Database and Redis go on.
    #[track_caller]
    pub fn stop_web(&self) {
        self.script("stop-web");
    }

    /// Starts the web part again, on the same port.
    #[track_caller]
    pub fn start_web(&self) {
        self.script("start-web");
    }

    /// Restarts Redis: sockets stay open and deaf.
    #[track_caller]
    pub fn restart_redis(&self) {
        self.script("restart-redis");
    }

    #[track_caller]
    fn script(&self, command: &str) {
        let Some(own) = &self.own else {
            panic!("{command} on the shared server would break other tests: use UmapServer::own");
        };
        if let Err(why) = own.run(command) {
            panic!("{why}");
        }
    }
}

impl Own {
    fn run(&self, command: &str) -> Result<(), String> {
        let script = support_folder().join("umap-server.sh");
        let done = Command::new(&script)
            .arg(command)
            // The shared server's own settings must not leak into this one.
            .env_remove("UMAPSRV_DIR")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("could not run {}: {error}", script.display()))?;
        if done.status.success() {
            return Ok(());
        }
        Err(format!("umap-server.sh {command} failed: {}", String::from_utf8_lossy(&done.stderr)))
    }
}

impl Drop for UmapServer {
    fn drop(&mut self) {
        if let Some(own) = &self.own {
            // A failing clean-up must not hide why the test failed; run-tests.sh sweeps again.
            let _ = own.run("reset");
        }
    }
}

/// The folder of this library's scripts.
pub(crate) fn support_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/support")
}
