//! Header lists on their way from fields to a request, an answer's head or trailers.

use std::ops::ControlFlow;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};

use crate::hpack::{Field, Pseudo};

/// A list that is larger than what is allowed is read on, because the tables need it, up to so many times
/// that: what a peer that errs may send. Whoever sends more is told to go.
const READ_ON_FACTOR: usize = 4;

/// A header list that is being read.
#[derive(Debug)]
pub struct FieldList {
    authority: Option<Bytes>,
    method: Option<Bytes>,
    path: Option<Bytes>,
    protocol: bool,
    scheme: Option<Bytes>,
    status: Option<Bytes>,
    pub fields: HeaderMap,
    bytes: usize,
    bytes_max: usize,
    regular_seen: bool,
    malformed: bool,
}

/// Why a header list cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unusable {
    /// It says something that none may; its stream ends.
    Malformed,
    /// It is larger than allowed, and was not kept.
    TooLarge,
}

impl FieldList {
    /// With room for so many fields, beyond which it has to grow.
    #[must_use]
    pub fn new(bytes_max: usize, fields: usize) -> Self {
        Self {
            authority: None,
            method: None,
            path: None,
            protocol: false,
            scheme: None,
            status: None,
            fields: HeaderMap::with_capacity(fields),
            bytes: 0,
            bytes_max,
            regular_seen: false,
            malformed: false,
        }
    }

    /// Takes a field; breaks when there were far too many.
    pub fn take(&mut self, field: Field) -> ControlFlow<()> {
        self.bytes = self.bytes.saturating_add(field.bytes());
        if self.is_abuse() {
            return ControlFlow::Break(());
        }
        if self.bytes >= self.bytes_max {
            return ControlFlow::Continue(());
        }
        match field {
            Field::Pseudo(pseudo, value) => self.take_pseudo(pseudo, value),
            Field::Regular(name, value) => self.take_regular(name, value),
        }
        ControlFlow::Continue(())
    }

    /// Whether nobody who errs sends this much.
    #[must_use]
    pub fn is_abuse(&self) -> bool {
        self.bytes > self.bytes_max.saturating_mul(READ_ON_FACTOR)
    }

    fn take_pseudo(&mut self, pseudo: Pseudo, value: Bytes) {
        let place = match pseudo {
            Pseudo::Authority => &mut self.authority,
            Pseudo::Method => &mut self.method,
            Pseudo::Path => &mut self.path,
            Pseudo::Scheme => &mut self.scheme,
            Pseudo::Status => &mut self.status,
            Pseudo::Protocol => {
                self.protocol = true;
                return;
            }
        };
        // They come first, and each once: section 8.3.
        self.malformed |= self.regular_seen || place.is_some();
        *place = Some(value);
    }

    fn take_regular(&mut self, name: HeaderName, value: HeaderValue) {
        self.regular_seen = true;
        if is_of_the_connection(&name) || (name == header::TE && value != "trailers") {
            self.malformed = true;
            return;
        }
        if self.fields.try_append(name, value).is_err() {
            // More different names than a map holds.
            self.bytes = self.bytes.max(self.bytes_max);
        }
    }

    fn check(&self) -> Result<(), Unusable> {
        match (self.malformed, self.bytes >= self.bytes_max) {
            (true, _) => Err(Unusable::Malformed),
            (_, true) => Err(Unusable::TooLarge),
            _ => Ok(()),
        }
    }

    /// The list as a request's.
    pub fn into_request(self) -> Result<Request<()>, Unusable> {
        self.check()?;
        if self.status.is_some() || self.protocol {
            return Err(Unusable::Malformed);
        }
        let method = self.method.ok_or(Unusable::Malformed)?;
        let method = Method::from_bytes(&method).map_err(|_| Unusable::Malformed)?;
        // Whoever wants to connect names an authority alone: section 8.5. Who asks for nothing is told by
        // whoever reads the path.
        let connects = method == Method::CONNECT;
        if connects == self.scheme.is_some() || (connects && self.path.is_some()) {
            return Err(Unusable::Malformed);
        }
        let mut uri = http::uri::Parts::default();
        if let Some(path) = self.path {
            if path.is_empty() {
                return Err(Unusable::Malformed);
            }
            let path = PathAndQuery::from_maybe_shared(path);
            uri.path_and_query = Some(path.map_err(|_| Unusable::Malformed)?);
        }
        let scheme = self.scheme.map(|scheme| Scheme::try_from(&*scheme));
        let scheme = scheme.transpose().map_err(|_| Unusable::Malformed)?;
        if let Some(authority) = self.authority {
            let authority = Authority::from_maybe_shared(authority);
            uri.authority = Some(authority.map_err(|_| Unusable::Malformed)?);
            // Without an authority, a URI has no scheme.
            uri.scheme = scheme;
        }
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() = http::Uri::from_parts(uri).map_err(|_| Unusable::Malformed)?;
        *request.version_mut() = http::Version::HTTP_2;
        *request.headers_mut() = self.fields;
        Ok(request)
    }

    /// The list as the head of an answer.
    pub fn into_response(self) -> Result<Response<()>, Unusable> {
        self.check()?;
        let status = self.status.ok_or(Unusable::Malformed)?;
        let mut response = Response::new(());
        let status = StatusCode::from_bytes(&status);
        *response.status_mut() = status.map_err(|_| Unusable::Malformed)?;
        *response.version_mut() = http::Version::HTTP_2;
        *response.headers_mut() = self.fields;
        Ok(response)
    }

    /// The list as trailers.
    pub fn into_trailers(self) -> Result<HeaderMap, Unusable> {
        self.check()?;
        let pseudo = [
            &self.authority,
            &self.method,
            &self.path,
            &self.scheme,
            &self.status,
        ];
        if self.protocol || pseudo.into_iter().any(Option::is_some) {
            return Err(Unusable::Malformed);
        }
        Ok(self.fields)
    }
}

/// Fields that HTTP/1 has for its connections and HTTP/2 has not: section 8.2.2.
fn is_of_the_connection(name: &HeaderName) -> bool {
    [
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ]
    .contains(name)
        || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

/// The length of the content that a list announces; an error where it announces two, or none that is one.
pub fn content_length(fields: &HeaderMap) -> Result<Option<u64>, Unusable> {
    let mut announced = None;
    for value in fields.get_all(header::CONTENT_LENGTH) {
        let digits = value.as_bytes();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(Unusable::Malformed);
        }
        let text = value.to_str().map_err(|_| Unusable::Malformed)?;
        let length = text.parse().map_err(|_| Unusable::Malformed)?;
        if announced.is_some_and(|before: u64| before != length) {
            return Err(Unusable::Malformed);
        }
        announced = Some(length);
    }
    Ok(announced)
}
