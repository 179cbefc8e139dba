//! A map's room: joining, our own echo, and how the server says no.

use std::time::Duration;

use bivouac_link::{CloseReason, Event, LinkError, Policy, Socket};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::*;

async fn next(socket: &mut Socket) -> Event {
    timeout(Duration::from_secs(10), socket.recv()).await.expect("nothing came in 10 s")
}

/// Frames until one of this kind.
async fn until(socket: &mut Socket, kind: &str) -> Value {
    loop {
        match next(socket).await {
            Event::Text(text) => {
                let message: Value = serde_json::from_str(&text).unwrap();
                if message["kind"] == kind {
                    return message;
                }
            }
            Event::Closed(reason) => panic!("closed while waiting for {kind}: {reason:?}"),
        }
    }
}

async fn joined(client: &Client, map: &str, peer: &str) -> Socket {
    let token = client.ws_token(map).await.unwrap();
    let mut socket = client.open_socket(map).await.unwrap();
    let join = json!({"kind": "JoinRequest", "token": token.expose(), "peer": peer, "username": "alice"});
    socket.send(join.to_string()).await.unwrap();
    assert_eq!(until(&mut socket, "JoinResponse").await["peer"], peer);
    until(&mut socket, "ListPeersResponse").await;
    socket
}

fn operation(peer: &str, value: &str) -> String {
    json!({
        "sender": peer, "verb": "update", "subject": "map", "metadata": {}, "key": "properties.name",
        "value": value, "hlc": "1795440656049:0:4uzaG", "kind": "OperationMessage",
    })
    .to_string()
}

#[tokio::test]
async fn what_we_send_comes_back_byte_for_byte_and_reaches_the_other() {
    let client = signed_in("alice").await;
    let map = a_map(&client).await;
    client.read_map(&map.id).await.unwrap();
    let mut one = joined(&client, &map.id, "AAAAA").await;
    let mut two = joined(&client, &map.id, "BBBBB").await;
    let frame = operation("AAAAA", "gr\u{fc}n");
    one.send(frame.clone()).await.unwrap();
    for socket in [&mut one, &mut two] {
        loop {
            match next(socket).await {
                Event::Text(text) if text.contains("OperationMessage") => {
                    assert_eq!(text, frame);
                    break;
                }
                Event::Text(_) => {}
                Event::Closed(reason) => panic!("{reason:?}"),
            }
        }
    }
    one.close();
    loop {
        if let Event::Closed(reason) = next(&mut one).await {
            assert_eq!(reason, CloseReason::Ours);
            break;
        }
    }
    assert!(one.send("x".to_owned()).await.is_err());
}

#[tokio::test]
async fn a_frame_of_a_mebibyte_and_a_burst_come_back_in_order() {
    let client = signed_in("alice").await;
    let map = a_map(&client).await;
    let socket = joined(&client, &map.id, "AAAAA").await;
    let (sender, mut receiver) = socket.split();
    let large = "x".repeat(1024 * 1024);
    sender.send(operation("AAAAA", &large)).await.unwrap();
    for n in 0..200 {
        sender.send(operation("AAAAA", &n.to_string())).await.unwrap();
    }
    let mut values = Vec::new();
    while values.len() < 201 {
        let event = timeout(Duration::from_secs(20), receiver.recv()).await.unwrap();
        let Event::Text(text) = event else { panic!("{event:?}") };
        let message: Value = serde_json::from_str(&text).unwrap();
        if message["kind"] == "OperationMessage" {
            values.push(message["value"].as_str().unwrap().to_owned());
        }
    }
    assert!(values[0] == large);
    let wanted: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    assert_eq!(values[1..], wanted);
}

#[tokio::test]
async fn a_bad_token_is_dropped_without_a_word() {
    let client = signed_in("alice").await;
    let map = a_map(&client).await;
    let mut socket = client.open_socket(&map.id).await.unwrap();
    let join = json!({"kind": "JoinRequest", "token": "no:such:token", "peer": "AAAAA"});
    socket.send(join.to_string()).await.unwrap();
    assert_eq!(next(&mut socket).await, Event::Closed(CloseReason::Dropped));
}

#[tokio::test]
async fn a_refused_handshake_is_an_error_of_its_own() {
    let url = format!("{}/ws/sync/1/", server().replacen("http", "ws", 1));
    let error = Socket::connect(&url, &Policy::default()).await.unwrap_err();
    assert!(matches!(error, LinkError::Refused { .. }), "{error:?}");
}
