//! The same map in a uMap page in Chromium, for comparison.

use std::time::Instant;

use serde_json::{Value, json};
use support::{Browser, TestMap, UmapServer};

use super::{DRAG, Drag, Pans, ZOOMS};
use crate::Outcome;
use crate::report::{Limit, Report};

const DRAGS: usize = 2;

pub(super) fn run(report: &mut Report, server: &UmapServer, map: &TestMap) -> Outcome {
    let browser = Browser::launch();
    let started = Instant::now();
    let bob = browser.signed_in(server, "bob");
    let ready = started.elapsed().as_secs_f64() * 1000.0;
    bob.open_url(&map.url, false);
    let whole = started.elapsed().as_secs_f64() * 1000.0 - ready;
    report.add("umap_100k_start_ms", "ms", Limit::None, &[whole]);
    bob.evaluate("(() => { const m = window.U.MAP._leafletMap; m.fitBounds([[42, -2], [50, 10]], {animate: false}); return true })()");
    let mut pans = Pans::default();
    for (view, steps) in ZOOMS {
        if steps > 0 {
            bob.evaluate(&format!("(() => {{ const m = window.U.MAP._leafletMap; m.setZoom(m.getZoom() + {steps}, {{animate: false}}); return true }})()"));
        }
        let drags: Outcome<Vec<Drag>> = (0..DRAGS).map(|_| Drag::read(&drag(&bob))).collect();
        pans.add(view, &drags?);
    }
    for (view, p50, p95, longest) in &pans.by_view {
        report.add(&format!("umap_100k_pan_{view}_p50_ms"), "ms", Limit::None, &[*p50]);
        report.add(&format!("umap_100k_pan_{view}_p95_ms"), "ms", Limit::None, &[*p95]);
        report.add(&format!("umap_100k_pan_{view}_longest_ms"), "ms", Limit::None, &[*longest]);
    }
    Ok(())
}

fn drag(peer: &support::WebPeer) -> Value {
    let call = format!("new Promise((done) => {{ (function () {{ {DRAG} }})('.leaflet-container', 'mouse', done) }})");
    let answer = peer.evaluate(&call);
    if answer.is_null() { json!({}) } else { answer }
}
