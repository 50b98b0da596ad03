//! The observe port: what monitoring asks over plain HTTP/1.1. `/metrics` in Prometheus' text
//! form, `/live` while the process answers at all, `/ready` while it takes calls, with the
//! reasons where it does not. One request for each connection, in bounded time and size.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus::{Encoder as _, Registry, TextEncoder};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::accept::{Door, Place};

/// Whether the hub takes calls.
pub trait Readiness: Send + Sync {
    /// Why it does not, one reason a line; none means that it does.
    fn reasons(&self) -> Vec<String>;
}

impl<F: Fn() -> Vec<String> + Send + Sync> Readiness for F {
    fn reasons(&self) -> Vec<String> {
        self()
    }
}

/// What the port answers from.
#[derive(Clone)]
pub struct Observe {
    pub metrics: Registry,
    pub readiness: Arc<dyn Readiness>,
}

/// From accept to the last byte of the answer.
const CONNECTION_MAX: Duration = Duration::from_secs(10);

/// The request's head; hyper takes no less.
const HEAD_BYTES_MAX: usize = 8_192;

impl Observe {
    /// Serves until dropped.
    pub async fn serve(self, listener: TcpListener, connections_max: usize) -> Infallible {
        let door = Door::new(listener, "observe", connections_max);
        let mut connections = JoinSet::new();
        loop {
            let (stream, place) = door.next().await;
            while connections.try_join_next().is_some() {}
            connections.spawn(self.clone().connection(stream, place));
        }
    }

    async fn connection(self, stream: TcpStream, _place: Place) {
        let answer = service_fn(|req: Request<Incoming>| {
            let answer = self.answer(req.method(), req.uri().path());
            async { Ok::<_, Infallible>(answer) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(CONNECTION_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), answer);
        match tokio::time::timeout(CONNECTION_MAX, connection).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "observe connection broke off"),
            Err(_) => tracing::debug!("observe connection cut for its time"),
        }
    }

    fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        let known = matches!(path, "/metrics" | "/live" | "/ready");
        if known && method != Method::GET && method != Method::HEAD {
            let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
            answer
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        match path {
            "/metrics" => self.metrics(),
            "/live" => text(StatusCode::OK, "live\n"),
            "/ready" => self.ready(),
            _ => text(
                StatusCode::NOT_FOUND,
                "there are /metrics, /live and /ready\n",
            ),
        }
    }

    fn metrics(&self) -> Response<Full<Bytes>> {
        let mut body = Vec::new();
        match TextEncoder::new().encode(&self.metrics.gather(), &mut body) {
            Ok(()) => text(StatusCode::OK, body),
            Err(error) => {
                tracing::error!(%error, "metrics could not be written");
                text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n"))
            }
        }
    }

    fn ready(&self) -> Response<Full<Bytes>> {
        let reasons = self.readiness.reasons();
        if reasons.is_empty() {
            return text(StatusCode::OK, "ready\n");
        }
        text(StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n")
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, PLAIN);
    answer
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Mutex;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    struct Port {
        address: SocketAddr,
        reasons: Arc<Mutex<Vec<String>>>,
        _serving: JoinSet<Infallible>,
    }

    async fn port(connections_max: usize) -> Port {
        let metrics = Registry::new();
        let counter = prometheus::IntCounter::new("ndxp_test_total", "A test.").unwrap();
        counter.inc_by(7);
        metrics.register(Box::new(counter)).unwrap();
        let reasons = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&reasons);
        let readiness = Arc::new(move || told.lock().unwrap().clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(Observe { metrics, readiness }.serve(listener, connections_max));
        Port {
            address,
            reasons,
            _serving: serving,
        }
    }

    async fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn get(address: SocketAddr, path: &str) -> (u16, String) {
        let answer = ask(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (
            head.split(' ').nth(1).unwrap().parse().unwrap(),
            body.to_owned(),
        )
    }

    #[tokio::test]
    async fn metrics_are_prometheus_text() {
        let port = port(8).await;
        let (status, body) = get(port.address, "/metrics").await;
        assert_eq!(status, 200);
        assert!(body.ends_with("ndxp_test_total 7\n"), "{body}");
    }

    #[tokio::test]
    async fn a_hub_that_is_not_ready_says_why_and_still_lives() {
        let port = port(8).await;
        assert_eq!(
            get(port.address, "/ready").await,
            (200, "ready\n".to_owned())
        );
        *port.reasons.lock().unwrap() = vec!["journal: out of space".into(), "stopping".into()];
        let expected = "journal: out of space\nstopping\n".to_owned();
        assert_eq!(get(port.address, "/ready").await, (503, expected));
        assert_eq!(get(port.address, "/live").await, (200, "live\n".to_owned()));
    }

    #[tokio::test]
    async fn other_paths_and_methods_are_refused() {
        let port = port(8).await;
        assert_eq!(get(port.address, "/").await.0, 404);
        let answer = ask(port.address, "POST /ready HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("allow: GET, HEAD"));
        let long = format!(
            "GET /live HTTP/1.1\r\nX: {}\r\n\r\n",
            "x".repeat(HEAD_BYTES_MAX)
        );
        let answer = ask(port.address, &long).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }

    #[tokio::test]
    async fn a_connection_above_the_limit_is_closed_and_its_place_comes_back() {
        let port = port(1).await;
        let mut first = TcpStream::connect(port.address).await.unwrap();
        first.write_all(b"GET /live HTTP/1.1\r\n").await.unwrap();
        let mut second = TcpStream::connect(port.address).await.unwrap();
        assert_eq!(
            second.read(&mut [0; 1]).await.unwrap_or(0),
            0,
            "closed unheard"
        );
        first.write_all(b"Host: x\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        first.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("live\n"), "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_never_asks_is_cut() {
        let port = port(1).await;
        let mut silent = TcpStream::connect(port.address).await.unwrap();
        // Paused time runs to the next timer as soon as nothing else can happen.
        let mut answer = Vec::new();
        silent.read_to_end(&mut answer).await.unwrap();
        let text = String::from_utf8(answer).unwrap();
        assert!(
            text.is_empty() || text.starts_with("HTTP/1.1 408 "),
            "{text}"
        );
    }
}
