//! Encrypted connections that cannot be trusted.

use bivouac_link::{Client, LinkError, Policy, Socket};

use super::listen;
use super::tls_end;

#[tokio::test]
async fn a_certificate_of_nobody_we_know_is_refused_by_http_and_websocket() {
    let folder = tempfile::tempdir().unwrap();
    tls_end::make_certificate(folder.path());
    let port = tls_end::listen(folder.path(), None).await.port();
    let client = Client::new(&format!("https://localhost:{port}"), &Policy::default()).unwrap();
    let error = client.whoami().await.unwrap_err();
    assert!(matches!(error, LinkError::Tls { .. }), "{error:?}");
    assert!(!error.is_offline() && !error.is_permanent());
    let url = format!("wss://localhost:{port}/ws/sync/1");
    let error = Socket::connect(&url, &Policy::default()).await.unwrap_err();
    assert!(matches!(error, LinkError::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn a_plain_server_where_tls_belongs_is_a_tls_error() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad\r\n\r\n").await.unwrap();
        }
    });
    let server = format!("https://{address}");
    let client = Client::new(&server, &Policy::default()).unwrap();
    let error = client.whoami().await.unwrap_err();
    assert!(matches!(error, LinkError::Tls { .. }), "{error:?}");
    let error = client.open_socket("1").await.unwrap_err();
    assert!(matches!(error, LinkError::Tls { .. }), "{error:?}");
}
