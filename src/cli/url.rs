//! Where a running daemon is asked: from `--url`, the daemon's own setting in the environment, or the default. Asks nothing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use clap::Args;
use hyper::Uri;

const DEFAULT: &str = "http://127.0.0.1:9464";
const LISTEN: &str = "EIPD__DAEMON__LISTEN";

/// Which daemon is asked.
#[derive(Debug, Args)]
pub(super) struct UrlArgs {
    /// Where the daemon serves [default: its EIPD__DAEMON__LISTEN if set, then http://127.0.0.1:9464]
    #[arg(long, value_hint = clap::ValueHint::Url)]
    url: Option<String>,
}

impl UrlArgs {
    /// The daemon's address.
    ///
    /// # Errors
    /// When the option or the variable holds nothing that can be asked.
    pub(super) fn base(&self) -> Result<BaseUrl, Error> {
        resolve(self.url.as_deref(), std::env::var(LISTEN).ok().as_deref())
    }
}

/// The part of a URL that all of the daemon's paths are appended to, without a `/` at its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct BaseUrl(String);

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an address can't be asked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing that reads as a URL.
    #[error("`{0}` is not a URL; hint: write it like {DEFAULT}")]
    Malformed(String),
    /// Another scheme than http.
    #[error("`{0}` is not plain http, and the daemon speaks nothing else; hint: ask it on its own host")]
    Scheme(String),
    /// A name and a password, which are not repeated here.
    #[error(
        "the URL carries credentials, which the daemon has no use for; hint: leave out what stands before `@`"
    )]
    Credentials,
    /// The daemon's setting in the environment.
    #[error(
        "{LISTEN} is `{0}`, which is not an address with a port; hint: give --url, or set it like 127.0.0.1:9464"
    )]
    Listen(String),
}

fn resolve(url: Option<&str>, listen: Option<&str>) -> Result<BaseUrl, Error> {
    match (url, listen) {
        (Some(url), _) => parse(url),
        (None, Some(listen)) => from_listen(listen),
        (None, None) => parse(DEFAULT),
    }
}

fn parse(text: &str) -> Result<BaseUrl, Error> {
    let malformed = || Error::Malformed(text.to_owned());
    if text.contains('@') {
        return Err(Error::Credentials);
    }
    let uri: Uri = text.parse().map_err(|_| malformed())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(malformed());
    };
    if scheme != "http" {
        return Err(Error::Scheme(text.to_owned()));
    }
    if uri.query().is_some() || authority.host().is_empty() {
        return Err(malformed());
    }
    Ok(BaseUrl(format!("http://{authority}{}", uri.path().trim_end_matches('/'))))
}

/// A daemon that listens everywhere is asked on loopback.
fn from_listen(text: &str) -> Result<BaseUrl, Error> {
    let mut address: SocketAddr = text.parse().map_err(|_| Error::Listen(text.to_owned()))?;
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    Ok(BaseUrl(format!("http://{address}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_goes_before_the_environment_and_that_before_the_default() {
        let cases = [
            (None, None, "http://127.0.0.1:9464"),
            (None, Some("0.0.0.0:9000"), "http://127.0.0.1:9000"),
            (None, Some("[::]:9000"), "http://[::1]:9000"),
            (None, Some("10.0.0.7:80"), "http://10.0.0.7:80"),
            (Some("http://eipd.internal:9464/"), Some("nonsense"), "http://eipd.internal:9464"),
            (Some("http://gateway/eipd/"), None, "http://gateway/eipd"),
        ];
        for (url, listen, base) in cases {
            assert_eq!(resolve(url, listen).map(|base| base.to_string()), Ok(base.to_owned()));
        }
    }

    #[test]
    fn what_cannot_be_asked_is_said_before_it_is_tried() {
        let malformed = ["", "127.0.0.1:9464", "localhost", "http://", "/status", "http://h/?a=b"];
        for url in malformed {
            assert_eq!(resolve(Some(url), None), Err(Error::Malformed(url.to_owned())));
        }
        let https = "https://127.0.0.1:9464";
        assert_eq!(resolve(Some(https), None), Err(Error::Scheme(https.to_owned())));
        let secret = resolve(Some("http://me:secret@host"), None).expect_err("credentials");
        assert!(!secret.to_string().contains("secret"), "{secret}");
        assert_eq!(resolve(None, Some("9464")), Err(Error::Listen("9464".to_owned())));
    }
}
