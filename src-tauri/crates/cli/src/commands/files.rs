//! `export`, `import`, `check-wire`: files in and out.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bivouac_app::edits::find_layer_in;
use bivouac_app::exchange::{self, Exported, Format};
use bivouac_app::wire_check::{self, Finding};
use bivouac_app::{AppError, Result};
use serde_json::{Value, json};

use super::Context;
use super::edit::text_of;
use crate::args;
use crate::out::Out;

/// `export`.
pub fn export(context: &Context, args: &args::Export) -> Result<ExitCode> {
    let format = match args.format {
        args::Format::Geojson => Format::GeoJson,
        args::Format::Umap => Format::Umap,
    };
    if format == Format::Umap && args.layer.is_some() {
        return Err(AppError::bad("export the map", "--layer is for GeoJSON: a .umap file holds the whole map"));
    }
    let at_ms = args.at.as_deref().map(exchange::at).transpose()?;
    let store = context.library.read(&args.map)?;
    let layer = args.layer.as_deref().map(|layer| find_layer_in(&store, layer)).transpose()?;
    let write = |out: &mut dyn Write| exchange::export(&store, format, layer.as_ref(), at_ms, out);
    if args.file == Path::new("-") {
        let mut out = BufWriter::new(std::io::stdout().lock());
        write(&mut out)?;
        out.flush().map_err(AppError::io("write the export"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let exported = to_file(&args.file, write)?;
    let value = json!({ "file": args.file, "layers": exported.layers, "features": exported.features });
    context.out.result(&value, || {
        vec![format!("{} features of {} layers are in {}", exported.features, exported.layers, args.file.display())]
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The file appears under its name only when it is whole.
fn to_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<Exported>) -> Result<Exported> {
    let what = || format!("write the file {}", path.display());
    let name = path.file_name().ok_or_else(|| AppError::bad(what(), "this is no name of a file"))?;
    let mut part_name = name.to_owned();
    part_name.push(format!(".part-{}", std::process::id()));
    let part = Part(path.with_file_name(part_name));
    let mut out = BufWriter::new(File::create(&part.0).map_err(AppError::io(what()))?);
    let exported = write(&mut out)?;
    let file = out.into_inner().map_err(|error| AppError::Io { what: what(), source: error.into_error() })?;
    file.sync_all().map_err(AppError::io(what()))?;
    drop(file);
    std::fs::rename(&part.0, path).map_err(AppError::io(what()))?;
    Ok(exported)
}

/// A file that goes unless it was renamed.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// `import`.
pub fn import(context: &Context, args: &args::Import) -> Result<ExitCode> {
    let text = text_of(&args.file)?;
    let mut map = context.library.write(&args.map)?;
    let into = args.layer.as_deref().map(|layer| find_layer_in(&map.store, layer)).transpose()?;
    let name = args.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = name.filter(|name| name != "-").unwrap_or_else(|| "Imported".to_owned());
    let imported = exchange::import(&mut map.store, &text, into.as_ref(), &name, &context.host)?;
    let value = json!({
        "unit": imported.receipt.as_ref().map(|receipt| receipt.unit), "layers": imported.layers,
        "new_layers": imported.new_layers, "features": imported.features, "kept_ids": imported.kept_ids,
        "changed": imported.changed, "dropped": imported.dropped,
    });
    context.out.result(&value, || {
        let mut lines = vec![format!(
            "{} features came, {} with the ids of the file, {} new layers",
            imported.features, imported.kept_ids, imported.new_layers
        )];
        lines.extend(counted("changed", &imported.changed));
        lines.extend(counted("left out", &imported.dropped));
        lines
    })?;
    Ok(ExitCode::SUCCESS)
}

fn counted(word: &str, notes: &BTreeMap<String, usize>) -> Vec<String> {
    notes.iter().map(|(note, times)| format!("{word}, {times} times: {note}")).collect()
}

/// `check-wire`.
pub fn check_wire(out: Out, args: &args::CheckWire) -> Result<ExitCode> {
    let check = wire_check::check(&text_of(&args.file)?);
    let findings: Vec<Value> = check
        .findings
        .iter()
        .map(|(line, finding)| match finding {
            Finding::NotUnderstood(why) => {
                json!({ "line": line, "finding": "not_understood", "text": why })
            }
            Finding::WrittenDifferently(text) => {
                json!({ "line": line, "finding": "written_differently", "text": text })
            }
        })
        .collect();
    let value = json!({ "messages": check.messages, "permissions": check.permissions, "findings": findings });
    out.result(&value, || {
        let mut lines: Vec<String> = check
            .findings
            .iter()
            .map(|(line, finding)| match finding {
                Finding::NotUnderstood(why) => format!("line {line}: not understood: {why}"),
                Finding::WrittenDifferently(text) => {
                    format!("line {line}: would be written differently: {text}")
                }
            })
            .collect();
        lines.push(format!("{} messages, {} findings", check.messages, check.findings.len()));
        lines
    })?;
    Ok(if check.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
