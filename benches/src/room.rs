//! A room as uMap keeps it, in a process of its own: it passes on what its members say and keeps
//! nothing. Five browsers are in it that have nothing to tell but the workload, at the pace that
//! the measuring process asks for.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use crate::Outcome;
use crate::workload;

/// The argument that makes this program the room.
pub(crate) const CHILD: &str = "--a-room";
/// So many operations happened before.
pub(crate) const BEFORE: usize = 10_000;
/// What every edit that is measured says; repairs (rule 1) do not.
pub(crate) const EDITED: &str = "edited by the user";
/// So many can be asked for.
const MOST: u64 = 40_000;

/// Nanoseconds on the clock that both processes read.
pub(crate) fn nanos() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(0)
}

/// A running room; it ends when dropped.
pub(crate) struct Room {
    child: Child,
    commands: ChildStdin,
    answers: mpsc::UnboundedReceiver<String>,
    pub url: String,
}

impl Room {
    pub async fn open() -> Outcome<Self> {
        let mut child =
            Command::new(std::env::current_exe()?).arg(CHILD).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let commands = child.stdin.take().ok_or("the room has no input")?;
        let output = child.stdout.take().ok_or("the room has no output")?;
        let (tell, mut answers) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(|line| line.ok()) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        let url = answers.recv().await.ok_or("the room did not open")?;
        Ok(Self { child, commands, answers, url })
    }

    /// Has the browsers tell so many operations, so many a second; the answer is when each one
    /// was handed to the room.
    pub async fn feed(&mut self, per_second: u32, count: usize) -> Outcome<Vec<u64>> {
        self.ask(&format!("feed {per_second} {count}")).await
    }

    /// When the room received each edit of its members since it was asked last.
    pub async fn heard(&mut self) -> Outcome<Vec<u64>> {
        self.ask("heard").await
    }

    async fn ask(&mut self, command: &str) -> Outcome<Vec<u64>> {
        writeln!(self.commands, "{command}")?;
        Ok(serde_json::from_str(&self.answers.recv().await.ok_or("the room is gone")?)?)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

type Members = Arc<Mutex<BTreeMap<String, mpsc::UnboundedSender<String>>>>;
type Heard = Arc<Mutex<Vec<u64>>>;

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The room's process: its address, then an answer to each command.
pub(crate) fn child() -> Outcome {
    let (members, heard) = (Members::default(), Heard::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    println!("ws://{}/ws/sync/1", listener.local_addr()?);
    let (all, times) = (members.clone(), heard.clone());
    std::thread::spawn(move || {
        runtime.block_on(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(member(stream, all.clone(), times.clone()));
            }
        });
    });
    let texts: Vec<String> = workload::operations(MOST, 0).iter().skip(BEFORE).map(frame).collect();
    let mut texts = texts.into_iter();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut words = line.split(' ');
        let times = match words.next() {
            Some("feed") => {
                let per_second: u32 = words.next().ok_or("no pace")?.parse()?;
                let count: usize = words.next().ok_or("no count")?.parse()?;
                feed(&members, texts.by_ref().take(count), Duration::from_secs(1) / per_second)
            }
            Some("heard") => std::mem::take(&mut *locked(&heard)),
            Some(_) | None => return Err(format!("the room does not know {line}").into()),
        };
        println!("{}", json!(times));
    }
    Ok(())
}

fn frame(made: &workload::Made) -> String {
    let mut whole = workload::wire(made);
    if let Value::Object(members) = &mut whole {
        members.insert("kind".to_owned(), json!("OperationMessage"));
    }
    whole.to_string()
}

/// Nothing that people do comes evenly: the pauses are up to twice as long, or none.
fn feed(members: &Members, texts: impl Iterator<Item = String>, pause: Duration) -> Vec<u64> {
    let (mut due, mut bits) = (Instant::now(), workload::Bits(17));
    let mut sent = Vec::new();
    for text in texts {
        due += pause.mul_f64(f64::from(u32::try_from(bits.below(2_001)).unwrap_or(0)) / 1_000.0);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        sent.push(nanos());
        tell_all(members, &text);
    }
    sent
}

fn tell_all(members: &Members, text: &str) {
    for member in locked(members).values() {
        let _ = member.send(text.to_owned());
    }
}

/// One connection, from its handshake to its end.
async fn member(stream: TcpStream, members: Members, heard: Heard) {
    let _ = stream.set_nodelay(true);
    let Ok(socket) = tokio_tungstenite::accept_async(stream).await else { return };
    let (mut sink, mut source) = socket.split();
    let (say, mut to_say) = mpsc::unbounded_channel::<String>();
    tokio::spawn(async move {
        while let Some(text) = to_say.recv().await {
            if sink.send(Message::text(text)).await.is_err() {
                return;
            }
        }
    });
    let mut me = None;
    while let Some(Ok(message)) = source.next().await {
        let Message::Text(text) = message else { continue };
        let at = nanos();
        let Ok(frame) = serde_json::from_str::<Value>(text.as_str()) else { continue };
        match frame.get("kind").and_then(Value::as_str) {
            Some("JoinRequest") => me = join(&frame, &members, &say),
            Some("OperationMessage") => {
                tell_all(&members, text.as_str());
                if text.contains(EDITED) {
                    locked(&heard).push(at);
                }
            }
            Some("SavedMessage") => tell_all(&members, text.as_str()),
            Some("PeerMessage") => pass_on(&frame, text.as_str(), &members, &say),
            Some(_) | None => {}
        }
    }
    if let Some(me) = me {
        locked(&members).remove(&me);
    }
}

fn join(request: &Value, members: &Members, say: &mpsc::UnboundedSender<String>) -> Option<String> {
    let me = request.get("peer")?.as_str()?.to_owned();
    locked(members).insert(me.clone(), say.clone());
    let mut peers: BTreeMap<String, String> = (0..5).map(|n| (format!("peer{n}"), format!("browser {n}"))).collect();
    peers.insert(me.clone(), "laptop".to_owned());
    let _ = say.send(json!({"kind": "JoinResponse", "peers": peers, "peer": me}).to_string());
    tell_all(members, &json!({"kind": "ListPeersResponse", "peers": peers}).to_string());
    Some(me)
}

/// To the one whom it is for; the browsers answer questions themselves, with nothing.
fn pass_on(frame: &Value, text: &str, members: &Members, say: &mpsc::UnboundedSender<String>) {
    let word = |name: &str| frame.get(name).and_then(Value::as_str);
    let (Some(sender), Some(recipient)) = (word("sender"), word("recipient")) else { return };
    let asks = frame.pointer("/message/verb").and_then(Value::as_str) == Some("ListOperationsRequest");
    if recipient.starts_with("peer") && asks {
        let answer = json!({
            "sender": recipient, "recipient": sender, "kind": "PeerMessage",
            "message": {"operations": [], "verb": "ListOperationsResponse"},
        });
        let _ = say.send(answer.to_string());
    } else if let Some(member) = locked(members).get(recipient) {
        let _ = member.send(text.to_owned());
    }
}
