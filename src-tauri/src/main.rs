//! Starts the window. Everything is in the library beside this file.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    bivouac_desktop::start()
}
