//! The server stops, Redis restarts, the cable is cut: noticed in 35 s, recovered, nothing lost.

mod laptop;

use std::time::{Duration, Instant};

use bivouac_app::driver::Event;
use bivouac_journal::session::Event as SessionEvent;
use laptop::{Laptop, Watch, add, rename};
use support::{Direction, MapSpec, Proxy, TestMap, UmapServer, marker};

fn map(server: &UmapServer) -> (TestMap, String) {
    let map = TestMap::create(server, &MapSpec::new("outage"));
    let layer = map.add_layer("One", &[marker("aaaa1", "A1", 7.7, 48.6)]);
    (map, layer)
}

fn live(laptop: &Laptop) -> Watch {
    let watch = laptop.watch();
    watch.wait_for("the laptop is live", 40, |e| matches!(e, Event::Session(SessionEvent::CaughtUp)));
    watch
}

fn count(watch: &Watch, is_it: impl Fn(&Event) -> bool) -> usize {
    watch.events().iter().filter(|e| is_it(e)).count()
}

fn disconnections(watch: &Watch) -> usize {
    count(watch, |e| matches!(e, Event::Session(SessionEvent::Disconnected(_))))
}

/// Waits until the loss is noticed; how long that took.
fn noticed(watch: &Watch, since: Instant) -> Duration {
    support::wait_until("the loss is noticed", Duration::from_secs(40), || {
        let lost = disconnections(watch);
        if lost > 0 { Ok(()) } else { Err(lost) }
    });
    since.elapsed()
}

fn assert_saved_once(map: &TestMap, layer: &str, expected: &[&str]) {
    let saved = map.layer(layer).json;
    let mut ids: Vec<String> =
        saved["features"].as_array().unwrap().iter().map(|f| f["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    let mut expected: Vec<String> = expected.iter().map(|id| (*id).to_owned()).collect();
    expected.sort();
    assert_eq!(ids, expected, "each one is there once");
}

#[test]
fn a_cable_that_goes_silent_is_noticed_and_nothing_is_lost_or_doubled() {
    let server = UmapServer::shared();
    let (map, layer) = map(&server);
    let proxy = Proxy::to(server.address());
    let laptop = Laptop::new(&server, &proxy.url(), &map, "alice");
    laptop.sync().unwrap();
    let watch = live(&laptop);
    watch.edit({
        let layer = layer.clone();
        move |store| add(store, (&layer, "befor"), "before", 7.1, 48.1)
    });
    proxy.silence(Direction::Both);
    let silent = Instant::now();
    watch.edit({
        let layer = layer.clone();
        move |store| {
            add(store, (&layer, "durin"), "during", 7.2, 48.2);
            rename(store, (&layer, "aaaa1"), "renamed in the silence");
        }
    });
    let took = noticed(&watch, silent);
    assert!(took <= Duration::from_secs(35), "{took:?}");
    proxy.cut();
    proxy.pass();
    watch.wait_for("everything is verified", 120, |e| matches!(e, Event::Verified));
    support::wait_until("the server holds it", Duration::from_secs(60), || {
        let text = map.layer(&layer).text;
        if text.contains("durin") && text.contains("renamed in the silence") { Ok(()) } else { Err(text) }
    });
    watch.leave().unwrap();
    laptop.sync().unwrap();
    assert_saved_once(&map, &layer, &["aaaa1", "befor", "durin"]);
}

#[test]
fn a_server_that_stops_in_the_middle_is_waited_for() {
    let server = UmapServer::own("outage-stop");
    let (map, layer) = map(&server);
    let laptop = Laptop::offline(&server, &map, "alice");
    let watch = live(&laptop);
    watch.edit({
        let layer = layer.clone();
        move |store| add(store, (&layer, "befor"), "before", 7.1, 48.1)
    });
    server.stop_web();
    watch.edit({
        let layer = layer.clone();
        move |store| add(store, (&layer, "durin"), "during", 7.2, 48.2)
    });
    noticed(&watch, Instant::now());
    server.start_web();
    support::wait_until("the server holds it", Duration::from_secs(120), || {
        let text = map.layer(&layer).text;
        if text.contains("durin") && text.contains("befor") { Ok(()) } else { Err(text) }
    });
    watch.leave().unwrap();
    laptop.sync().unwrap();
    assert_saved_once(&map, &layer, &["aaaa1", "befor", "durin"]);
}

#[test]
fn a_restart_of_redis_leaves_the_socket_open_and_is_noticed_all_the_same() {
    let server = UmapServer::own("outage-redis");
    let (map, layer) = map(&server);
    let (laptop, other) = (Laptop::offline(&server, &map, "alice"), Laptop::offline(&server, &map, "bob"));
    let watch = live(&laptop);
    server.restart_redis();
    let restarted = Instant::now();
    watch.edit({
        let layer = layer.clone();
        move |store| add(store, (&layer, "durin"), "during", 7.2, 48.2)
    });
    let took = noticed(&watch, restarted);
    assert!(took <= Duration::from_secs(35), "{took:?}");
    watch.wait_for("everything is verified", 120, |e| matches!(e, Event::Verified));
    watch.leave().unwrap();
    other.sync().unwrap();
    laptop.sync().unwrap();
    assert_saved_once(&map, &layer, &["aaaa1", "durin"]);
    assert_eq!(laptop.store().state_hash().unwrap(), other.store().state_hash().unwrap());
}
