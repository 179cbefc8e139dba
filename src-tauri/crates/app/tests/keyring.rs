//! The system's keyring for real: a GNOME keyring on a session bus of its own. Each test runs
//! itself again inside of that bus, where nothing of whoever runs the tests can be reached.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use bivouac_app::host::TestHost;
use bivouac_app::secrets::{Keyring, Kind, Vault};
use bivouac_link::Secret;

/// Which part a process inside of the bus plays.
const INSIDE: &str = "BIVOUAC_KEYRING_INSIDE";

/// Runs `test` of this file on a bus of its own, after `prelude` in its shell.
fn on_a_bus(test: &str, part: &str, home: &Path, prelude: &str) -> Output {
    let script = format!("{prelude}\nexec \"$0\" --exact {test} --nocapture");
    let mut command = Command::new("dbus-run-session");
    command.args(["--", "sh", "-c", &script]).arg(std::env::current_exe().unwrap());
    command.env_remove("DBUS_SESSION_BUS_ADDRESS").env(INSIDE, part);
    for (name, folder) in
        [("HOME", ""), ("XDG_DATA_HOME", "data"), ("XDG_RUNTIME_DIR", "run"), ("XDG_CACHE_HOME", "cache")]
    {
        let folder = home.join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        command.env(name, folder);
    }
    command.process_group(0);
    command.output().expect("run dbus-run-session (Debian package dbus)")
}

fn passed(output: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("1 passed"), "{}", text(&output.stdout));
}

fn part() -> Option<String> {
    std::env::var(INSIDE).ok()
}

/// The daemon is gone with the bus; `--unlock` makes the login keyring with that password.
const UNLOCKED: &str = "printf 'a password' | gnome-keyring-daemon --unlock --components=secrets >/dev/null || exit 90";

/// Stops the daemon once it has its name, and ends it with the shell: a stopped one ends not by itself.
const STOPPED: &str = r#"owner() {
  dbus-send --session --print-reply=literal --dest=org.freedesktop.DBus / \
    org.freedesktop.DBus.GetConnectionUnixProcessID string:org.freedesktop.secrets 2>/dev/null | awk '{print $2}'
}
for _ in $(seq 100); do pid=$(owner); [ -n "$pid" ] && break; sleep 0.1; done
[ -n "$pid" ] && kill -STOP "$pid" || exit 91
( tail --pid=$$ -f /dev/null; kill -KILL "$pid" ) >/dev/null 2>&1 </dev/null &"#;

#[test]
fn secrets_live_in_the_system_keyring_beyond_the_process_and_are_forgotten_when_asked() {
    const TEST: &str = "secrets_live_in_the_system_keyring_beyond_the_process_and_are_forgotten_when_asked";
    let Some(part) = part() else {
        let home = tempfile::tempdir().unwrap();
        // Two processes after each other, each with a daemon and a bus of its own: the file stays.
        for part in ["keep", "find"] {
            passed(&on_a_bus(TEST, part, home.path(), UNLOCKED));
        }
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let host = TestHost::default();
    let vault = Vault::new(folder.path(), None, &host);
    let store = vault.open().unwrap();
    assert_eq!(store.kind(), Kind::Keyring, "without being told it is the one that is chosen");
    assert!(host.told.borrow().is_empty());
    let secret = Secret::new("sessionid=çè\"; x");
    if part == "keep" {
        assert_eq!(store.get("session of alice").unwrap(), None);
        store.put("session of alice", &Secret::new("an old one")).unwrap();
        store.put("session of alice", &secret).unwrap();
        store.put("session of bob", &Secret::new("his")).unwrap();
        assert_eq!(store.get("session of alice").unwrap(), Some(secret));
        return;
    }
    assert_eq!(store.get("session of alice").unwrap(), Some(secret), "after a restart of the daemon");
    assert_eq!(store.get("session of bob").unwrap(), Some(Secret::new("his")));
    store.remove("session of alice").unwrap();
    store.remove("session of alice").unwrap();
    assert_eq!(store.get("session of alice").unwrap(), None);
}

#[test]
fn a_keyring_that_never_answers_is_given_up_after_five_seconds_and_the_file_is_used() {
    const TEST: &str = "a_keyring_that_never_answers_is_given_up_after_five_seconds_and_the_file_is_used";
    if part().is_none() {
        let home = tempfile::tempdir().unwrap();
        // It has its name on the bus and hears nothing any more.
        let stopped = format!("{UNLOCKED}\n{STOPPED}");
        passed(&on_a_bus(TEST, "wait", home.path(), &stopped));
        return;
    }
    let started = Instant::now();
    let error = Keyring::prove().err().expect("nobody answers").to_string();
    let took = started.elapsed();
    assert!(error.contains("no answer within 5 s"), "{error}");
    assert!((Duration::from_secs(4)..Duration::from_secs(8)).contains(&took), "{took:?}");
    let folder = tempfile::tempdir().unwrap();
    let host = TestHost { passphrase: Some("correct horse".to_owned()), ..TestHost::default() };
    assert_eq!(Vault::new(folder.path(), None, &host).open().unwrap().kind(), Kind::File);
}

#[test]
fn without_a_keyring_on_the_bus_it_is_said_at_once() {
    const TEST: &str = "without_a_keyring_on_the_bus_it_is_said_at_once";
    if part().is_none() {
        let home = tempfile::tempdir().unwrap();
        // The bus would start one by itself: not from an empty folder of services.
        let alone = "export XDG_DATA_DIRS=/nonexistent";
        passed(&on_a_bus(TEST, "none", home.path(), alone));
        return;
    }
    let started = Instant::now();
    let outcome = Keyring::prove();
    eprintln!("{:?} after {:?}", outcome.as_ref().err().map(ToString::to_string), started.elapsed());
    assert!(outcome.is_err());
    assert!(started.elapsed() < Duration::from_secs(6));
}
