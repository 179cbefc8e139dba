//! Mouse and keyboard at a real window.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::wait::wait_until;
use crate::window::{PATIENCE, Window};

impl Window {
    /// The middle of the map on the screen, in pixels of the page.
    #[track_caller]
    pub fn map_middle(&self) -> (f64, f64) {
        let script = "const b = document.querySelector('.ol-viewport').getBoundingClientRect();
                      return [b.left + b.width / 2, b.top + b.height / 2]";
        let middle = self.js(script, json!([]));
        (middle[0].as_f64().unwrap(), middle[1].as_f64().unwrap())
    }

    /// Clicks with the mouse at a pixel of the page.
    #[track_caller]
    pub fn click_at(&self, (x, y): (f64, f64)) {
        self.pointer(&[(x, y)], false);
    }

    /// Drags with the mouse.
    #[track_caller]
    pub fn drag(&self, from: (f64, f64), to: (f64, f64)) {
        let half = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
        self.pointer(&[from, half, to], true);
    }

    fn pointer(&self, places: &[(f64, f64)], drag: bool) {
        let to = |(x, y): (f64, f64)| json!({"type": "pointerMove", "duration": 80, "x": x.round() as i64, "y": y.round() as i64, "origin": "viewport"});
        let (down, up) = (json!({"type": "pointerDown", "button": 0}), json!({"type": "pointerUp", "button": 0}));
        let mut actions = vec![to(places[0]), down];
        actions.extend(places[1..].iter().map(|place| to(*place)));
        if drag {
            actions.push(json!({"type": "pause", "duration": 60}));
        }
        actions.push(up);
        let mouse =
            json!({"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions});
        self.call("POST", "/actions", Some(json!({"actions": [mouse]})));
        // Two clicks in one place within this are a double click, which finishes a shape.
        std::thread::sleep(Duration::from_millis(320));
    }

    /// Presses a key, with what is held down meanwhile: `Control`, `Shift`.
    #[track_caller]
    pub fn key(&self, key: &str, held: &[&str]) {
        let code = |name: &str| match name {
            "Control" => "\u{E009}".to_owned(),
            "Shift" => "\u{E008}".to_owned(),
            "Enter" => "\u{E007}".to_owned(),
            "Escape" => "\u{E00C}".to_owned(),
            "Tab" => "\u{E004}".to_owned(),
            "Backspace" => "\u{E003}".to_owned(),
            "ArrowLeft" => "\u{E012}".to_owned(),
            "ArrowUp" => "\u{E013}".to_owned(),
            "ArrowRight" => "\u{E014}".to_owned(),
            "ArrowDown" => "\u{E015}".to_owned(),
            other => other.to_owned(),
        };
        let one = |kind: &str, name: &str| json!({"type": kind, "value": code(name)});
        let mut actions: Vec<Value> = held.iter().map(|name| one("keyDown", name)).collect();
        actions.extend([one("keyDown", key), one("keyUp", key)]);
        actions.extend(held.iter().rev().map(|name| one("keyUp", name)));
        self.call("POST", "/actions", Some(json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]})));
    }

    /// Types into whatever has the keyboard.
    #[track_caller]
    pub fn keys(&self, text: &str) {
        text.chars().for_each(|key| self.key(&key.to_string(), &[]));
    }

    /// Presses Tab until what has the keyboard has these words in its text or label, as somebody without a mouse does.
    #[track_caller]
    pub fn tab_to(&self, words: &str) {
        let script = "const it = document.activeElement;
            // A box that only scrolls has the words of all that is in it.
            const name = it === null || it === document.body || it.querySelector('button, input') !== null ? '' : `${it.getAttribute('aria-label') ?? ''} ${it.textContent}`;
            return name.replace(/\\s+/g, ' ').trim()";
        let mut seen = Vec::new();
        for _ in 0..120 {
            self.key("Tab", &[]);
            let name = self.js(script, json!([])).as_str().unwrap_or_default().to_owned();
            if name.contains(words) {
                return;
            }
            seen.push(name.chars().take(40).collect::<String>());
        }
        panic!("Tab never came to {words:?}; it came to {seen:?}");
    }

    /// Types into another window of the program, by the beginning of its title: texts and keys, as
    /// xdotool names them (`key:Tab`). A page there is out of the driver's reach.
    #[track_caller]
    pub fn type_elsewhere(&self, title: &str, words: &[&str]) {
        let tool = |arguments: &[&str]| {
            let mut tool = Command::new("xdotool");
            let out = tool.args(arguments).env("DISPLAY", &self.display).output().expect("xdotool runs");
            String::from_utf8_lossy(&out.stdout).trim().to_owned()
        };
        let found = wait_until(&format!("a window called {title}"), PATIENCE, || {
            let found = tool(&["search", "--onlyvisible", "--name", title]);
            found.lines().next().map(str::to_owned).ok_or_else(|| "there is none".to_owned())
        });
        tool(&["windowfocus", "--sync", &found]);
        for word in words {
            match word.strip_prefix("key:") {
                Some(key) => tool(&["key", "--delay", "80", key]),
                None => tool(&["type", "--delay", "40", word]),
            };
        }
    }
}
