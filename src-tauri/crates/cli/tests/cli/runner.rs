//! Runs the real program in a folder of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A laptop: a folder of maps.
pub struct Laptop {
    pub folder: tempfile::TempDir,
}

/// What a command came to.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {} {}", self.out, self.err))
    }
}

impl Laptop {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A laptop with one map born offline that has one layer "L" with the features "A" and "B".
    pub fn with_map() -> Self {
        let laptop = Self::new();
        laptop.fine(&["new", "Field"]);
        laptop.fine(&["edit", "Field", "layer", "add", "L"]);
        for (id, name) in [("aaaa1", "A"), ("bbbb2", "B")] {
            let feature = format!(
                r#"{{"type":"Feature","id":"{id}","geometry":{{"type":"Point","coordinates":[7.5,48.5]}},"properties":{{"name":"{name}"}}}}"#
            );
            laptop.fine(&["edit", "Field", "add", "--layer", "L", &feature]);
        }
        laptop
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bivouac"));
        command.args(args).env_clear().env("BIVOUAC_DATA_DIR", self.folder.path()).env("BIVOUAC_SECRETS", "memory");
        command.stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        ran(self.command(args).output().unwrap())
    }

    pub fn run_with_input(&self, args: &[&str], input: &str) -> Ran {
        let mut command = self.command(args);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        ran(child.wait_with_output().unwrap())
    }

    /// A command that has to work.
    pub fn fine(&self, args: &[&str]) -> Ran {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {} {}", ran.out, ran.err);
        ran
    }

    pub fn json(&self, args: &[&str]) -> Value {
        let mut all = args.to_vec();
        all.push("--json");
        self.fine(&all).json()
    }

    /// The properties of a feature.
    pub fn properties(&self, feature: &str) -> Value {
        self.json(&["show", "Field", feature])["feature"]["properties"].clone()
    }

    /// The folder of the only map.
    pub fn map_folder(&self) -> PathBuf {
        let maps = self.folder.path().join("maps");
        let mut folders: Vec<PathBuf> = std::fs::read_dir(maps).unwrap().map(|item| item.unwrap().path()).collect();
        assert_eq!(folders.len(), 1);
        folders.remove(0)
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn path(&self, name: &str) -> String {
        Path::join(self.folder.path(), name).to_str().unwrap().to_owned()
    }
}

fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    pub fn of(command: &mut Command) -> Self {
        ran(command.output().unwrap())
    }
}
