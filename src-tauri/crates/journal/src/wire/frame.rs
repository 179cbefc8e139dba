//! The frames of a room: joining, peers, operations, saved, and messages between two peers.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::envelope::Envelope;
use super::known::Known;
use super::{MAX_RECEIVED_BYTES, list, print};
use crate::ids::PeerId;
use crate::json::{Json, Members, Raw, depth_is_fine};

/// Why a whole frame could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Over [`MAX_RECEIVED_BYTES`].
    #[error("read a message of {0} bytes: more than 16 MiB")]
    TooLarge(usize),
    /// Nested deeper than [`crate::json::MAX_DEPTH`].
    #[error("read a message: nested deeper than 64")]
    TooDeep,
    /// Not a JSON object, or a member is missing or of the wrong type.
    #[error("read a message: {0}")]
    Malformed(String),
    /// A kind that this program does not know.
    #[error("read a message: unknown kind {0}")]
    UnknownKind(String),
}

/// What Bivouacs say to each other to settle who repairs (rule 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The program's version.
    pub version: String,
}

/// Where somebody looks: told between Bivouacs, never stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Here {
    /// The cursor, in millionths of a degree east and north; `None` when it is nowhere.
    pub at: Option<(i64, i64)>,
    /// What is selected: `layer/id`.
    pub selected: Vec<String>,
}

impl Here {
    /// More selected objects are not told.
    const MOST_SELECTED: usize = 20;
    /// Longer names are none.
    const MOST_LETTERS: usize = 100;

    /// Without what cannot be: places off the earth, too much, too long.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.at = self.at.filter(|(lon, lat)| lon.abs() <= 180_000_000 && lat.abs() <= 90_000_000);
        self.selected.retain(|name| name.len() <= Self::MOST_LETTERS);
        self.selected.truncate(Self::MOST_SELECTED);
        self
    }
}

/// A message from one peer to another.
#[derive(Clone, Debug, PartialEq)]
pub enum PeerBody {
    /// "Which operations do you hold since then?"
    ListOperationsRequest {
        /// Everything when absent.
        last_known: Option<String>,
    },
    /// The answer; several may come (rule 10).
    ListOperationsResponse {
        /// The operations, in the order in which they came.
        operations: Vec<Envelope>,
        /// `x.part` and `x.of`, between Bivouacs.
        part: Option<(u32, u32)>,
    },
    /// Another Bivouac introduces itself.
    Hello(Hello),
    /// Where another Bivouac looks.
    Here(Here),
    /// Our own message to ourselves: proof that peer messages arrive (rule 14).
    Probe(u64),
    /// Something else; the text of the inner message.
    Unknown(Json),
}

/// One frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// A client asks to join; seen in captures only.
    JoinRequest(Json),
    /// We are in.
    JoinResponse {
        /// The id that we joined with.
        peer: PeerId,
        /// Who is there, with the names they gave.
        peers: BTreeMap<PeerId, String>,
    },
    /// Who is there now.
    ListPeersResponse(BTreeMap<PeerId, String>),
    /// One operation or a batch.
    Operation(Envelope),
    /// Somebody saved up to that clock; not to be trusted (rule 21).
    Saved {
        /// Who says so.
        sender: PeerId,
        /// The greatest clock that the save held, as text.
        last_known: String,
    },
    /// A message for one peer.
    Peer {
        /// Who says so.
        sender: PeerId,
        /// For whom.
        recipient: PeerId,
        /// What.
        body: PeerBody,
    },
    /// The answer to a bare ping: proves nothing (rule 14).
    Pong,
}

/// Reads one frame.
///
/// # Errors
/// When the frame as a whole cannot be read. Single operations that may not be applied are not
/// errors, see [`super::Entry::Refused`].
pub fn parse(text: &str) -> Result<Frame, WireError> {
    if text.len() > MAX_RECEIVED_BYTES {
        return Err(WireError::TooLarge(text.len()));
    }
    if text == "pong" {
        return Ok(Frame::Pong);
    }
    if let Some(frame) = list::read(text) {
        return Ok(frame);
    }
    if !depth_is_fine(text) {
        return Err(WireError::TooDeep);
    }
    let members = Members::parse(text).map_err(|e| malformed(&e.to_string()))?;
    let kind = members.text("kind").ok_or_else(|| malformed("no kind"))?;
    match kind.as_ref() {
        "OperationMessage" => Ok(Frame::Operation(Envelope::read(&members, Raw::of(text), &mut Known::default()))),
        "SavedMessage" => Ok(Frame::Saved {
            sender: peer(&members, "sender")?,
            last_known: members.text("lastKnownHLC").ok_or_else(|| malformed("no lastKnownHLC"))?.into_owned(),
        }),
        "JoinResponse" => Ok(Frame::JoinResponse { peer: peer(&members, "peer")?, peers: peers(&members)? }),
        "ListPeersResponse" => Ok(Frame::ListPeersResponse(peers(&members)?)),
        "JoinRequest" => Ok(Frame::JoinRequest(Json::trusted(text))),
        "PeerMessage" => {
            let message = members.get("message").ok_or_else(|| malformed("no message"))?;
            Ok(Frame::Peer {
                sender: peer(&members, "sender")?,
                recipient: peer(&members, "recipient")?,
                body: peer_body(message)?,
            })
        }
        other => Err(WireError::UnknownKind(other.chars().take(40).collect())),
    }
}

/// The first message on a new connection.
#[must_use]
pub fn join_request(token: &str, peer: &PeerId, username: Option<&str>) -> String {
    print::join_request(token, peer, username)
}

fn malformed(what: &str) -> WireError {
    WireError::Malformed(what.to_owned())
}

fn peer(members: &Members<'_>, name: &str) -> Result<PeerId, WireError> {
    let text = members.text(name).ok_or_else(|| malformed(&format!("no {name}")))?;
    PeerId::parse(&text).ok_or_else(|| malformed(&format!("{name} is not a peer")))
}

fn peers(members: &Members<'_>) -> Result<BTreeMap<PeerId, String>, WireError> {
    let raw = members.get("peers").ok_or_else(|| malformed("no peers"))?;
    let list = Members::parse(raw.get()).map_err(|e| malformed(&e.to_string()))?;
    Ok(list
        .0
        .iter()
        .filter_map(|(id, name)| {
            let name = crate::json::string(*name).map(|n| n.chars().take(200).collect()).unwrap_or_default();
            Some((PeerId::parse(id)?, name))
        })
        .collect())
}

fn peer_body(raw: Raw<'_>) -> Result<PeerBody, WireError> {
    let members = Members::parse(raw.get()).map_err(|e| malformed(&e.to_string()))?;
    let number = |name: &str| members.get(name).and_then(|raw| serde_json::from_str(raw.get()).ok());
    match members.text("verb").as_deref() {
        Some("ListOperationsRequest") => Ok(PeerBody::ListOperationsRequest {
            last_known: members.text("lastKnownHLC").map(|text| text.into_owned()),
        }),
        Some("ListOperationsResponse") => {
            let raw = members.get("operations").ok_or_else(|| malformed("no operations"))?;
            let operations = listed(raw).map_err(|e| malformed(&e.to_string()))?;
            Ok(PeerBody::ListOperationsResponse { operations, part: members.get("x").and_then(part) })
        }
        Some("x-hello") => Ok(PeerBody::Hello(Hello {
            version: members.text("version").map(|text| text.chars().take(40).collect()).unwrap_or_default(),
        })),
        Some("x-here") => {
            let at: Option<(i64, i64)> = members.get("at").and_then(|raw| serde_json::from_str(raw.get()).ok());
            let selected = members.get("selected").and_then(|raw| serde_json::from_str(raw.get()).ok());
            Ok(PeerBody::Here(Here { at, selected: selected.unwrap_or_default() }.bounded()))
        }
        Some("x-probe") => Ok(PeerBody::Probe(number("n").unwrap_or(0))),
        Some(_) | None => Ok(PeerBody::Unknown(Json::from_raw(raw))),
    }
}

/// Which part of an answer it is, and of how many.
pub(super) fn part(x: Raw<'_>) -> Option<(u32, u32)> {
    let x = Members::parse(x.get()).ok()?;
    let place = |name: &str| serde_json::from_str::<u32>(x.get(name)?.get()).ok();
    place("part").zip(place("of"))
}

/// The operations of a list.
fn listed(raw: Raw<'_>) -> Result<Vec<Envelope>, serde_json::Error> {
    let texts: Vec<&RawValue> = serde_json::from_str(raw.get())?;
    let mut known = Known::default();
    texts
        .into_iter()
        .map(|text| Ok(Envelope::read(&Members::parse(text.get())?, Raw::from(text), &mut known)))
        .collect()
}
