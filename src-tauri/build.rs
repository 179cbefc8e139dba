//! Checks the configuration and the capabilities, and lists every command.

fn main() {
    tauri_build::build();
}
