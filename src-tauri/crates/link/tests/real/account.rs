//! Signing in, staying signed in, and anonymous edit links.

use bivouac_link::{Client, EditMode, LinkError, Policy, SavedCookies};

use super::*;

fn value(cookies: &SavedCookies, name: &str) -> Option<String> {
    let cookie = cookies.cookies.iter().find(|cookie| cookie.name == name)?;
    Some(cookie.value.clone())
}

#[tokio::test]
async fn a_user_signs_in_is_known_and_signs_out() {
    let client = nobody();
    assert_eq!(client.whoami().await.unwrap(), None);
    let alice = client.sign_in("alice", &password()).await.unwrap();
    assert_eq!(alice.name, "alice");
    assert_eq!(client.whoami().await.unwrap(), Some(alice));
    client.sign_out().await.unwrap();
    assert_eq!(client.whoami().await.unwrap(), None);
    assert_eq!(value(&client.save_cookies(), "sessionid"), None);
}

#[tokio::test]
async fn a_wrong_password_is_told_from_every_other_failure() {
    let client = nobody();
    let error = client.sign_in("alice", "not-the-password").await.unwrap_err();
    assert_eq!(error, LinkError::WrongPassword);
    assert!(error.needs_sign_in() && error.is_permanent() && !error.is_offline());
    assert!(!client.save_cookies().signed_in);
}

#[tokio::test]
async fn the_csrf_token_changes_at_sign_in_and_the_new_one_is_used() {
    let client = nobody();
    // A first POST with a self-made token: the server has set no cookie yet.
    a_map(&client).await;
    let before = value(&client.save_cookies(), "csrftoken").unwrap();
    client.sign_in("bob", &password()).await.unwrap();
    let after = value(&client.save_cookies(), "csrftoken").unwrap();
    assert_ne!(before, after);
    let map = a_map(&client).await;
    assert_eq!(map.permissions.owner.unwrap().name, "bob");
}

#[tokio::test]
async fn a_stored_session_works_in_another_client_and_belongs_to_its_server() {
    let client = signed_in("carol").await;
    let stored = serde_json::to_string(&client.save_cookies()).unwrap();
    let saved: SavedCookies = serde_json::from_str(&stored).unwrap();
    let later = nobody();
    later.restore_cookies(saved.clone()).unwrap();
    assert_eq!(later.whoami().await.unwrap().unwrap().name, "carol");
    let elsewhere = Client::new("https://umap.example.org", &Policy::default()).unwrap();
    let refused = elsewhere.restore_cookies(saved).unwrap_err();
    assert!(matches!(refused, LinkError::BadArgument { .. }));
}

#[tokio::test]
async fn an_ended_session_asks_for_sign_in_and_not_for_rights() {
    let client = signed_in("carol").await;
    let map = a_map(&client).await;
    let id = uuid();
    let saved = client.create_layer(&map.id, layer(&id, &[])).await.unwrap();
    let twin = nobody();
    twin.restore_cookies(client.save_cookies()).unwrap();
    twin.sign_out().await.unwrap();
    let error = client.save_layer(&map.id, layer(&id, &[]), &saved.version).await.unwrap_err();
    assert!(error.needs_sign_in(), "{error}");
    let error = client.ws_token(&map.id).await.unwrap_err();
    assert!(error.needs_sign_in(), "{error}");
}

#[tokio::test]
async fn an_anonymous_maps_edit_link_gives_the_right_to_edit_to_another_client() {
    let maker = nobody();
    let map = a_map(&maker).await;
    assert!(map.permissions.owner.is_none());
    let link = map.anonymous_edit_url.clone().expect("a secret edit link");
    assert!(!format!("{map:?}").contains(link.expose()));

    let visitor = nobody();
    let error = visitor.read_map(&map.id).await.unwrap_err();
    assert!(error.needs_sign_in(), "a draft is hidden from nobody: {error}");
    let found = visitor.open_edit_link(link.expose()).await.unwrap();
    assert_eq!(found.id, map.id);
    assert_eq!(found.slug.as_deref(), Some("a-map"));
    assert_eq!(visitor.read_map(&map.id).await.unwrap().edit_mode, EditMode::Advanced);
    assert!(!visitor.ws_token(&map.id).await.unwrap().expose().is_empty());
    visitor.create_layer(&map.id, layer(&uuid(), &[])).await.unwrap();
}

#[tokio::test]
async fn a_forged_edit_link_is_refused_and_not_shown_in_the_error() {
    let map = a_map(&nobody()).await;
    let forged = format!("{}/en/map/anonymous-edit/{}:forged-signature", server(), map.id);
    let error = nobody().open_edit_link(&forged).await.unwrap_err();
    assert!(matches!(error, LinkError::Refused { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("forged-signature"));
    let error = nobody().open_edit_link("https://else.org/en/map/anonymous-edit/1:sig").await;
    assert!(matches!(error, Err(LinkError::BadArgument { .. })));
    let error = nobody().open_edit_link(&map.url).await;
    assert!(matches!(error, Err(LinkError::BadArgument { .. })));
}

#[tokio::test]
async fn signing_in_again_changes_the_user() {
    let client = signed_in("alice").await;
    assert_eq!(client.sign_in("bob", &password()).await.unwrap().name, "bob");
    assert_eq!(client.whoami().await.unwrap().unwrap().name, "bob");
}

#[tokio::test]
async fn the_log_of_a_whole_visit_holds_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let client = signed_in("alice").await;
    let map = a_map(&client).await;
    let token = client.ws_token(&map.id).await.unwrap();
    let socket = client.open_socket(&map.id).await.unwrap();
    let join = format!(r#"{{"kind":"JoinRequest","token":"{}","peer":"AAAAA"}}"#, token.expose());
    let (sender, mut receiver) = socket.split();
    sender.send(join).await.unwrap();
    receiver.recv().await;
    let anonymous = nobody();
    let link = a_map(&anonymous).await.anonymous_edit_url.unwrap();
    nobody().open_edit_link(link.expose()).await.unwrap();
    nobody().sign_in("alice", "a-wrong-password").await.unwrap_err();
    client
        .save_layer(&map.id, layer(&uuid(), &[("aaaaa", "Hidden place")]), &bivouac_link::Reference::new("1").unwrap())
        .await
        .unwrap_err();
    drop(guard);

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("signing in") && log.contains("answered"), "nothing was logged: {log}");
    let mut secrets = vec![password(), "a-wrong-password".into(), "Hidden place".into()];
    secrets.push(token.expose().to_owned());
    secrets.push(link.expose().rsplit(':').next().unwrap().to_owned());
    for jar in [client.save_cookies(), anonymous.save_cookies()] {
        secrets.extend(jar.cookies.into_iter().map(|cookie| cookie.value));
    }
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} is in the log");
    }
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
