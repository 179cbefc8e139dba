//! What the program is started with.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use bivouac_app::library::Library;
use bivouac_app::secrets::Kind;

use crate::renderer::Renderer;

const HELP: &str = "\
bivouac-desktop [OPTIONS] [FILE | bivouac:ADDRESS]...

The window of Bivouac. A file is offered for import, an address for taking offline.

  --data-dir DIR       where the maps lie (also BIVOUAC_DATA_DIR)
  --renderer KIND      software, or default; found out when not given
  --secrets KIND       keyring, file or memory (also BIVOUAC_SECRETS)
  --sample             an empty library begins with the sample map
  --help               this

BIVOUAC_PASSPHRASE     the passphrase of the file of secrets, where there is no keyring
";

/// What the program is started with.
#[derive(Debug, Default, PartialEq)]
pub struct Arguments {
    /// Files and addresses.
    pub given: Vec<String>,
    /// Where the maps lie.
    pub data_dir: Option<PathBuf>,
    /// How the window is to be drawn.
    pub renderer: Option<Renderer>,
    /// Where secrets are kept.
    pub secrets: Option<Kind>,
    /// An empty library begins with the sample map.
    pub sample: bool,
    /// Only the help is wanted.
    pub help: bool,
}

impl Arguments {
    /// Reads them; what makes no sense is taken as a file.
    pub fn of(given: impl Iterator<Item = OsString>) -> Self {
        let mut read = Self::default();
        let mut given = given;
        while let Some(next) = given.next() {
            let text = next.to_string_lossy().into_owned();
            let (name, inline) = match text.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
                Some(_) | None => (text.clone(), None),
            };
            let mut value = || inline.clone().or_else(|| Some(given.next()?.to_string_lossy().into_owned()));
            match name.as_str() {
                "--help" | "-h" => read.help = true,
                "--sample" => read.sample = true,
                "--data-dir" => read.data_dir = value().map(PathBuf::from),
                "--renderer" => read.renderer = value().as_deref().and_then(Renderer::named),
                "--secrets" => read.secrets = value().as_deref().and_then(kind),
                _ => read.given.push(text),
            }
        }
        read.data_dir = read.data_dir.or_else(|| std::env::var_os("BIVOUAC_DATA_DIR").map(PathBuf::from));
        read.secrets = read.secrets.or_else(|| kind(&std::env::var("BIVOUAC_SECRETS").ok()?));
        read
    }

    /// The folder of the library.
    ///
    /// # Errors
    /// When there is none on this computer.
    pub fn folder(&self) -> bivouac_app::Result<PathBuf> {
        match &self.data_dir {
            Some(folder) => Ok(folder.clone()),
            None => Ok(Library::platform()?.root().to_owned()),
        }
    }
}

fn kind(name: &str) -> Option<Kind> {
    match name {
        "keyring" => Some(Kind::Keyring),
        "file" => Some(Kind::File),
        "memory" => Some(Kind::Memory),
        _ => None,
    }
}

/// Prints the help.
#[allow(clippy::print_stdout)]
pub fn help() -> ExitCode {
    print!("{HELP}");
    ExitCode::SUCCESS
}

/// Says why the window did not open.
#[allow(clippy::print_stderr)]
pub fn complain(text: &str) {
    eprintln!("bivouac-desktop: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: &[&str]) -> Arguments {
        Arguments::of(given.iter().map(OsString::from))
    }

    #[test]
    fn options_stand_with_and_without_an_equals_sign_and_the_rest_is_to_be_opened() {
        let read =
            read(&["--data-dir", "/tmp/a", "walk.umap", "--renderer=software", "bivouac:https://umap.example.org/m/1"]);
        assert_eq!(read.data_dir, Some(PathBuf::from("/tmp/a")));
        assert_eq!(read.renderer, Some(Renderer::Software));
        assert_eq!(read.given, ["walk.umap", "bivouac:https://umap.example.org/m/1"]);
    }
}
