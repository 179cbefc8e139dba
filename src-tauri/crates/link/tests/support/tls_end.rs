//! A TLS end with a certificate of its own, before a plain server or before nothing.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Makes `cert.pem` and `key.pem` for localhost in a folder.
pub fn make_certificate(folder: &Path) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
}

/// Listens with the folder's certificate and passes every connection on to `behind`, telling it as
/// a proxy does that the request came over https.
pub async fn listen(folder: &Path, behind: Option<SocketAddr>) -> SocketAddr {
    let cert = CertificateDer::from_pem_file(folder.join("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust the certificate hangs up here.
                if let (Ok(mut outside), Some(behind)) = (acceptor.accept(stream).await, behind) {
                    pass_on(&mut outside, behind).await;
                }
            });
        }
    });
    address
}

async fn pass_on(outside: &mut tokio_rustls::server::TlsStream<TcpStream>, behind: SocketAddr) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = outside.read_u8().await else {
            return;
        };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let (first, rest) = head.split_once("\r\n").unwrap();
    // One request a connection, so that no later head passes unmarked.
    let close = if rest.to_ascii_lowercase().contains("upgrade:") { "" } else { "connection: close\r\n" };
    let head = format!("{first}\r\nx-forwarded-proto: https\r\n{close}{rest}");
    let mut inside = TcpStream::connect(behind).await.unwrap();
    inside.write_all(head.as_bytes()).await.unwrap();
    // Ends when either side hangs up.
    let _ = copy_bidirectional(outside, &mut inside).await;
}
