//! Whose rights a map is worked on with: nobody's, a user's, or a secret edit link's.
//!
//! Sessions outlive a command in the secrets store, so that the next one needs no password.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bivouac_link::{Client, LinkError, Policy, SavedCookies, Secret, find_map};

use crate::error::{AppError, Result};
use crate::host::Host;
use crate::secrets::{Kind, Vault};

/// What stands in a map's row for whoever holds its edit link; no uMap user can be called so.
const EDIT_LINK: &str = "edit link";
/// The file that remembers confirmed plain http servers, one a line.
const CONFIRMED: &str = "confirmed-http";

/// Whose rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// Nobody's: what anybody may do.
    Nobody,
    /// A user's of that server.
    User(String),
    /// Those of the map's secret edit link.
    EditLink,
}

impl Account {
    /// Reads the label in a map's row.
    #[must_use]
    pub fn from_label(label: Option<&str>) -> Self {
        match label {
            None => Self::Nobody,
            Some(EDIT_LINK) => Self::EditLink,
            Some(user) => Self::User(user.to_owned()),
        }
    }

    /// The label for a map's row.
    #[must_use]
    pub fn label(&self) -> Option<String> {
        match self {
            Self::Nobody => None,
            Self::User(user) => Some(user.clone()),
            Self::EditLink => Some(EDIT_LINK.to_owned()),
        }
    }

    /// What others in the room see.
    #[must_use]
    pub fn username(&self) -> Option<String> {
        match self {
            Self::Nobody | Self::EditLink => None,
            Self::User(user) => Some(user.clone()),
        }
    }
}

/// What connecting needs besides the address.
pub struct Door<'a> {
    /// Who is asked.
    pub host: &'a dyn Host,
    /// Where sessions are kept.
    pub vault: &'a Vault<'a>,
    /// The folder of the library, which remembers the plain http servers that were confirmed.
    pub root: &'a Path,
    /// Whether plain http to other computers is confirmed now.
    pub allow_http: bool,
    /// Whether a password that was typed is kept too.
    pub keep_password: bool,
}

impl Door<'_> {
    /// A client of that server with nobody's rights.
    ///
    /// # Errors
    /// When the address is none, or plain http that nobody confirmed.
    pub fn client(&self, server: &str) -> Result<Client> {
        let policy = Policy::default();
        match policy.check(server) {
            Err(LinkError::OriginRefused { origin }) if self.is_confirmed(&origin)? => {
                Ok(Client::new(server, &policy.confirm_http(&origin)?)?)
            }
            Ok(_) | Err(_) => Ok(Client::new(server, &policy)?),
        }
    }

    /// Whether the user confirmed a plain http server, now or before.
    fn is_confirmed(&self, origin: &str) -> Result<bool> {
        let file = self.root.join(CONFIRMED);
        let what = || format!("read or write the file {}", file.display());
        let known = match fs::read_to_string(&file) {
            Ok(known) => known,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(AppError::Io { what: what(), source: error });
            }
        };
        if known.lines().any(|line| line == origin) {
            return Ok(true);
        }
        if self.allow_http {
            fs::write(&file, format!("{known}{origin}\n")).map_err(AppError::io(what()))?;
        }
        Ok(self.allow_http)
    }

    /// A client with an account's rights.
    ///
    /// # Errors
    /// [`AppError::SignIn`] when the password is missing or wrong, or the link is not known.
    pub async fn connect(&self, server: &str, account: &Account, map: Option<&str>) -> Result<Client> {
        let client = self.client(server)?;
        match account {
            Account::Nobody => {}
            Account::User(user) => self.sign_in(&client, user).await?,
            Account::EditLink => {
                let map = map.unwrap_or_default();
                let link = self.vault.open()?.get(&link_name(&client.server(), map))?.ok_or_else(|| {
                    AppError::SignIn(
                        "open the map's secret edit link: it is not in the secrets store; give --edit-link URL"
                            .to_owned(),
                    )
                })?;
                client.open_edit_link(link.expose()).await?;
            }
        }
        Ok(client)
    }

    async fn sign_in(&self, client: &Client, user: &str) -> Result<()> {
        let vault = self.vault.open()?;
        let (session, kept) = (session_name(&client.server(), user), password_name(&client.server(), user));
        if let Some(cookies) =
            vault.get(&session)?.and_then(|text| serde_json::from_str::<SavedCookies>(text.expose()).ok())
        {
            client.restore_cookies(cookies)?;
            if client.whoami().await?.is_some() {
                return Ok(());
            }
        }
        if let Some(password) = vault.get(&kept)? {
            match client.sign_in(user, password.expose()).await {
                Ok(_) => return self.keep_session(client, &session),
                Err(LinkError::WrongPassword) => vault.remove(&kept)?,
                Err(error) => return Err(error.into()),
            }
        }
        let who = format!("{user} on {}", client.server());
        let Some(password) = self.host.password(&who) else {
            return Err(AppError::SignIn(format!("sign in as {who}: no password was given")));
        };
        client.sign_in(user, password.expose()).await?;
        if self.keep_password && vault.kind() != Kind::Memory {
            vault.put(&kept, &password)?;
        }
        self.keep_session(client, &session)
    }

    fn keep_session(&self, client: &Client, name: &str) -> Result<()> {
        let text = serde_json::to_string(&client.save_cookies()).unwrap_or_default();
        self.vault.open()?.put(name, &Secret::new(text))
    }

    /// Keeps the session of a user who signed in by other means than a password.
    pub(crate) fn keep_user(&self, client: &Client, user: &str) -> Result<()> {
        self.keep_session(client, &session_name(&client.server(), user))
    }

    /// Keeps the session as it is after work, for the next command.
    ///
    /// # Errors
    /// When the secrets store fails.
    pub fn leave(&self, client: &Client, account: &Account) -> Result<()> {
        match account {
            Account::Nobody | Account::EditLink => Ok(()),
            Account::User(user) => self.keep_session(client, &session_name(&client.server(), user)),
        }
    }

    /// Keeps the secret edit link of an anonymous map: the link is the right itself.
    ///
    /// # Errors
    /// When it would be in memory only and the user did not agree to that.
    pub fn keep_link(&self, server: &str, map: &str, link: &Secret) -> Result<()> {
        self.can_keep_link()?;
        self.vault.open()?.put(&link_name(server, map), link)
    }

    /// Whether a secret edit link can be kept, asked before one comes to be.
    ///
    /// # Errors
    /// When it would be in memory only and the user did not agree to that.
    pub fn can_keep_link(&self) -> Result<()> {
        let question = "there is no keyring and no file of secrets: the secret edit link would be lost with this command. Go on all the same?";
        if self.vault.open()?.kind() == Kind::Memory && !self.host.confirm(question) {
            let why =
                "it is the right to edit and would be lost: set BIVOUAC_PASSPHRASE to keep it in an encrypted file";
            return Err(AppError::bad("keep the map's secret edit link", why));
        }
        Ok(())
    }

    /// The secret edit link of a map, when one is kept.
    ///
    /// # Errors
    /// When the secrets store fails.
    pub fn link(&self, server: &str, map: &str) -> Result<Option<Secret>> {
        self.vault.open()?.get(&link_name(server, map))
    }
}

/// The plain http servers that the user confirmed.
pub(crate) fn confirmed_origins(root: &Path) -> BTreeSet<String> {
    let known = fs::read_to_string(root.join(CONFIRMED)).unwrap_or_default();
    known.lines().map(str::to_owned).collect()
}

/// Whether a text is an anonymous map's secret edit link.
#[must_use]
pub fn is_edit_link(url: &str) -> bool {
    find_map(url).is_ok_and(|map| map.is_edit_link)
}

fn session_name(server: &str, user: &str) -> String {
    format!("session {server} {user}")
}

fn password_name(server: &str, user: &str) -> String {
    format!("password {server} {user}")
}

fn link_name(server: &str, map: &str) -> String {
    format!("edit link {server} {map}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::TestHost;
    use crate::secrets::Kind;

    #[test]
    fn plain_http_is_confirmed_once_and_for_that_server_only() {
        let folder = tempfile::tempdir().unwrap();
        let host = TestHost::default();
        let vault = Vault::new(folder.path(), Some(Kind::Memory), &host);
        let door =
            |allow_http| Door { host: &host, vault: &vault, root: folder.path(), allow_http, keep_password: false };
        assert!(door(false).client("http://umap.lan").is_err());
        assert!(door(true).client("http://umap.lan/en/").is_ok());
        assert!(door(false).client("http://umap.lan").is_ok(), "it is remembered");
        assert!(door(false).client("http://other.lan").is_err());
        assert!(door(false).client("https://other.lan").is_ok());
        assert!(door(true).client("ftp://umap.lan").is_err());
    }

    #[test]
    fn a_link_is_kept_in_memory_only_after_a_yes() {
        let folder = tempfile::tempdir().unwrap();
        let link = Secret::new("https://umap.example.org/en/map/anonymous-edit/1:abc");
        for says_yes in [false, true] {
            let host = TestHost { says_yes, ..TestHost::default() };
            let vault = Vault::new(folder.path(), Some(Kind::Memory), &host);
            let door =
                Door { host: &host, vault: &vault, root: folder.path(), allow_http: false, keep_password: false };
            assert_eq!(door.keep_link("https://umap.example.org", "1", &link).is_ok(), says_yes);
            let told = host.told.borrow().join("\n");
            assert!(!told.is_empty() && !told.contains("abc"), "{told}");
            assert_eq!(door.link("https://umap.example.org", "1").unwrap().is_some(), says_yes);
        }
    }
}
