//! The only room that names the HTTP library: a small server for what kylo itself answers.
//!
//! It speaks HTTP/1.1, limits connections, headers and time, and knows nothing of what a [`Site`] says.

use crate::error::{Error, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Connections served at once; more wait in the system's queue.
const CONNECTIONS: usize = 64;
/// Longest wait for a request's head, also between two requests of one connection.
const HEAD_LIMIT: Duration = Duration::from_secs(30);
/// Longest a site may think about one answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Bytes of a request's head.
const HEAD_BYTES: usize = 16 << 10;
/// Pause after an accept that failed (too many open files), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl Reply {
    /// A plain text and its status code.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Reply { status, content_type: "text/plain; charset=utf-8", body: body.into() }
    }
}

/// The future of one answer; `None`: there is no such page.
pub type ReplyFuture<'a> = Pin<Box<dyn Future<Output = Option<Reply>> + Send + 'a>>;

/// What is served.
pub trait Site: Send + Sync + 'static {
    /// Answers a GET (or HEAD) of `path`, which comes without its query.
    fn get<'a>(&'a self, path: &'a str) -> ReplyFuture<'a>;
}

/// A server that has its port and does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Takes `address`; port 0 takes a free one. Errors: the port is taken or not allowed.
    pub async fn bind(address: SocketAddr) -> Result<Self> {
        let failed = |error: std::io::Error| {
            let failed = Error::failed(format!("listening on {address}")).source(&error);
            match error.kind() {
                std::io::ErrorKind::AddrInUse => failed.hint("port 0 takes a free one and says which"),
                _ => failed,
            }
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Server { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers with `site` until the future is dropped, which closes every connection.
    pub async fn serve(self, site: Arc<dyn Site>) {
        let free = Arc::new(Semaphore::new(CONNECTIONS));
        // Dropped with this future, and takes the connections along.
        let mut connections = tokio::task::JoinSet::new();
        loop {
            // The semaphore is never closed.
            let Ok(permit) = free.clone().acquire_owned().await else { return };
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::debug!(%error, "accepting a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            while connections.try_join_next().is_some() {}
            let site = site.clone();
            connections.spawn(async move {
                answer_all(stream, site).await;
                drop(permit);
            });
        }
    }
}

async fn answer_all(stream: TcpStream, site: Arc<dyn Site>) {
    let answer = service_fn(move |request| {
        let site = site.clone();
        async move { Ok::<_, Infallible>(answer(&request, &*site).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), answer)
        .await;
    if let Err(error) = served {
        // Whoever asked went away or spoke no HTTP: their affair.
        tracing::debug!(%error, "serving a connection");
    }
}

async fn answer(request: &Request<Incoming>, site: &dyn Site) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = response(Reply::text(405, "only GET and HEAD\n"));
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let reply = match tokio::time::timeout(ANSWER_LIMIT, site.get(request.uri().path())).await {
        Ok(Some(reply)) => reply,
        Ok(None) => Reply::text(404, "no such page\n"),
        Err(_) => Reply::text(503, "the answer took too long\n"),
    };
    response(reply)
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let Reply { status, content_type, body } = reply;
    let mut response = Response::new(Full::new(Bytes::from(body)));
    // A code that is none would be a fault of ours.
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Says the path it was asked for; knows `/never`, which it never answers.
    struct Echo;

    impl Site for Echo {
        fn get<'a>(&'a self, path: &'a str) -> ReplyFuture<'a> {
            Box::pin(async move {
                match path {
                    "/none" => None,
                    "/never" => std::future::pending().await,
                    path => Some(Reply::text(200, format!("you asked for {path}\n"))),
                }
            })
        }
    }

    async fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn served() -> (SocketAddr, tokio::task::JoinHandle<()>) {
        let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        (server.address(), tokio::spawn(server.serve(Arc::new(Echo))))
    }

    #[tokio::test]
    async fn pages_are_answered_and_everything_else_is_refused() {
        let (address, _task) = served().await;
        let table = [
            ("GET /a?q=1 HTTP/1.1", "HTTP/1.1 200 OK", "you asked for /a\n"),
            ("HEAD /a HTTP/1.1", "HTTP/1.1 200 OK", ""),
            ("GET /none HTTP/1.1", "HTTP/1.1 404 Not Found", "no such page\n"),
            ("POST /a HTTP/1.1", "HTTP/1.1 405 Method Not Allowed", "only GET and HEAD\n"),
            ("nonsense", "HTTP/1.1 400 Bad Request", ""),
        ];
        for (line, status, body) in table {
            let answer = ask(address, &format!("{line}\r\nhost: x\r\nconnection: close\r\n\r\n")).await;
            assert!(answer.starts_with(status), "{line}: {answer}");
            assert_eq!(answer.split_once("\r\n\r\n").map(|(_, body)| body), Some(body), "{line}: {answer}");
        }
        let long = format!("GET /{} HTTP/1.1\r\nconnection: close\r\n\r\n", "a".repeat(HEAD_BYTES));
        let answer = ask(address, &long).await;
        assert!(answer.starts_with("HTTP/1.1 414") || answer.starts_with("HTTP/1.1 431"), "{answer}");
    }

    #[tokio::test]
    async fn more_than_a_few_silent_connections_are_no_trouble_and_an_answer_has_a_limit() {
        let (address, task) = served().await;
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS - 1 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let answer = ask(address, "GET /b HTTP/1.1\r\nconnection: close\r\n\r\n").await;
        assert!(answer.ends_with("you asked for /b\n"), "{answer}");
        tokio::time::pause();
        let answer = ask(address, "GET /never HTTP/1.1\r\nconnection: close\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        task.abort();
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_named() {
        let (address, _task) = served().await;
        let error = Server::bind(address).await.unwrap_err();
        assert_eq!(error.message(), format!("listening on {address}"));
        assert_eq!(error.hints(), ["port 0 takes a free one and says which"]);
    }
}
