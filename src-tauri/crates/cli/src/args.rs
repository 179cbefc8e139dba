//! The arguments of every command, and what --help says about them.

mod edit;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use edit::{Edit, EditWhat, LayerWhat, MapWhat};

const ENDS: &str = "\
Exit codes:
  0  done
  1  usage or bad input
  2  sign-in needed
  3  offline: the server cannot be reached
  4  done, but conflicts wait for a decision
  5  the file is damaged, newer than this program, or not one of its files
  6  the server refused, or would
  7  the map is in use by another process

Environment:
  BIVOUAC_DATA_DIR     the folder of all maps, as --data-dir
  BIVOUAC_PASSWORD     the password, where nobody can be asked
  BIVOUAC_PASSPHRASE   the passphrase of the file of secrets, where there is no keyring
  BIVOUAC_SECRETS      keyring, file or memory, as --secrets
  BIVOUAC_LOG          what to log to stderr, such as info or bivouac_app=debug";

/// Edit uMap maps without a network, and bring everybody to the same map afterwards.
#[derive(Debug, Parser)]
#[command(name = "bivouac", version, about, after_help = ENDS, disable_help_subcommand = true)]
pub struct Cli {
    /// The folder of all maps; the platform's own without it.
    #[arg(long, global = true, env = "BIVOUAC_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// Answer every question with yes.
    #[arg(long, global = true)]
    pub yes: bool,
    /// Where sessions and secret edit links are kept.
    #[arg(long, global = true, env = "BIVOUAC_SECRETS", value_enum, value_name = "KIND")]
    pub secrets: Option<SecretsKind>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// A kind of secrets store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SecretsKind {
    /// The system's keyring.
    Keyring,
    /// A file encrypted with a passphrase.
    File,
    /// Memory only.
    Memory,
}

/// All commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take a map offline.
    Open(Open),
    /// Make a map that is created on its server at its first sync.
    New(New),
    /// List the maps on this laptop.
    Maps,
    /// Say how a map stands: edits on their way, conflicts, peers, last sync, clocks.
    Status(OfMap),
    /// List a map's layers.
    Layers(OfMap),
    /// List features.
    Features(Features),
    /// Show a feature and who wrote what of it.
    Show(Show),
    /// Edit a map.
    Edit(Edit),
    /// Go online: exchange, save, verify.
    Sync(Sync),
    /// List what waits for a decision.
    Conflicts(OfMap),
    /// Decide a conflict: use mine, or keep theirs; approve (theirs) or dismiss (mine) a proposal.
    Resolve(Resolve),
    /// Show the log of a map, or of one feature.
    Log(Log),
    /// Write a map to a file.
    Export(Export),
    /// Read a file into a map, as one step that can be undone.
    Import(Import),
    /// Check a map's file: log, registers, features, and SQLite's own check.
    Verify(OfMap),
    /// Make a map's log shorter: what others wrote over a month ago and was replaced since.
    Compact(OfMap),
    /// Check captured room traffic against what this program understands.
    CheckWire(CheckWire),
    /// Remove a map from this laptop; the server keeps its own.
    Remove(Remove),
}

/// A command that needs a map only.
#[derive(Debug, Args)]
pub struct OfMap {
    /// The map: name, id, the beginning of an id, or address.
    pub map: String,
}

/// Whose rights.
#[derive(Debug, Args)]
pub struct Access {
    /// Sign in as this user.
    #[arg(long, value_name = "NAME", conflicts_with = "edit_link")]
    pub user: Option<String>,
    /// Use the secret edit link of an anonymous map.
    #[arg(long, value_name = "URL")]
    pub edit_link: Option<String>,
    /// Allow plain http to a server that is not this computer: others on the way can read it all.
    #[arg(long)]
    pub allow_http: bool,
    /// Keep the password in the secrets store, not only the session.
    #[arg(long)]
    pub keep_password: bool,
}

/// `open`.
#[derive(Debug, Args)]
pub struct Open {
    /// The map's address.
    pub url: String,
    /// Whose rights.
    #[command(flatten)]
    pub access: Access,
}

/// `new`.
#[derive(Debug, Args)]
pub struct New {
    /// The map's name.
    pub name: String,
    /// The server that it will be created on.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// The user that it will belong to; without one it will be anonymous, with a secret edit link.
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Allow plain http to a server that is not this computer.
    #[arg(long)]
    pub allow_http: bool,
}

/// `features`.
#[derive(Debug, Args)]
pub struct Features {
    /// The map.
    pub map: String,
    /// Only of this layer.
    #[arg(long)]
    pub layer: Option<String>,
    /// Only what meets this box, in degrees.
    #[arg(long, value_name = "W,S,E,N", allow_hyphen_values = true)]
    pub bbox: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 1_000_000)]
    pub limit: usize,
    /// Without the first ones.
    #[arg(long, default_value_t = 0)]
    pub offset: usize,
}

/// `show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The map.
    pub map: String,
    /// The feature's id, or layer/id.
    pub feature: String,
}

/// `sync`.
#[derive(Debug, Args)]
pub struct Sync {
    /// The map.
    pub map: String,
    /// Until everything is exchanged, saved and verified (what happens without --watch).
    #[arg(long, conflicts_with = "watch")]
    pub once: bool,
    /// Stay in the room, until Ctrl-C.
    #[arg(long)]
    pub watch: bool,
    /// Print what happens as JSON lines.
    #[arg(long)]
    pub events: bool,
    /// With --watch: make the edits that come as JSON lines on the standard input, as in a batch.
    #[arg(long, requires = "watch")]
    pub edits: bool,
    /// The server of a map that is on none yet.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Whose rights, when others than those that the map was opened with.
    #[command(flatten)]
    pub access: Access,
}

/// `resolve`.
#[derive(Debug, Args)]
pub struct Resolve {
    /// [MAP] ID mine|theirs; the map may be left out when only one has a conflict of that number.
    #[arg(num_args = 2..=3, required = true, value_names = ["MAP", "ID", "CHOICE"])]
    pub what: Vec<String>,
}

/// `log`.
#[derive(Debug, Args)]
pub struct Log {
    /// The map.
    pub map: String,
    /// Only this feature: its id, or layer/id.
    #[arg(long)]
    pub feature: Option<String>,
    /// At most so many, the latest first.
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
}

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// GeoJSON.
    Geojson,
    /// uMap's own format, with layers and settings.
    Umap,
}

/// `export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The map.
    pub map: String,
    /// The format.
    #[arg(long, value_enum)]
    pub format: Format,
    /// Only this layer (GeoJSON).
    #[arg(long)]
    pub layer: Option<String>,
    /// As the map was on this laptop at that time (2026-05-01T12:00:00Z, or milliseconds).
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// The file; - for the standard output.
    pub file: PathBuf,
}

/// `import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The map.
    pub map: String,
    /// The file: GeoJSON or .umap; - for the standard input.
    pub file: PathBuf,
    /// Into this layer; without it into new ones.
    #[arg(long)]
    pub layer: Option<String>,
}

/// `check-wire`.
#[derive(Debug, Args)]
pub struct CheckWire {
    /// The file: one JSON message a line, or under "msg".
    pub file: PathBuf,
}

/// `remove`.
#[derive(Debug, Args)]
pub struct Remove {
    /// The map.
    pub map: String,
    /// Also when edits were never sent: they are lost.
    #[arg(long)]
    pub discard: bool,
}
