//! Pictures with a small server of the test behind them.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const SVG: &str =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"24\" height=\"24\"><path d=\"M0 0h24v24z\"/></svg>";

/// Serves this text to everybody: its origin, and how often it was asked.
fn serving(text: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let mut request = [0; 2_048];
            let _ = stream.read(&mut request);
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", text.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(text.as_bytes()));
        }
    });
    (origin, asked)
}

struct Laptop {
    pictures: Pictures,
    confirmed: BTreeSet<String>,
    _folder: tempfile::TempDir,
}

impl Laptop {
    fn with(confirmed: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pictures = Pictures::at(folder.path(), Limits::default());
        Self { pictures, confirmed: BTreeSet::from([confirmed.to_owned()]), _folder: folder }
    }

    fn get(&self, address: &str, online: bool, now_ms: u64) -> Result<Vec<u8>, Missing> {
        self.pictures.get(&Wanted { address, tile: false, confirmed: &self.confirmed, online, now_ms })
    }
}

#[test]
fn a_picture_seen_once_is_there_without_a_network() {
    let (origin, asked) = serving(SVG);
    let laptop = Laptop::with(&origin);
    let address = format!("{origin}/tent.svg");
    assert_eq!(laptop.get(&address, false, 0), Err(Missing::Offline));
    assert_eq!(laptop.get(&address, true, 1).unwrap(), SVG.as_bytes());
    assert_eq!(laptop.get(&address, false, 2).unwrap(), SVG.as_bytes());
    assert_eq!(laptop.get(&address, true, 3).unwrap(), SVG.as_bytes());
    assert_eq!(asked.load(Ordering::SeqCst), 1, "and asked for once");
}

#[test]
fn nothing_is_asked_of_a_host_before_the_user_said_yes() {
    let laptop = Laptop::with("http://127.0.0.1:1");
    let address = "https://tile.example.org/1/1/1.png";
    assert_eq!(laptop.get(address, true, 0), Err(Missing::Unasked("tile.example.org".into())));
    laptop.pictures.allow("tile.example.org", Some(false)).unwrap();
    assert_eq!(laptop.get(address, true, 0), Err(Missing::Refused("tile.example.org".into())));
    laptop.pictures.allow("tile.example.org", None).unwrap();
    assert_eq!(laptop.pictures.may(address, &laptop.confirmed), None);
}

#[test]
fn a_yes_opens_no_private_network() {
    let (origin, asked) = serving(SVG);
    let host = origin.trim_start_matches("http://").to_owned();
    let laptop = Laptop::with("https://umap.example.org");
    laptop.pictures.allow(&host, Some(true)).unwrap();
    assert_eq!(laptop.get(&format!("{origin}/a.svg"), true, 0), Err(Missing::Private(host)));
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[test]
fn what_is_no_picture_is_not_shown_and_not_asked_for_again_at_once() {
    let (origin, asked) = serving("<html><script>alert(1)</script></html>");
    let laptop = Laptop::with(&origin);
    let address = format!("{origin}/page.png");
    assert_eq!(laptop.get(&address, true, 0), Err(Missing::Nothing));
    assert_eq!(laptop.get(&address, true, 1_000), Err(Missing::Nothing));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!(laptop.get(&address, true, NOT_THERE_MS + 1_000), Err(Missing::Nothing));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[test]
fn a_host_that_cannot_be_reached_rests_for_a_while() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let origin = format!("http://{gone}");
    let laptop = Laptop::with(&origin);
    assert_eq!(laptop.get(&format!("{origin}/a.png"), true, 0), Err(Missing::Offline));
    assert!(lock(&laptop.pictures.resting).contains_key(&gone.to_string()));
    assert_eq!(laptop.get(&format!("{origin}/b.png"), true, 1), Err(Missing::Offline));
}
