//! The skin for tests in one process: an HTTP connector of the AWS SDK that leads into the simulator.
//!
//! Signing, encoding, paging and error codes are the SDK's real ones; only the network is missing. Waiting is on
//! tokio's time, so that a paused clock makes it instant.

use crate::sim::{Delivery, Sim};
use crate::torn::TornBody;
use crate::wire::{Reply, Request};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use std::time::Duration;

/// An HTTP client for the SDK that leads into one or several simulated accounts and regions.
#[derive(Clone, Debug)]
pub struct SimConnector {
    sims: Vec<Sim>,
    read_timeout: Option<Duration>,
}

impl SimConnector {
    /// Leads into `sim`.
    pub fn new(sim: &Sim) -> Self {
        Self::for_regions(vec![sim.clone()])
    }

    /// Leads into the one whose region a request is signed for, and of several accounts there into that of the role it is
    /// signed in; into the first when there is none.
    pub fn for_regions(sims: Vec<Sim>) -> Self {
        assert!(!sims.is_empty(), "a connector leads somewhere");
        Sim::acquaint(&sims);
        Self { sims, read_timeout: None }
    }
}

impl HttpClient for SimConnector {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Self { sims: self.sims.clone(), read_timeout: settings.read_timeout() })
    }
}

impl HttpConnector for SimConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = convert(&request);
        let sim = Sim::for_request(&self.sims, &request).clone();
        let read_timeout = self.read_timeout;
        HttpConnectorFuture::new(async move {
            let exchange = sim.exchange(&request);
            let delivery = match read_timeout {
                None => exchange.await,
                Some(limit) => tokio::time::timeout(limit, exchange)
                    .await
                    .map_err(|_| ConnectorError::timeout("no answer within the read timeout".into()))?,
            };
            match delivery {
                Delivery::Whole(reply) => {
                    let body = SdkBody::from(reply.body.clone());
                    Ok(respond(&reply, body))
                }
                Delivery::Torn(reply) => {
                    let body = SdkBody::from_body_1_x(TornBody::half_of(&reply.body));
                    Ok(respond(&reply, body))
                }
                Delivery::Reset => Err(ConnectorError::io("connection reset by peer".into())),
                Delivery::Refused => Err(ConnectorError::io("connection refused".into()).never_connected()),
            }
        })
    }
}

fn convert(request: &HttpRequest) -> Request {
    let uri: http::Uri = request.uri().parse().expect("the SDK makes a valid URI");
    Request {
        method: request.method().to_owned(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        authorization: request.headers().get("authorization").map(str::to_owned),
        target: request.headers().get("x-amz-target").map(str::to_owned),
        body: Bytes::copy_from_slice(request.body().bytes().unwrap_or_default()),
    }
}

fn respond(reply: &Reply, body: SdkBody) -> HttpResponse {
    let status = StatusCode::try_from(reply.status).expect("the simulator answers with valid statuses");
    let mut response = HttpResponse::new(status, body);
    for (name, value) in &reply.headers {
        response.headers_mut().insert(*name, value.clone());
    }
    response
}
