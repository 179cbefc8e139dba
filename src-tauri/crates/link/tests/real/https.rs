//! The same server behind TLS, where Django wants a Referer and the room is a `wss` address.

use std::net::ToSocketAddrs as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use bivouac_link::{Event, find_map};
use serde_json::json;

use super::tls_end;
use super::*;

/// Says where the certificate is, to the process that trusts it.
const FOLDER: &str = "BIVOUAC_LINK_TLS_FOLDER";

#[test]
fn signing_in_saving_and_joining_work_over_tls() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(over_tls(PathBuf::from(folder).as_path()));
    }
    // Trust is read from the environment when a program starts: so this one starts itself again.
    let folder = tempfile::tempdir().unwrap();
    tls_end::make_certificate(folder.path());
    let again = Command::new(std::env::current_exe().unwrap())
        .args(["https::signing_in_saving_and_joining_work_over_tls", "--exact", "--nocapture"])
        .env(FOLDER, folder.path())
        .env("SSL_CERT_FILE", folder.path().join("cert.pem"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&again.stdout);
    assert!(again.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&again.stderr));
}

async fn over_tls(folder: &Path) {
    let plain = server();
    let behind = plain.trim_start_matches("http://").trim_end_matches('/');
    let behind = behind.to_socket_addrs().unwrap().next().unwrap();
    let port = tls_end::listen(folder, Some(behind)).await.port();
    let client = Client::new(&format!("https://localhost:{port}"), &Policy::default()).unwrap();
    // A POST: without a Referer this answers 403.
    client.sign_in("alice", &password()).await.unwrap();
    let map = a_map(&client).await;
    assert_eq!(find_map(&map.url).unwrap().server, format!("https://localhost:{port}"));
    let id = uuid();
    let saved = client.create_layer(&map.id, layer(&id, &[("aaaaa", "a")])).await.unwrap();
    client.save_layer(&map.id, layer(&id, &[]), &saved.version).await.unwrap();
    client.delete_layer(&map.id, &id).await.unwrap();

    let token = client.ws_token(&map.id).await.unwrap();
    assert!(client.socket_url(&map.id).unwrap().starts_with("wss://"));
    let mut socket = client.open_socket(&map.id).await.unwrap();
    let join = json!({"kind": "JoinRequest", "token": token.expose(), "peer": "AAAAA"});
    socket.send(join.to_string()).await.unwrap();
    let Event::Text(answer) = socket.recv().await else { panic!("not joined") };
    assert!(answer.contains("JoinResponse"), "{answer}");
}
