//! Pictures of the web: what is let in, and which addresses are never asked.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bivouac_link::{LinkError, Web};
use tokio::io::AsyncWriteExt as _;

use super::{listen, read_request};

/// A server that gives every connection this answer: its host, and how often it was asked.
async fn answering(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> (String, Arc<AtomicUsize>) {
    let (listener, address) = listen().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let request = read_request(&mut stream).await;
            let _ = stream.write_all(&answer(&request)).await;
        }
    });
    (address.to_string(), asked)
}

fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncache-control: public, max-age=60\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn set<const N: usize>(values: [String; N]) -> BTreeSet<String> {
    values.into_iter().collect()
}

#[tokio::test]
async fn a_confirmed_origin_answers_and_says_how_long_its_picture_holds() {
    let (host, _) = answering(|_| ok(b"picture")).await;
    let confirmed = set([format!("http://{host}")]);
    let got = Web::new().unwrap().fetch(&format!("http://{host}/a"), &BTreeSet::new(), &confirmed, 100).await.unwrap();
    assert_eq!((got.bytes.as_slice(), got.fresh_for), (b"picture".as_slice(), Some(Duration::from_secs(60))));
}

#[tokio::test]
async fn no_private_address_is_connected_to_by_number_or_by_name() {
    let (host, asked) = answering(|_| ok(b"secret")).await;
    let port = host.split(':').next_back().unwrap().to_owned();
    // The last one is a public name of this computer, for which a resolver has to be asked.
    for private in [host.clone(), format!("localhost:{port}"), format!("localhost.localdomain:{port}")] {
        let hosts = set([private.clone()]);
        let error = Web::new().unwrap().fetch(&format!("http://{private}/"), &hosts, &BTreeSet::new(), 100).await;
        let error = error.unwrap_err();
        assert!(matches!(error, LinkError::OriginRefused { .. } | LinkError::Dns { .. }), "{private}: {error:?}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_redirect_is_looked_at_like_an_address() {
    let (inner, asked) = answering(|_| ok(b"secret")).await;
    let to = format!("http://{inner}/x");
    let (outer, _) = answering(move |_| {
        format!("HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n").into_bytes()
    })
    .await;
    let (address, confirmed) = (format!("http://{outer}/a"), set([format!("http://{outer}")]));
    let web = Web::new().unwrap();
    let refused = web.fetch(&address, &BTreeSet::new(), &confirmed, 100).await.unwrap_err();
    assert!(matches!(refused, LinkError::OriginRefused { .. }), "{refused:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    let both = set([format!("http://{outer}"), format!("http://{inner}")]);
    assert_eq!(web.fetch(&address, &BTreeSet::new(), &both, 100).await.unwrap().bytes, b"secret");
}

#[tokio::test]
async fn redirects_end_and_large_answers_are_not_read() {
    let (host, asked) = answering(|_| {
        b"HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n".to_vec()
    })
    .await;
    let web = Web::new().unwrap();
    let confirmed = set([format!("http://{host}")]);
    let error = web.fetch(&format!("http://{host}/"), &BTreeSet::new(), &confirmed, 100).await.unwrap_err();
    assert!(matches!(error, LinkError::Protocol { .. }), "{error:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    for endless in [ok(&[7; 101]), [b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".as_slice(), &[7; 101]].concat()] {
        let (host, _) = answering(move |_| endless.clone()).await;
        let confirmed = set([format!("http://{host}")]);
        let error = web.fetch(&format!("http://{host}/"), &BTreeSet::new(), &confirmed, 100).await.unwrap_err();
        assert!(matches!(error, LinkError::TooLarge { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn neither_cookies_nor_the_page_that_was_looked_at_travel_along() {
    let (host, _) = answering(|request| ok(request.as_bytes())).await;
    let confirmed = set([format!("http://{host}")]);
    let web = Web::new().unwrap();
    let got = web.fetch(&format!("http://{host}/t/1"), &BTreeSet::new(), &confirmed, 10_000).await.unwrap();
    let request = String::from_utf8(got.bytes).unwrap().to_lowercase();
    assert!(request.contains("user-agent: bivouac/"), "{request}");
    assert!(!request.contains("cookie:") && !request.contains("referer:"), "{request}");
}
