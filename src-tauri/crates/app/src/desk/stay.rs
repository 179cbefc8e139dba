//! Being online for as long as the user wants it: connecting, staying, and trying again.

use std::time::Duration;

use bivouac_journal::session::{Event as SessionEvent, State};
use bivouac_journal::wire::Here;
use serde_json::Value;
use tokio::sync::{Mutex as AsyncMutex, Notify, mpsc, watch};

use super::seat::Inside;
use super::types::{DeskEvent, Spot};
use super::work::Leave;
use crate::account::Account;
use crate::driver::{Command, Event, Stay};
use crate::error::{AppError, Result};
use crate::sync::{self, Done, Request, Watcher};

/// The first and the longest pause before connecting is tried again, in seconds.
const PAUSE_S: (u64, u64) = (2, 32);

/// The wish to be online, and with what.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    pub(super) account: Option<Account>,
    pub(super) server: Option<String>,
    pub(super) leave: Leave,
}

impl Wish {
    /// Whether it asks for nothing but to be online.
    pub(super) fn is_plain(&self) -> bool {
        self.account.is_none() && self.server.is_none() && self.leave.password.is_none()
    }
}

/// Online whenever it is wished, until the map is closed.
pub(super) async fn stay_online(inside: &Inside, mut wished: watch::Receiver<Option<Wish>>) {
    let mut pause = PAUSE_S.0;
    loop {
        let wish = wished.borrow_and_update().clone();
        let Some(wish) = wish else {
            if inside.closing.get() || wished.changed().await.is_err() {
                return;
            }
            pause = PAUSE_S.0;
            continue;
        };
        let ended = stay_once(inside, &wish, &mut wished).await;
        *inside.commands.borrow_mut() = None;
        let now = inside.work.surroundings.now_ms();
        if wished.borrow().is_none() {
            inside.news.notify_one();
            continue;
        }
        match ended {
            Ok(done) if done.read_only => inside.room().only_read(now),
            Ok(_) => {}
            Err(error) => {
                let again = matches!(error, AppError::Offline(_));
                note(inside, "failed", &error.to_string());
                inside.room().stopped(&error, again, now);
                inside.news.notify_one();
                if again {
                    let waited = tokio::time::timeout(Duration::from_secs(pause), wished.changed()).await;
                    pause = if waited.is_ok() { PAUSE_S.0 } else { (pause * 2).min(PAUSE_S.1) };
                    continue;
                }
            }
        }
        inside.news.notify_one();
        // Nothing more happens until the user wishes something else.
        if wished.changed().await.is_err() {
            return;
        }
    }
}

async fn stay_once(inside: &Inside, wish: &Wish, wished: &mut watch::Receiver<Option<Wish>>) -> Result<Done> {
    let host = inside.work.host(wish.leave.password.clone());
    let vault = inside.work.vault(&host);
    let door = inside.work.door(&host, &vault, &wish.leave);
    let (commands, for_driver) = mpsc::unbounded_channel();
    let here = inside.here.borrow().clone();
    if here.is_some() {
        let _ = commands.send(Command::Here(here));
    }
    *inside.commands.borrow_mut() = Some(commands);
    let watcher =
        Eyes { inside, commands: AsyncMutex::new(for_driver), wished: wished.clone(), hopeless: Notify::new() };
    let request = Request { stay: Stay::Watch, account: wish.account.clone(), server: wish.server.clone() };
    sync::stay(&inside.store, &request, &door, &watcher).await
}

/// Watches a stay for the window.
struct Eyes<'i> {
    inside: &'i Inside,
    commands: AsyncMutex<mpsc::UnboundedReceiver<Command>>,
    wished: watch::Receiver<Option<Wish>>,
    /// Staying is of no use: somebody has to sign in first.
    hopeless: Notify,
}

impl Watcher for Eyes<'_> {
    fn told(&self, event: &Event) {
        let inside = self.inside;
        // A glance changes nothing that is counted or kept.
        if let Event::Session(SessionEvent::PeerHere(peer, here)) = event {
            let who = inside.room().name_of(peer).unwrap_or_default().to_owned();
            inside.work.surroundings.tell(presence(peer.to_string(), who, here));
            return;
        }
        let now = inside.work.surroundings.now_ms();
        if let Some((code, detail)) = worth_keeping(event) {
            note(inside, code, &detail);
        }
        if let Event::Session(SessionEvent::PeerJoined(peer, name)) = event
            && !name.is_empty()
        {
            let mut store = inside.store.borrow_mut();
            let seen = store.begin().and_then(|mut tx| {
                tx.see_peer(peer, false, Some(name), now)?;
                tx.commit()
            });
            if let Err(error) = seen {
                tracing::warn!(%error, "keep the name of a peer");
            }
        }
        let mut room = inside.room();
        room.told(event, now);
        if room.needs_sign_in() {
            self.hopeless.notify_one();
        }
        drop(room);
        inside.news.notify_one();
    }

    async fn leave(&self) {
        let mut wished = self.wished.clone();
        tokio::select! {
            _ = wished.changed() => {}
            () = self.hopeless.notified() => {}
        }
    }

    async fn command(&self) -> Command {
        match self.commands.lock().await.recv().await {
            Some(command) => command,
            None => std::future::pending().await,
        }
    }
}

fn presence(peer: String, who: String, here: &Here) -> DeskEvent {
    let degrees = |millionths: i64| millionths as f64 / 1e6;
    let at = here.at.map(|(lon, lat)| Spot { lon: degrees(lon), lat: degrees(lat) });
    DeskEvent::Presence { peer, who, at, selected: here.selected.clone() }
}

/// What the log of synchronising keeps: code and words.
fn worth_keeping(event: &Event) -> Option<(&'static str, String)> {
    let kept = match event {
        Event::Session(SessionEvent::State(State::Live)) => ("live", String::new()),
        Event::Session(SessionEvent::Disconnected(why)) => ("disconnected", why.clone()),
        Event::Session(SessionEvent::Refused) => ("not_let_in", String::new()),
        Event::Session(SessionEvent::PeerJoined(_, name)) => ("peer_joined", name.clone()),
        Event::Session(SessionEvent::PeerLeft(peer)) => ("peer_left", peer.to_string()),
        Event::Session(SessionEvent::BadFrame(why)) => ("bad_frame", why.clone()),
        Event::Session(SessionEvent::State(_) | SessionEvent::CaughtUp)
        | Event::Session(SessionEvent::PeerBivouac(_) | SessionEvent::PeerHere(..))
        | Event::Session(SessionEvent::PeerSilent(_) | SessionEvent::LogTooLarge(_))
        | Event::Changed => return None,
        Event::Saved { layer, version } => ("saved", format!("{layer} {version}")),
        Event::Verified => ("verified", String::new()),
        Event::Failed(failure) => ("failed", failure.to_string()),
        Event::Refused { count, .. } => ("refused", count.to_string()),
        Event::PeerClockAhead { by_ms } => ("peer_clock_ahead", by_ms.to_string()),
        Event::RealTimeOff { .. } => ("real_time_off", String::new()),
        Event::ClockSkew { ms } => ("clock_skew", ms.to_string()),
        Event::LeftUnsaved { peer, count } => ("left_unsaved", format!("{peer} {count}")),
        Event::NotSaved { layer, failure } => ("not_saved", format!("{layer}: {failure}")),
    };
    Some(kept)
}

fn note(inside: &Inside, code: &str, words: &str) {
    let now = inside.work.surroundings.now_ms();
    let mut store = inside.store.borrow_mut();
    let noted = store.begin().and_then(|mut tx| {
        tx.note(code, &Value::String(words.to_owned()).to_string(), now)?;
        tx.commit()
    });
    if let Err(error) = noted {
        tracing::warn!(%error, "write the log of synchronising");
    }
}
