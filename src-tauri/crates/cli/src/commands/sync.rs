//! `sync`: going online, with a summary that says no more than is true.

use std::cell::RefCell;
use std::io::BufRead;
use std::process::ExitCode;
use std::task::Poll;

use bivouac_app::account::Account;
use bivouac_app::driver::{Event, Stay};
use bivouac_app::sync::{self, Done, EditOnline, Request, Watcher};
use bivouac_app::{AppError, Host, Result, edits, events};
use bivouac_journal::session::{Event as SessionEvent, State};
use bivouac_link::Secret;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Context, runtime};
use crate::args;
use crate::out::{Out, complain, skew};
use crate::terminal::Terminal;

/// `sync`.
pub fn sync(context: &Context, args: &args::Sync) -> Result<ExitCode> {
    let vault = context.vault();
    let access = &args.access;
    let door = context.door(&vault, access.allow_http, access.keep_password);
    let map = context.library.write(&args.map)?;
    let record = map.record()?;
    let account = match (&access.user, &access.edit_link) {
        (Some(user), _) => Some(Account::User(user.clone())),
        (None, Some(link)) => {
            let (Some(server), Some(id)) = (&record.server, record.server_map_id) else {
                return Err(AppError::bad("use the secret edit link", "the map is on no server yet"));
            };
            let address = bivouac_link::find_map(link)?;
            if !address.is_edit_link || address.server != *server || address.id != id.to_string() {
                return Err(AppError::bad("use the secret edit link", "it is none of this map's"));
            }
            door.keep_link(server, &address.id, &Secret::new(link))?;
            Some(Account::EditLink)
        }
        (None, None) => None,
    };
    let server = args.server.as_deref().map(|server| Ok::<_, AppError>(door.client(server)?.server())).transpose()?;
    let stay = if args.watch { Stay::Watch } else { Stay::Once };
    let request = Request { stay, account, server };
    let synced = runtime()?.block_on(async {
        let watcher = Screen::new(context, args);
        sync::sync(map, &request, &door, &watcher).await
    });
    let done = match synced {
        Ok(done) => done,
        Err(error) => {
            waiting(context, &record.uuid);
            return Err(error);
        }
    };
    summary(context.out, args.events, &done)?;
    let open = done.counts.conflicts;
    Ok(if open > 0 { ExitCode::from(4) } else { ExitCode::SUCCESS })
}

/// After a failure: what is still on its way, so that nobody has to guess.
fn waiting(context: &Context, uuid: &str) {
    if context.out.is_json() {
        return;
    }
    let counts = context.library.read(uuid).and_then(|store| Ok(store.counts()?));
    if let Ok(counts) = counts
        && counts.unverified() > 0
    {
        let left = counts.unverified();
        context.host.notify(&format!("{left} edits are on this laptop and not verified on the server"));
    }
}

fn summary(out: Out, events: bool, done: &Done) -> Result<()> {
    let (summary, counts) = (&done.summary, &done.counts);
    let value = json!({
        "event": "summary", "sent": summary.sent, "received": summary.received, "read": summary.read,
        "saved": summary.saved, "verified": summary.verified && counts.unverified() == 0,
        "unverified": counts.unverified(), "conflicts": counts.conflicts, "proposals": counts.proposals,
        "repaired": summary.repaired, "failures": summary.failures, "disconnects": summary.disconnects,
        "created": done.created, "read_only": done.read_only,
    });
    if events {
        return out.raw(&value.to_string());
    }
    out.result(&value, || {
        let mut lines = Vec::new();
        if let Some(url) = &done.created {
            lines.push(format!("created on the server: {url}"));
        }
        lines.push(format!(
            "sent {} messages, received {} operations, read {} layers, saved {} times",
            summary.sent, summary.received, summary.read, summary.saved
        ));
        lines.push(match counts.unverified() {
            0 if done.read_only => "up to date; the server lets you only see this map".to_owned(),
            0 => "verified: everything of yours is on the server".to_owned(),
            left => format!("not verified: {left} edits are still on their way"),
        });
        if counts.conflicts > 0 {
            lines.push(format!("{} decisions wait: `bivouac conflicts` shows them", counts.conflicts));
        }
        if counts.proposals > 0 {
            lines.push(format!("{} edits of others on protected layers wait for your approval", counts.proposals));
        }
        lines
    })
}

/// What happens, on the screen or as JSON lines; edits from the standard input.
struct Screen {
    out: Out,
    events: bool,
    edits: RefCell<Option<mpsc::UnboundedReceiver<String>>>,
}

impl Screen {
    fn new(context: &Context, args: &args::Sync) -> Self {
        let edits = args.edits.then(|| {
            let (lines, received) = mpsc::unbounded_channel();
            // A thread of its own, which ends with the process: nothing stops a read of a terminal.
            std::thread::spawn(move || {
                for line in std::io::stdin().lock().lines().map_while(|line| line.ok()) {
                    if lines.send(line).is_err() {
                        break;
                    }
                }
            });
            received
        });
        Self { out: context.out, events: args.events, edits: RefCell::new(edits) }
    }

    fn print(&self, value: &Value) {
        // Nobody reading is no reason to stop synchronising.
        let _ = self.out.raw(&value.to_string());
    }
}

impl Watcher for Screen {
    fn told(&self, event: &Event) {
        if self.events {
            self.print(&events::describe(event));
        } else if let Some(line) = line(event) {
            complain(&crate::out::clean(&line));
        }
    }

    async fn leave(&self) {
        stopped().await;
    }

    async fn edit(&self) -> EditOnline {
        let next = std::future::poll_fn(|cx| match self.edits.borrow_mut().as_mut() {
            Some(lines) => lines.poll_recv(cx),
            None => Poll::Pending,
        })
        .await;
        let Some(line) = next else {
            return std::future::pending().await;
        };
        let (out, events) = (self.out, self.events);
        Box::new(move |store| {
            let told = match edits::parse_edit(&line)
                .and_then(|edit| edits::apply(store, "edit", vec![edit], &Terminal::default()))
            {
                Ok(edited) => {
                    let objects: Vec<Value> = edited.objects.iter().map(super::edit::object_value).collect();
                    json!({ "event": "edited", "unit": edited.receipt.unit, "objects": objects })
                }
                Err(error) => {
                    json!({ "event": "edit_refused", "code": error.code(), "text": error.to_string() })
                }
            };
            if events {
                let _ = out.raw(&told.to_string());
            } else {
                complain(&crate::out::clean(&told.to_string()));
            }
        })
    }
}

async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

fn line(event: &Event) -> Option<String> {
    match event {
        Event::Session(event) => session_line(event),
        Event::Changed | Event::Verified => None,
        Event::Saved { layer, .. } => Some(format!("saved layer {layer}")),
        Event::Failed(failure) => Some(format!("failed: {failure}")),
        Event::Refused { count, .. } => Some(format!("{count} operations of others made no sense and were left out")),
        Event::RealTimeOff { .. } => Some("somebody switched real time off for this map".to_owned()),
        Event::PeerClockAhead { by_ms } => Some(format!("somebody's clock is {} s ahead", by_ms / 1000)),
        Event::ClockSkew { ms } => Some(skew(*ms)),
        Event::LeftUnsaved { count, .. } => {
            Some(format!("somebody left with {count} unsaved edits; they are kept here"))
        }
        Event::NotSaved { layer, failure } => Some(format!("layer {layer} was not saved: {failure}")),
    }
}

fn session_line(event: &SessionEvent) -> Option<String> {
    match event {
        SessionEvent::State(State::Live) => Some("live".to_owned()),
        SessionEvent::State(_) | SessionEvent::CaughtUp | SessionEvent::PeerBivouac(_) | SessionEvent::PeerHere(..) => {
            None
        }
        SessionEvent::Refused => {
            Some("without the room: edits are exchanged through the server's documents only".to_owned())
        }
        SessionEvent::Disconnected(why) => Some(format!("the connection is gone: {why}")),
        SessionEvent::PeerJoined(_, name) => {
            Some(format!("{} is here", if name.is_empty() { "somebody" } else { name }))
        }
        SessionEvent::PeerLeft(_) => Some("somebody left".to_owned()),
        SessionEvent::PeerSilent(_) => Some("somebody in the room does not answer".to_owned()),
        SessionEvent::BadFrame(why) => Some(format!("a message made no sense: {why}")),
        SessionEvent::LogTooLarge(_) => Some("somebody's browser holds more than could be read".to_owned()),
    }
}
