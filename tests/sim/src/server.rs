//! The skin over HTTP: one loopback port for all services, which are told apart by the credential scope.
//!
//! Real sockets and real time; what a request meets is decided by the handle, as in process. It speaks HTTP/1.1
//! without TLS and is no place to reach from another machine.

use crate::sim::{Delivery, Sim};
use crate::torn::TornBody;
use crate::wire::{Reply, Request};
use bytes::Bytes;
use http::{HeaderValue, Response};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A running server; it stops when it is dropped.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl HttpServer {
    /// Serves `sim` at `address`, such as `127.0.0.1:0`.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(sim: &Sim, address: SocketAddr) -> io::Result<Self> {
        Self::bind_regions(vec![sim.clone()], address).await
    }

    /// Serves several accounts and regions: a request goes to the region that it is signed for, and of several accounts there
    /// to that of the role it is signed in; to the first when there is none.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind_regions(sims: Vec<Sim>, address: SocketAddr) -> io::Result<Self> {
        Sim::acquaint(&sims);
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(accept(listener, sims.into()));
        Ok(Self { address, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What `AWS_ENDPOINT_URL` is to be.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, sims: Arc<[Sim]>) {
    // Dropped with the task, and every connection with it, those that hang among them.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream, Arc::clone(&sims)));
        }
    }
}

async fn serve(stream: TcpStream, sims: Arc<[Sim]>) {
    // An answer is one write; waiting for more would only delay it.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| handle(request, Arc::clone(&sims)));
    // An error here is a connection that the simulator or the client broke on purpose.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn handle(
    request: http::Request<Incoming>,
    sims: Arc<[Sim]>,
) -> io::Result<Response<BoxBody<Bytes, io::Error>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let header = |name: &str| parts.headers.get(name)?.to_str().ok().map(str::to_owned);
    let request = Request {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        authorization: header("authorization"),
        target: header("x-amz-target"),
        body,
    };
    match Sim::for_request(&sims, &request).exchange(&request).await {
        Delivery::Whole(reply) => {
            let body = Full::new(reply.body.clone()).map_err(|never| match never {}).boxed();
            Ok(respond(&reply, body))
        }
        Delivery::Torn(reply) => Ok(respond(&reply, TornBody::half_of(&reply.body).boxed())),
        // Hyper closes the connection without an answer; a refusal cannot be told from that over a real socket.
        Delivery::Reset | Delivery::Refused => Err(io::ErrorKind::ConnectionReset.into()),
    }
}

fn respond(reply: &Reply, body: BoxBody<Bytes, io::Error>) -> Response<BoxBody<Bytes, io::Error>> {
    let mut response = Response::new(body);
    *response.status_mut() =
        http::StatusCode::from_u16(reply.status).expect("the simulator answers with valid statuses");
    for (name, value) in &reply.headers {
        let value = HeaderValue::from_str(value).expect("the simulator answers with valid headers");
        response.headers_mut().insert(*name, value);
    }
    response
}
