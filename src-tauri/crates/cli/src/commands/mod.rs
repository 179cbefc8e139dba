//! One file per group of commands; what all of them share.

mod conflicts;
mod edit;
mod files;
mod history;
mod maps;
mod read;
mod sync;

use std::process::ExitCode;

use bivouac_app::account::Door;
use bivouac_app::library::Library;
use bivouac_app::secrets::{Kind, Vault};
use bivouac_app::{AppError, Result};

use crate::args::{Cli, Command, SecretsKind};
use crate::out::Out;
use crate::terminal::Terminal;

/// What every command works with.
pub struct Context {
    /// Where results go.
    pub out: Out,
    /// Who is asked.
    pub host: Terminal,
    /// The maps.
    pub library: Library,
    /// Where secrets are kept, when the user says.
    pub secrets: Option<Kind>,
}

impl Context {
    /// The secrets store, opened at the first need.
    pub fn vault(&self) -> Vault<'_> {
        Vault::new(self.library.root(), self.secrets, &self.host)
    }

    /// The way to a server.
    pub fn door<'a>(&'a self, vault: &'a Vault<'a>, allow_http: bool, keep_password: bool) -> Door<'a> {
        Door { host: &self.host, vault, root: self.library.root(), allow_http, keep_password }
    }
}

/// Runs a command.
pub fn run(cli: Cli) -> Result<ExitCode> {
    let out = Out::new(cli.json);
    if let Command::CheckWire(args) = &cli.command {
        return files::check_wire(out, args);
    }
    let library = match &cli.data_dir {
        Some(folder) => Library::at(folder)?,
        None => Library::platform()?,
    };
    let secrets = cli.secrets.map(|kind| match kind {
        SecretsKind::Keyring => Kind::Keyring,
        SecretsKind::File => Kind::File,
        SecretsKind::Memory => Kind::Memory,
    });
    let context = Context { out, host: Terminal::new(cli.yes), library, secrets };
    match &cli.command {
        Command::Open(args) => maps::open(&context, args),
        Command::New(args) => maps::new(&context, args),
        Command::Maps => maps::list(&context),
        Command::Remove(args) => maps::remove(&context, args),
        Command::Status(args) => read::status(&context, args),
        Command::Layers(args) => read::layers(&context, args),
        Command::Features(args) => read::features(&context, args),
        Command::Show(args) => history::show(&context, args),
        Command::Log(args) => history::log(&context, args),
        Command::Verify(args) => read::verify(&context, args),
        Command::Compact(args) => maps::compact(&context, args),
        Command::Edit(args) => edit::edit(&context, args),
        Command::Sync(args) => sync::sync(&context, args),
        Command::Conflicts(args) => conflicts::list(&context, args),
        Command::Resolve(args) => conflicts::resolve(&context, args),
        Command::Export(args) => files::export(&context, args),
        Command::Import(args) => files::import(&context, args),
        Command::CheckWire(args) => files::check_wire(out, args),
    }
}

/// A runtime for one command's work online.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(AppError::io("start working online"))
}

/// Runs what can be stopped with Ctrl-C; what it had begun is undone by being dropped.
pub fn stoppable<T>(what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    runtime()?.block_on(async {
        tokio::select! {
            result = work => result,
            _ = tokio::signal::ctrl_c() => Err(AppError::Cancelled(what.to_owned())),
        }
    })
}
