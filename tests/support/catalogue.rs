//! Catalogues for `ndxp apply`, as an operator writes them.

use std::net::SocketAddr;

/// The text of a catalogue, item by item. What follows an item's key is further TOML lines.
#[derive(Clone, Default)]
pub struct Catalogue(String);

impl Catalogue {
    pub fn new() -> Self {
        Self::default()
    }

    /// A province (`H…`) or a ministry.
    pub fn member(self, code: &str, further: &str) -> Self {
        let class = if code.starts_with('H') {
            "province"
        } else {
            "ministry"
        };
        let name = format!("name_vi = \"Cơ quan {code}\"\nclass = \"{class}\"");
        self.item("member", &format!("code = \"{code}\"\n{name}\n{further}"))
    }

    /// An LGSP when it is named so, otherwise a database.
    pub fn system(self, id: &str, endpoints: &[SocketAddr], further: &str) -> Self {
        let kind = if id.ends_with("/lgsp") {
            "lgsp"
        } else {
            "database"
        };
        let endpoints: Vec<_> = endpoints.iter().map(ToString::to_string).collect();
        let endpoints = format!("endpoints = {endpoints:?}");
        self.item(
            "system",
            &format!("id = \"{id}\"\nkind = \"{kind}\"\n{endpoints}\n{further}"),
        )
    }

    pub fn service(self, provider: &str, name: &str, further: &str) -> Self {
        let keys = format!("provider = \"{provider}\"\nname = \"{name}\"\n{further}");
        self.item("service", &keys)
    }

    pub fn grant(self, consumer: &str, provider: &str, service: &str, further: &str) -> Self {
        let parties = format!("consumer = \"{consumer}\"\nprovider = \"{provider}\"");
        self.item(
            "grant",
            &format!("{parties}\nservice = \"{service}\"\n{further}"),
        )
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    fn item(mut self, kind: &str, keys: &str) -> Self {
        self.0.push_str(&format!("[[{kind}]]\n{keys}\n\n"));
        self
    }
}
