//! The link against servers of its own on loopback, for what a healthy uMap never does: frames too
//! large, broken connections, odd certificates, answers without end.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod http;
mod socket;
mod tls;
#[path = "../support/tls_end.rs"]
mod tls_end;
mod web;

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::TcpListener;

/// A listener on a free port of this computer.
pub async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Reads one request's head, and the body that it announces.
pub async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut all = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let count = stream.read(&mut chunk).await.unwrap();
        assert!(count > 0, "the request broke off");
        all.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&all).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let wanted = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned))
            .map_or(0, |length| length.trim().parse().unwrap());
        if body.len() >= wanted {
            return text;
        }
    }
}
