//! Captured room traffic against what this program understands, for when uMap changes.

use std::borrow::Cow;

use bivouac_journal::json::same;
use bivouac_journal::wire::{Entry, Envelope, Frame, PeerBody, Refusal, parse, print_frame};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// What is wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It cannot be read, or means nothing to us; why.
    NotUnderstood(String),
    /// Written again it would be another message: this one.
    WrittenDifferently(String),
}

/// What was found in a capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WireCheck {
    /// Messages looked at.
    pub messages: usize,
    /// Permission operations, which are left out on purpose (rule 34).
    pub permissions: usize,
    /// Lines, counted from 1, and what is wrong with them.
    pub findings: Vec<(usize, Finding)>,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    msg: Option<&'a RawValue>,
    /// Captures note requests between the messages, as of the direction `http`.
    #[serde(borrow)]
    dir: Option<Cow<'a, str>>,
}

/// Reads a capture: one JSON message on each line, alone or under `msg`.
#[must_use]
pub fn check(text: &str) -> WireCheck {
    let mut check = WireCheck::default();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let message = match serde_json::from_str::<Line<'_>>(line) {
            Ok(Line { msg: Some(message), .. }) => message.get(),
            Ok(Line { msg: None, dir: Some(dir) }) if dir == "http" => continue,
            Ok(Line { msg: None, .. }) => line,
            Err(_) if matches!(line, "pong" | "\"pong\"" | "ping" | "\"ping\"") => continue,
            Err(error) => {
                check.messages += 1;
                check.findings.push((number, Finding::NotUnderstood(format!("no JSON message: {error}"))));
                continue;
            }
        };
        if matches!(message, "\"ping\"" | "\"pong\"") {
            continue;
        }
        check.messages += 1;
        let found = check.one(message);
        check.findings.extend(found.into_iter().map(|finding| (number, finding)));
    }
    check
}

impl WireCheck {
    fn one(&mut self, message: &str) -> Vec<Finding> {
        let frame = match parse(message) {
            Ok(frame) => frame,
            Err(error) => return vec![Finding::NotUnderstood(error.to_string())],
        };
        let mut findings = Vec::new();
        match &frame {
            Frame::Operation(envelope) => self.envelope(envelope, &mut findings),
            Frame::Peer { body: PeerBody::ListOperationsResponse { operations, .. }, .. } => {
                for envelope in operations {
                    self.envelope(envelope, &mut findings);
                }
            }
            Frame::Peer { body: PeerBody::Unknown(text), .. } => {
                findings.push(Finding::NotUnderstood(format!(
                    "a message between peers of an unknown kind: {}",
                    short(text.as_str())
                )));
            }
            Frame::Peer {
                body:
                    PeerBody::ListOperationsRequest { .. } | PeerBody::Hello(_) | PeerBody::Here(_) | PeerBody::Probe(_),
                ..
            }
            | Frame::JoinRequest(_)
            | Frame::JoinResponse { .. }
            | Frame::ListPeersResponse(_)
            | Frame::Saved { .. }
            | Frame::Pong => {}
        }
        let printed = print_frame(&frame);
        let value = |text: &str| serde_json::from_str::<Value>(text).ok();
        let is_same = match (value(message), value(&printed)) {
            (Some(a), Some(b)) => same(&a, &b),
            (_, _) => message == printed,
        };
        if !is_same {
            findings.push(Finding::WrittenDifferently(printed));
        }
        findings
    }

    fn envelope(&mut self, envelope: &Envelope, findings: &mut Vec<Finding>) {
        for entry in &envelope.entries {
            let Entry::Refused { why, text } = entry else {
                continue;
            };
            if *why == Refusal::Subject && is_permission(text.as_str()) {
                self.permissions += 1;
            } else {
                findings.push(Finding::NotUnderstood(format!("{why}: {}", short(text.as_str()))));
            }
        }
    }
}

fn is_permission(text: &str) -> bool {
    let value: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    matches!(value.get("subject").and_then(Value::as_str), Some("mappermissions" | "datalayerpermissions"))
}

fn short(text: &str) -> String {
    if text.chars().count() <= 200 { text.to_owned() } else { text.chars().take(199).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"msg":{"sender":"4mVV4","verb":"update","subject":"feature","metadata":{"id":"aaaa1","layerId":"c234b133-5443-4cc6-8e51-d768b6f771bd","featureType":"marker"},"key":"properties.name","value":"x","dirty":true,"hlc":"1795440656049:0:4uzaG","kind":"OperationMessage"}}"#;

    #[test]
    fn what_browsers_send_passes_and_what_is_new_is_named_with_its_line() {
        let unknown = GOOD.replace("update", "rotate");
        let text = format!("{GOOD}\n\n{unknown}\nno json\n{{\"kind\":\"NewThing\"}}\n");
        let check = check(&text);
        assert_eq!(check.messages, 4);
        let lines: Vec<usize> = check.findings.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 4, 5], "{:?}", check.findings);
    }

    #[test]
    fn permission_operations_are_counted_and_no_finding() {
        let check = check(&GOOD.replace("\"feature\",\"metadata\"", "\"mappermissions\",\"metadata\""));
        assert_eq!((check.permissions, check.findings.len()), (1, 0), "{check:?}");
    }
}
