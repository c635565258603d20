//! The HTTP face: `/metrics`, `/healthz`, `/readyz`, `/status` and a page for people. Read only: no request changes
//! anything, and no AWS call is made for one.
//!
//! It is meant for a private network and still bounded everywhere: one request a connection, a deadline for the
//! headers, for the answer and for the connection as a whole, and a number of connections beyond which the oldest
//! gives way: an honest client is done in milliseconds, so the oldest is the slow one.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use super::audience::Telemetry;
use super::page;

/// Scrapers, probes and some people; each is done within milliseconds.
const CONNECTIONS_MAX: usize = 64;
/// For the request's head to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// For an answer to be made.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// For a connection from first to last byte: the status of many thousand interfaces over a thin line.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);
/// For running answers to end after the process was asked to; the process itself has 10 s.
const GRACE: Duration = Duration::from_secs(2);
/// No request here has a body.
const BODY_MAX_BYTES: usize = 1024;
/// A head longer than this is not for us.
const HEAD_MAX_BYTES: usize = 16 * 1024;

/// Serves until cancelled, then lets running answers end within two seconds.
pub async fn serve(listener: TcpListener, telemetry: Arc<Telemetry>, stop: CancellationToken) {
    let router = router(telemetry);
    let mut listener = listener;
    let mut connections = Connections::default();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.tasks.join_next() => {}
            (stream, _) = Listener::accept(&mut listener) => connections.add(stream, &router, &stop),
        }
    }
    drop(listener);
    // Whoever is not done by then is cut off when the set is dropped.
    let _ =
        tokio::time::timeout(GRACE, async { while connections.tasks.join_next().await.is_some() {} }).await;
}

#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    /// The oldest first.
    order: VecDeque<AbortHandle>,
}

impl Connections {
    fn add(&mut self, stream: TcpStream, router: &Router, stop: &CancellationToken) {
        self.order.retain(|task| !task.is_finished());
        if self.order.len() >= CONNECTIONS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            oldest.abort();
        }
        let task = self.tasks.spawn(converse(stream, router.clone(), stop.clone()));
        self.order.push_back(task);
    }
}

async fn converse(stream: TcpStream, router: Router, stop: CancellationToken) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_MAX_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::time::timeout(CONNECTION_TIMEOUT, async {
        tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    });
    match ended.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a client's connection broke"),
        Err(_) => tracing::debug!("a client's connection took too long"),
    }
}

/// The routes by themselves, for a server of one's own.
pub fn router(telemetry: Arc<Telemetry>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/status", get(status))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, ANSWER_TIMEOUT))
        .layer(RequestBodyLimitLayer::new(BODY_MAX_BYTES))
        .with_state(telemetry)
}

/// Answers tell the state of this moment, to readers that take them for what they say they are.
const COMMON: [(HeaderName, &str); 2] =
    [(header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];

fn answer(code: StatusCode, content_type: &'static str, body: impl IntoResponse) -> Response {
    (code, [(header::CONTENT_TYPE, content_type)], COMMON, body).into_response()
}

fn text(code: StatusCode, body: String) -> Response {
    answer(code, "text/plain; charset=utf-8", body)
}

async fn metrics(State(telemetry): State<Arc<Telemetry>>) -> Response {
    answer(StatusCode::OK, prometheus::TEXT_FORMAT, telemetry.exposition())
}

async fn healthz(State(telemetry): State<Arc<Telemetry>>) -> Response {
    let stuck = telemetry.stuck();
    if stuck.is_empty() {
        return text(StatusCode::OK, "ok\n".to_owned());
    }
    let mut body = String::new();
    for (target, time) in stuck {
        let _ = writeln!(body, "stuck: target `{target}` has completed no pass for {} s", time.as_secs());
    }
    text(StatusCode::SERVICE_UNAVAILABLE, body)
}

async fn readyz(State(telemetry): State<Arc<Telemetry>>) -> Response {
    let Some(waiting) = telemetry.unready() else {
        return text(StatusCode::SERVICE_UNAVAILABLE, "waiting: there is no configuration yet\n".to_owned());
    };
    if waiting.is_empty() {
        return text(StatusCode::OK, "ok\n".to_owned());
    }
    let mut body = String::new();
    for target in waiting {
        let _ = writeln!(body, "waiting: target `{target}` has completed no pass yet");
    }
    text(StatusCode::SERVICE_UNAVAILABLE, body)
}

async fn status(State(telemetry): State<Arc<Telemetry>>) -> Response {
    match serde_json::to_vec(&telemetry.snapshot()) {
        Ok(body) => answer(StatusCode::OK, "application/json", body),
        Err(error) => {
            text(StatusCode::INTERNAL_SERVER_ERROR, format!("the status can't be written: {error}\n"))
        }
    }
}

async fn page(State(telemetry): State<Arc<Telemetry>>) -> Response {
    let body = page::render(&telemetry.snapshot(), Timestamp::now());
    let policy = [(header::CONTENT_SECURITY_POLICY, page::CONTENT_SECURITY_POLICY)];
    (policy, answer(StatusCode::OK, "text/html; charset=utf-8", body)).into_response()
}
