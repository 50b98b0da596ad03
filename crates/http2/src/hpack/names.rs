//! The static table of RFC 7541, appendix A, and what a field is.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};

use super::STATIC_ENTRIES;

/// A field of a header list.
#[derive(Clone, Debug)]
pub enum Field {
    Pseudo(Pseudo, Bytes),
    Regular(HeaderName, HeaderValue),
}

/// What HTTP/2 says in fields that no HTTP header can be named like: RFC 9113, section 8.3.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pseudo {
    Authority,
    Method,
    Path,
    Protocol,
    Scheme,
    Status,
}

/// The static table, in order; where a pair has no value it is empty.
pub const STATIC: [(&str, &str); STATIC_ENTRIES] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

/// The same, as fields.
static FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let field = |(name, value): &(&'static str, &'static str)| match Pseudo::named(name.as_bytes())
    {
        Some(pseudo) => Field::Pseudo(pseudo, Bytes::from_static(value.as_bytes())),
        None => Field::Regular(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        ),
    };
    STATIC.iter().map(field).collect()
});

/// The entry at an index, which begins with 1.
pub fn static_field(index: usize) -> Option<&'static Field> {
    FIELDS.get(index.checked_sub(1)?)
}

impl Pseudo {
    pub fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b":authority" => Self::Authority,
            b":method" => Self::Method,
            b":path" => Self::Path,
            b":protocol" => Self::Protocol,
            b":scheme" => Self::Scheme,
            b":status" => Self::Status,
            _ => return None,
        })
    }

    /// Whether such a field has a text of this kind.
    pub fn can_be(self, text: &[u8]) -> bool {
        match self {
            Self::Method => Method::from_bytes(text).is_ok(),
            Self::Status => StatusCode::from_bytes(text).is_ok(),
            _ => std::str::from_utf8(text).is_ok(),
        }
    }

    fn name_bytes(self) -> usize {
        match self {
            Self::Authority => 10,
            Self::Method | Self::Scheme | Self::Status => 7,
            Self::Path => 5,
            Self::Protocol => 9,
        }
    }
}

impl Field {
    /// What it counts in a table and in the size of a header list: RFC 9113, section 6.5.2.
    #[must_use]
    pub fn bytes(&self) -> usize {
        super::ENTRY_BYTES
            + match self {
                Self::Pseudo(pseudo, value) => pseudo.name_bytes() + value.len(),
                Self::Regular(name, value) => name.as_str().len() + value.len(),
            }
    }
}
