//! Opening a websocket: name, TCP, TLS and upgrade, each failing in its own words.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, client_async_tls_with_config};

use crate::MAX_FRAME_BYTES;
use crate::client::CONNECT;
use crate::error::LinkError;
use crate::http::why_unreachable;
use crate::socket::Stream;

const ACTION: &str = "connecting to the room";

/// Opens a websocket at a `ws` or `wss` address.
pub(crate) async fn dial(url: &str, tls: Arc<rustls::ClientConfig>) -> Result<Stream, LinkError> {
    let bad = |detail| LinkError::BadArgument { action: ACTION, detail };
    let parsed = Url::parse(url).map_err(|_| bad("it is no complete address"))?;
    if !matches!(parsed.scheme(), "ws" | "wss") {
        return Err(bad("it is no websocket address"));
    }
    let late = |_| LinkError::Timeout { action: ACTION };
    let tcp = timeout(CONNECT, open_tcp(&parsed)).await.map_err(late)??;
    let config =
        WebSocketConfig::default().max_message_size(Some(MAX_FRAME_BYTES)).max_frame_size(Some(MAX_FRAME_BYTES));
    let upgrade = client_async_tls_with_config(url, tcp, Some(config), Some(Connector::Rustls(tls)));
    let (stream, _) = timeout(CONNECT, upgrade).await.map_err(late)?.map_err(refused)?;
    tracing::debug!("socket open");
    Ok(stream)
}

async fn open_tcp(url: &Url) -> Result<TcpStream, LinkError> {
    let dns = || LinkError::Dns { action: ACTION };
    // A name in brackets is an IPv6 address, which the resolver wants without them.
    let host = url.host_str().ok_or_else(dns)?.trim_matches(['[', ']']);
    let port = url.port_or_known_default().ok_or_else(dns)?;
    let mut last = None;
    for address in lookup_host((host, port)).await.map_err(|_| dns())? {
        match TcpStream::connect(address).await {
            Ok(tcp) => {
                keep_alive(&tcp);
                return Ok(tcp);
            }
            Err(error) => last = Some(error),
        }
    }
    let error = last.ok_or_else(dns)?;
    Err(LinkError::Offline { action: ACTION, detail: error.to_string() })
}

/// Best effort: liveness is proven by echoes (rule 14), not by TCP.
fn keep_alive(tcp: &TcpStream) {
    let often = TcpKeepalive::new().with_time(Duration::from_secs(20)).with_interval(Duration::from_secs(5));
    if SockRef::from(tcp).set_tcp_keepalive(&often).is_err() || tcp.set_nodelay(true).is_err() {
        tracing::debug!("the socket's options could not be set");
    }
}

fn refused(error: Error) -> LinkError {
    let Error::Http(response) = &error else {
        return why_unreachable(ACTION, &error);
    };
    match response.status().as_u16() {
        401 => LinkError::SignInNeeded { action: ACTION },
        403 => LinkError::Refused { action: ACTION },
        404 => LinkError::NotFound { action: ACTION },
        status @ (429 | 502..=504) => LinkError::Busy { action: ACTION, status },
        status @ 500..=599 => LinkError::Server { action: ACTION, status },
        status => LinkError::Rejected { action: ACTION, status },
    }
}
