//! Checks the configuration and the capabilities; a command that is not listed is refused.

use tauri_build::{AppManifest, Attributes};

const COMMANDS: &[&str] = &include!("src/command_names.rs");

fn main() {
    println!("cargo:rerun-if-changed=src/command_names.rs");
    let attributes = Attributes::new().app_manifest(AppManifest::new().commands(COMMANDS));
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo:warning={error:#}");
        std::process::exit(1);
    }
}
