//! The link against a real uMap server: `tests/support/umap-server.sh start` from the top of the
//! project gives one, and `BIVOUAC_TEST_UMAP` says where it is. Without it these tests fail.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod account;
mod https;
mod layers;
mod maps;
mod room;
#[path = "../support/tls_end.rs"]
mod tls_end;

use bivouac_link::{Client, CreatedMap, LayerSave, LonLat, NewMap, Policy};

/// The server under test.
pub fn server() -> String {
    std::env::var("BIVOUAC_TEST_UMAP").expect(
        "set BIVOUAC_TEST_UMAP to the URL of a running uMap server, such as http://127.0.0.1:8800 \
         (tests/support/umap-server.sh start makes one)",
    )
}

/// The password of admin, alice, bob and carol.
pub fn password() -> String {
    std::env::var("BIVOUAC_TEST_UMAP_PASSWORD").unwrap_or_else(|_| "umap-test-pw".to_owned())
}

/// A client that nobody has signed in with.
pub fn nobody() -> Client {
    Client::new(&server(), &Policy::default()).unwrap()
}

/// A client of a user.
pub async fn signed_in(user: &str) -> Client {
    let client = nobody();
    client.sign_in(user, &password()).await.unwrap();
    client
}

/// A map to be created.
pub fn new_map(name: &str) -> NewMap {
    NewMap {
        name: name.to_owned(),
        center: LonLat { lon: 7.5, lat: 51.25 },
        settings: r#"{"zoom":7,"syncEnabled":true,"color":"Lime","x-ours":{"b":1.0,"a":[1e2]}}"#.to_owned(),
        tags: vec!["hiking".to_owned(), "food".to_owned()],
        is_template: false,
    }
}

/// A new map of the client's.
pub async fn a_map(client: &Client) -> CreatedMap {
    client.create_map(new_map("A map")).await.unwrap()
}

/// A layer with these features, each `(id, name)`.
pub fn layer(id: &str, features: &[(&str, &str)]) -> LayerSave {
    let features: Vec<String> = features
        .iter()
        .map(|(id, name)| {
            format!(
                r#"{{"type":"Feature","geometry":{{"type":"Point","coordinates":[1.5,2.25]}},"properties":{{"name":"{name}"}},"id":"{id}"}}"#
            )
        })
        .collect();
    LayerSave {
        id: id.to_owned(),
        name: "Paths".to_owned(),
        rank: 3,
        parent: None,
        settings: r#"{"name":"Paths","browsable":true}"#.to_owned(),
        display_on_load: true,
        geojson: format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(",")),
    }
}

/// A fresh UUID.
pub fn uuid() -> String {
    uuid::Uuid::new_v4().to_string()
}
