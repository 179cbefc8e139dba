//! Answers that end badly, and what a request carries.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bivouac_link::{Client, LayerSave, LinkError, Policy, Reference};
use tokio::io::AsyncWriteExt as _;

use super::{listen, read_request};

/// A server that gives every connection this answer; the client for it.
async fn answering(answer: Vec<u8>) -> Client {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            tokio::spawn(async move {
                read_request(&mut stream).await;
                // The client may hang up before the end: that is what is tested.
                let _ = stream.write_all(&answer).await;
            });
        }
    });
    Client::new(&format!("http://{address}"), &Policy::default()).unwrap()
}

fn ok(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

fn save() -> LayerSave {
    LayerSave {
        id: "a1".to_owned(),
        name: "Name".to_owned(),
        rank: 4,
        parent: None,
        settings: "{}".to_owned(),
        display_on_load: true,
        geojson: "{\"x\": 1}".to_owned(),
    }
}

#[tokio::test]
async fn nobody_listening_is_offline_and_temporary() {
    let (listener, address) = listen().await;
    drop(listener);
    let client = Client::new(&format!("http://{address}"), &Policy::default()).unwrap();
    let error = client.whoami().await.unwrap_err();
    assert!(error.is_offline() && !error.is_permanent(), "{error:?}");
    assert!(matches!(error, LinkError::Offline { .. }));
    let error = client.open_socket("1").await.unwrap_err();
    assert!(matches!(error, LinkError::Offline { .. }), "{error:?}");
}

#[tokio::test]
async fn a_name_without_an_address_is_told_as_such() {
    // No resolver needs to be asked: a label of 64 characters cannot exist.
    let server = format!("http://{}.org", "a".repeat(64));
    let policy = Policy::default().confirm_http(&server).unwrap();
    let client = Client::new(&server, &policy).unwrap();
    let error = client.whoami().await.unwrap_err();
    assert!(matches!(error, LinkError::Dns { .. }), "{error:?}");
    assert!(error.is_offline());
    let error = client.open_socket("1").await.unwrap_err();
    assert!(matches!(error, LinkError::Dns { .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_offline() {
    let client = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"us".to_vec()).await;
    let error = client.whoami().await.unwrap_err();
    assert!(matches!(error, LinkError::Offline { .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_announces_too_much_is_not_read() {
    let client = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 104857601\r\n\r\n".to_vec()).await;
    let error = client.read_layer("1", "a").await.unwrap_err();
    assert!(matches!(error, LinkError::TooLarge { limit: 104_857_600, .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_without_end_is_cut_at_the_limit() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let chunk = format!("100000\r\n{}\r\n", " ".repeat(1 << 20));
        while stream.write_all(chunk.as_bytes()).await.is_ok() {}
    });
    let client = Client::new(&format!("http://{address}"), &Policy::default()).unwrap();
    let error = client.read_layer("1", "a").await.unwrap_err();
    assert!(matches!(error, LinkError::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn a_page_where_json_belongs_is_a_protocol_error() {
    let client = answering(ok("<html>Welcome to our hotel, token=topsecret</html>")).await;
    for error in [
        client.whoami().await.unwrap_err(),
        client.read_map("1").await.unwrap_err(),
        client.read_layer("1", "a").await.unwrap_err(),
        client.ws_token("1").await.unwrap_err(),
        client.versions("1", "a").await.unwrap_err(),
        client.create_layer("1", save()).await.unwrap_err(),
    ] {
        assert!(matches!(error, LinkError::Protocol { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("topsecret"));
    }
}

#[tokio::test]
async fn a_200_without_a_token_is_no_token() {
    for body in ["{}", "{\"token\":null}", "{\"token\":7}"] {
        let error = answering(ok(body)).await.ws_token("1").await.unwrap_err();
        assert!(matches!(error, LinkError::Protocol { .. }), "{body}: {error:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (target, address) = listen().await;
    let answer =
        format!("HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: http://{address}/\r\ncontent-length: 0\r\n\r\n");
    let error = answering(answer.into_bytes()).await.read_map("1").await.unwrap_err();
    assert!(matches!(error, LinkError::Protocol { .. }), "{error:?}");
    let visited = tokio::time::timeout(Duration::from_millis(200), target.accept()).await;
    assert!(visited.is_err(), "the redirect was followed");
}

#[tokio::test]
async fn no_error_shows_the_address_a_cookie_or_a_password() {
    let (listener, address) = listen().await;
    drop(listener);
    let client = Client::new(&format!("http://{address}"), &Policy::default()).unwrap();
    let saved = format!(
        "{{\"server\":\"http://{address}\",\"signed_in\":true,\"cookies\":[{{\"name\":\"sessionid\",\"value\":\"sesquipedalian\",\"expires_ms\":null}}]}}"
    );
    client.restore_cookies(serde_json::from_str(&saved).unwrap()).unwrap();
    let link = format!("http://{address}/en/map/anonymous-edit/7:signature-of-mine");
    let errors = [
        client.open_edit_link(&link).await.unwrap_err(),
        client.sign_in("somebody", "my-password").await.unwrap_err(),
        client.read_map("7").await.unwrap_err(),
        client.open_socket("7").await.unwrap_err(),
    ];
    let saved = client.save_cookies();
    let shown = format!("{errors:?} {client:?} {saved:?}")
        + &errors.iter().map(LinkError::to_string).collect::<Vec<_>>().join(" ");
    for secret in ["signature-of-mine", "my-password", "somebody", "sesquipedalian", "anonymous-edit"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[tokio::test]
async fn a_save_carries_everything_and_no_origin() {
    let (listener, address) = listen().await;
    let request = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream).await;
        stream.write_all(&ok("{}")).await.unwrap();
        request
    });
    let client = Client::new(&format!("http://{address}"), &Policy::default()).unwrap();
    let base = Reference::new("123").unwrap();
    client.save_layer("7", save(), &base).await.unwrap_err();
    let request = request.await.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("post /en/map/7/datalayer/update/a1/ http/1.1"), "{head}");
    assert!(head.contains("x-datalayer-reference: 123"));
    assert!(!head.contains("origin:"), "{head}");
    let token = head.split("x-csrftoken: ").nth(1).unwrap().lines().next().unwrap();
    assert_eq!(token.len(), 32);
    assert!(head.contains(&format!("cookie: csrftoken={token}")), "{head}");
    for (field, value) in
        [("name", "Name"), ("rank", "4"), ("parent", ""), ("settings", "{}"), ("display_on_load", "true")]
    {
        let part = format!("form-data; name=\"{field}\"\r\n\r\n{value}\r\n");
        assert!(body.contains(&part), "{field} in {body}");
    }
    assert!(
        body.contains("name=\"geojson\"; filename=\"blob\"\r\nContent-Type: application/json\r\n\r\n{\"x\": 1}\r\n"),
        "{body}"
    );
}

#[tokio::test]
async fn one_client_saves_one_thing_at_a_time() {
    let (listener, address) = listen().await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counting, highest) = (now.clone(), most.clone());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (counting, highest) = (counting.clone(), highest.clone());
            tokio::spawn(async move {
                read_request(&mut stream).await;
                highest.fetch_max(counting.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(50)).await;
                counting.fetch_sub(1, Ordering::SeqCst);
                stream.write_all(&ok("{}")).await.unwrap();
            });
        }
    });
    let client = Client::new(&format!("http://{address}"), &Policy::default()).unwrap();
    let saves: Vec<_> = (0..5)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.create_layer("7", save()).await })
        })
        .collect();
    for save in saves {
        save.await.unwrap().unwrap_err();
    }
    assert_eq!(most.load(Ordering::SeqCst), 1, "saves overlapped");
}

#[tokio::test]
async fn a_small_answer_that_unpacks_to_too_much_is_cut_at_the_limit() {
    use std::io::Write as _;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..101 {
        packer.write_all(&zeros).unwrap();
    }
    let bomb = packer.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    let mut answer =
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", bomb.len()).into_bytes();
    answer.extend_from_slice(&bomb);
    let error = answering(answer).await.read_layer("1", "a").await.unwrap_err();
    assert!(matches!(error, LinkError::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn signing_out_without_a_network_forgets_the_session_here() {
    let (listener, address) = listen().await;
    drop(listener);
    let client = Client::new(&format!("http://{address}"), &Policy::default()).unwrap();
    let saved = format!(
        r#"{{"server":"http://{address}","signed_in":true,"cookies":[{{"name":"sessionid","value":"v","expires_ms":null}}]}}"#
    );
    client.restore_cookies(serde_json::from_str(&saved).unwrap()).unwrap();
    assert!(client.sign_out().await.unwrap_err().is_offline());
    let left = client.save_cookies();
    assert!(!left.signed_in && left.cookies.is_empty(), "{left:?}");
}

/// A server that accepts and never says anything; the client for it.
async fn silent() -> Client {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(listener.accept().await.unwrap());
        }
    });
    Client::new(&format!("http://{address}"), &Policy::default()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_left_in_time() {
    let client = silent().await;
    let begun = tokio::time::Instant::now();
    let error = client.whoami().await.unwrap_err();
    assert!(matches!(error, LinkError::Timeout { .. }), "{error:?}");
    assert!(error.is_offline() && !error.is_permanent());
    assert_eq!(begun.elapsed().as_secs(), 30);
    let begun = tokio::time::Instant::now();
    client.create_layer("7", save()).await.unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), 30);
    let begun = tokio::time::Instant::now();
    let megabyte = LayerSave { geojson: " ".repeat(1 << 20), ..save() };
    client.create_layer("7", megabyte).await.unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), 30 + 512, "what a weak network needs for it");
    let begun = tokio::time::Instant::now();
    let error = client.open_socket("7").await.unwrap_err();
    assert!(matches!(error, LinkError::Timeout { .. }), "{error:?}");
    assert_eq!(begun.elapsed().as_secs(), 10);
}

/// A server that answers with these bytes, `part` of them every `pause`; the client for it.
async fn dripping(body: Vec<u8>, part: usize, pause: Duration) -> Client {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        let head = format!(
            "HTTP/1.1 200 OK\r\nx-datalayer-version: 1\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        let mut gone = stream.write_all(head.as_bytes()).await.is_err();
        for part in body.chunks(part) {
            tokio::time::sleep(pause).await;
            gone = gone || stream.write_all(part).await.is_err();
        }
    });
    Client::new(&format!("http://{address}"), &Policy::default()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_layer_over_a_weak_network_is_waited_for_and_one_that_stops_is_not() {
    let body = vec![b' '; 1 << 20];
    // 4 KiB/s: 256 s in all.
    let weak = dripping(body.clone(), 4 << 10, Duration::from_secs(1)).await;
    let begun = tokio::time::Instant::now();
    let read = weak.read_layer("1", "a").await.unwrap();
    assert_eq!(read.body.len(), body.len());
    assert!(begun.elapsed() >= Duration::from_secs(250), "{:?}", begun.elapsed());
    // A byte now and then is no network.
    let teasing = dripping(body.clone(), 1, Duration::from_secs(1)).await;
    let begun = tokio::time::Instant::now();
    let error = teasing.read_layer("1", "a").await.unwrap_err();
    assert!(matches!(error, LinkError::Timeout { .. }), "{error:?}");
    assert!(begun.elapsed() <= Duration::from_secs(200), "{:?}", begun.elapsed());
    let stopping = dripping(body, 4 << 10, Duration::from_secs(31)).await;
    let begun = tokio::time::Instant::now();
    assert!(stopping.read_layer("1", "a").await.unwrap_err().is_offline());
    assert!(begun.elapsed() <= Duration::from_secs(35), "{:?}", begun.elapsed());
}
