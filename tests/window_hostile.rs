//! A map is written by anybody: nothing in one runs in the real window, and nothing is asked of anybody.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use support::{Window, WindowHome, wait_until};

/// Writes down what is asked of it, and serves a page that runs everything it is given.
struct Sink {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Sink {
    fn open(page: impl Fn(&str) -> String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (page, asked) = (page(&address), Arc::new(Mutex::new(Vec::new())));
        let kept = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = vec![0; 4_096];
                let length = stream.read(&mut request).unwrap_or(0);
                let line = String::from_utf8_lossy(&request[..length]).lines().next().unwrap_or("").to_owned();
                let body = if line.contains(" /unprotected") { page.as_str() } else { "" };
                kept.lock().unwrap().push(line);
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\naccess-control-allow-origin: *\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Everything that could run or load, in HTML and in uMap's own text.
fn hostile(sink: &str, name: &str) -> String {
    format!(
        "{name} <img src=\"{sink}/hit/{name}-image\" onerror=\"window.__ran='{name}-error'\">\
         <script>window.__ran='{name}-script';fetch('{sink}/hit/{name}-script')</script>\
         <svg onload=\"window.__ran='{name}-svg';fetch('{sink}/hit/{name}-svg')\"></svg>\
         <iframe src=\"{sink}/hit/{name}-frame\"></iframe><video src=\"{sink}/hit/{name}-video\" autoplay></video>\
         <style>@import '{sink}/hit/{name}-style';</style><link rel=stylesheet href=\"{sink}/hit/{name}-link\">\
         <a href=\"javascript:window.__ran='{name}-link'\">javascript link</a>\
         [[javascript:window.__ran='{name}-umap-link'|umap link]] {{{{{sink}/hit/{name}-umap-image}}}} \
         {{{{{{{sink}/hit/{name}-umap-frame}}}}}} {{__proto__}} {{constructor.constructor('window.__ran=1')()}}"
    )
}

fn map(sink: &str) -> Value {
    let text = |name: &str| hostile(sink, name);
    let svg = format!(
        "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='fetch(\"{sink}/hit/data-svg\")'>\
         <script>fetch('{sink}/hit/data-svg-script')</script><image href='{sink}/hit/data-svg-image'/></svg>"
    );
    let feature = |id: &str, icon: Value, at: [f64; 2]| {
        json!({"type": "Feature", "id": id, "geometry": {"type": "Point", "coordinates": at},
            "properties": {"name": text(id), "description": text(&format!("{id}-description")), "other": text("other"),
                "_umap_options": {"iconUrl": icon, "showLabel": true, "color": text("color"), "iconClass": text("class"),
                    "popupShape": "Panel", "popupTemplate": "Table", "popupContentTemplate": text("template"),
                    "labelDirection": text("side"), "outlink": "javascript:window.__ran='outlink'"}}})
    };
    json!({"type": "umap", "geometry": {"type": "Point", "coordinates": [7.0, 48.0]},
        "properties": {"name": text("map"), "description": text("map-description"), "zoom": 12,
            "center": {"lat": 48.0, "lng": 7.0}, "licence": {"name": text("licence"), "url": "javascript:window.__ran='licence'"},
            "tilelayer": {"name": text("tiles"), "url_template": format!("{sink}/hit/tile-{{z}}-{{x}}-{{y}}.png"), "attribution": text("owed")},
            "overlay": {"url_template": format!("{sink}/hit/overlay-{{z}}"), "name": "x"},
            "shortCredit": text("credit"), "longCredit": text("credits"), "onLoadPanel": "caption",
            "fields": [{"key": text("field"), "type": "String"}]},
        "layers": [{"type": "FeatureCollection",
            "_umap_options": {"name": text("layer"), "description": text("layer-description"), "displayOnLoad": true,
                "browsable": true, "remoteData": {"url": format!("{sink}/hit/remote"), "format": "geojson", "dynamic": true},
                "rules": [{"condition": text("rule"), "properties": {"iconUrl": format!("{sink}/hit/rule-icon.svg")}}]},
            "features": [feature("Aaaaa", json!(format!("{sink}/hit/icon.svg")), [7.0, 48.0]),
                feature("Bbbbb", json!(svg), [7.01, 48.0]), feature("Ccccc", json!("//evil.example.org/x.svg"), [7.0, 48.01])]}]})
}

/// A browser that shows a page without any care.
fn show_unprotected(address: &str) {
    let chromium = std::env::var("BIVOUAC_TEST_CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    let profile = tempfile::tempdir().unwrap();
    let mut browser = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=4000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("{address}/unprotected"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromium starts");
    let _ = browser.wait();
}

#[test]
fn nothing_in_a_hostile_map_runs_or_asks_anybody_for_anything() {
    let sink = Sink::open(|sink| format!("<!doctype html><body>{}</body>", hostile(sink, "proof")));
    show_unprotected(&sink.address);
    let seen = sink.asked();
    for kind in ["proof-image", "proof-script", "proof-svg", "proof-frame"] {
        assert!(seen.iter().any(|line| line.contains(kind)), "the sink would not notice {kind}: {seen:?}");
    }
    sink.asked.lock().unwrap().clear();

    let home = WindowHome::new();
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("hostile.umap");
    std::fs::write(&file, map(&sink.address).to_string()).unwrap();
    let window = Window::open(&home, &[file.to_str().unwrap()]);
    window.press("Open as a new map");
    window.find("//canvas");
    let view = wait_until("the map with its layer", Duration::from_secs(30), || {
        let view = window.command("map_view", json!({})).map_err(|error| error.to_string())?;
        if view["layers"].as_array().is_some_and(|layers| !layers.is_empty()) {
            Ok(view)
        } else {
            Err(view.to_string())
        }
    });
    let layer =
        view["layers"].as_array().unwrap().iter().find(|layer| layer["features"] == json!(3)).unwrap()["id"].clone();

    // Whatever the file's import left out is written by an edit, as somebody in the room could.
    let text = |name: &str| json!(hostile(&sink.address, name));
    let tiles = map(&sink.address)["properties"]["tilelayer"].clone();
    // A name has 200 characters at most.
    let name = format!(
        "map <img src=\"{0}/hit/map-name\" onerror=\"window.__ran=1\"><script>window.__ran=2</script>",
        sink.address
    );
    let mut edits = vec![
        json!({"do": "map-set", "key": "name", "value": name}),
        json!({"do": "map-set", "key": "description", "value": text("map-description")}),
        json!({"do": "map-set", "key": "tilelayer", "value": tiles}),
    ];
    edits.push(json!({"do": "layer-set", "layer": layer, "key": "description", "value": text("layer-description")}));
    for edit in edits {
        window.command("edit", json!({"label": "hostile", "edits": [edit]})).unwrap();
    }

    window.find("//h1[contains(., 'map')]");
    window.picture("hostile-map");
    // Each feature with its panel: labels, icons, fields, description.
    window.js("document.querySelector('.stage').focus()", json!([]));
    for _ in 0..3 {
        window.key("Tab", &[]);
        std::thread::sleep(Duration::from_millis(500));
        window.key("Enter", &[]);
        window.find("//aside//*[contains(., 'description')]");
        std::thread::sleep(Duration::from_millis(800));
        nothing_ran(&window);
        window.js("document.querySelector('.stage').focus()", json!([]));
    }
    window.picture("hostile-feature");
    // What the page may ask the core for leads nowhere either.
    for said in
        [format!("{}/hit/asked.png", sink.address), "//evil.example.org/x.svg".to_owned(), "javascript:1".to_owned()]
    {
        assert!(window.command("picture", json!({"said": said})).is_err(), "{said}");
    }
    assert_eq!(window.command("background", json!({})).unwrap()["leave"], json!("private"));
    assert!(window.command("tile", json!({"zoom": 1, "column": 0, "row": 0})).is_err());
    assert!(window.command("open_external", json!({"url": "javascript:alert(1)"})).is_err());
    // A map that is opened anew starts from all of it.
    window.press("Back to the library");
    window.find("//button[contains(., 'map <img')]");
    nothing_ran(&window);
    window.quit();
    let asked = sink.asked();
    assert!(asked.is_empty(), "somebody was asked: {asked:?}");
}

/// Nothing of the map became part of the program.
fn nothing_ran(window: &Window) {
    let script = "return {ran: window.__ran ?? null,
        parts: [...document.querySelectorAll('iframe, video, object, embed, body script, style[src], [onload], [onerror]')].map((e) => e.outerHTML.slice(0, 200)),
        links: [...document.querySelectorAll('a')].map((a) => a.href).filter((href) => href !== '' && !/^(https?|mailto|tel|geo):/.test(href)),
        pictures: [...document.querySelectorAll('img')].map((i) => i.src).filter((src) => !/^(blob:|tauri:|data:image)/.test(src))}";
    let found = window.js(script, json!([]));
    assert_eq!(found, json!({"ran": null, "parts": [], "links": [], "pictures": []}));
}
