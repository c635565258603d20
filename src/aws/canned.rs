//! For tests: a connector below the SDK that answers from a function, and a meter that remembers. Signing, encoding and
//! decoding are the SDK's own.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;

use super::{AwsTarget, Manner, Place, Surroundings};
use crate::domain::error_class::ErrorClass;
use crate::domain::policy::RateShare;
use crate::reconcile::ports::CallMeter;

/// What becomes of a request.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// A status and a body.
    Body(u16, String),
    /// Nobody listens.
    Refused,
    /// The connection ends before an answer.
    Reset,
    /// Nothing ever comes.
    Silence,
}

/// An answer of EC2 or STS.
pub(super) fn xml(operation: &str, content: &str) -> Answer {
    Answer::Body(200, format!("<{operation}Response>{content}</{operation}Response>\n"))
}

/// A refusal of EC2.
pub(super) fn ec2_error(status: u16, code: &str, message: &str) -> Answer {
    let body = format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
         <RequestID>r-1</RequestID></Response>"
    );
    Answer::Body(status, body)
}

/// A request as it left: where to, and its body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sent {
    pub(super) uri: String,
    pub(super) body: String,
    pub(super) headers: String,
}

type Script = dyn Fn(usize, &Sent) -> Answer + Send + Sync;

/// The other side of the wire.
#[derive(Clone)]
pub(super) struct Wire {
    script: Arc<Script>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    /// Answers the n-th request, counted from 0.
    pub(super) fn new(script: impl Fn(usize, &Sent) -> Answer + Send + Sync + 'static) -> Self {
        Self { script: Arc::new(script), sent: Arc::default() }
    }

    /// Gives the answers in turn, and the last one for ever.
    pub(super) fn of<const N: usize>(answers: [Answer; N]) -> Self {
        Self::new(move |number, _| answers[number.min(N - 1)].clone())
    }

    pub(super) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().expect("nobody panics").clone()
    }

    fn client(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(self.clone());
        http_client_fn(move |_, _| connector.clone())
    }

    pub(super) fn surroundings(&self) -> Surroundings {
        let credentials = Credentials::new(
            "AKIDEXAMPLE",
            "key-that-is-secret",
            Some("token-that-is-secret".to_owned()),
            None,
            "test",
        );
        Surroundings {
            http_client: self.client(),
            time_source: SharedTimeSource::new(SystemTimeSource::new()),
            sleep: SharedAsyncSleep::new(TokioSleep::new()),
            credentials: Some(SharedCredentialsProvider::new(credentials)),
            endpoint_url: None,
        }
    }

    pub(super) async fn target(&self) -> AwsTarget {
        self.metered(1, &Arc::default()).await
    }

    pub(super) async fn metered(&self, seed: u64, meter: &Arc<Remembered>) -> AwsTarget {
        target(&self.surroundings(), &place(), seed, meter).await
    }
}

pub(super) fn place() -> Place {
    Place { region: Some("eu-west-1".to_owned()), role: None }
}

pub(super) async fn target(
    surroundings: &Surroundings,
    place: &Place,
    seed: u64,
    meter: &Arc<Remembered>,
) -> AwsTarget {
    let rate_share = RateShare::new(1.0).expect("all of it");
    AwsTarget::connect(place, surroundings, Manner { rate_share, seed, meter: meter.clone() })
        .await
        .expect("a region is given")
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
        let headers = request.headers().iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        let sent = Sent { uri: request.uri().to_owned(), body, headers };
        let number = {
            let mut all = self.sent.lock().expect("nobody panics");
            all.push(sent.clone());
            all.len() - 1
        };
        let failed = |kind: io::ErrorKind| {
            HttpConnectorFuture::ready(Err(ConnectorError::io(io::Error::from(kind).into())))
        };
        match (self.script)(number, &sent) {
            Answer::Body(status, body) => {
                let status = status.try_into().expect("an HTTP status");
                let mut response = HttpResponse::new(status, SdkBody::from(body));
                response.headers_mut().insert("x-amzn-requestid", format!("request-{number}"));
                HttpConnectorFuture::ready(Ok(response))
            }
            Answer::Refused => failed(io::ErrorKind::ConnectionRefused),
            Answer::Reset => failed(io::ErrorKind::ConnectionReset),
            Answer::Silence => HttpConnectorFuture::new(std::future::pending()),
        }
    }
}

/// What a meter hears of one attempt.
pub(super) type Attempt = (&'static str, Result<(), ErrorClass>, Duration);

/// A meter that keeps everything.
#[derive(Default)]
pub(super) struct Remembered(Mutex<Vec<Attempt>>);

impl Remembered {
    pub(super) fn attempts(&self) -> Vec<Attempt> {
        self.0.lock().expect("nobody panics").clone()
    }
}

impl CallMeter for Remembered {
    fn record(&self, operation: &'static str, outcome: Result<(), ErrorClass>, took: Duration) {
        self.0.lock().expect("nobody panics").push((operation, outcome, took));
    }
}
