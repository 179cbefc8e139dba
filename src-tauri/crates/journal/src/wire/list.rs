//! A peer's whole log, which may be megabytes: read in one pass, the common case only.
//!
//! Whatever is unusual about the message is left to [`super::frame`], which tells the same of
//! every message and names what is wrong with it.

use std::borrow::Cow;

use super::envelope::Envelope;
use super::frame::{Frame, PeerBody};
use super::known::Known;
use crate::ids::PeerId;
use crate::json::{Members, Raw, string};
use crate::scan::Scanner;

/// The members of a message around a list, each there once.
#[derive(Default)]
struct Around<'a> {
    sender: Option<Raw<'a>>,
    recipient: Option<Raw<'a>>,
    kind: Option<Raw<'a>>,
    message: Option<Message<'a>>,
}

#[derive(Default)]
struct Message<'a> {
    verb: Option<Raw<'a>>,
    operations: Option<Vec<Envelope>>,
    x: Option<Raw<'a>>,
}

/// Reads a `ListOperationsResponse`; `None` for anything else, and when anything is odd.
pub(super) fn read(text: &str) -> Option<Frame> {
    let mut scanner = Scanner::new(text);
    let mut around = Around::default();
    scanner.each_member(&mut |scanner, name| match name.as_ref() {
        "sender" => once(&mut around.sender, scanner.value()?),
        "recipient" => once(&mut around.recipient, scanner.value()?),
        "kind" => once(&mut around.kind, scanner.value()?),
        "message" => once(&mut around.message, message(scanner)?),
        _ => None,
    })?;
    scanner.end()?;
    let Message { verb, operations, x } = around.message?;
    if word(around.kind?)? != "PeerMessage" || word(verb?)? != "ListOperationsResponse" {
        return None;
    }
    let part = match x {
        Some(x) => super::frame::part(x),
        None => None,
    };
    let peer = |raw: Option<Raw<'_>>| PeerId::parse(&word(raw?)?);
    Some(Frame::Peer {
        sender: peer(around.sender)?,
        recipient: peer(around.recipient)?,
        body: PeerBody::ListOperationsResponse { operations: operations?, part },
    })
}

fn message<'a>(scanner: &mut Scanner<'a>) -> Option<Message<'a>> {
    let mut message = Message::default();
    scanner.each_member(&mut |scanner, name| match name.as_ref() {
        "verb" => once(&mut message.verb, scanner.value()?),
        "operations" => once(&mut message.operations, operations(scanner)?),
        "x" => once(&mut message.x, scanner.value()?),
        _ => scanner.value().map(|_| ()),
    })?;
    Some(message)
}

fn operations(scanner: &mut Scanner<'_>) -> Option<Vec<Envelope>> {
    let (mut operations, mut known) = (Vec::new(), Known::default());
    let mut members = Members::default();
    scanner.each_item(&mut |scanner| {
        let from = scanner.place();
        members.0.clear();
        scanner.members(&mut members.0)?;
        operations.push(Envelope::read(&members, scanner.since(from)?, &mut known));
        Some(())
    })?;
    Some(operations)
}

fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    if place.is_some() {
        return None;
    }
    *place = Some(value);
    Some(())
}

fn word(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    string(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_and_anything_odd_about_it_is_left_to_others() {
        let operation = r#"{"verb":"delete","subject":"datalayer","metadata":{"id":"28dbd2a5-bbd6-4ad3-a94d-e8e38ee5fece"},"hlc":"1:0:a"}"#;
        let frame = |around: &str, message: &str| {
            format!(
                r#"{{"sender":"aaaaa",{around}"recipient":"bbbbb","message":{{{message}"operations":[{operation}],"verb":"ListOperationsResponse"}},"kind":"PeerMessage"}}"#
            )
        };
        assert!(read(&frame("", "")).is_some());
        assert!(read(&frame("", r#""x":{"part":1,"of":2},"more":[1],"#)).is_some());
        for odd in [
            frame(r#""sender":"ccccc","#, ""),
            frame(r#""y":1,"#, ""),
            frame("", r#""operations":[],"#),
            frame("", r#""verb":"ListOperationsRequest","#),
            frame("", "").replace("PeerMessage", "OperationMessage"),
            frame("", "").replace("Response", "Request"),
            frame("", "") + "x",
            frame("", "").replace("\"recipient\":\"bbbbb\",", ""),
            frame("", "").replace(operation, "7"),
        ] {
            assert!(read(&odd).is_none(), "{odd}");
        }
    }

    #[test]
    fn a_list_reads_as_every_message_does() {
        let operation = r#"{"verb":"batch","operations":[{"verb":"update","subject":"map","key":"properties.name","value":"\u00e9"},{"verb":"x"},7],"sender":"s","hlc":"1:0:a"}"#;
        let list = format!(
            r#"{{"message":{{"verb":"ListOperationsResponse","operations":[ {operation} ,{{}}],"x":{{"part":1,"of":2}}}},"sender":"a","recipient":"b","kind":"PeerMessage"}}"#
        );
        let twice = list.replacen(r#""sender":"a""#, r#""sender":"z","sender":"a""#, 1);
        let (short, long) = (super::super::parse(&list).unwrap(), super::super::parse(&twice).unwrap());
        assert!(read(&list).is_some() && read(&twice).is_none());
        assert_eq!(short, long);
    }
}
