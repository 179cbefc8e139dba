//! A session against a scripted server.

use super::*;
use crate::clock::{Order, Stamp};
use crate::ids::Object;
use crate::path::Path;

struct Stay {
    session: Session,
    now: u64,
    sent: Vec<String>,
    others: Vec<Output>,
}

impl Stay {
    fn new() -> Self {
        Self { session: Session::new(7, Some("tester".to_owned())), now: 1_000, sent: vec![], others: vec![] }
    }

    fn at(&self) -> Timestamp {
        Timestamp { wall_ms: 1_795_000_000_000 + self.now, mono_ms: self.now }
    }

    fn give(&mut self, input: Input) {
        self.session.handle(input, self.at());
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Send(text) => self.sent.push(text),
                other => self.others.push(other),
            }
        }
    }

    fn pass(&mut self, ms: u64) {
        let end = self.now + ms;
        while let Some(due) = self.session.poll_timeout().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            self.session.handle_timeout(self.at());
            self.drain();
        }
        self.now = end;
    }

    fn receive(&mut self, text: &str) {
        self.give(Input::Received(text.to_owned()));
    }

    /// Gives back everything that was addressed to the room or to ourselves.
    fn echo(&mut self) {
        let me = self.session.me().to_string();
        for text in std::mem::take(&mut self.sent) {
            let to_us = text.contains(&format!("\"recipient\":\"{me}\""));
            if to_us || text.contains("SavedMessage") || text.contains("OperationMessage") {
                self.receive(&text);
            }
        }
    }

    fn join(&mut self, others: &str) {
        self.give(Input::GoOnline);
        self.give(Input::Token(Ok("token".to_owned())));
        self.give(Input::Connected);
        let me = self.session.me().to_string();
        let peers = format!("{{\"{me}\":\"tester\"{others}}}");
        self.receive(&format!(r#"{{"kind":"JoinResponse","peers":{peers},"peer":"{me}"}}"#));
        self.receive(&format!(r#"{{"kind":"ListPeersResponse","peers":{peers}}}"#));
    }

    fn answer(&mut self, from: &str) {
        let me = self.session.me().to_string();
        self.receive(&format!(
            r#"{{"sender":"{from}","recipient":"{me}","message":{{"operations":[],"verb":"ListOperationsResponse"}},"kind":"PeerMessage"}}"#
        ));
    }

    fn wants(&self, wanted: &Output) -> bool {
        self.others.contains(wanted)
    }

    fn go_live(&mut self) {
        self.join("");
        self.echo();
        self.give(Input::ServerRead);
        self.give(Input::Outgoing(vec![]));
        assert_eq!(self.session.state(), State::Live);
        self.sent.clear();
        self.others.clear();
    }
}

fn rename(hlc: &str, sender: &str) -> String {
    format!(
        r#"{{"sender":"{sender}","verb":"update","subject":"map","key":"properties.name","value":"n","dirty":true,"hlc":"{hlc}","kind":"OperationMessage"}}"#
    )
}

#[test]
fn a_stay_alone_goes_from_the_token_to_live() {
    let mut stay = Stay::new();
    stay.join("");
    assert_eq!(stay.session.state(), State::Joining, "the echoes have not come");
    stay.echo();
    assert!(stay.wants(&Output::ReadServer));
    stay.give(Input::ServerRead);
    assert!(stay.wants(&Output::PrepareOutgoing));
    stay.give(Input::Outgoing(vec![]));
    assert!(stay.wants(&Output::Notify(Event::CaughtUp)));
}

#[test]
fn rule_12_each_connection_has_a_fresh_peer_id() {
    let mut stay = Stay::new();
    stay.go_live();
    let first = stay.session.me().clone();
    stay.give(Input::Closed("1006".to_owned()));
    stay.pass(5_000);
    stay.give(Input::Token(Ok("token".to_owned())));
    stay.give(Input::Connected);
    assert_ne!(&first, stay.session.me());
}

#[test]
fn rule_10_every_peer_is_asked_and_asked_again() {
    let mut stay = Stay::new();
    stay.join(r#","AAAAA":"a","BBBBB":"b""#);
    stay.echo();
    let asked = |stay: &Stay, id: &str| {
        stay.sent
            .iter()
            .filter(|t| t.contains("ListOperationsRequest") && t.contains(&format!("\"recipient\":\"{id}\"")))
            .count()
    };
    assert_eq!((asked(&stay, "AAAAA"), asked(&stay, "BBBBB")), (1, 1));
    for _ in 0..4 {
        stay.answer("AAAAA");
    }
    assert!(!stay.wants(&Output::ReadServer), "B has not answered");
    stay.pass(6_000);
    assert_eq!(asked(&stay, "BBBBB"), 2, "again after five seconds");
    stay.pass(5_000);
    assert!(stay.wants(&Output::ReadServer), "ten seconds are enough");
}

#[test]
fn rule_48_questions_reach_further_back_while_answers_are_small() {
    let mut stay = Stay::new();
    stay.join(r#","AAAAA":"a""#);
    stay.echo();
    for _ in 0..3 {
        stay.answer("AAAAA");
    }
    let questions: Vec<_> = stay.sent.iter().filter(|t| t.contains("ListOperationsRequest")).collect();
    assert_eq!(questions.len(), 4);
    assert!(questions[0].contains("lastKnownHLC") && !questions[3].contains("lastKnownHLC"));
    stay.answer("AAAAA");
    assert!(stay.wants(&Output::ReadServer));
}

#[test]
fn rule_34_an_answer_that_nobody_asked_for_is_dropped() {
    let mut stay = Stay::new();
    stay.go_live();
    stay.answer("ZZZZZ");
    assert!(!stay.others.iter().any(|o| matches!(o, Output::Commit { .. })));
}

#[test]
fn rule_13_lost_first_messages_are_sent_again_and_then_the_connection_is_made_anew() {
    let mut stay = Stay::new();
    stay.join("");
    stay.sent.clear();
    stay.pass(2_000);
    assert_eq!(stay.sent.iter().filter(|t| t.contains("SavedMessage")).count(), 1);
    stay.pass(4_000);
    assert!(stay.wants(&Output::CloseSocket));
    assert_eq!(stay.session.state(), State::Waiting);
}

#[test]
fn rule_14_a_silent_room_is_noticed_within_35_seconds_though_the_socket_is_open() {
    let mut stay = Stay::new();
    stay.go_live();
    stay.pass(19_000);
    assert!(stay.sent.is_empty());
    stay.pass(1_000);
    assert_eq!(stay.sent.len(), 2, "one proof for each subscription");
    stay.receive("pong");
    stay.pass(10_000);
    assert!(stay.wants(&Output::CloseSocket));
}

#[test]
fn rule_14_each_subscription_has_to_prove_itself() {
    let mut stay = Stay::new();
    stay.go_live();
    stay.pass(20_000);
    let saved = stay.sent.iter().find(|t| t.contains("SavedMessage")).unwrap().clone();
    stay.receive(&saved);
    stay.pass(10_000);
    assert!(stay.wants(&Output::CloseSocket), "peer messages are dead");
}

#[test]
fn own_frames_go_one_by_one_each_after_the_echo_of_the_one_before() {
    let mut stay = Stay::new();
    stay.go_live();
    let frame = |id: i64| OutFrame { id, text: rename(&format!("{id}:0:me"), "x"), hlc: format!("{id}:0:me") };
    stay.give(Input::LocalEdit);
    stay.give(Input::Outgoing(vec![frame(1), frame(2)]));
    assert_eq!(stay.sent.len(), 1);
    assert!(!stay.session.all_echoed());
    stay.echo();
    assert!(stay.wants(&Output::Echoed(1)));
    stay.echo();
    assert!(stay.wants(&Output::Echoed(2)) && stay.session.all_echoed());
}

#[test]
fn rule_1_a_contended_register_is_repaired_once_after_it_is_quiet() {
    let mut stay = Stay::new();
    stay.go_live();
    let register = (Object::Map, Path::property("name"), Order::new(&Stamp::parse("5:0:a"), 0));
    let contended = || Input::Committed { contended: vec![register.clone()], settled: vec![] };
    stay.give(contended());
    stay.pass(1_000);
    stay.give(contended());
    stay.pass(1_400);
    let repairs = |stay: &Stay| stay.others.iter().filter(|o| matches!(o, Output::Repair(_))).count();
    assert_eq!(repairs(&stay), 0, "it was not quiet yet");
    stay.pass(700);
    assert_eq!(repairs(&stay), 1);
    stay.give(contended());
    stay.pass(5_000);
    assert_eq!(repairs(&stay), 1, "the same winner is repaired once");
}

#[test]
fn rule_1_somebody_elses_repair_is_enough() {
    let mut stay = Stay::new();
    stay.go_live();
    let register = (Object::Map, Path::property("name"), Order::new(&Stamp::parse("5:0:a"), 0));
    stay.give(Input::Committed { contended: vec![register.clone()], settled: vec![] });
    stay.give(Input::Committed { contended: vec![], settled: vec![register] });
    stay.pass(5_000);
    assert!(!stay.others.iter().any(|o| matches!(o, Output::Repair(_))));
}

#[test]
fn rule_40_a_peer_that_asks_without_end_is_answered_ten_times_in_half_a_minute() {
    let mut stay = Stay::new();
    stay.join(",\"aaaaa\":\"other\"");
    let question = |stay: &mut Stay| {
        let me = stay.session.me().to_string();
        stay.receive(&format!(
            r#"{{"sender":"aaaaa","recipient":"{me}","message":{{"verb":"ListOperationsRequest"}},"kind":"PeerMessage"}}"#
        ));
        stay.echo();
    };
    let answers = |stay: &Stay| stay.others.iter().filter(|output| matches!(output, Output::Answer { .. })).count();
    for _ in 0..50 {
        question(&mut stay);
    }
    assert_eq!(answers(&stay), 10);
    stay.now += 30_000;
    question(&mut stay);
    assert_eq!(answers(&stay), 11, "later it is answered again");
}

#[test]
fn rule_15_a_peer_without_a_sign_of_life_is_gone_until_it_is_heard_again() {
    let mut stay = Stay::new();
    stay.join(r#","AAAAA":"a","BBBBB":"b""#);
    stay.echo();
    for _ in 0..4 {
        stay.answer("AAAAA");
        stay.answer("BBBBB");
    }
    stay.give(Input::ServerRead);
    stay.give(Input::Outgoing(vec![]));
    assert_eq!(stay.session.state(), State::Live);
    stay.sent.clear();
    let questions = |stay: &mut Stay| {
        let sent = std::mem::take(&mut stay.sent);
        let asked = sent.iter().filter(|text| text.contains("ListOperationsRequest")).count();
        // The room itself goes on.
        stay.sent = sent;
        stay.echo();
        asked
    };
    let left = |id: &str| Output::Notify(Event::PeerLeft(PeerId::parse(id).unwrap()));
    stay.pass(20_000);
    assert_eq!(questions(&mut stay), 2, "nobody was heard for a while");
    stay.answer("AAAAA");
    stay.pass(15_000);
    assert!(!stay.wants(&left("AAAAA")) && stay.wants(&left("BBBBB")), "within 35 s");
    let there: Vec<_> = stay.session.peers().map(|(id, _)| id.to_string()).collect();
    assert_eq!(there, ["AAAAA"]);

    // The server may go on listing it: that is no sign of life.
    stay.others.clear();
    let me = stay.session.me().to_string();
    stay.receive(&format!(r#"{{"kind":"ListPeersResponse","peers":{{"{me}":"tester","AAAAA":"a","BBBBB":"b"}}}}"#));
    assert!(stay.others.is_empty());
    stay.sent.clear();
    stay.receive(&rename("1795000000000:0:bbbbb", "BBBBB"));
    assert!(stay.wants(&Output::Notify(Event::PeerJoined(PeerId::parse("BBBBB").unwrap(), "b".to_owned()))));
    assert_eq!(questions(&mut stay), 1, "it is asked for what it did meanwhile");
}

#[test]
fn pauses_between_attempts_double_up_to_32_seconds() {
    let mut stay = Stay::new();
    stay.give(Input::GoOnline);
    let mut pauses = Vec::new();
    for _ in 0..7 {
        stay.give(Input::Token(Err(false)));
        assert_eq!(stay.session.state(), State::Waiting);
        let pause = stay.session.poll_timeout().unwrap() - stay.now;
        pauses.push(pause);
        stay.pass(pause);
        assert_eq!(stay.session.state(), State::FetchingToken);
    }
    for (pause, base) in pauses.iter().zip([2_000, 4_000, 8_000, 16_000, 32_000, 32_000, 32_000]) {
        assert!((base / 2..=base * 3 / 2).contains(pause), "{pauses:?}");
    }
}

#[test]
fn a_server_that_refuses_is_not_asked_again() {
    let mut stay = Stay::new();
    stay.give(Input::GoOnline);
    stay.give(Input::Token(Err(true)));
    assert_eq!(stay.session.state(), State::Offline);
    assert!(stay.wants(&Output::Notify(Event::Refused)));
}

#[test]
fn unreadable_frames_change_nothing_and_are_told() {
    let mut stay = Stay::new();
    stay.go_live();
    for bad in ["", "{", "[]", r#"{"kind":"Nonsense"}"#, r#"{"kind":"OperationMessage"}"#] {
        stay.receive(bad);
    }
    assert_eq!(stay.session.state(), State::Live);
    assert!(stay.others.iter().any(|o| matches!(o, Output::Notify(Event::BadFrame(_)))));
}

#[test]
fn a_question_that_is_due_while_greeting_does_not_wake_the_caller_for_ever() {
    let mut stay = Stay::new();
    stay.join(r#","other":"somebody""#);
    assert_eq!(stay.session.state(), State::Joining);
    assert!(stay.session.poll_timeout().is_some_and(|at| at > stay.now));
}

#[test]
fn rule_1_a_contended_register_that_its_writer_writes_again_is_repaired_with_the_new_winner() {
    let mut stay = Stay::new();
    stay.go_live();
    let at = |text: &str| (Object::Map, Path::property("name"), Order::new(&Stamp::parse(text), 0));
    stay.give(Input::Committed { contended: vec![at("5:0:a")], settled: vec![at("5:0:a")] });
    stay.give(Input::Committed { contended: vec![], settled: vec![at("6:0:a")] });
    stay.pass(5_000);
    assert!(stay.wants(&Output::Repair(vec![at("6:0:a")])));
}

/// A message of a Bivouac to us.
fn from_bivouac(stay: &Stay, from: &str, message: &str) -> String {
    let me = stay.session.me();
    format!(r#"{{"sender":"{from}","recipient":"{me}","message":{message},"kind":"PeerMessage"}}"#)
}

fn looks(lon: i64) -> Input {
    Input::Here(Some(crate::wire::Here { at: Some((lon, 48_000_000)), selected: vec!["l/abcde".to_owned()] }))
}

#[test]
fn where_we_look_is_told_to_bivouacs_alone_when_it_changed_and_twice_a_second_at_most() {
    let mut stay = Stay::new();
    stay.join(r#","brows":"Browser","bivou":"Laptop""#);
    stay.echo();
    stay.pass(ASKING_MS);
    let told = |stay: &mut Stay| {
        let sent = std::mem::take(&mut stay.sent);
        let here: Vec<String> = sent.into_iter().filter(|text| text.contains("x-here")).collect();
        assert!(here.iter().all(|text| text.contains(r#""recipient":"bivou""#)), "{here:?}");
        here.len()
    };
    stay.give(looks(1));
    assert_eq!(told(&mut stay), 0, "nobody said that it is a Bivouac");
    let hello = from_bivouac(&stay, "bivou", r#"{"verb":"x-hello","version":"1"}"#);
    stay.receive(&hello);
    assert_eq!(told(&mut stay), 1);
    for lon in 2..14 {
        stay.give(looks(lon));
        stay.pass(50);
    }
    assert_eq!(told(&mut stay), 1, "twelve moves in six tenths of a second");
    stay.pass(600);
    assert_eq!(told(&mut stay), 1, "the last one is told in the end");
    stay.pass(5_000);
    assert_eq!(told(&mut stay), 0, "and nothing that did not change");
    stay.give(Input::Here(None));
    stay.pass(600);
    assert_eq!(told(&mut stay), 1, "a farewell");
    stay.give(Input::Here(None));
    stay.pass(5_000);
    assert_eq!(told(&mut stay), 0);
}

#[test]
fn only_a_bivouac_is_listened_to_within_bounds_and_never_in_a_flood() {
    let mut stay = Stay::new();
    stay.join(r#","brows":"Browser","bivou":"Laptop""#);
    stay.echo();
    let heard = |stay: &mut Stay| {
        let others = std::mem::take(&mut stay.others);
        let here = others.into_iter().filter_map(|output| match output {
            Output::Notify(Event::PeerHere(_, here)) => Some(here),
            _ => None,
        });
        here.collect::<Vec<_>>()
    };
    let message = r#"{"verb":"x-here","at":[7000000,48000000],"selected":["l/abcde"]}"#;
    let (browser, hello) = (from_bivouac(&stay, "brows", message), r#"{"verb":"x-hello","version":"1"}"#);
    stay.receive(&browser);
    assert_eq!(heard(&mut stay), []);
    let hello = from_bivouac(&stay, "bivou", hello);
    stay.receive(&hello);
    let message = from_bivouac(&stay, "bivou", message);
    for _ in 0..50 {
        stay.receive(&message);
    }
    assert_eq!(heard(&mut stay).len(), 1);
    stay.pass(200);
    let names = vec!["\"l/abcde\""; 500].join(",");
    let odd = format!(r#"{{"verb":"x-here","at":[999000000,0],"selected":[{names}]}}"#);
    let odd = from_bivouac(&stay, "bivou", &odd);
    stay.receive(&odd);
    let here = heard(&mut stay);
    assert_eq!(here.iter().map(|here| (here.at, here.selected.len())).collect::<Vec<_>>(), [(None, 20)]);
}
