//! One plain GET to a running daemon, with a deadline and a bounded body. No TLS, no redirects, no proxy, no retries.

use std::error::Error as StdError;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::url::BaseUrl;

/// From the first packet to the last byte of the answer.
const DEADLINE: Duration = Duration::from_secs(5);
/// Some 6 kB per interface for 10,000 interfaces: far more than a status has.
const BODY_BYTES_MAX: usize = 64 << 20;

/// What the daemon answered.
#[derive(Debug)]
pub(super) struct Answer {
    /// What was asked.
    pub(super) url: String,
    /// The status of the answer.
    pub(super) status: StatusCode,
    /// Its body.
    pub(super) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody answers there.
    #[error("no answer from {base}: {why}; hint: is `eipd run` running there?")]
    NoAnswer {
        /// Whom we asked.
        base: String,
        /// What the network said.
        why: String,
    },
    /// Somebody is there and takes too long.
    #[error("no answer from {base} within {}s; hint: is `eipd run` running there, or stuck?", DEADLINE.as_secs())]
    Late {
        /// Whom we asked.
        base: String,
    },
    /// The answer broke off.
    #[error("the answer of {url} broke off: {why}")]
    BrokenOff {
        /// What was asked.
        url: String,
        /// What the network said.
        why: String,
    },
    /// The answer is longer than anything that the daemon says.
    #[error("the answer of {url} is longer than {} MiB; hint: is another program listening there?", BODY_BYTES_MAX >> 20)]
    TooLong {
        /// What was asked.
        url: String,
    },
    /// The answer is not the one that was hoped for.
    #[error("{url} answered {status}{}", if body.is_empty() { String::new() } else { format!(": {body}") })]
    Refused {
        /// What was asked.
        url: String,
        /// The status of the answer.
        status: StatusCode,
        /// The first line of its body.
        body: String,
    },
}

impl Answer {
    /// The answer if it is a good one.
    ///
    /// # Errors
    /// When its status is anything but 200.
    pub(super) fn good(self) -> Result<Self, Error> {
        if self.status == StatusCode::OK {
            return Ok(self);
        }
        Err(Error::Refused { status: self.status, body: self.first_line(), url: self.url })
    }

    /// The first line of the body, cut to what a terminal takes.
    pub(super) fn first_line(&self) -> String {
        const SHOWN_CHARS_MAX: usize = 200;
        let start = &self.body[..self.body.len().min(4 * SHOWN_CHARS_MAX)];
        let text = String::from_utf8_lossy(start);
        let line = text.lines().next().unwrap_or_default().trim();
        line.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS_MAX).collect()
    }
}

/// Asks the daemon for a path, which begins with a `/`.
///
/// # Errors
/// When there is no whole answer in time; an answer of any status is no error here.
pub(super) async fn get(base: &BaseUrl, path: &str) -> Result<Answer, Error> {
    match tokio::time::timeout(DEADLINE, ask(base, path)).await {
        Ok(answer) => answer,
        Err(_elapsed) => Err(Error::Late { base: base.to_string() }),
    }
}

async fn ask(base: &BaseUrl, path: &str) -> Result<Answer, Error> {
    let url = format!("{base}{path}");
    let no_answer = |why: String| Error::NoAnswer { base: base.to_string(), why };
    let uri = url.parse().map_err(|error| no_answer(root(&error)))?;
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let response = client.get(uri).await.map_err(|error| no_answer(root(&error)))?;
    let (head, body) = response.into_parts();
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => Ok(Answer { url, status: head.status, body: body.to_bytes() }),
        Err(error) if error.is::<LengthLimitError>() => Err(Error::TooLong { url }),
        Err(error) => Err(Error::BrokenOff { url, why: root(error.as_ref()) }),
    }
}

/// The cause of all causes: the layers of a client above it say nothing that helps.
fn root(error: &(dyn StdError + 'static)) -> String {
    std::iter::successors(Some(error), |&error| error.source())
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::super::url::UrlArgs;
    use super::*;

    fn base_of(listener: &TcpListener) -> BaseUrl {
        let url = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
        let args = <Asked as clap::Parser>::try_parse_from(["test", "--url", &url]).expect("a URL");
        args.url.base().expect("a plain http URL")
    }

    #[derive(clap::Parser)]
    struct Asked {
        #[command(flatten)]
        url: UrlArgs,
    }

    /// A server that gives one canned answer, whatever it is asked.
    pub(in crate::cli) fn canned(answer: &'static str) -> BaseUrl {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base = base_of(&listener);
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("the client connects");
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        });
        base
    }

    #[tokio::test]
    async fn an_answer_of_any_status_is_an_answer() {
        let answer = get(&canned("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok\n"), "/healthz").await;
        assert_eq!(answer.and_then(Answer::good).expect("200").first_line(), "ok");
        let base = canned("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 6\r\n\r\nstuck\n");
        let answer = get(&base, "/healthz").await.expect("an answer");
        let error = answer.good().expect_err("503").to_string();
        assert_eq!(error, format!("{base}/healthz answered 503 Service Unavailable: stuck"));
    }

    #[tokio::test]
    async fn a_closed_port_is_told_in_one_line_with_a_hint() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base = base_of(&listener);
        drop(listener);
        let error = get(&base, "/status").await.expect_err("nobody listens").to_string();
        assert!(error.starts_with(&format!("no answer from {base}: Connection refused")), "{error}");
        assert!(error.ends_with("; hint: is `eipd run` running there?"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_server_is_given_up_on() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let error = get(&base_of(&listener), "/status").await.expect_err("nobody answers");
        assert!(matches!(error, Error::Late { .. }), "{error}");
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_or_makes_no_sense_is_told() {
        let cut = canned("HTTP/1.1 200 OK\r\ncontent-length: 300\r\n\r\n{\"targets\"");
        assert!(matches!(get(&cut, "/status").await, Err(Error::BrokenOff { .. })));
        let noise = canned("SSH-2.0-OpenSSH_9.6\r\n");
        assert!(matches!(get(&noise, "/status").await, Err(Error::NoAnswer { .. })));
    }
}
