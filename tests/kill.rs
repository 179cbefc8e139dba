//! kill -9 in the middle of edits and synchronising: what was acknowledged is there.

mod terminal;

use std::process::Child;
use std::time::Duration;

use serde_json::Value;
use support::{MapSpec, TestMap, UmapServer, marker};
use terminal::Terminal;

/// Waits that long, then kills; whether it had ended by itself, and well.
fn kill_after(mut child: Child, pause: Duration) -> bool {
    std::thread::sleep(pause);
    let _ = child.kill();
    child.wait().unwrap().success()
}

/// A number below `bound`, another one each time, the same ones each run.
fn below(state: &mut u64, bound: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % bound
}

#[test]
fn a_hundred_kills_in_the_middle_of_edits_and_syncs_lose_no_acknowledged_edit() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("killed"));
    let layer = map.add_layer("One", &[marker("aaaa1", "A1", 7.7, 48.6)]);
    let terminal = Terminal::new(Some(server.password()));
    terminal.run(&["open", &map.url, "--user", "alice"]);
    let mut random = 7;
    let mut acknowledged = Vec::new();
    let (mut died, mut syncs) = (0, 0);
    for round in 0..100 {
        let id = format!("k{round:04}");
        let feature = marker(&id, "killed", 7.0 + f64::from(round) / 1000.0, 48.0).to_string();
        let edit = ["edit", "killed", "add", "--layer", "One", &feature];
        if round % 5 == 4 {
            // An edit that is certain, then a synchronising that is killed somewhere.
            terminal.run(&edit);
            acknowledged.push(id);
            let child = terminal.command(&["sync", "killed", "--once"]).spawn().unwrap();
            let pause = Duration::from_millis(50 + below(&mut random, 2_500));
            died += u32::from(!kill_after(child, pause));
            syncs += 1;
        } else {
            let child = terminal.command(&edit).spawn().unwrap();
            if kill_after(child, Duration::from_millis(below(&mut random, 25))) {
                acknowledged.push(id);
            } else {
                died += 1;
            }
        }
    }
    assert!(died >= 20 && syncs == 20 && acknowledged.len() >= 20, "{died} died, {} acknowledged", acknowledged.len());
    let shown: Value =
        serde_json::from_str(&terminal.run(&["features", "killed", "--layer", "One", "--json"])).unwrap();
    let here = shown.to_string();
    for id in &acknowledged {
        assert!(here.contains(&format!("\"{id}\"")), "{id} was acknowledged and is not on the laptop");
    }
    let summary: Value = serde_json::from_str(&terminal.run(&["sync", "killed", "--once", "--json"])).unwrap();
    assert_eq!(summary["verified"], true, "{summary}");
    terminal.run(&["verify", "killed"]);
    let saved = map.layer(&layer).json;
    let ids: Vec<&str> = saved["features"].as_array().unwrap().iter().map(|f| f["id"].as_str().unwrap()).collect();
    for id in &acknowledged {
        assert_eq!(ids.iter().filter(|found| *found == id).count(), 1, "{id} is on the server once");
    }
}
