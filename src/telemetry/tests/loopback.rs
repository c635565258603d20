//! The server on a real socket: clients that are slow, many or rude, and the way it ends. Deadlines run on a paused
//! clock, which moves on by itself whenever nothing else can.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::telemetry::Telemetry;
use crate::telemetry::fixture::moment;
use crate::telemetry::http::serve;

struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

async fn server() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound listener");
    let stop = CancellationToken::new();
    let task = tokio::spawn(serve(listener, Arc::new(Telemetry::new(moment(0))), stop.clone()));
    Server { address, stop, task }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("the server accepts")
    }

    /// Sends this and reads until the server closes.
    async fn talk(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        rest_of(&mut stream).await
    }
}

async fn rest_of(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A connection that is cut off may end in a reset, which is an end as well.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

const REQUEST: &str = "GET /healthz HTTP/1.1\r\nHost: eipd\r\n\r\n";

#[tokio::test]
async fn a_request_is_answered_and_the_connection_closed() {
    let server = server().await;
    let answer = server.talk(REQUEST).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nok\n"), "{answer}");
    assert!(answer.contains("cache-control: no-store"), "{answer}");
}

#[tokio::test]
async fn a_body_is_not_wanted() {
    let server = server().await;
    let answer = server.talk("GET / HTTP/1.1\r\nHost: eipd\r\nContent-Length: 1000000\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let answer = server.talk("nonsense\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn a_client_that_never_finishes_its_head_is_hung_up_on() {
    let server = server().await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET / HTTP/1.1\r\nHost:").await.expect("the server reads");
    // The first answer shows that the server has taken the slow client on; only then may time pass.
    server.talk(REQUEST).await;
    tokio::time::pause();
    tokio::time::timeout(Duration::from_secs(6), rest_of(&mut slow)).await.expect("closed after 5 s");
}

#[tokio::test]
async fn idle_clients_do_not_keep_others_out() {
    let server = server().await;
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(server.connect().await);
    }
    let answer = server.talk(REQUEST).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(rest_of(&mut idle[0]).await, "", "the oldest gave way");
}

#[tokio::test]
async fn the_server_ends_within_its_grace_though_a_client_hangs() {
    let server = server().await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET / HTTP/1.1\r\n").await.expect("the server reads");
    server.talk(REQUEST).await;
    tokio::time::pause();
    server.stop.cancel();
    tokio::time::timeout(Duration::from_secs(3), server.task)
        .await
        .expect("in time")
        .expect("without a panic");
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
}
