//! Where things are on the server: the templates that a map's document gives, with uMap 3.7's own as defaults.

use std::collections::BTreeMap;

use reqwest::Url;

use crate::error::LinkError;
use crate::policy::origin_of;

/// What is asked of the server, by uMap's own names for its addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    MapGeojson,
    MapCreate,
    MapUpdate,
    MapPermissions,
    MapDelete,
    WsToken,
    LayerView,
    LayerVersions,
    LayerVersion,
    LayerCreate,
    LayerUpdate,
    LayerDelete,
    Whoami,
    Login,
    Logout,
    WsSync,
}

impl Place {
    /// Whether the address holds this placeholder.
    pub(crate) fn needs(self, placeholder: &str) -> bool {
        self.name_and_default().1.contains(placeholder)
    }

    /// uMap's name in `properties.urls`, and the path of uMap 3.7.
    fn name_and_default(self) -> (&'static str, &'static str) {
        match self {
            Self::MapGeojson => ("map_geojson", "/en/map/{map_id}/geojson/"),
            Self::MapCreate => ("map_create", "/en/map/create/"),
            Self::MapUpdate => ("map_update", "/en/map/{map_id}/update/settings/"),
            Self::MapPermissions => ("map_update_permissions", "/en/map/{map_id}/update/permissions/"),
            Self::MapDelete => ("map_delete", "/en/map/{map_id}/update/delete/"),
            Self::WsToken => ("map_websocket_auth_token", "/en/map/{map_id}/ws-token/"),
            Self::LayerView => ("datalayer_view", "/en/datalayer/{map_id}/{pk}/"),
            Self::LayerVersions => ("datalayer_versions", "/en/datalayer/{map_id}/{pk}/versions/"),
            Self::LayerVersion => ("datalayer_version", "/en/datalayer/{map_id}/{pk}/{ref}"),
            Self::LayerCreate => ("datalayer_create", "/en/map/{map_id}/datalayer/create/{pk}/"),
            Self::LayerUpdate => ("datalayer_update", "/en/map/{map_id}/datalayer/update/{pk}/"),
            Self::LayerDelete => ("datalayer_delete", "/en/map/{map_id}/datalayer/delete/{pk}/"),
            Self::Whoami => ("whoami", "/en/whoami"),
            Self::Login => ("login", "/en/login/"),
            Self::Logout => ("logout", "/en/logout/"),
            Self::WsSync => ("ws_sync", "/ws/sync/{map_id}"),
        }
    }
}

/// The values of a template's placeholders; checked by the caller to be plain ids.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Ids<'a> {
    pub map: &'a str,
    pub layer: &'a str,
    pub reference: &'a str,
}

/// The server's address templates.
#[derive(Debug, Default, Clone)]
pub(crate) struct Urls {
    templates: BTreeMap<String, String>,
}

impl Urls {
    pub(crate) fn new(templates: BTreeMap<String, String>) -> Self {
        Self { templates }
    }

    /// The full address of a place. A template that leaves the server's origin, or holds a
    /// placeholder that we cannot fill, is passed over for the default.
    pub(crate) fn resolve(&self, root: &Url, place: Place, ids: Ids<'_>) -> Result<Url, LinkError> {
        let (name, default) = place.name_and_default();
        let given = self.templates.get(name).and_then(|template| fill(root, template, ids));
        given.or_else(|| fill(root, default, ids)).ok_or(LinkError::BadArgument {
            action: "making an address on the server",
            detail: "the ids do not fit into it",
        })
    }
}

fn fill(root: &Url, template: &str, ids: Ids<'_>) -> Option<Url> {
    let path = template.replace("{map_id}", ids.map).replace("{pk}", ids.layer).replace("{ref}", ids.reference);
    if path.contains(['{', '}']) {
        return None;
    }
    let url = root.join(&path).ok()?;
    (origin_of(&url) == origin_of(root)).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: Ids<'static> = Ids { map: "7", layer: "ab-c", reference: "123" };

    fn resolve(template: &str) -> String {
        let urls = Urls::new(BTreeMap::from([("datalayer_version".into(), template.into())]));
        let root = Url::parse("https://u.org/").unwrap();
        urls.resolve(&root, Place::LayerVersion, IDS).unwrap().to_string()
    }

    #[test]
    fn a_template_of_the_server_is_used() {
        assert_eq!(resolve("/fr/d/{map_id}/{pk}/{ref}"), "https://u.org/fr/d/7/ab-c/123");
        assert_eq!(resolve("https://u.org/x/{pk}"), "https://u.org/x/ab-c");
    }

    #[test]
    fn a_template_that_leaves_the_server_or_cannot_be_filled_is_not() {
        let default = "https://u.org/en/datalayer/7/ab-c/123";
        for bad in ["https://evil.org/{pk}", "//evil.org/{pk}", "http://u.org/{pk}", "/{other}/"] {
            assert_eq!(resolve(bad), default, "{bad}");
        }
    }
}
