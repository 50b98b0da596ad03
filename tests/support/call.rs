//! A gRPC call on the bare wire, and its answer exactly as it came.

use bytes::Bytes;
use h2::RecvStream;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, TE};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};

/// The head of a call.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
}

impl Call {
    pub fn to(path: impl Into<String>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
        Self {
            method: Method::POST,
            path: path.into(),
            headers,
        }
    }

    /// Adds a value behind those that the name has.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("tests write plain values");
        self.headers.append(HeaderName::from_static(name), value);
        self
    }

    /// Puts the value in place of those that the name has.
    pub fn instead(mut self, name: &'static str, value: &str) -> Self {
        self.headers.remove(name);
        self.with(name, value)
    }

    pub fn provider(self, system: &str) -> Self {
        self.with("ndxp-provider", system)
    }

    pub fn request(&self) -> Request<()> {
        let uri = Uri::builder().scheme("https").authority("localhost");
        let uri = uri.path_and_query(self.path.as_str()).build();
        let mut request = Request::new(());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri.expect("tests write what a client can send");
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// One gRPC message, framed.
pub fn message(content: &[u8]) -> Bytes {
    framed(0, content)
}

/// The same under other flags.
pub fn framed(flags: u8, content: &[u8]) -> Bytes {
    let length = u32::try_from(content.len()).expect("tests send small messages");
    [&[flags], &length.to_be_bytes()[..], content]
        .concat()
        .into()
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Absent where the headers ended the stream.
    pub trailers: Option<HeaderMap>,
}

impl Answer {
    /// Reads the answer to its end.
    pub async fn read(response: Response<RecvStream>) -> Result<Self, h2::Error> {
        let (head, mut body) = response.into_parts();
        let trailers_only = body.is_end_stream();
        let mut bytes = Vec::new();
        while let Some(chunk) = body.data().await {
            let chunk = chunk?;
            bytes.extend_from_slice(&chunk);
            // An error means that the stream is over, and its window with it.
            let _over = body.flow_control().release_capacity(chunk.len());
        }
        let trailers = body.trailers().await?;
        Ok(Self {
            status: head.status,
            headers: head.headers,
            body: bytes,
            trailers: if trailers_only {
                None
            } else {
                Some(trailers.unwrap_or_default())
            },
        })
    }

    pub fn is_trailers_only(&self) -> bool {
        self.trailers.is_none()
    }

    /// What ended the answer, wherever it stood.
    pub fn ending(&self) -> &HeaderMap {
        self.trailers.as_ref().unwrap_or(&self.headers)
    }

    #[track_caller]
    pub fn grpc_status(&self) -> u32 {
        let status = value(self.ending(), "grpc-status");
        status.parse().expect("grpc-status is a number")
    }

    /// As the hub names it in headers, or in a trailers-only answer.
    #[track_caller]
    pub fn transaction_id(&self) -> &str {
        value(&self.headers, "ndxp-transaction-id")
    }
}

/// The one value of a name.
#[track_caller]
pub fn value<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        panic!("{name} does not stand once in {headers:?}");
    };
    value.to_str().expect("it is printable")
}
