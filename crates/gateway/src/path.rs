//! The request's `:path`, taken apart by the one form that is accepted: `/service/method`.
//!
//! There is nothing to canonicalise because nothing but the canonical form passes: no percent
//! escapes, no `.` or `..` segments, no doubled or trailing strokes, no query. What is
//! authorised is therefore, byte for byte, what the provider sees.

use ndxp_model::{Reason, Refusal, ServiceName};

/// Longest method name, as for services.
const METHOD_BYTES_MAX: usize = 255;

/// Which method of which service is called.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CallPath {
    pub service: ServiceName,
    pub method: String,
}

impl CallPath {
    /// # Errors
    /// `MALFORMED_REQUEST` for every other form.
    pub fn parse(path: &str) -> Result<Self, Refusal> {
        let malformed = || {
            let shown: String = path.chars().take(120).collect();
            let detail = format!(
                "path {shown:?} is not /package.Service/Method with plain identifiers, without \
                 escapes, dots between strokes or a query"
            );
            Refusal::new(Reason::MalformedRequest, detail)
        };
        let (service, method) = path
            .strip_prefix('/')
            .and_then(|rest| rest.split_once('/'))
            .ok_or_else(malformed)?;
        if !is_method(method) {
            return Err(malformed());
        }
        let service = service.parse().map_err(|_| malformed())?;
        Ok(Self {
            service,
            method: method.to_owned(),
        })
    }
}

fn is_method(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= METHOD_BYTES_MAX
        && bytes
            .next()
            .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_form_passes() {
        let path = CallPath::parse("/a.b.Service/Method").unwrap();
        assert_eq!(
            (path.service.as_str(), path.method.as_str()),
            ("a.b.Service", "Method")
        );
        for refused in [
            "",
            "/",
            "*",
            "//",
            "/a",
            "/a/",
            "//a/b",
            "/a/b/",
            "/a//b",
            "/a/b/c",
            "a/b",
            "/../a/b",
            "/a/..",
            "/./b",
            "/a/.",
            "/a%2eb/c",
            "/a/b%00",
            "/a/b?c",
            "/a/b#c",
            "/a/b;c",
            "/a b/c",
            "/A/b\u{0}",
            "/a/b ",
            "/\u{e9}/b",
            "http://host/a/b",
        ] {
            let reason = CallPath::parse(refused).map_err(|refusal| refusal.reason);
            assert_eq!(reason, Err(Reason::MalformedRequest), "{refused:?}");
        }
    }
}
