//! Websockets that end badly, are flooded, or are not read.

use std::time::Duration;

use bivouac_link::{CloseReason, Event, LinkError, MAX_FRAME_BYTES, Policy, SendError, Socket};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};

use super::listen;

/// A socket, and the other end of it.
async fn pair() -> (Socket, WebSocketStream<TcpStream>) {
    let (listener, address) = listen().await;
    let accepting = async {
        let (stream, _) = listener.accept().await.unwrap();
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        tokio_tungstenite::accept_async_with_config(stream, Some(config)).await.unwrap()
    };
    let url = format!("ws://{address}/ws/sync/1");
    let policy = Policy::default();
    let (socket, peer) = tokio::join!(Socket::connect(&url, &policy), accepting);
    (socket.unwrap(), peer)
}

async fn next(socket: &mut Socket) -> Event {
    timeout(Duration::from_secs(20), socket.recv()).await.expect("nothing came in 20 s")
}

#[tokio::test]
async fn a_frame_larger_than_16_mebibytes_ends_the_socket_and_says_so() {
    let (mut socket, mut peer) = pair().await;
    let peer = tokio::spawn(async move {
        let _ = peer.send(Message::text("x".repeat(MAX_FRAME_BYTES + 1))).await;
        peer.next().await
    });
    let end = Event::Closed(CloseReason::ReceivedTooBig { limit: MAX_FRAME_BYTES });
    assert_eq!(next(&mut socket).await, end);
    assert_eq!(next(&mut socket).await, end, "the end stays the end");
    drop(socket);
    peer.await.unwrap();
}

#[tokio::test]
async fn a_large_message_in_many_small_frames_is_bounded_too() {
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    let (mut socket, mut peer) = pair().await;
    let peer = tokio::spawn(async move {
        for n in 0..20 {
            let kind = if n == 0 { Data::Text } else { Data::Continue };
            let frame = Frame::message(vec![b'x'; 1 << 20], OpCode::Data(kind), false);
            if peer.send(Message::Frame(frame)).await.is_err() {
                break;
            }
        }
        peer.next().await
    });
    let end = Event::Closed(CloseReason::ReceivedTooBig { limit: MAX_FRAME_BYTES });
    assert_eq!(next(&mut socket).await, end);
    peer.await.unwrap();
}

#[tokio::test]
async fn a_frame_of_16_mebibytes_passes_both_ways() {
    let (mut socket, mut peer) = pair().await;
    let text = "x".repeat(MAX_FRAME_BYTES);
    let sent = text.clone();
    let peer = tokio::spawn(async move {
        peer.send(Message::text(sent)).await.unwrap();
        let back = peer.next().await.unwrap().unwrap();
        (peer, back.len())
    });
    assert!(next(&mut socket).await == Event::Text(text.clone()));
    socket.send(text).await.unwrap();
    assert_eq!(peer.await.unwrap().1, MAX_FRAME_BYTES);
    let larger = "x".repeat(MAX_FRAME_BYTES + 1);
    let error = socket.send(larger).await.unwrap_err();
    assert_eq!(error, SendError::TooLarge { limit: MAX_FRAME_BYTES });
}

#[tokio::test]
async fn every_close_code_has_its_reason() {
    let table = [
        (1000, CloseReason::Normal),
        (1001, CloseReason::Normal),
        (1008, CloseReason::Objection { code: 1008 }),
        (1009, CloseReason::TooBig),
        (1011, CloseReason::ServerError),
        (1012, CloseReason::Restart),
        (4001, CloseReason::Other { code: 4001 }),
    ];
    for (code, reason) in table {
        let (mut socket, mut peer) = pair().await;
        peer.send(Message::text("last words")).await.unwrap();
        let frame = CloseFrame { code: code.into(), reason: "said".into() };
        peer.send(Message::Close(Some(frame))).await.unwrap();
        assert_eq!(next(&mut socket).await, Event::Text("last words".to_owned()));
        assert_eq!(next(&mut socket).await, Event::Closed(reason), "{code}");
        let answer = timeout(Duration::from_secs(5), peer.next()).await.unwrap();
        assert!(matches!(answer, Some(Ok(Message::Close(_)))), "{code}: {answer:?}");
    }
}

#[tokio::test]
async fn a_connection_that_ends_without_a_word_was_dropped() {
    let (mut socket, peer) = pair().await;
    drop(peer.into_inner());
    assert_eq!(next(&mut socket).await, Event::Closed(CloseReason::Dropped));
    assert_eq!(socket.send("x".to_owned()).await, Err(SendError::Closed));
}

#[tokio::test]
async fn a_binary_frame_is_garbage() {
    let (mut socket, mut peer) = pair().await;
    peer.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(next(&mut socket).await, Event::Closed(CloseReason::Garbage));
}

#[tokio::test]
async fn a_ping_is_answered_while_the_driver_does_not_receive() {
    let (_socket, mut peer) = pair().await;
    peer.send(Message::Ping(vec![7].into())).await.unwrap();
    let answer = timeout(Duration::from_secs(5), peer.next()).await.unwrap();
    assert_eq!(answer.unwrap().unwrap(), Message::Pong(vec![7].into()));
}

#[tokio::test]
async fn what_waits_to_be_sent_is_bounded_and_is_sent_in_the_end() {
    let (socket, peer) = pair().await;
    let (sender, _receiver) = socket.split();
    let mut taken = 0;
    let frame = "x".repeat(1 << 20);
    loop {
        match sender.try_send(frame.clone()) {
            Ok(()) => taken += 1,
            Err(error) => {
                assert_eq!(error, SendError::Full);
                break;
            }
        }
        tokio::task::yield_now().await;
        assert!(taken < 200, "200 MiB wait for a peer that reads nothing");
    }
    let (done, finished) = oneshot::channel();
    tokio::spawn(async move {
        let mut peer = peer;
        let mut read = 0;
        while read < taken + 1 {
            peer.next().await.unwrap().unwrap();
            read += 1;
        }
        done.send(read).unwrap();
    });
    timeout(Duration::from_secs(20), sender.send(frame)).await.unwrap().unwrap();
    assert_eq!(timeout(Duration::from_secs(20), finished).await.unwrap().unwrap(), taken + 1);
}

#[tokio::test]
async fn a_driver_that_does_not_receive_stops_the_sender_and_loses_nothing() {
    let (mut socket, mut peer) = pair().await;
    let count = 150;
    let sending = tokio::spawn(async move {
        for n in 0..count {
            peer.send(Message::text(format!("{n:07}{}", "x".repeat(1 << 20)))).await.unwrap();
        }
        peer
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!sending.is_finished(), "150 MiB were taken in without being received");
    for n in 0..count {
        let Event::Text(text) = next(&mut socket).await else { panic!("ended at {n}") };
        assert_eq!(text[..7], format!("{n:07}"));
    }
    sending.await.unwrap();
}

#[tokio::test]
async fn closing_says_goodbye_and_dropping_the_receiver_does_too() {
    let (mut socket, mut peer) = pair().await;
    socket.close();
    let goodbye = timeout(Duration::from_secs(5), peer.next()).await.unwrap();
    assert!(matches!(goodbye, Some(Ok(Message::Close(Some(frame)))) if frame.code == 1000.into()));
    while peer.next().await.is_some() {}
    assert_eq!(next(&mut socket).await, Event::Closed(CloseReason::Ours));

    let (socket, mut peer) = pair().await;
    let (sender, receiver) = socket.split();
    drop(receiver);
    let goodbye = timeout(Duration::from_secs(5), peer.next()).await.unwrap();
    assert!(matches!(goodbye, Some(Ok(Message::Close(_)))));
    assert_eq!(sender.send("x".to_owned()).await, Err(SendError::Closed));
}

#[tokio::test]
async fn only_allowed_origins_are_connected_to() {
    let policy = Policy::default();
    let error = Socket::connect("ws://umap.example.org/ws/sync/1", &policy).await.unwrap_err();
    assert!(matches!(error, LinkError::OriginRefused { .. }), "{error:?}");
    for odd in ["http://127.0.0.1:1/", "", "wsx://127.0.0.1/", "ws:"] {
        let error = Socket::connect(odd, &policy).await.unwrap_err();
        assert!(matches!(error, LinkError::BadArgument { .. }), "{odd}: {error:?}");
    }
}
