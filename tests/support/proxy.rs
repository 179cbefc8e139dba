//! A TCP proxy on loopback that stands for the cable between a client and the server: it can pass, hold
//! everything back, cut, delay, refuse, and it counts.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

const TICK: Duration = Duration::from_millis(10);

/// Which way bytes are held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
    /// Both: the cable is unplugged.
    Both,
}

/// What went through since the proxy was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Connections accepted.
    pub connections: u64,
    /// Connections open now.
    pub open: u64,
    /// Bytes forwarded to the server.
    pub up: u64,
    /// Bytes forwarded to the client.
    pub down: u64,
}

/// A cable that can fail. Ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    silent_up: AtomicBool,
    silent_down: AtomicBool,
    refusing: AtomicBool,
    ended: AtomicBool,
    /// Connections of an older generation are to be reset.
    generation: AtomicU64,
    delay: Mutex<Duration>,
    connections: AtomicU64,
    open: AtomicU64,
    up: AtomicU64,
    down: AtomicU64,
}

impl Proxy {
    /// Starts a proxy on a free port in front of `host:port`.
    #[track_caller]
    pub fn to(target: &str) -> Self {
        let listener = match TcpListener::bind("127.0.0.1:0") {
            Ok(listener) => listener,
            Err(error) => panic!("could not open a port for the proxy: {error}"),
        };
        let Ok(address) = listener.local_addr() else { panic!("the proxy has no address") };
        let state = Arc::new(State::default());
        let (shared, target) = (Arc::clone(&state), target.to_owned());
        thread::spawn(move || accept(&listener, &target, &shared));
        Self { address, state }
    }

    /// `http://host:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets everything through again, what was held back first.
    pub fn pass(&self) {
        self.state.silent_up.store(false, Ordering::SeqCst);
        self.state.silent_down.store(false, Ordering::SeqCst);
        self.state.refusing.store(false, Ordering::SeqCst);
        self.delay(Duration::ZERO);
    }

    /// Forwards nothing in this direction; connections stay open and new ones are accepted, as when a
    /// cable is pulled out somewhere on the way.
    pub fn silence(&self, direction: Direction) {
        let (up, down) = match direction {
            Direction::Up => (true, false),
            Direction::Down => (false, true),
            Direction::Both => (true, true),
        };
        self.state.silent_up.fetch_or(up, Ordering::SeqCst);
        self.state.silent_down.fetch_or(down, Ordering::SeqCst);
    }

    /// Resets every open connection (RST both ways). New ones are served.
    #[track_caller]
    pub fn cut(&self) {
        self.state.generation.fetch_add(1, Ordering::SeqCst);
        let start = Instant::now();
        while self.state.open.load(Ordering::SeqCst) > 0 {
            assert!(start.elapsed() < Duration::from_secs(5), "cut connections did not end");
            thread::sleep(TICK);
        }
    }

    /// Resets new connections at once, until [`Proxy::pass`].
    pub fn refuse(&self) {
        self.state.refusing.store(true, Ordering::SeqCst);
    }

    /// Holds every piece back by at least this long, in order.
    pub fn delay(&self, by: Duration) {
        *self.state.delay.lock().unwrap_or_else(PoisonError::into_inner) = by;
    }

    /// What went through so far.
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        let s = &self.state;
        Counts { connections: read(&s.connections), open: read(&s.open), up: read(&s.up), down: read(&s.down) }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        self.state.generation.fetch_add(1, Ordering::SeqCst);
        // Wakes the accepting thread.
        let _ = TcpStream::connect(self.address);
    }
}

fn accept(listener: &TcpListener, target: &str, state: &Arc<State>) {
    for client in listener.incoming().map_while(Result::ok) {
        if state.ended.load(Ordering::SeqCst) {
            return;
        }
        state.connections.fetch_add(1, Ordering::SeqCst);
        if state.refusing.load(Ordering::SeqCst) {
            reset(&client);
            continue;
        }
        let Ok(server) = TcpStream::connect(target) else {
            reset(&client);
            continue;
        };
        let _ = client.set_nodelay(true);
        let _ = server.set_nodelay(true);
        let generation = state.generation.load(Ordering::SeqCst);
        let (Ok(client_out), Ok(server_out)) = (client.try_clone(), server.try_clone()) else {
            continue;
        };
        state.open.fetch_add(1, Ordering::SeqCst);
        let pair = Arc::new(Pair { state: Arc::clone(state), generation, ended: AtomicBool::new(false) });
        let other = Arc::clone(&pair);
        thread::spawn(move || other.pump(client, server_out, Direction::Up));
        thread::spawn(move || pair.pump(server, client_out, Direction::Down));
    }
}

/// With no linger time, closing sends RST instead of FIN.
fn reset(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

struct Pair {
    state: Arc<State>,
    generation: u64,
    ended: AtomicBool,
}

impl Pair {
    fn pump(&self, mut from: TcpStream, mut to: TcpStream, direction: Direction) {
        let _ = from.set_read_timeout(Some(TICK));
        let _ = to.set_write_timeout(Some(TICK));
        let mut buffer = vec![0; 64 << 10];
        while self.wait_while_silent(direction) {
            match from.read(&mut buffer) {
                Ok(0) => {
                    let _ = to.shutdown(Shutdown::Write);
                    return;
                }
                Ok(length) => {
                    let Some(piece) = buffer.get(..length) else {
                        return;
                    };
                    if !self.forward(piece, &mut to, direction) {
                        break;
                    }
                }
                Err(error) if is_timeout(error.kind()) => {}
                Err(_) => break,
            }
        }
        self.ended.store(true, Ordering::SeqCst);
        reset(&from);
        reset(&to);
    }

    /// False when the connection is over.
    fn forward(&self, mut piece: &[u8], to: &mut TcpStream, direction: Direction) -> bool {
        let delay = *self.state.delay.lock().unwrap_or_else(PoisonError::into_inner);
        thread::sleep(delay);
        let counter = match direction {
            Direction::Up => &self.state.up,
            Direction::Down | Direction::Both => &self.state.down,
        };
        let length = u64::try_from(piece.len()).unwrap_or(0);
        let mut counted = false;
        // It may have gone silent while this piece was read: then the piece is held too.
        while self.wait_while_silent(direction) {
            // Before the writing, so that whoever received it finds it counted.
            if !counted {
                counter.fetch_add(length, Ordering::SeqCst);
                counted = true;
            }
            match to.write(piece) {
                Ok(0) => return false,
                Ok(length) => {
                    piece = piece.get(length..).unwrap_or_default();
                    if piece.is_empty() {
                        return true;
                    }
                }
                Err(error) if is_timeout(error.kind()) => {}
                Err(_) => return false,
            }
        }
        false
    }

    /// True when bytes may go; false when the connection was cut.
    fn wait_while_silent(&self, direction: Direction) -> bool {
        let silent = if direction == Direction::Up { &self.state.silent_up } else { &self.state.silent_down };
        loop {
            let cut = self.generation != self.state.generation.load(Ordering::SeqCst);
            if cut || self.ended.load(Ordering::SeqCst) {
                return false;
            }
            if !silent.load(Ordering::SeqCst) {
                return true;
            }
            thread::sleep(TICK);
        }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.state.open.fetch_sub(1, Ordering::SeqCst);
    }
}

fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
