//! Every way in which talking to a uMap server fails, as one enum whose texts hold no secret.

use std::fmt;

/// One field that a uMap form refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormError {
    /// The name of the field, or `__all__` for the whole form, or empty when the server named none.
    pub field: String,
    /// The server's own words.
    pub messages: Vec<String>,
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.messages.join(" "))
    }
}

/// Why a call did not work; `action` says what was attempted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The server could not be reached, or the connection broke before the answer was complete.
    #[error("{action}: the server cannot be reached ({detail})")]
    Offline {
        /// What was attempted.
        action: &'static str,
        /// The operating system's words.
        detail: String,
    },
    /// The server took longer than the limit. A save may have happened all the same.
    #[error("{action}: no complete answer in time")]
    Timeout {
        /// What was attempted.
        action: &'static str,
    },
    /// The server's name has no address here: no network, or a wrong name.
    #[error("{action}: the server's name cannot be resolved")]
    Dns {
        /// What was attempted.
        action: &'static str,
    },
    /// The certificate or the TLS handshake is wrong; also what a captive portal looks like.
    #[error("{action}: no trustworthy encrypted connection ({detail})")]
    Tls {
        /// What was attempted.
        action: &'static str,
        /// The TLS library's words.
        detail: String,
    },
    /// Nobody is signed in, or the session has ended.
    #[error("{action}: sign in first")]
    SignInNeeded {
        /// What was attempted.
        action: &'static str,
    },
    /// The server refused the user name or the password.
    #[error("signing in: user name or password not accepted")]
    WrongPassword,
    /// The server refuses this to whoever is signed in (403).
    #[error("{action}: the server refuses it")]
    Refused {
        /// What was attempted.
        action: &'static str,
    },
    /// The save contradicts what the server holds (412).
    #[error("{action}: the server holds a contradicting version")]
    Conflict {
        /// What was attempted.
        action: &'static str,
    },
    /// A layer with this id exists already, perhaps deleted.
    #[error("{action}: a layer with this id exists already")]
    LayerExists {
        /// What was attempted.
        action: &'static str,
    },
    /// The server refused fields of the form.
    #[error("{action}: the server refuses what was sent ({})", list(errors))]
    Form {
        /// What was attempted.
        action: &'static str,
        /// What it said about which field.
        errors: Vec<FormError>,
    },
    /// There is no such map, layer or version (404).
    #[error("{action}: not found")]
    NotFound {
        /// What was attempted.
        action: &'static str,
    },
    /// It existed and was removed for good (410).
    #[error("{action}: it is gone")]
    Gone {
        /// What was attempted.
        action: &'static str,
    },
    /// The answer is not what uMap answers; also what a captive portal or a newer uMap looks like.
    #[error("{action}: the answer makes no sense ({detail})")]
    Protocol {
        /// What was attempted.
        action: &'static str,
        /// What is wrong with the answer.
        detail: String,
    },
    /// Something is larger than its limit.
    #[error("{action}: larger than {limit} bytes")]
    TooLarge {
        /// What was attempted.
        action: &'static str,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The policy does not allow this origin.
    #[error("connecting to {origin}: only https, this computer itself, or a confirmed http address")]
    OriginRefused {
        /// Scheme, host and port.
        origin: String,
    },
    /// Something given by the caller cannot be sent.
    #[error("{action}: {detail}")]
    BadArgument {
        /// What was attempted.
        action: &'static str,
        /// What is wrong with it.
        detail: &'static str,
    },
    /// The server, or a proxy before it, asks to come back later (429, 502, 503, 504).
    #[error("{action}: the server is busy (status {status})")]
    Busy {
        /// What was attempted.
        action: &'static str,
        /// The HTTP status.
        status: u16,
    },
    /// The server failed (other 5xx). A save may have happened all the same.
    #[error("{action}: the server failed (status {status})")]
    Server {
        /// What was attempted.
        action: &'static str,
        /// The HTTP status.
        status: u16,
    },
    /// The server did not understand the request (other 4xx).
    #[error("{action}: the server rejects the request (status {status})")]
    Rejected {
        /// What was attempted.
        action: &'static str,
        /// The HTTP status.
        status: u16,
    },
}

impl LinkError {
    /// Whether the same call would fail again however often it is repeated.
    ///
    /// A conflict is not permanent: merging first makes the next attempt a different call.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Offline { .. }
            | Self::Timeout { .. }
            | Self::Dns { .. }
            | Self::Tls { .. }
            | Self::SignInNeeded { .. }
            | Self::Conflict { .. }
            | Self::Protocol { .. }
            | Self::Busy { .. }
            | Self::Server { .. } => false,
            Self::WrongPassword
            | Self::Refused { .. }
            | Self::LayerExists { .. }
            | Self::Form { .. }
            | Self::NotFound { .. }
            | Self::Gone { .. }
            | Self::TooLarge { .. }
            | Self::OriginRefused { .. }
            | Self::BadArgument { .. }
            | Self::Rejected { .. } => true,
        }
    }

    /// Whether signing in (again) is what the user has to do.
    pub fn needs_sign_in(&self) -> bool {
        matches!(self, Self::SignInNeeded { .. } | Self::WrongPassword)
    }

    /// Whether there was no way to the server at all.
    pub fn is_offline(&self) -> bool {
        matches!(self, Self::Offline { .. } | Self::Timeout { .. } | Self::Dns { .. })
    }

    pub(crate) fn protocol(action: &'static str, detail: impl Into<String>) -> Self {
        Self::Protocol { action, detail: detail.into() }
    }
}

fn list(errors: &[FormError]) -> String {
    let all: Vec<String> = errors.iter().map(FormError::to_string).collect();
    all.join("; ")
}
