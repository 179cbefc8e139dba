//! Bivouac's window.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bivouac_link::{Client, Event, Policy, Socket, find_map};
use serde_json::json;
use support::{TestMap, UmapServer, Window, WindowHome, footprints};

use super::{DRAG, Drag, Pans, ZOOMS, wait};
use crate::Outcome;
use crate::report::{Limit, Report};

const STARTS: usize = 3;
const DRAGS: usize = 3;
const EDITS: usize = 9;

pub(super) fn run(report: &mut Report, program: &Path, server: &UmapServer, map: &TestMap) -> Outcome {
    let home = WindowHome::new();
    let (window, seconds) = crate::report::timed(|| taken_offline(program, &home, server, map));
    let window = window?;
    report.add("window_100k_taken_offline_s", "s", Limit::None, &[seconds]);
    window.quit();

    starts(report, program, &home)?;
    let window = opened(program, &home)?.0;
    window.picture("bench-all");
    memory(report, &home);
    pans(report, &window)?;
    own_edits(report, &window)?;
    remote_edits(report, &window, server, map)?;
    window.quit();
    Ok(())
}

fn taken_offline(program: &Path, home: &WindowHome, server: &UmapServer, map: &TestMap) -> Outcome<Window> {
    let window = Window::of(program, home, &[]);
    let wish = json!({"address": map.url, "user": "alice", "password": server.password(), "editLink": null, "keepPassword": true});
    window.command("take_offline", json!({"request": wish})).map_err(|error| format!("taking offline: {error}"))?;
    Ok(window)
}

/// Starts the program, opens its only map and waits until all of it is drawn; ms for the start and for the map.
fn opened(program: &Path, home: &WindowHome) -> Outcome<(Window, f64, f64)> {
    let started = Instant::now();
    let window = Window::of(program, home, &[]);
    let begun = started.elapsed().as_secs_f64() * 1000.0;
    let at = since_start(&window);
    window.press("Large");
    let drawn = wait("the map on the screen", 60, || drawn_after(&window, at))?;
    Ok((window, begun, drawn - at))
}

fn starts(report: &mut Report, program: &Path, home: &WindowHome) -> Outcome {
    let (mut empty, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let nothing = WindowHome::new();
        let started = Instant::now();
        let window = Window::of(program, &nothing, &[]);
        empty.push(started.elapsed().as_secs_f64() * 1000.0);
        window.quit();
        let (window, begun, drawn) = opened(program, home)?;
        whole.push(begun + drawn);
        window.quit();
    }
    let beyond: Vec<f64> = whole.iter().zip(&empty).map(|(whole, empty)| whole - empty).collect();
    report.add("window_empty_start_ms", "ms", Limit::None, &empty);
    report.add("window_100k_start_ms", "ms", Limit::AtMost(2500.0), &beyond);
    Ok(())
}

fn memory(report: &mut Report, home: &WindowHome) {
    let found = footprints(&home.data());
    let of = |wanted: &dyn Fn(&str) -> bool| -> f64 {
        found.iter().filter(|(name, _)| wanted(name)).map(|(_, mb)| mb).sum()
    };
    let app = of(&|name| name.starts_with("bivouac"));
    let all =
        of(&|name| name.starts_with("bivouac") || (name.starts_with("WebKit") && !name.starts_with("WebKitWebDriver")));
    report.add("window_100k_app_mb", "MB", Limit::AtMost(150.0), &[app]);
    report.add("window_100k_all_processes_mb", "MB", Limit::AtMost(700.0), &[all]);
}

fn pans(report: &mut Report, window: &Window) -> Outcome {
    let mut pans = Pans::default();
    for (view, steps) in ZOOMS {
        for _ in 0..steps {
            let at = since_start(window);
            window.press("Zoom in");
            wait("the next zoom on the screen", 30, || drawn_after(window, at))?;
            std::thread::sleep(Duration::from_millis(500));
        }
        let mut drags = Vec::new();
        for _ in 0..DRAGS {
            drags.push(Drag::read(&window.later(DRAG, json!([".ol-viewport", "pointer"])))?);
        }
        pans.add(view, &drags);
        window.picture(&format!("bench-{view}"));
    }
    for (view, p50, p95, longest) in &pans.by_view {
        report.add(&format!("window_100k_pan_{view}_p50_ms"), "ms", Limit::None, &[*p50]);
        report.add(&format!("window_100k_pan_{view}_p95_ms"), "ms", Limit::None, &[*p95]);
        report.add(&format!("window_100k_pan_{view}_longest_ms"), "ms", Limit::None, &[*longest]);
    }
    let (p50, p95) = pans.worst();
    report.add("window_100k_pan_p50_ms", "ms", Limit::AtMost(100.0), &[p50]);
    report.add("window_100k_pan_p95_ms", "ms", Limit::AtMost(200.0), &[p95]);
    Ok(())
}

/// A feature in view, as `layer/id`, and where it lies.
fn somewhere(window: &Window) -> Outcome<(String, [f64; 2])> {
    let bounds = json!({"west": -10, "south": 40, "east": 15, "north": 52});
    let found = window.features_in(&bounds, 400);
    let point = found.iter().find(|item| item["feature"]["geometry"]["type"] == "Point");
    let point = point.ok_or("no point in view")?;
    let at = |axis: usize| point["feature"]["geometry"]["coordinates"][axis].as_f64().unwrap_or_default();
    Ok((point["object"].as_str().unwrap_or_default().to_owned(), [at(0), at(1)]))
}

fn own_edits(report: &mut Report, window: &Window) -> Outcome {
    let (object, [lon, lat]) = somewhere(window)?;
    let script = "const [edits, done] = [arguments[0], arguments[1]]; const began = performance.now();
        window.__TAURI_INTERNALS__.invoke('edit', {label: 'move', edits}).then(() => done([began, performance.now()]), (e) => done(String(e)))";
    let (mut committed, mut shown) = (Vec::new(), Vec::new());
    for turn in 0..EDITS {
        #[allow(clippy::cast_precision_loss)]
        let place = [lon + turn as f64 * 1e-4, lat];
        let edits = json!([{"do": "geometry", "feature": object, "geometry": {"type": "Point", "coordinates": place}}]);
        let answer = window.later(script, json!([edits]));
        let (Some(began), Some(ended)) = (answer[0].as_f64(), answer[1].as_f64()) else {
            return Err(format!("{answer}").into());
        };
        committed.push(ended - began);
        let drawn = wait("the edit on the screen", 10, || drawn_after(window, began))?;
        shown.push(drawn - began);
        std::thread::sleep(Duration::from_millis(400));
    }
    report.add("window_100k_edit_committed_ms", "ms", Limit::AtMost(50.0), &committed);
    report.add("window_100k_edit_redrawn_ms", "ms", Limit::None, &shown);
    Ok(())
}

/// Somebody else in the room moves a point; from the moment it is sent to the picture that has it.
fn remote_edits(report: &mut Report, window: &Window, server: &UmapServer, map: &TestMap) -> Outcome {
    let (object, [lon, lat]) = somewhere(window)?;
    let (layer, feature) = object.split_once('/').ok_or("an object without a layer")?;
    window.wait_for_chip("that it is live", 120, |chip| chip.starts_with("Up to date"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut socket = runtime.block_on(join(server, map))?;
    let mut shown = Vec::new();
    for turn in 0..EDITS {
        #[allow(clippy::cast_precision_loss)]
        let place = [lon - turn as f64 * 1e-4, lat];
        std::thread::sleep(Duration::from_millis(700));
        let operation = json!({"sender": "bench", "verb": "update", "subject": "feature", "metadata": {"id": feature, "layerId": layer, "featureType": "marker"},
            "key": "geometry", "value": {"type": "Point", "coordinates": place}, "dirty": true, "hlc": format!("{}:0:bench", now_ms()), "kind": "OperationMessage"});
        let sent = since_start_of(window, now_exact_ms());
        runtime.block_on(socket.send(operation.to_string())).map_err(|error| error.to_string())?;
        let drawn = wait("the remote edit on the screen", 10, || {
            let _ = runtime.block_on(async { tokio::time::timeout(Duration::from_millis(1), socket.recv()).await });
            drawn_after(window, sent)
        })?;
        shown.push(drawn - sent);
    }
    socket.close();
    report.add("window_100k_remote_edit_drawn_ms", "ms", Limit::AtMost(100.0), &shown);
    Ok(())
}

async fn join(server: &UmapServer, map: &TestMap) -> Outcome<Socket> {
    let client = Client::new(server.url(), &Policy::default())?;
    client.sign_in("bob", server.password()).await?;
    let number = map.id.to_string();
    let _ = find_map(&map.url);
    let token = client.ws_token(&number).await?;
    let mut socket = client.open_socket(&number).await?;
    let hello = json!({"kind": "JoinRequest", "token": token.expose(), "peer": "bench", "username": "bob"});
    socket.send(hello.to_string()).await.map_err(|error| error.to_string())?;
    loop {
        match socket.recv().await {
            Event::Text(text) if text.contains("JoinResponse") => return Ok(socket),
            Event::Text(_) => {}
            Event::Closed(reason) => return Err(format!("not let in: {reason:?}").into()),
        }
    }
}

/// The page's clock: ms since it was begun.
fn since_start(window: &Window) -> f64 {
    window.js("return performance.now()", json!([])).as_f64().unwrap_or(f64::NAN)
}

/// A moment of this computer's clock on the page's.
fn since_start_of(window: &Window, wall_ms: f64) -> f64 {
    wall_ms - window.js("return performance.timeOrigin", json!([])).as_f64().unwrap_or(f64::NAN)
}

/// When the newest picture was whole, if that was after the content that came after this moment.
fn drawn_after(window: &Window, at: f64) -> Option<f64> {
    let script = "const at = (name) => performance.getEntriesByName(`bivouac:${name}`)[0]?.startTime ?? 0;
        const [answer, drawn] = [at('answer'), at('drawn')];
        return answer > arguments[0] && drawn >= answer ? drawn : null";
    window.js(script, json!([at])).as_f64()
}

fn now_exact_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64() * 1000.0)
}

fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis())
}
