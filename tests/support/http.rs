//! Plain HTTP with cookies, as one person would send it: independent of the client under test, so that what
//! it finds on the server is a second opinion.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::Response;
use ureq::{Body, RequestBuilder};

use crate::server::UmapServer;

/// What the server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body as text.
    pub text: String,
    /// The header `X-Datalayer-Version`.
    pub version: Option<String>,
    /// The header `Location`.
    pub location: Option<String>,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.text) {
            Ok(value) => value,
            Err(error) => panic!("the answer {} is no JSON ({error}): {:.300}", self.status, self.text),
        }
    }
}

/// One person's cookies at one server.
#[derive(Debug, Clone)]
pub struct Visitor {
    agent: Agent,
    server: String,
}

impl Visitor {
    /// Somebody who is not signed in.
    #[track_caller]
    pub fn anonymous(server: &UmapServer) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_secs(120)))
            .proxy(None)
            .build();
        let visitor = Self { agent: config.into(), server: server.url().to_owned() };
        // This page sets the CSRF cookie.
        let answer = visitor.get("/en/login/");
        assert_eq!(answer.status, 200, "the sign-in page should answer");
        visitor
    }

    /// One of admin, alice, bob and carol.
    #[track_caller]
    pub fn signed_in(server: &UmapServer, user: &str) -> Self {
        let visitor = Self::anonymous(server);
        let answer = visitor.post("/en/login/", &[("username", user), ("password", server.password())]);
        assert_eq!(answer.status, 302, "signing in as {user} should be answered with a redirect");
        visitor
    }

    /// GET of a path that begins with a slash.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        let sent = self.agent.get(self.address(path)).call();
        answer(path, sent)
    }

    /// POST of form fields.
    #[track_caller]
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = fields.iter().map(|(name, value)| (*name, *value));
        answer(path, self.prepare(path).send_form(form))
    }

    /// POST of form fields and a file `geojson`; `reference` goes into `X-Datalayer-Reference`.
    #[track_caller]
    pub fn post_document(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        document: &str,
        reference: Option<&str>,
    ) -> Answer {
        let boundary = "----bivouac-support-7d1f0c55";
        let mut body = String::new();
        for (name, value) in fields {
            body.push_str(&format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        body.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"geojson\"; filename=\"blob\"\r\n\
             Content-Type: application/json\r\n\r\n{document}\r\n--{boundary}--\r\n"
        ));
        let mut request = self.prepare(path).content_type(format!("multipart/form-data; boundary={boundary}"));
        if let Some(reference) = reference {
            request = request.header("X-Datalayer-Reference", reference);
        }
        answer(path, request.send(body))
    }

    /// The value of a cookie that the server set.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let host = self.server.split("://").nth(1).and_then(|rest| rest.split(':').next())?;
        let jar = self.agent.cookie_jar_lock();
        jar.get(host, "/", name).map(|cookie| cookie.value().to_owned())
    }

    fn prepare(&self, path: &str) -> RequestBuilder<ureq::typestate::WithBody> {
        let token = self.cookie("csrftoken").unwrap_or_default();
        self.agent.post(self.address(path)).header("X-CSRFToken", token).header("X-Requested-With", "XMLHttpRequest")
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.server)
    }
}

#[track_caller]
fn answer(path: &str, sent: Result<Response<Body>, ureq::Error>) -> Answer {
    let mut response = match sent {
        Ok(response) => response,
        Err(error) => panic!("no answer to {path}: {error}"),
    };
    let header = |name: &str| {
        let value = response.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let (version, location) = (header("x-datalayer-version"), header("location"));
    let status = response.status().as_u16();
    let text = match response.body_mut().with_config().limit(256 << 20).read_to_string() {
        Ok(text) => text,
        Err(error) => panic!("the answer to {path} broke off: {error}"),
    };
    Answer { status, text, version, location }
}
