//! The `bivouac` command line: maps on this laptop, edited without a network and synchronised.
//!
//! Arguments are read here, work is done in `bivouac_app`, and every end has an exit code.

mod args;
mod commands;
mod logs;
mod out;
mod terminal;

use std::panic;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use args::Cli;
use out::Out;

fn main() -> ExitCode {
    panic::set_hook(Box::new(|info| {
        // Where it happened, for a report; never what was in the user's data.
        let place = info.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        out::complain(&format!(
            "a fault of bivouac at {place}: please report it; what was acknowledged is on the disk"
        ));
    }));
    logs::start();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let json = cli.json;
    match panic::catch_unwind(|| commands::run(cli)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            if out::is_broken_pipe(&error) {
                return ExitCode::SUCCESS;
            }
            Out::new(json).error(&error);
            ExitCode::from(error.exit_code())
        }
        Err(_) => ExitCode::FAILURE,
    }
}

/// Help and version are done; anything else is bad input, which ends with 1 like all bad input.
fn usage(error: &clap::Error) -> ExitCode {
    let done = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    // A reader that went away is no failure.
    let _ = error.print();
    if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
