//! The real window: the desktop program in a virtual display, driven through WebKit's own driver.
//!
//! Each window has its own display, session bus, home folder and ports, so that it finds nothing
//! of whoever runs the tests and leaves nothing behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::ports::free_port;
use crate::wait::wait_until;

/// The member of an answer that names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long something on the screen may take on a busy computer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// A home folder with the maps of one person; windows come and go over it.
#[derive(Debug)]
pub struct WindowHome {
    folder: tempfile::TempDir,
}

impl WindowHome {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    /// Where its maps lie.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("maps-of-bivouac")
    }
}

impl Default for WindowHome {
    fn default() -> Self {
        Self::new()
    }
}

/// An open window of the program.
pub struct Window {
    session: String,
    agent: ureq::Agent,
    pub(crate) display: String,
    /// In the order in which they are ended.
    processes: Vec<Child>,
}

/// An element of the page.
#[derive(Clone, Debug)]
pub struct Element(String);

/// The desktop program, built before the tests by the Tauri CLI.
fn program() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"));
    let program = target.join("debug/bivouac-desktop");
    assert!(program.exists(), "{} is missing: build it with tests/support/build-window.sh", program.display());
    program
}

impl Window {
    /// Starts the program over that home, with these arguments.
    #[must_use]
    pub fn open(home: &WindowHome, arguments: &[&str]) -> Self {
        Self::of(&program(), home, arguments)
    }

    /// The same for a program that lies elsewhere, such as a release build.
    #[must_use]
    pub fn of(program: &Path, home: &WindowHome, arguments: &[&str]) -> Self {
        let root = home.folder.path();
        let (screen, display) = screen();
        let port = free_port();
        let mut driver = Command::new("dbus-run-session");
        // The address of the bus is kept for a second start of the program.
        let keep = "printf %s \"$DBUS_SESSION_BUS_ADDRESS\" > \"$XDG_RUNTIME_DIR/bus\"; exec WebKitWebDriver \"$1\"";
        driver.args(["--", "sh", "-c", keep, "sh", &format!("--port={port}")]);
        // A group of its own: the session ends without its driver.
        driver.process_group(0);
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_DATA_HOME", "home/data"),
            ("XDG_CONFIG_HOME", "home/config"),
            ("XDG_CACHE_HOME", "home/cache"),
            ("XDG_RUNTIME_DIR", "home/run"),
        ] {
            let folder = root.join(folder);
            fs::create_dir_all(&folder).expect("a folder of the home can be made");
            driver.env(name, folder);
        }
        use std::os::unix::fs::PermissionsExt;
        use std::os::unix::process::CommandExt;
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(root.join("home/run"), private).expect("the folder can be made private");
        driver
            .env("DISPLAY", &display)
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("BIVOUAC_DATA_DIR", home.data())
            .env("BIVOUAC_PASSPHRASE", "correct horse battery")
            .env("BIVOUAC_SECRETS", "file")
            .env("NO_AT_BRIDGE", "1")
            .env("LC_ALL", "C.UTF-8")
            .env("LANGUAGE", "en")
            .env("TZ", "UTC")
            .env_remove("WAYLAND_DISPLAY")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let manager = Command::new("openbox")
            .env("DISPLAY", &display)
            .env("HOME", root.join("home"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("openbox starts");
        let driver = driver.spawn().expect("dbus-run-session and WebKitWebDriver start");
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(90)))
            .http_status_as_error(false)
            .build()
            .new_agent();
        let base = format!("http://127.0.0.1:{port}");
        let mut window = Self { session: base.clone(), agent, display, processes: vec![driver, manager, screen] };
        wait_until("WebKit's driver", PATIENCE, || window.try_call("GET", "/status", None));
        let options = json!({"binary": program, "args": arguments});
        let wanted = json!({"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}});
        let made = window.call("POST", "/session", Some(wanted));
        let id = made["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {made}"));
        window.session = format!("{base}/session/{id}");
        wait_until("the page", PATIENCE, || {
            let ready = window.js("return document.querySelector('main, header') !== null", json!([]));
            if ready == json!(true) { Ok(()) } else { Err(ready) }
        });
        window
    }

    /// Starts the program again beside the open window, as a desktop does for a file or a link;
    /// it hands over what it was given and ends.
    #[track_caller]
    pub fn start_again(&self, home: &WindowHome, arguments: &[&str]) {
        let root = home.folder.path();
        let bus = fs::read_to_string(root.join("home/run/bus")).unwrap_or_default();
        let mut again = Command::new(program());
        again.args(arguments).env("DISPLAY", &self.display).env("DBUS_SESSION_BUS_ADDRESS", bus.trim());
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_DATA_HOME", "home/data"),
            ("XDG_CONFIG_HOME", "home/config"),
            ("XDG_RUNTIME_DIR", "home/run"),
        ] {
            again.env(name, root.join(folder));
        }
        again.env("BIVOUAC_DATA_DIR", home.data()).env("NO_AT_BRIDGE", "1").env("LC_ALL", "C.UTF-8");
        let mut again = again.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts again");
        let ended = wait_until_ended(&mut again);
        assert!(ended, "the second program did not hand over and end");
    }

    fn try_call(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value, String> {
        let url = format!("{}{path}", self.session);
        let answer = match (method, body) {
            ("GET", _) => self.agent.get(&url).call(),
            ("DELETE", _) => self.agent.delete(&url).call(),
            (_, body) => self.agent.post(&url).send_json(body.unwrap_or_else(|| json!({}))),
        };
        let mut answer = answer.map_err(|error| error.to_string())?;
        let text =
            answer.body_mut().with_config().limit(64 << 20).read_to_string().map_err(|error| error.to_string())?;
        let value: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
        if answer.status() == 200 { Ok(value["value"].clone()) } else { Err(value["value"].to_string()) }
    }

    #[track_caller]
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        self.try_call(method, path, body).unwrap_or_else(|error| panic!("{method} {path} was answered {error}"))
    }

    /// Runs a function's body in the page.
    #[track_caller]
    pub fn js(&self, script: &str, arguments: Value) -> Value {
        self.call("POST", "/execute/sync", Some(json!({"script": script, "args": arguments})))
    }

    /// Runs a function's body in the page, which gives its answer to its last argument.
    #[track_caller]
    pub fn later(&self, script: &str, arguments: Value) -> Value {
        self.call("POST", "/execute/async", Some(json!({"script": script, "args": arguments})))
    }

    /// The element that an XPath names, waited for until it is seen.
    #[track_caller]
    pub fn find(&self, xpath: &str) -> Element {
        // The driver's own idea of what is displayed stumbles over text that is cut off.
        let script = "const found = document.evaluate(arguments[0], document, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null);
            for (let at = 0; at < found.snapshotLength; at++) {
              const box = found.snapshotItem(at).getBoundingClientRect();
              if (box.width > 0 && box.height > 0) return found.snapshotItem(at);
            }
            return null";
        wait_until(&format!("{xpath} on the screen"), PATIENCE, || {
            let found = self.try_call("POST", "/execute/sync", Some(json!({"script": script, "args": [xpath]})))?;
            match found[ELEMENT].as_str() {
                Some(id) => Ok(Element(id.to_owned())),
                None => Err("it is not there".to_owned()),
            }
        })
    }

    /// A button by its words or its label.
    #[track_caller]
    pub fn button(&self, words: &str) -> Element {
        self.find(&format!(
            "//button[(contains(normalize-space(.), '{words}') or contains(@aria-label, '{words}')) and not(@disabled)]"
        ))
    }

    /// Presses a button.
    #[track_caller]
    pub fn press(&self, words: &str) {
        let Element(id) = self.button(words);
        self.call("POST", &format!("/element/{id}/click"), None);
    }

    /// Clicks an element.
    #[track_caller]
    pub fn click(&self, element: &Element) {
        self.call("POST", &format!("/element/{}/click", element.0), None);
    }

    /// The words of an element.
    #[track_caller]
    pub fn text(&self, xpath: &str) -> String {
        let Element(id) = self.find(xpath);
        self.call("GET", &format!("/element/{id}/text"), None).as_str().unwrap_or_default().trim().to_owned()
    }

    /// Types into an element, after what is there.
    #[track_caller]
    pub fn type_into(&self, xpath: &str, text: &str) {
        let Element(id) = self.find(xpath);
        self.call("POST", &format!("/element/{id}/value"), Some(json!({"text": text})));
    }

    /// Waits until the chip's words are such.
    #[track_caller]
    pub fn wait_for_chip(&self, what: &str, seconds: u64, is_it: impl Fn(&str) -> bool) -> String {
        wait_until(&format!("the chip saying {what}"), Duration::from_secs(seconds), || {
            let chip = self.js("return document.querySelector('[data-testid=chip]')?.textContent ?? ''", json!([]));
            let chip = chip.as_str().unwrap_or_default().trim().to_owned();
            if is_it(&chip) { Ok(chip) } else { Err(chip) }
        })
    }

    /// Calls a command of the shell as the page does, and gives its answer.
    #[track_caller]
    pub fn command(&self, name: &str, arguments: Value) -> Result<Value, Value> {
        let script = "const done = arguments[2];
            window.__TAURI_INTERNALS__.invoke(arguments[0], arguments[1])
              .then((value) => done({value}), (error) => done({error}))";
        let answer = self.call("POST", "/execute/async", Some(json!({"script": script, "args": [name, arguments]})));
        if answer["error"].is_null() { Ok(answer["value"].clone()) } else { Err(answer["error"].clone()) }
    }

    /// The living features of the open map with this name: each its `object` (`layer/id`) and its `feature`.
    #[track_caller]
    pub fn features_named(&self, name: &str) -> Vec<Value> {
        let bounds = json!({"west": -180, "south": -85, "east": 180, "north": 85});
        let all = self.features_in(&bounds, 100_000);
        all.into_iter().filter(|item| item["feature"]["properties"]["name"] == json!(name)).collect()
    }

    /// The features in a box, as the page reads them for snapping: `object` and `feature`.
    #[track_caller]
    pub fn features_in(&self, bounds: &Value, limit: u32) -> Vec<Value> {
        let script = "const done = arguments[2];
            window.__TAURI_INTERNALS__.invoke('features_in', {bounds: arguments[0], limit: arguments[1]})
              .then((bytes) => done(new TextDecoder().decode(new Uint8Array(bytes))), (error) => done(JSON.stringify(error)))";
        let text = self.later(script, json!([bounds, limit]));
        let mut all: Value = serde_json::from_str(text.as_str().unwrap_or_default()).expect("the answer is JSON");
        match all["features"].take() {
            Value::Array(features) => features,
            _ => panic!("features_in was answered {text}"),
        }
    }

    /// Keeps a picture of the whole screen in `target/window`, which git ignores.
    #[track_caller]
    pub fn picture(&self, name: &str) -> PathBuf {
        // What just changed is drawn with the next frames.
        std::thread::sleep(Duration::from_millis(900));
        self.picture_now(name)
    }

    /// The same without waiting for anything to be drawn.
    #[track_caller]
    pub fn picture_now(&self, name: &str) -> PathBuf {
        let path = picture_of(&self.display, name);
        assert!(path.is_file(), "the screen gave no picture");
        path
    }

    /// Closes the window as its user does, by the program's own command.
    pub fn quit(mut self) {
        // The program is gone before it can answer.
        let _ = self.try_call(
            "POST",
            "/execute/sync",
            Some(json!({"script": "window.__TAURI_INTERNALS__.invoke('quit')", "args": []})),
        );
        std::thread::sleep(Duration::from_millis(700));
        self.end();
    }

    fn end(&mut self) {
        let _ = self.try_call("DELETE", "", None);
        for mut process in self.processes.drain(..) {
            terminate(&process);
            for _ in 0..40 {
                if matches!(process.try_wait(), Ok(Some(_))) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let name = std::thread::current().name().unwrap_or("window").replace("::", "-");
            picture_of(&self.display, &format!("failed-{name}"));
        }
        self.end();
    }
}

fn wait_until_ended(process: &mut Child) -> bool {
    for _ in 0..400 {
        if matches!(process.try_wait(), Ok(Some(_))) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let _ = process.kill();
    let _ = process.wait();
    false
}

/// A display of its own; it names its number when it is ready.
fn screen() -> (Child, String) {
    let mut screen = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "1360x900x24", "-nolisten", "tcp"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Xvfb starts");
    let mut number = String::new();
    let out = screen.stdout.take().expect("Xvfb has an output");
    BufReader::new(out).read_line(&mut number).expect("Xvfb names its display");
    (screen, format!(":{}", number.trim()))
}

/// Asks a process to end, and the group that it leads.
fn terminate(process: &Child) {
    for whom in [format!("-{}", process.id()), process.id().to_string()] {
        let _ = Command::new("kill").args(["-TERM", "--", &whom]).stderr(Stdio::null()).status();
    }
}

/// A picture of a display. The driver's own screenshots never come where nothing is composited.
fn picture_of(display: &str, name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/window");
    let path = folder.join(format!("{name}.png"));
    let _ = fs::create_dir_all(&folder);
    let _ = Command::new("import").args(["-window", "root"]).arg(&path).env("DISPLAY", display).status();
    path
}
