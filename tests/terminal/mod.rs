//! `bivouac` in a terminal, with a data folder of its own.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The program as it was built beside this test.
pub fn bivouac() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    let program = folder.join("bivouac");
    assert!(program.exists(), "build it first: cargo build -p bivouac-cli (make test does)");
    program
}

pub struct Terminal {
    pub data: tempfile::TempDir,
    pub password: Option<String>,
    /// With one, secrets are kept in a file encrypted with it; without, in memory only.
    pub passphrase: Option<String>,
}

impl Terminal {
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(bivouac());
        command
            .args(arguments)
            .env("BIVOUAC_DATA_DIR", self.data.path())
            .env("BIVOUAC_SECRETS", if self.passphrase.is_some() { "file" } else { "memory" })
            .env("BIVOUAC_PASSPHRASE", self.passphrase.as_deref().unwrap_or_default())
            .env_remove("BIVOUAC_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        match &self.password {
            Some(password) => command.env("BIVOUAC_PASSWORD", password),
            None => command.env_remove("BIVOUAC_PASSWORD"),
        };
        command
    }

    pub fn new(password: Option<&str>) -> Self {
        Self { data: tempfile::tempdir().unwrap(), password: password.map(str::to_owned), passphrase: None }
    }

    pub fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The exit code, and what was printed.
    pub fn code(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.output(arguments);
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
    }

    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        let text = self.run(&arguments);
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("bivouac {arguments:?} printed no JSON ({e}): {text}"))
    }

    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "bivouac {arguments:?}: {}\n{text}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }
}
