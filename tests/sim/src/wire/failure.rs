//! Errors in the shapes and with the HTTP statuses that the services use.
//!
//! Only the rendering is here; which error a call deserves is decided where the call is carried out.

use super::{Reply, Service, sqs, xml};
use bytes::Bytes;

/// An error answer before it is rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) status: u16,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(code: impl Into<String>, status: u16, message: impl Into<String>) -> Self {
        Self { code: code.into(), status, message: message.into() }
    }

    /// The service's answer to too many calls: EC2 `RequestLimitExceeded` as 503 (AWS.md section 2; confirmed by
    /// botocore), Lambda `TooManyRequestsException` as 429, STS `Throttling` as 400.
    pub(crate) fn throttled(service: Service) -> Self {
        match service {
            Service::Lambda => Self::new("TooManyRequestsException", 429, "Rate exceeded"),
            Service::Sts => Self::new("Throttling", 400, "Rate exceeded"),
            Service::Sqs => Self::new("RequestThrottled", 400, "Request is throttled."),
            Service::Events => Self::new("ThrottlingException", 400, "Rate exceeded"),
            Service::Tagging => Self::new("ThrottledException", 400, "Rate exceeded"),
            _ => Self::new("RequestLimitExceeded", 503, "Request limit exceeded."),
        }
    }

    /// The service's answer when it fails inside, as 500.
    pub(crate) fn internal(service: Service) -> Self {
        match service {
            Service::Lambda => {
                Self::new("ServiceException", 500, "The service encountered an internal error.")
            }
            Service::Events => {
                Self::new("InternalException", 500, "The service encountered an internal error.")
            }
            Service::Tagging => Self::new("InternalServiceException", 500, "The request processing failed."),
            Service::Sts | Service::Sqs => {
                Self::new("InternalFailure", 500, "The request processing has failed.")
            }
            _ => Self::new("InternalError", 500, "An internal error has occurred"),
        }
    }

    /// The service's answer when it is overloaded, as 503.
    pub(crate) fn unavailable(service: Service) -> Self {
        match service {
            Service::Ec2 => {
                Self::new("Unavailable", 503, "The service is unavailable. Please try again shortly.")
            }
            _ => Self::new("ServiceUnavailable", 503, "Service is unable to handle request."),
        }
    }

    /// The service's answer to credentials that it does not know.
    pub(crate) fn bad_credentials(service: Service) -> Self {
        match service {
            Service::Ec2 => {
                Self::new("AuthFailure", 401, "AWS was not able to validate the provided access credentials")
            }
            Service::Sts => Self::new(
                "InvalidClientTokenId",
                403,
                "The security token included in the request is invalid.",
            ),
            _ => Self::new(
                "UnrecognizedClientException",
                refused_status(service),
                "The security token included in the request is invalid.",
            ),
        }
    }

    /// The service's answer to a session that is over.
    pub(crate) fn expired(service: Service) -> Self {
        match service {
            Service::Ec2 => Self::new("RequestExpired", 400, "Request has expired."),
            Service::Sts => {
                Self::new("ExpiredToken", 403, "The security token included in the request is expired")
            }
            _ => Self::new(
                "ExpiredTokenException",
                refused_status(service),
                "The security token included in the request is expired",
            ),
        }
    }

    /// The service's answer to a request that is not signed.
    pub(crate) fn unsigned(service: Service) -> Self {
        match service {
            Service::Lambda | Service::Sqs | Service::Events | Service::Tagging => Self::new(
                "MissingAuthenticationTokenException",
                refused_status(service),
                "Missing Authentication Token",
            ),
            _ => Self::new("MissingAuthenticationToken", 403, "Request is missing Authentication Token"),
        }
    }

    /// The service's answer to a caller who may not do `action` on `resource`; the message names both, as IAM's
    /// does.
    pub(crate) fn denied(service: Service, caller: &str, action: &str, resource: &str) -> Self {
        let who = format!(
            "User: {caller} is not authorized to perform: {action} on resource: {resource} because no \
             identity-based policy allows the {action} action"
        );
        match service {
            Service::Ec2 => Self::new(
                "UnauthorizedOperation",
                403,
                format!("You are not authorized to perform this operation. {who}"),
            ),
            Service::Lambda | Service::Events | Service::Tagging => {
                Self::new("AccessDeniedException", refused_status(service), who)
            }
            // SQS names its actions in small letters here (seen in its messages; believed).
            Service::Sqs => {
                Self::new("AccessDeniedException", 403, who.replace(action, &action.to_ascii_lowercase()))
            }
            _ => Self::new("AccessDenied", 403, who),
        }
    }

    /// The answer, in the service's shape.
    pub(crate) fn render(&self, service: Service, request_id: &str) -> Reply {
        match service {
            Service::Lambda => self.render_json(request_id),
            Service::Sqs => self.render_sqs(request_id),
            Service::Events | Service::Tagging => {
                let body = serde_json::json!({ "__type": self.code, "message": self.message }).to_string();
                self.reply("application/x-amz-json-1.1", "x-amzn-RequestId", request_id, body)
            }
            Service::Sts => {
                let kind = if self.status < 500 { "Sender" } else { "Receiver" };
                let body = format!(
                    "<ErrorResponse xmlns=\"{}\">\n  <Error>\n    <Type>{kind}</Type>\n    <Code>{}</Code>\n    \
                     <Message>{}</Message>\n  </Error>\n  <RequestId>{request_id}</RequestId>\n</ErrorResponse>\n",
                    xml::STS,
                    xml::escaped(&self.code),
                    xml::escaped(&self.message),
                );
                self.reply("text/xml", "x-amzn-requestid", request_id, body)
            }
            _ => {
                let body = format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{}</Code>\
                     <Message>{}</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>",
                    xml::escaped(&self.code),
                    xml::escaped(&self.message),
                );
                self.reply("text/xml;charset=UTF-8", "x-amzn-requestid", request_id, body)
            }
        }
    }

    fn render_json(&self, request_id: &str) -> Reply {
        let kind = if self.status < 500 { "User" } else { "Service" };
        let body = serde_json::json!({ "Type": kind, "Message": self.message, "message": self.message });
        let mut reply = self.reply("application/json", "x-amzn-RequestId", request_id, body.to_string());
        reply.headers.push(("x-amzn-errortype", self.code.clone()));
        reply
    }

    fn render_sqs(&self, request_id: &str) -> Reply {
        let modelled = sqs::MODELLED.contains(&self.code.as_str());
        let space = if modelled { "com.amazonaws.sqs" } else { "com.amazon.coral.service" };
        let body = serde_json::json!({ "__type": format!("{space}#{}", self.code), "message": self.message });
        let fault = if self.status < 500 { "Sender" } else { "Receiver" };
        let mut reply =
            self.reply("application/x-amz-json-1.0", "x-amzn-RequestId", request_id, body.to_string());
        reply.headers.push(("x-amzn-query-error", format!("{};{fault}", sqs::query_code(&self.code))));
        reply
    }

    fn reply(&self, kind: &str, id: &'static str, request_id: &str, body: String) -> Reply {
        let headers = vec![("content-type", kind.to_owned()), (id, request_id.to_owned())];
        Reply { status: self.status, headers, body: Bytes::from(body) }
    }
}

/// The HTTP status of a caller who is not let in: services of JSON 1.1 answer everything with 400 (believed).
fn refused_status(service: Service) -> u16 {
    if matches!(service, Service::Events | Service::Tagging) { 400 } else { 403 }
}
