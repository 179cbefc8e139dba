//! `open`, `new`, `maps`, `compact`, `remove`: which maps are on this laptop.

use std::process::ExitCode;

use bivouac_app::account::Account;
use bivouac_app::edits::{self, Edit};
use bivouac_app::library::{Birth, Entry, OpenMap};
use bivouac_app::take::{self, Request};
use bivouac_app::{Host, Result};
use serde_json::{Value, json};

use super::{Context, stoppable};
use crate::args;
use crate::out::instant;

/// `open`.
pub fn open(context: &Context, args: &args::Open) -> Result<ExitCode> {
    let access = &args.access;
    let request = Request::new(&args.url, access.user.as_deref(), access.edit_link.as_deref())?;
    let vault = context.vault();
    let door = context.door(&vault, access.allow_http, access.keep_password);
    let map = stoppable("take the map offline", take::take(&context.library, &request, &door))?;
    told(context, &map, "is on this laptop now")
}

/// `new`.
pub fn new(context: &Context, args: &args::New) -> Result<ExitCode> {
    let server = match &args.server {
        Some(server) => {
            let vault = context.vault();
            Some(context.door(&vault, args.allow_http, false).client(server)?.server())
        }
        None => None,
    };
    let account = args.user.as_deref().map_or(Account::Nobody, |user| Account::User(user.to_owned()));
    let birth = Birth { name: args.name.clone(), server, account: account.label() };
    let mut map = context.library.new_map(&birth, &context.host)?;
    let name = Edit::MapSet { key: "name".to_owned(), value: Value::String(args.name.trim().to_owned()) };
    edits::apply(&mut map.store, "new map", vec![name], &context.host)?;
    told(context, &map, "is on this laptop only, until its first sync")
}

fn told(context: &Context, map: &OpenMap, what: &str) -> Result<ExitCode> {
    let record = map.record()?;
    let layers = map.store.layers()?;
    let features: u64 = layers.iter().map(|layer| layer.features).sum();
    let value = json!({
        "uuid": record.uuid, "name": record.name, "server": record.server, "server_map_id": record.server_map_id,
        "account": record.account, "read_only": record.read_only, "layers": layers.len(), "features": features,
    });
    context.out.result(&value, || {
        let mut lines = vec![format!("{:?} {what}: {} layers, {features} features", record.name, layers.len())];
        lines.push(format!("id {}", record.uuid));
        if record.read_only {
            lines
                .push("it can only be looked at: the server gives no right to edit it to whoever opened it".to_owned());
        }
        lines
    })?;
    Ok(ExitCode::SUCCESS)
}

/// `maps`.
pub fn list(context: &Context) -> Result<ExitCode> {
    let entries = context.library.maps()?;
    let values: Vec<Value> = entries.iter().map(described).collect();
    context.out.result(&Value::Array(values), || {
        if entries.is_empty() {
            return vec!["no maps yet: `bivouac open URL` takes one offline, `bivouac new NAME` makes one".to_owned()];
        }
        entries.iter().flat_map(lines).collect()
    })?;
    Ok(ExitCode::SUCCESS)
}

fn described(entry: &Entry) -> Value {
    match &entry.found {
        Ok(found) => json!({
            "uuid": entry.uuid, "name": found.record.name, "server": found.record.server,
            "server_map_id": found.record.server_map_id, "account": found.record.account,
            "read_only": found.record.read_only, "unverified": found.counts.unverified(),
            "conflicts": found.counts.conflicts, "synced_at": instant(found.record.synced_at), "state": "fine",
        }),
        Err(error) => json!({
            "uuid": entry.uuid, "folder": entry.folder, "state": error.code(),
            "text": error.to_string(), "advice": error.advice(),
        }),
    }
}

fn lines(entry: &Entry) -> Vec<String> {
    match &entry.found {
        Ok(found) => {
            let home = found.record.server.as_deref().unwrap_or("on this laptop only");
            let mut line = format!("{}  {}  {home}", entry.uuid, found.record.name);
            if found.counts.unverified() > 0 {
                line.push_str(&format!("  {} edits to save", found.counts.unverified()));
            }
            if found.counts.conflicts > 0 {
                line.push_str(&format!("  {} decisions wait", found.counts.conflicts));
            }
            if found.record.read_only {
                line.push_str("  read-only");
            }
            vec![line]
        }
        Err(error) => {
            let mut lines = vec![format!("{}  CANNOT BE OPENED: {error}", entry.uuid)];
            lines.extend(error.advice().map(|advice| format!("    {advice}")));
            lines.push(format!("    it lies in {}", entry.folder.display()));
            lines
        }
    }
}

/// `remove`.
pub fn remove(context: &Context, args: &args::Remove) -> Result<ExitCode> {
    let entry = context.library.find(&args.map)?;
    context.library.remove(&entry, args.discard)?;
    let value = json!({ "removed": entry.uuid, "name": entry.name() });
    context.out.result(&value, || vec![format!("{:?} is no longer on this laptop", entry.name())])?;
    Ok(ExitCode::SUCCESS)
}

/// `compact`.
pub fn compact(context: &Context, args: &args::OfMap) -> Result<ExitCode> {
    let mut map = context.library.write(&args.map)?;
    let done = map.store.compact(context.host.now_ms())?;
    map.store.shrink()?;
    let horizon = instant(done.horizon);
    let value = json!({ "removed": done.removed, "expired": done.expired, "horizon": horizon });
    context.out.result(&value, || {
        let mut lines = vec![format!("{} operations of others left the log", done.removed)];
        if done.expired > 0 {
            lines.push(format!("{} that waited for their layer for a week were forgotten", done.expired));
        }
        if let Some(horizon) = &horizon {
            lines.push(format!("history goes back to {horizon}"));
        }
        lines
    })?;
    Ok(ExitCode::SUCCESS)
}
