//! What a stay online tells, as JSON for scripts: one object for each event, `event` names it.

use bivouac_journal::session::{Event as SessionEvent, State};
use serde_json::{Value, json};

use crate::driver::Event;
use crate::error::AppError;

/// An event as JSON.
#[must_use]
pub fn describe(event: &Event) -> Value {
    match event {
        Event::Session(event) => session(event),
        Event::Changed => json!({ "event": "changed" }),
        Event::Saved { layer, version } => {
            json!({ "event": "saved", "layer": layer, "version": version })
        }
        Event::Verified => json!({ "event": "verified" }),
        Event::Failed(failure) => {
            let error = AppError::from(failure.clone());
            json!({ "event": "failed", "code": error.code(), "text": error.to_string() })
        }
        Event::Refused { from, count } => {
            json!({ "event": "refused", "peer": from, "count": count })
        }
        Event::PeerClockAhead { by_ms } => json!({ "event": "peer_clock_ahead", "by_ms": by_ms }),
        Event::RealTimeOff { by } => json!({ "event": "real_time_off", "peer": by }),
        Event::ClockSkew { ms } => json!({ "event": "clock_skew", "ms": ms }),
        Event::LeftUnsaved { peer, count } => {
            json!({ "event": "left_unsaved", "peer": peer, "count": count })
        }
        Event::NotSaved { layer, failure } => {
            let error = AppError::from(failure.clone());
            json!({ "event": "not_saved", "layer": layer, "code": error.code(), "text": error.to_string() })
        }
    }
}

fn session(event: &SessionEvent) -> Value {
    match event {
        SessionEvent::State(state) => json!({ "event": "state", "state": state_name(*state) }),
        SessionEvent::CaughtUp => json!({ "event": "caught_up" }),
        SessionEvent::Refused => json!({ "event": "not_let_in" }),
        SessionEvent::Disconnected(why) => json!({ "event": "disconnected", "text": why }),
        SessionEvent::PeerJoined(peer, name) => {
            json!({ "event": "peer_joined", "peer": peer, "name": name })
        }
        SessionEvent::PeerBivouac(peer) => json!({ "event": "peer_bivouac", "peer": peer }),
        SessionEvent::PeerHere(peer, _) => json!({ "event": "peer_here", "peer": peer }),
        SessionEvent::PeerLeft(peer) => json!({ "event": "peer_left", "peer": peer }),
        SessionEvent::PeerSilent(peer) => json!({ "event": "peer_silent", "peer": peer }),
        SessionEvent::BadFrame(why) => json!({ "event": "bad_frame", "text": why }),
        SessionEvent::LogTooLarge(peer) => json!({ "event": "log_too_large", "peer": peer }),
    }
}

/// A state's word for scripts.
#[must_use]
pub fn state_name(state: State) -> &'static str {
    match state {
        State::Offline => "offline",
        State::FetchingToken => "fetching_token",
        State::Opening => "opening",
        State::Joining => "joining",
        State::CatchingUp => "catching_up",
        State::Live => "live",
        State::Waiting => "waiting",
    }
}
