//! A map's room over a websocket: text frames in and out, bounded both ways.
//!
//! A task of its own reads and writes, so that pings are answered while the driver is busy.
//! Nothing here reconnects, retries or looks into a frame.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::MAX_FRAME_BYTES;
use crate::client::Client;
use crate::close::CloseReason;
use crate::dial;
use crate::error::LinkError;
use crate::policy::Policy;
use crate::tls;

/// Frames that may wait in either direction.
const QUEUE: usize = 1024;
/// Bytes that may wait in either direction: several of the largest frames.
const QUEUE_BYTES: usize = 4 * MAX_FRAME_BYTES;
/// How long a closing handshake may take.
const FAREWELL: Duration = Duration::from_secs(2);

pub(crate) type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What a socket brings.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// A text frame.
    Text(String),
    /// The end; nothing follows.
    Closed(CloseReason),
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Closed(reason) => write!(f, "Closed({reason:?})"),
        }
    }
}

/// Why a frame was not taken for sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The frame is larger than [`MAX_FRAME_BYTES`].
    #[error("sending a frame: larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Too much waits already (only from [`SocketSender::try_send`]).
    #[error("sending a frame: too much waits to be sent")]
    Full,
    /// The socket has ended; [`SocketReceiver::recv`] says why.
    #[error("sending a frame: the socket has ended")]
    Closed,
}

/// An open websocket.
#[derive(Debug)]
pub struct Socket {
    sender: SocketSender,
    receiver: SocketReceiver,
}

/// The sending half; dropping it leaves the socket open.
#[derive(Clone)]
pub struct SocketSender {
    queue: mpsc::Sender<Held>,
    budget: Arc<Semaphore>,
    closing: Arc<Notify>,
}

/// The receiving half; dropping it closes the socket.
pub struct SocketReceiver {
    queue: mpsc::Receiver<Incoming>,
    ended: Option<CloseReason>,
}

/// A frame, with its share of the bytes that may wait.
struct Held {
    text: String,
    _share: OwnedSemaphorePermit,
}

enum Incoming {
    Frame(Held),
    End(CloseReason),
}

impl Client {
    /// Connects to a map's room. Joining it, with a fresh token, is up to the caller.
    ///
    /// # Errors
    /// As [`Socket::connect`].
    pub async fn open_socket(&self, map: &str) -> Result<Socket, LinkError> {
        let url = self.socket_url(map)?;
        dial::dial(&url, self.inner.tls.clone()).await.map(Socket::start)
    }
}

impl Socket {
    /// Connects to a `ws` or `wss` address whose origin the policy allows (as http or https).
    /// Connecting and the handshake may take 10 seconds each.
    ///
    /// # Errors
    /// [`LinkError::OriginRefused`], the network's, or the server's refusal of the handshake.
    pub async fn connect(url: &str, policy: &Policy) -> Result<Self, LinkError> {
        let web = url.replacen("ws", "http", 1);
        policy.check(&web)?;
        dial::dial(url, tls::client_config()?).await.map(Self::start)
    }

    /// The next frame or the end. Can be cancelled without losing a frame.
    pub async fn recv(&mut self) -> Event {
        self.receiver.recv().await
    }

    /// Queues a frame; waits while too much waits already. It may still get lost with the socket.
    ///
    /// # Errors
    /// [`SendError::TooLarge`], [`SendError::Closed`].
    pub async fn send(&self, text: String) -> Result<(), SendError> {
        self.sender.send(text).await
    }

    /// Closes the socket; the end arrives as [`CloseReason::Ours`].
    pub fn close(&self) {
        self.sender.close();
    }

    /// The two halves, for a driver that receives in a `select!` and sends elsewhere.
    pub fn split(self) -> (SocketSender, SocketReceiver) {
        (self.sender, self.receiver)
    }

    fn start(stream: Stream) -> Self {
        let (out, to_send) = mpsc::channel(QUEUE);
        let (received, queue) = mpsc::channel(QUEUE);
        let closing = Arc::new(Notify::new());
        tokio::spawn(run(stream, to_send, received, closing.clone()));
        let budget = Arc::new(Semaphore::new(QUEUE_BYTES));
        Self { sender: SocketSender { queue: out, budget, closing }, receiver: SocketReceiver { queue, ended: None } }
    }
}

impl fmt::Debug for SocketSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SocketSender")
    }
}

impl fmt::Debug for SocketReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SocketReceiver")
    }
}

impl SocketSender {
    /// As [`Socket::send`].
    ///
    /// # Errors
    /// [`SendError::TooLarge`], [`SendError::Closed`].
    pub async fn send(&self, text: String) -> Result<(), SendError> {
        let cost = cost(&text)?;
        let place = self.queue.reserve().await.map_err(|_| SendError::Closed)?;
        let share = tokio::select! {
            share = self.budget.clone().acquire_many_owned(cost) => share,
            () = self.queue.closed() => return Err(SendError::Closed),
        };
        let share = share.map_err(|_| SendError::Closed)?;
        place.send(Held { text, _share: share });
        Ok(())
    }

    /// Queues a frame if there is room at once.
    ///
    /// # Errors
    /// [`SendError::Full`], [`SendError::TooLarge`], [`SendError::Closed`].
    pub fn try_send(&self, text: String) -> Result<(), SendError> {
        let cost = cost(&text)?;
        if self.queue.is_closed() {
            return Err(SendError::Closed);
        }
        let share = self.budget.clone().try_acquire_many_owned(cost);
        let share = share.map_err(|_| SendError::Full)?;
        self.queue.try_send(Held { text, _share: share }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => SendError::Full,
            mpsc::error::TrySendError::Closed(_) => SendError::Closed,
        })
    }

    /// As [`Socket::close`].
    pub fn close(&self) {
        self.closing.notify_one();
    }
}

impl SocketReceiver {
    /// As [`Socket::recv`].
    pub async fn recv(&mut self) -> Event {
        if let Some(reason) = self.ended {
            return Event::Closed(reason);
        }
        match self.queue.recv().await {
            Some(Incoming::Frame(held)) => Event::Text(held.text),
            Some(Incoming::End(reason)) => self.end(reason),
            // The task is gone with its runtime.
            None => self.end(CloseReason::Dropped),
        }
    }

    fn end(&mut self, reason: CloseReason) -> Event {
        self.ended = Some(reason);
        Event::Closed(reason)
    }
}

fn cost(text: &str) -> Result<u32, SendError> {
    let too_large = SendError::TooLarge { limit: MAX_FRAME_BYTES };
    if text.len() > MAX_FRAME_BYTES {
        return Err(too_large);
    }
    u32::try_from(text.len()).map_err(|_| too_large)
}

async fn run(
    stream: Stream,
    mut to_send: mpsc::Receiver<Held>,
    received: mpsc::Sender<Incoming>,
    closing: Arc<Notify>,
) {
    let (mut sink, mut source) = stream.split();
    let reason = {
        let reading = read(&mut source, &received);
        tokio::pin!(reading);
        let writing = write(&mut sink, &mut to_send);
        tokio::select! {
            reason = &mut reading => reason,
            // A write fails before the close frame that explains it is read.
            () = writing => timeout(FAREWELL, reading).await.unwrap_or(CloseReason::Dropped),
            () = closing.notified() => CloseReason::Ours,
            () = received.closed() => CloseReason::Ours,
        }
    };
    to_send.close();
    farewell(&mut sink, &mut source, reason).await;
    tracing::debug!(?reason, "socket ended");
    // The driver may be gone already: then nobody needs to know.
    let _ = received.send(Incoming::End(reason)).await;
}

async fn read(source: &mut SplitStream<Stream>, received: &mpsc::Sender<Incoming>) -> CloseReason {
    let budget = Arc::new(Semaphore::new(QUEUE_BYTES));
    loop {
        let text = match source.next().await {
            None => return CloseReason::Dropped,
            Some(Err(error)) => return CloseReason::from_error(&error),
            Some(Ok(Message::Text(text))) => text.as_str().to_owned(),
            Some(Ok(Message::Close(frame))) => return CloseReason::from_frame(frame.as_ref()),
            Some(Ok(Message::Binary(_))) => return CloseReason::Garbage,
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
        };
        let Ok(cost) = cost(&text) else {
            return CloseReason::ReceivedTooBig { limit: MAX_FRAME_BYTES };
        };
        let Ok(share) = budget.clone().acquire_many_owned(cost).await else {
            return CloseReason::Dropped;
        };
        if received.send(Incoming::Frame(Held { text, _share: share })).await.is_err() {
            return CloseReason::Ours;
        }
    }
}

/// Ends when a write fails, and never because nothing more will come.
async fn write(sink: &mut SplitSink<Stream, Message>, to_send: &mut mpsc::Receiver<Held>) {
    while let Some(held) = to_send.recv().await {
        let fed = sink.feed(Message::text(held.text)).await;
        if fed.is_err() || (to_send.is_empty() && sink.flush().await.is_err()) {
            return;
        }
    }
    std::future::pending().await
}

/// Says goodbye where that makes sense, and lets the connection end in good order.
async fn farewell(sink: &mut SplitSink<Stream, Message>, source: &mut SplitStream<Stream>, reason: CloseReason) {
    let code = match reason {
        CloseReason::Ours => CloseCode::Normal,
        CloseReason::ReceivedTooBig { .. } => CloseCode::Size,
        CloseReason::Garbage => CloseCode::Unsupported,
        CloseReason::Dropped => return,
        CloseReason::Normal
        | CloseReason::TooBig
        | CloseReason::Restart
        | CloseReason::ServerError
        | CloseReason::Objection { .. }
        | CloseReason::Other { .. } => {
            // The library answers the close frame when it is polled on.
            let _ = timeout(FAREWELL, sink.flush()).await;
            return;
        }
    };
    let frame = CloseFrame { code, reason: "".into() };
    let goodbye = async {
        if sink.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = source.next().await {}
        }
    };
    let _ = timeout(FAREWELL, goodbye).await;
}
