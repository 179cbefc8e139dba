//! `conflicts` and `resolve`: what merging could not keep, and the user's last word on it.

use std::process::ExitCode;

use bivouac_app::library::OpenMap;
use bivouac_app::{AppError, Host, Result, edits};
use bivouac_journal::json::Json;
use bivouac_store::{Choice, Conflict, ConflictKind, ConflictState, Row};
use serde_json::{Value, json};

use super::Context;
use super::edit::{object_line, object_value};
use crate::args;
use crate::out::instant;

/// `conflicts`.
pub fn list(context: &Context, args: &args::OfMap) -> Result<ExitCode> {
    let store = context.library.read(&args.map)?;
    let conflicts: Vec<Conflict> = store.conflicts()?.into_iter().filter(|c| c.state == ConflictState::Open).collect();
    let proposals = store.proposals()?;
    let mut values: Vec<Value> = conflicts.iter().map(described).collect();
    values.extend(proposals.iter().map(proposed));
    context.out.result(&Value::Array(values), || {
        if conflicts.is_empty() && proposals.is_empty() {
            return vec!["nothing waits for a decision".to_owned()];
        }
        let mut lines: Vec<String> = conflicts.iter().flat_map(lines).collect();
        lines.extend(proposals.iter().flat_map(proposal_lines));
        lines.push("decide with `bivouac resolve MAP NUMBER mine` or `theirs`".to_owned());
        lines
    })?;
    Ok(ExitCode::SUCCESS)
}

fn described(conflict: &Conflict) -> Value {
    json!({
        "id": conflict.id, "kind": kind(conflict.kind), "object": object_value(&conflict.object),
        "key": conflict.path.to_string(), "mine": conflict.mine.as_ref().map(Json::value),
        "theirs": conflict.theirs.as_ref().map(Json::value), "theirs_by": conflict.theirs_clock,
        "theirs_sender": conflict.theirs_sender, "theirs_at": instant(conflict.theirs_at),
        "at": instant(conflict.at),
    })
}

/// Somebody's edit of a protected layer, which is nobody's until it is approved (rule 33).
fn proposed(row: &Row) -> Value {
    json!({
        "id": format!("p{}", row.row), "kind": "proposal", "object": object_value(&row.operation.object),
        "key": row.operation.path.as_ref().map(ToString::to_string), "verb": row.operation.verb.as_str(),
        "theirs": row.operation.value.as_ref().map(Json::value), "theirs_sender": row.operation.sender,
        "at": instant(row.at_ms),
    })
}

fn proposal_lines(row: &Row) -> Vec<String> {
    let key = row.operation.path.as_ref().map(ToString::to_string).unwrap_or_default();
    let value: String =
        row.operation.value.as_ref().map_or("nothing".to_owned(), |v| v.as_str().chars().take(200).collect());
    vec![
        format!(
            "p{}  {}: somebody wants to {} {key}",
            row.row,
            object_line(&row.operation.object),
            row.operation.verb.as_str()
        ),
        format!("    theirs: {value}"),
    ]
}

fn kind(kind: ConflictKind) -> &'static str {
    match kind {
        ConflictKind::Value => "value",
        ConflictKind::DeletedWhileEdited => "deleted_while_edited",
        ConflictKind::EditedWhileDeleted => "edited_while_deleted",
        ConflictKind::LayerDeleted => "layer_deleted",
        ConflictKind::LostChange => "lost_change",
    }
}

fn lines(conflict: &Conflict) -> Vec<String> {
    let shown = |value: &Option<Json>| {
        value.as_ref().map_or("nothing".to_owned(), |value| value.as_str().chars().take(200).collect())
    };
    let what = match conflict.kind {
        ConflictKind::Value => format!("two values for {}", conflict.path),
        ConflictKind::DeletedWhileEdited => "you edited it, somebody deleted it".to_owned(),
        ConflictKind::EditedWhileDeleted => "you deleted it, somebody edited it later".to_owned(),
        ConflictKind::LayerDeleted => "the layer was deleted while you worked in it".to_owned(),
        ConflictKind::LostChange => return lost_lines(conflict),
    };
    vec![
        format!("{}  {}: {what}", conflict.id, object_line(&conflict.object)),
        format!("    mine:   {}", shown(&conflict.mine)),
        format!("    theirs: {}", shown(&conflict.theirs)),
    ]
}

/// A change that nobody saved is nobody's loss but its writer's: it can be taken (rule 16).
fn lost_lines(conflict: &Conflict) -> Vec<String> {
    let shown = |value: &Option<Json>| {
        value.as_ref().map_or("nothing".to_owned(), |value| value.as_str().chars().take(200).collect())
    };
    let what = match (conflict.path.is_existence(), &conflict.theirs) {
        (false, _) => format!("somebody's change of {} was never saved", conflict.path),
        (true, Some(_)) => "somebody added it, and it was never saved".to_owned(),
        (true, None) => "somebody deleted it, and that was never saved".to_owned(),
    };
    let mut lines = vec![format!("{}  {}: {what}", conflict.id, object_line(&conflict.object))];
    if !conflict.path.is_existence() {
        lines.push(format!("    mine:   {} (leaves it)", shown(&conflict.mine)));
    }
    if conflict.theirs.is_some() || !conflict.path.is_existence() {
        lines.push(format!("    theirs: {} (takes it)", shown(&conflict.theirs)));
    }
    lines
}

/// `resolve`.
pub fn resolve(context: &Context, args: &args::Resolve) -> Result<ExitCode> {
    let bad = |why: &str| AppError::bad("resolve a conflict", why);
    let (map, id, choice) = match args.what.as_slice() {
        [map, id, choice] => (Some(map.as_str()), id, choice),
        [id, choice] => (None, id, choice),
        _ => return Err(bad("give its number and mine or theirs")),
    };
    let choice = match choice.as_str() {
        "mine" => Choice::Mine,
        "theirs" => Choice::Theirs,
        other => return Err(bad(&format!("{other:?} is neither mine nor theirs"))),
    };
    let proposal = id.strip_prefix('p');
    let number = proposal.unwrap_or(id);
    let id: i64 = number.parse().map_err(|_| bad(&format!("{number:?} is no number of a conflict")))?;
    let mut map: OpenMap = match map {
        Some(map) => context.library.write(map)?,
        None => context.library.write(&only_map_with(context, id, proposal.is_some())?)?,
    };
    let receipt = match (proposal, choice) {
        (None, _) => map.store.resolve(id, choice, context.host.random(), context.host.now_ms())?,
        (Some(_), Choice::Theirs) => Some(edits::approve(&mut map.store, id, &context.host)?),
        (Some(_), Choice::Mine) => {
            map.store.dismiss_proposal(id)?;
            None
        }
    };
    let left = map.store.counts()?.conflicts;
    let value = json!({ "resolved": id, "unit": receipt.map(|receipt| receipt.unit), "conflicts": left });
    context.out.result(&value, || vec![format!("decided; {left} more wait")])?;
    Ok(ExitCode::SUCCESS)
}

/// The one map in which a conflict of that number is open.
fn only_map_with(context: &Context, id: i64, proposal: bool) -> Result<String> {
    let mut found = Vec::new();
    for entry in context.library.maps()? {
        if entry.found.is_err() {
            continue;
        }
        let store = context.library.read(&entry.uuid)?;
        let is_here = if proposal {
            store.proposals()?.iter().any(|row| row.row == id)
        } else {
            store.conflicts()?.iter().any(|c| c.id == id && c.state == ConflictState::Open)
        };
        if is_here {
            found.push(entry.uuid);
        }
    }
    let what = format!("conflict {id}");
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(AppError::NotFound { what, why: "no map has an open conflict of that number".to_owned() }),
        several => Err(AppError::Ambiguous { what, among: several.join(", ") }),
    }
}
