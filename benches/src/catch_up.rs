//! A peer's list, from the wire's text to committed on disk.

use std::path::Path;

use bivouac_journal::catchup;
use bivouac_journal::wire::{self, Frame, PeerBody};
use bivouac_store::{NewMap, Received, Store};
use rusqlite::{Connection, params};

use crate::Outcome;
use crate::report::{Limit, Report, timed};
use crate::workload::{self, Made, NOW};

const RUNS: usize = 5;

/// A new file in this folder.
pub(crate) fn new_store(path: &Path) -> Outcome<Store> {
    let new = NewMap {
        uuid: "bench".to_owned(),
        name: "bench".to_owned(),
        server: None,
        server_map_id: None,
        slug: None,
        account: None,
        clock_id: "mecla".to_owned(),
        created_at: NOW,
    };
    Ok(Store::create(path, &new)?)
}

/// Takes the answers in as the driver does: one transaction for each message.
pub(crate) fn take(store: &mut Store, parts: &[String]) -> Outcome<Received> {
    let mut whole = Received::default();
    for part in parts {
        let Frame::Peer { sender, body: PeerBody::ListOperationsResponse { operations, .. }, .. } = wire::parse(part)?
        else {
            return Err("the workload is not a list of operations".into());
        };
        let one = store.commit_received(Some(&sender), catchup::sort_log(operations), NOW + 100_000_000)?;
        whole.applied += one.applied;
        whole.repeated += one.repeated;
        whole.refused += one.refused;
    }
    Ok(whole)
}

pub(crate) fn run(report: &mut Report) -> Outcome {
    let (small, large) = (workload::operations(10_000, 0), workload::operations(100_000, 0));
    let (small_parts, parts) = (lists(&small), lists(&large));
    let sent = workload::parts(&large, workload::SENT_PART);
    let wire_bytes: usize = large.iter().map(|made| workload::wire(made).to_string().len()).sum();
    let (mut over_raw, mut growth, mut again) = (Vec::new(), Vec::new(), Vec::new());
    let (mut seconds, mut raws, mut in_sent) = (Vec::new(), Vec::new(), Vec::new());
    let (mut raw_logs, mut over_log) = (Vec::new(), Vec::new());
    let (mut parsing, mut sorting) = (Vec::new(), Vec::new());
    let (mut bytes, mut log) = (0.0, 0.0);
    for _ in 0..RUNS {
        let folder = tempfile::tempdir()?;
        let raw = raw_insert(&large, &folder.path().join("raw"))?;
        raw_logs.push(raw_log_insert(&folder.path().join("large-before"), &folder.path().join("raw-log"), &parts)?);
        let mut store = new_store(&folder.path().join("small"))?;
        let (taken, tenth) = timed(|| take(&mut store, &small_parts));
        taken?;
        let path = folder.path().join("large");
        let mut store = new_store(&path)?;
        let (taken, first) = timed(|| take(&mut store, &parts));
        taken?;
        let (taken, second) = timed(|| take(&mut store, &parts));
        expect(taken?.repeated, large.len())?;
        drop(store);
        let rows;
        (bytes, log, rows) = sizes(&path)?;
        expect(rows, large.len())?;
        let mut store = new_store(&folder.path().join("sent"))?;
        let (taken, pieces) = timed(|| take(&mut store, &sent));
        taken?;
        let (frames, seconds_parsing) =
            timed(|| parts.iter().map(|part| wire::parse(part)).collect::<Result<Vec<_>, _>>());
        let lists = frames?.into_iter().filter_map(|frame| match frame {
            Frame::Peer { body: PeerBody::ListOperationsResponse { operations, .. }, .. } => Some(operations),
            _ => None,
        });
        let lists: Vec<_> = lists.collect();
        let (_, seconds_sorting) = timed(|| lists.into_iter().map(catchup::sort_log).collect::<Vec<_>>());
        parsing.push(seconds_parsing);
        sorting.push(seconds_sorting);
        over_raw.push(first / raw);
        over_log.extend(raw_logs.last().map(|log| first / log));
        growth.push(first / tenth);
        again.push(second / first);
        seconds.push(first);
        raws.push(raw);
        in_sent.push(pieces / raw);
    }
    #[allow(clippy::cast_precision_loss)]
    let (count, wire) = (large.len() as f64, wire_bytes as f64);
    report.add("catch_up_100k_over_raw_insert", "x", Limit::AtMost(6.0), &over_raw);
    report.add("catch_up_growth_10k_to_100k", "x", Limit::AtMost(13.0), &growth);
    report.add("redelivery_over_first", "x", Limit::AtMost(0.3), &again);
    report.add("catch_up_100k", "s", Limit::None, &seconds);
    report.add("catch_up_100k_parsing", "s", Limit::None, &parsing);
    report.add("catch_up_100k_sorting", "s", Limit::None, &sorting);
    report.add("catch_up_100k_over_raw_insert_into_the_log", "x", Limit::None, &over_log);
    report.add("raw_insert_100k", "s", Limit::None, &raws);
    report.add("catch_up_100k_in_1mib_parts_over_raw_insert", "x", Limit::None, &in_sent);
    report.add("bytes_per_op", "bytes", Limit::AtMost(350.0), &[bytes / count]);
    report.add("log_over_wire_bytes", "x", Limit::AtMost(0.6), &[log / wire]);
    report.add("wire_bytes_per_op", "bytes", Limit::None, &[wire / count]);
    Ok(())
}

fn lists(made: &[Made]) -> Vec<String> {
    workload::parts(made, workload::LARGEST_PART)
}

/// A benchmark of something that did not happen proves nothing.
fn expect(found: usize, wanted: usize) -> Outcome {
    if found == wanted { Ok(()) } else { Err(format!("{found} operations were taken in, not {wanted}").into()) }
}

/// The same operations as plain rows, in one transaction with the same settings.
fn raw_insert(made: &[Made], path: &Path) -> Outcome<f64> {
    let rows: Vec<_> = made
        .iter()
        .map(|one| (one, one.value.as_ref().map(ToString::to_string), format!("peer{}", one.writer)))
        .collect();
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;
         PRAGMA wal_autocheckpoint = 4000;
         CREATE TABLE operations (row INTEGER PRIMARY KEY, hlc TEXT NOT NULL, sender TEXT NOT NULL, verb TEXT NOT NULL,
             layer TEXT NOT NULL, feature TEXT NOT NULL, key TEXT, value TEXT) STRICT;",
    )?;
    let (done, seconds) = timed(|| -> rusqlite::Result<()> {
        connection.execute_batch("BEGIN")?;
        let sql = "INSERT INTO operations (hlc, sender, verb, layer, feature, key, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let mut insert = connection.prepare(sql)?;
        for (one, value, sender) in &rows {
            insert.execute(params![one.hlc, sender, one.verb, workload::LAYER, one.feature, one.key, value])?;
        }
        connection.execute_batch("COMMIT")
    });
    done?;
    Ok(seconds)
}

/// The very rows of the log that a catch-up leaves, put into another new file with the same schema.
fn raw_log_insert(full: &Path, empty: &Path, parts: &[String]) -> Outcome<f64> {
    take(&mut new_store(full)?, parts)?;
    drop(new_store(empty)?);
    let connection = Connection::open(empty)?;
    connection
        .execute_batch("PRAGMA synchronous = FULL; PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000;")?;
    connection.execute("ATTACH ?1 AS full", [full.to_str().ok_or("a path that is no text")?])?;
    let copy = "INSERT INTO operations SELECT * FROM full.operations ORDER BY row";
    let (done, seconds) = timed(|| connection.execute(copy, []));
    done?;
    Ok(seconds)
}

/// The bytes of the file, and of the log with its indexes; the rows of the log.
fn sizes(path: &Path) -> Outcome<(f64, f64, usize)> {
    let connection = Connection::open(path)?;
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    let pages = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, f64>(0));
    let log = pages("SELECT CAST(sum(pgsize) AS REAL) FROM dbstat WHERE name LIKE 'operations%'")?;
    let rows: u32 = connection.query_row("SELECT count(*) FROM operations", [], |row| row.get(0))?;
    #[allow(clippy::cast_precision_loss)]
    Ok((std::fs::metadata(path)?.len() as f64, log, usize::try_from(rows)?))
}
