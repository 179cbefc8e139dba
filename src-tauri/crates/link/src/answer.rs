//! What an answer means: uMap says many of its refusals with status 200.

use reqwest::Url;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use crate::MAX_ANSWER_BYTES;
use crate::error::{FormError, LinkError};
use crate::http::Raw;
use crate::policy::origin_of;

impl Raw {
    /// The answer, if its status is a success.
    pub(crate) fn ok(self) -> Result<Self, LinkError> {
        let (action, status) = (self.action, self.status);
        Err(match status {
            200..=299 => return Ok(self),
            300..=399 if self.leads_to_sign_in() => LinkError::SignInNeeded { action },
            300..=399 => LinkError::protocol(action, self.redirect()),
            400 if contains(&self.body, b"UUID already exists") => LinkError::LayerExists { action },
            401 => LinkError::SignInNeeded { action },
            403 if contains(&self.body, b"CSRF") => {
                LinkError::protocol(action, "the server does not accept our CSRF token")
            }
            403 => LinkError::Refused { action },
            404 => LinkError::NotFound { action },
            410 => LinkError::Gone { action },
            412 => LinkError::Conflict { action },
            413 => LinkError::TooLarge { action, limit: MAX_ANSWER_BYTES },
            429 | 502..=504 => LinkError::Busy { action, status },
            500..=599 => LinkError::Server { action, status },
            _ => LinkError::Rejected { action, status },
        })
    }

    /// The text of a JSON answer that is a success in its content too.
    pub(crate) fn ok_json(self) -> Result<String, LinkError> {
        let action = self.action;
        let text = self.ok()?.into_text()?;
        let envelope: Envelope = parse(action, &text)?;
        if envelope.login_required.is_some() {
            return Err(LinkError::SignInNeeded { action });
        }
        let errors = envelope.form_errors();
        if !errors.is_empty() {
            return Err(LinkError::Form { action, errors });
        }
        Ok(text)
    }

    /// Where to, without the path, which may hold a secret.
    fn redirect(&self) -> String {
        match self.header("location").and_then(|to| Url::parse(to).ok()) {
            Some(to) => format!("an unexpected redirect to {}", origin_of(&to)),
            None => "an unexpected redirect".to_owned(),
        }
    }

    fn leads_to_sign_in(&self) -> bool {
        self.header("location").is_some_and(|to| to.contains("/login"))
    }
}

/// Reads a JSON answer into a type.
pub(crate) fn parse<T: DeserializeOwned>(action: &'static str, text: &str) -> Result<T, LinkError> {
    // serde_json's own message can quote the text: only the position is kept.
    serde_json::from_str(text).map_err(|error| {
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        LinkError::protocol(action, format!("{kind:?} error in its JSON at {line}:{column}"))
    })
}

/// The members by which uMap says "no" inside a 200.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    login_required: Option<IgnoredAny>,
    #[serde(default)]
    errors: Option<Value>,
    #[serde(default)]
    error: Option<Value>,
}

impl Envelope {
    fn form_errors(&self) -> Vec<FormError> {
        let mut all = Vec::new();
        match &self.errors {
            None | Some(Value::Null) => {}
            Some(Value::Object(fields)) => {
                for (field, said) in fields {
                    all.push(FormError { field: field.clone(), messages: messages(said) });
                }
            }
            Some(other) => all.push(FormError { field: String::new(), messages: messages(other) }),
        }
        if let (true, Some(error)) = (all.is_empty(), &self.error) {
            all.push(FormError { field: String::new(), messages: messages(error) });
        }
        all
    }
}

fn messages(said: &Value) -> Vec<String> {
    match said {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text.clone()],
        Value::Array(texts) => texts.iter().flat_map(messages).collect(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => vec![said.to_string()],
    }
}

fn contains(body: &[u8], wanted: &[u8]) -> bool {
    body.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderMap, HeaderValue};

    fn answer(status: u16, body: &str) -> Raw {
        Raw {
            action: "trying",
            status,
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
            server_time_ms: None,
        }
    }

    #[test]
    fn every_status_has_its_kind() {
        let table = [
            (400, "UUID already exists", LinkError::LayerExists { action: "trying" }),
            (400, "", LinkError::Rejected { action: "trying", status: 400 }),
            (401, "", LinkError::SignInNeeded { action: "trying" }),
            (403, "", LinkError::Refused { action: "trying" }),
            (404, "", LinkError::NotFound { action: "trying" }),
            (410, "", LinkError::Gone { action: "trying" }),
            (412, "", LinkError::Conflict { action: "trying" }),
            (500, "", LinkError::Server { action: "trying", status: 500 }),
            (503, "", LinkError::Busy { action: "trying", status: 503 }),
        ];
        for (status, body, wanted) in table {
            assert_eq!(answer(status, body).ok_json().unwrap_err(), wanted);
        }
    }

    #[test]
    fn a_refusal_inside_a_200_is_an_error() {
        let needs = answer(200, r#"{"login_required": "/en/login/"}"#).ok_json().unwrap_err();
        assert!(needs.needs_sign_in());
        let form = answer(200, r#"{"errors":{"name":["Too long.","Odd."]},"error":"<ul>"}"#);
        let LinkError::Form { errors, .. } = form.ok_json().unwrap_err() else {
            panic!("no form error");
        };
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].to_string(), "name: Too long. Odd.");
        assert!(answer(200, r#"{"error":"no"}"#).ok_json().is_err());
        assert!(answer(200, r#"{"errors":null,"x":1}"#).ok_json().is_ok());
    }

    #[test]
    fn a_page_instead_of_json_is_a_protocol_error_that_does_not_quote_it() {
        let error = answer(200, "<html>topsecret</html>").ok_json().unwrap_err();
        assert!(matches!(error, LinkError::Protocol { .. }));
        assert!(!format!("{error} {error:?}").contains("topsecret"));
    }

    #[test]
    fn a_redirect_to_the_sign_in_page_asks_for_sign_in() {
        let mut raw = answer(302, "");
        raw.headers.insert("location", HeaderValue::from_static("/en/login/?next=/x"));
        assert!(raw.ok().err().unwrap().needs_sign_in());
        assert!(matches!(answer(302, "").ok().err(), Some(LinkError::Protocol { .. })));
    }
}
