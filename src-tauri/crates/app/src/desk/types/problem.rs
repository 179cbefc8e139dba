//! Why something was not done, as a window is told.

use serde::Serialize;
use ts_rs::TS;

use crate::error::AppError;

/// An error: the code is for the window's own words, the text for logs and the curious.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The same for good, as [`AppError::code`] gives it.
    pub code: String,
    /// What was attempted and why it failed, in English; no secrets.
    pub text: String,
    /// The number, name or program that the code's words have a place for.
    pub detail: Option<String>,
}

impl Problem {
    /// A problem of a code that no [`AppError`] has.
    #[must_use]
    pub fn new(code: &str, text: impl Into<String>) -> Self {
        Self { code: code.to_owned(), text: text.into(), detail: None }
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        Self::from(&error)
    }
}

impl From<&AppError> for Problem {
    fn from(error: &AppError) -> Self {
        let detail = match error {
            AppError::InUse { holder, .. } => Some(holder.clone()),
            AppError::Unsent { count, .. } => Some(count.to_string()),
            AppError::Ambiguous { among, .. } => Some(among.clone()),
            AppError::BadInput { why, .. } | AppError::NotFound { why, .. } | AppError::NotAllowed { why, .. } => {
                Some(why.clone())
            }
            AppError::Closed { .. }
            | AppError::SignIn(_)
            | AppError::Offline(_)
            | AppError::Refused(_)
            | AppError::Cancelled(_)
            | AppError::Secrets { .. }
            | AppError::Io { .. }
            | AppError::Store(_) => None,
        };
        Self { code: error.code().to_owned(), text: error.to_string(), detail }
    }
}

impl From<bivouac_store::Error> for Problem {
    fn from(error: bivouac_store::Error) -> Self {
        Self::from(AppError::from(error))
    }
}
