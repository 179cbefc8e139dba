//! A model of uMap's room: what it passes on, to whom, and what it loses (PROTOCOL.md, 3).
//!
//! It keeps nothing. Messages right after joining are lost while the subscriptions come up; the
//! list of peers may miss the joiner or be empty; leaving may go unannounced; after a restart of
//! Redis a socket stays open and nothing arrives. No operation is ever looked at.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::random::Rng;
use super::world::World;

/// What the room does beside passing messages on; all of it is off while healing.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoomFaults {
    /// In percent: a joiner's list is missing or empty, its first messages are lost.
    pub join_races: u64,
    /// In percent: a leaving goes unannounced, its entry in the list stays.
    pub ghosts: u64,
    /// Order holds per sender only.
    pub reorder: bool,
    /// In percent: a message is delivered twice.
    pub duplicates: u64,
    /// In percent: a message to one receiver is lost.
    pub drops: u64,
    /// In percent: a message takes up to this many ms.
    pub slow: u64,
}

struct Conn {
    number: u64,
    peer: RefCell<Option<String>>,
    name: RefCell<String>,
    inbox: RefCell<BTreeMap<(u64, u64), String>>,
    arrived: Notify,
    open: Cell<bool>,
    /// The cable is cut: nothing passes and nobody is told.
    cut: Cell<bool>,
    /// Redis forgot it.
    deaf_room: Cell<bool>,
    deaf_peer: Cell<bool>,
    room_from: Cell<u64>,
    peer_from: Cell<u64>,
    last_at: RefCell<BTreeMap<u64, u64>>,
}

pub struct Relay {
    world: Rc<World>,
    rng: RefCell<Rng>,
    conns: RefCell<Vec<Rc<Conn>>>,
    ghosts: RefCell<BTreeMap<String, String>>,
    sequence: Cell<u64>,
    pub faults: Cell<RoomFaults>,
}

/// One end of a connection; dropping it leaves.
pub struct Socket {
    relay: Rc<Relay>,
    conn: Rc<Conn>,
}

impl Relay {
    pub fn new(world: Rc<World>, rng: Rng) -> Rc<Self> {
        Rc::new(Self {
            world,
            rng: RefCell::new(rng),
            conns: RefCell::default(),
            ghosts: RefCell::default(),
            sequence: Cell::new(0),
            faults: Cell::default(),
        })
    }

    pub fn connect(self: &Rc<Self>) -> Socket {
        let conn = Rc::new(Conn {
            number: self.next(),
            peer: RefCell::default(),
            name: RefCell::default(),
            inbox: RefCell::default(),
            arrived: Notify::new(),
            open: Cell::new(true),
            cut: Cell::new(false),
            deaf_room: Cell::new(false),
            deaf_peer: Cell::new(false),
            room_from: Cell::new(0),
            peer_from: Cell::new(0),
            last_at: RefCell::default(),
        });
        self.conns.borrow_mut().push(conn.clone());
        Socket { relay: self.clone(), conn }
    }

    /// Redis restarts: every subscription is gone, every socket stays open.
    pub fn restart_redis(&self) {
        self.world.say("relay", || "redis restarts".to_owned());
        let mut rng = self.rng.borrow_mut();
        for conn in self.conns.borrow().iter() {
            // Either subscription can die alone (rule 14).
            let both = rng.percent(70);
            let room = both || rng.percent(50);
            conn.deaf_room.set(conn.deaf_room.get() || room);
            conn.deaf_peer.set(conn.deaf_peer.get() || both || !room);
        }
    }

    /// The server stops and starts again: every socket is closed.
    pub fn restart_server(&self) {
        self.world.say("relay", || "the server restarts".to_owned());
        self.ghosts.borrow_mut().clear();
        for conn in self.conns.borrow().iter() {
            conn.open.set(false);
            conn.arrived.notify_one();
        }
        self.conns.borrow_mut().clear();
    }

    /// All faults end; what they left behind, deaf sockets and ghosts, stays until it is noticed.
    pub fn heal(&self) {
        self.faults.set(RoomFaults::default());
        self.ghosts.borrow_mut().clear();
    }

    fn next(&self) -> u64 {
        self.sequence.set(self.sequence.get() + 1);
        self.sequence.get()
    }

    fn peers(&self) -> BTreeMap<String, String> {
        let mut peers = self.ghosts.borrow().clone();
        for conn in self.conns.borrow().iter().filter(|conn| conn.open.get()) {
            if let Some(peer) = &*conn.peer.borrow() {
                peers.insert(peer.clone(), conn.name.borrow().clone());
            }
        }
        peers
    }

    fn take(&self, from: &Rc<Conn>, text: &str) {
        self.world.events.set(self.world.events.get() + 1);
        let Ok(message) = serde_json::from_str::<Value>(text) else {
            if from.peer.borrow().is_none() {
                self.drop_conn(from);
            }
            return;
        };
        let kind = message["kind"].as_str().unwrap_or("");
        if from.peer.borrow().is_none() {
            if kind == "JoinRequest" && message["token"].is_string() && message["peer"].is_string() {
                self.join(from, &message);
            } else {
                self.drop_conn(from);
            }
            return;
        }
        match kind {
            "OperationMessage" if is_let_through(&message) => self.publish(from.number, text),
            "SavedMessage" if message["lastKnownHLC"].is_string() => self.publish(from.number, text),
            "PeerMessage" => {
                let recipient = message["recipient"].as_str().unwrap_or("");
                let conns = self.conns.borrow().clone();
                for conn in conns.iter().filter(|conn| conn.peer.borrow().as_deref() == Some(recipient)) {
                    if !conn.deaf_peer.get() && self.world.now() >= conn.peer_from.get() {
                        self.deliver(conn, from.number, text);
                    }
                }
            }
            _ => {}
        }
    }

    fn join(&self, conn: &Rc<Conn>, message: &Value) {
        let now = self.world.now();
        let faults = self.faults.get();
        let (race, lost_list, empty_list) = {
            let mut rng = self.rng.borrow_mut();
            let race = |rng: &mut Rng| if rng.percent(faults.join_races) { rng.between(1, 400) } else { 0 };
            let both = (race(&mut rng), race(&mut rng));
            (both, rng.percent(faults.join_races), rng.percent(faults.join_races))
        };
        let peer = message["peer"].as_str().unwrap_or("").to_owned();
        *conn.name.borrow_mut() = message["username"].as_str().unwrap_or("").to_owned();
        *conn.peer.borrow_mut() = Some(peer.clone());
        self.ghosts.borrow_mut().remove(&peer);
        conn.room_from.set(now + race.0);
        conn.peer_from.set(now + race.1);
        let peers = self.peers();
        self.world.say("relay", || format!("{peer} joins: {peers:?}, subscriptions {race:?} ms late"));
        let answer = json!({"kind": "JoinResponse", "peers": peers, "peer": peer});
        self.deliver(conn, 0, &answer.to_string());
        let list = json!({"kind": "ListPeersResponse", "peers": peers}).to_string();
        let conns = self.conns.borrow().clone();
        for other in conns.iter().filter(|other| other.peer.borrow().is_some()) {
            if other.number != conn.number {
                if !other.deaf_room.get() {
                    self.deliver(other, 0, &list);
                }
            } else if empty_list {
                self.deliver(other, 0, r#"{"kind":"ListPeersResponse","peers":{}}"#);
            } else if !lost_list {
                self.deliver(other, 0, &list);
            }
        }
    }

    fn publish(&self, from: u64, text: &str) {
        let now = self.world.now();
        let conns = self.conns.borrow().clone();
        for conn in conns.iter().filter(|conn| conn.peer.borrow().is_some()) {
            if conn.deaf_room.get() || now < conn.room_from.get() {
                continue;
            }
            // A lost echo alone cannot be told from a slow one, and the relay does not do that.
            let lost = conn.number != from && self.rng.borrow_mut().percent(self.faults.get().drops);
            if !lost {
                self.deliver(conn, from, text);
            }
        }
    }

    fn deliver(&self, conn: &Rc<Conn>, from: u64, text: &str) {
        if conn.cut.get() || !conn.open.get() {
            return;
        }
        let faults = self.faults.get();
        let (delay, twice) = {
            let mut rng = self.rng.borrow_mut();
            let delay = if rng.percent(faults.slow) { rng.between(50, 1500) } else { rng.between(1, 12) };
            (delay, from != 0 && rng.percent(faults.duplicates))
        };
        let lane = if faults.reorder { from } else { 0 };
        let mut last = conn.last_at.borrow_mut();
        let newest = last.values().copied().max().unwrap_or(0);
        let floor = if faults.reorder { last.get(&lane).copied().unwrap_or(0) } else { newest };
        let at = (self.world.now() + delay).max(floor);
        last.insert(lane, at);
        let mut inbox = conn.inbox.borrow_mut();
        for _ in 0..=u8::from(twice) {
            inbox.insert((at, self.next()), text.to_owned());
        }
        conn.arrived.notify_one();
    }

    fn drop_conn(&self, conn: &Rc<Conn>) {
        conn.open.set(false);
        conn.arrived.notify_one();
        self.leave(conn);
    }

    fn leave(&self, conn: &Rc<Conn>) {
        let mut conns = self.conns.borrow_mut();
        let before = conns.len();
        conns.retain(|other| other.number != conn.number);
        let was_there = before != conns.len();
        drop(conns);
        let Some(peer) = conn.peer.borrow().clone().filter(|_| was_there) else { return };
        let (unannounced, stays) = {
            let mut rng = self.rng.borrow_mut();
            (rng.percent(self.faults.get().ghosts), rng.percent(50))
        };
        self.world.say("relay", || format!("{peer} leaves; announced: {}", !unannounced));
        if unannounced {
            if stays {
                self.ghosts.borrow_mut().insert(peer, conn.name.borrow().clone());
            }
            return;
        }
        let list = json!({"kind": "ListPeersResponse", "peers": self.peers()}).to_string();
        let conns = self.conns.borrow().clone();
        for other in conns.iter().filter(|other| other.peer.borrow().is_some() && !other.deaf_room.get()) {
            self.deliver(other, 0, &list);
        }
    }
}

/// What the server checks of an operation; inside a batch nothing.
fn is_let_through(message: &Value) -> bool {
    let is_verb = matches!(message["verb"].as_str(), Some("upsert" | "update" | "delete" | "batch"));
    let is_subject = matches!(message["subject"].as_str(), Some("map" | "datalayer" | "feature"));
    let metadata = message.get("metadata").is_none_or(Value::is_object);
    let key = message.get("key").is_none_or(Value::is_string);
    is_verb && is_subject && metadata && key
}

impl Socket {
    pub fn send(&self, text: &str) -> Result<(), String> {
        if !self.conn.open.get() {
            return Err("the connection is gone".to_owned());
        }
        if !self.conn.cut.get() {
            self.relay.take(&self.conn, text);
        }
        Ok(())
    }

    pub async fn receive(&self) -> Result<String, String> {
        loop {
            let world = &self.relay.world;
            let next = self.conn.inbox.borrow().keys().next().copied();
            match next {
                Some(key) if key.0 <= world.now() => {
                    if let Some(text) = self.conn.inbox.borrow_mut().remove(&key) {
                        return Ok(text);
                    }
                }
                _ if !self.conn.open.get() => return Err("the connection was closed".to_owned()),
                Some(key) => tokio::select! {
                    biased;
                    () = self.conn.arrived.notified() => {}
                    () = world.until(key.0) => {}
                },
                None => self.conn.arrived.notified().await,
            }
        }
    }

    /// The network in between falls silent.
    pub fn cut(&self) {
        self.conn.cut.set(true);
    }

    /// The connection breaks and both ends learn of it; what was on its way is lost.
    pub fn reset(&self) {
        self.conn.inbox.borrow_mut().clear();
        self.relay.drop_conn(&self.conn);
    }

    pub fn is_open(&self) -> bool {
        self.conn.open.get()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.conn.open.set(false);
        self.relay.leave(&self.conn);
    }
}
