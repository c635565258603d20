//! How credentials are looked for: within a bound, and anew where they do not say how long they hold. Decides nothing about
//! where; knows of no secret but to hand it on, and logs nothing.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_async::time::SharedTimeSource;

/// From asking the first provider for credentials to having them, a role's included: missing ones must show in
/// seconds. Where nothing listens for the instance metadata service, the SDK gives up after one second of its own.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(5);
/// Credentials without an end, as those of a profile, are looked for again this often: the SDK reads a file once, and
/// whoever puts new ones into it should not have to restart anything.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Gives credentials up after [`CREDENTIALS_TIMEOUT`], with an error that says so: the SDK's own bound, in its cache of
/// identities, cannot be told from a broken connection.
#[derive(Debug)]
pub(super) struct InTime(pub(super) SharedCredentialsProvider);

impl ProvideCredentials for InTime {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(async {
            let in_time = tokio::time::timeout(CREDENTIALS_TIMEOUT, self.0.provide_credentials());
            match in_time.await {
                Ok(result) => result,
                Err(_) => self
                    .fallback_on_interrupt()
                    .ok_or_else(|| CredentialsError::provider_timed_out(CREDENTIALS_TIMEOUT)),
            }
        })
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.0.fallback_on_interrupt()
    }
}

/// Looks for credentials anew when the ones before named no end. A source that names one, such as a role's, is kept, since it
/// knows best when to ask again and what to do when nobody answers.
pub(super) struct Renewed<S> {
    /// Nothing when it is to be looked for.
    found: Mutex<Option<SharedCredentialsProvider>>,
    search: S,
    time: SharedTimeSource,
}

impl<S> Renewed<S> {
    pub(super) fn new(first: SharedCredentialsProvider, search: S, time: SharedTimeSource) -> Self {
        Self { found: Mutex::new(Some(first)), search, time }
    }

    fn found(&self) -> Option<SharedCredentialsProvider> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, provider: Option<SharedCredentialsProvider>) {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = provider;
    }
}

impl<S> std::fmt::Debug for Renewed<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Renewed").field(&self.found()).finish()
    }
}

impl<S, Search> ProvideCredentials for Renewed<S>
where
    S: Fn() -> Search + Send + Sync,
    Search: Future<Output = Option<SharedCredentialsProvider>> + Send,
{
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(async {
            let provider = match self.found() {
                Some(provider) => provider,
                None => {
                    let none = || CredentialsError::not_loaded("no provider of credentials");
                    (self.search)().await.ok_or_else(none)?
                }
            };
            let mut credentials = provider.provide_credentials().await?;
            if credentials.expiry().is_some() {
                self.keep(Some(provider));
            } else {
                self.keep(None);
                *credentials.expiry_mut() = Some(self.time.now() + LOOK_AGAIN);
            }
            Ok(credentials)
        })
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.found()?.fallback_on_interrupt()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use aws_smithy_async::time::StaticTimeSource;

    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn source(key: &str, expiry: Option<SystemTime>) -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(Credentials::new(key, "secret", None, expiry, "test"))
    }

    /// The keys that are given in turn, when the search finds these after the first.
    async fn given(
        first: SharedCredentialsProvider,
        later: Vec<Option<SharedCredentialsProvider>>,
    ) -> Vec<String> {
        let later = Arc::new(Mutex::new(later.into_iter()));
        let search = move || {
            let next = later.lock().expect("nobody panics").next().flatten();
            async move { next }
        };
        let renewed = Renewed::new(first, search, SharedTimeSource::new(StaticTimeSource::new(NOW)));
        let mut keys = Vec::new();
        for _ in 0..3 {
            let one = renewed.provide_credentials().await;
            if let Ok(credentials) = &one {
                assert!(credentials.expiry().is_some_and(|end| end > NOW), "all have an end now");
            }
            keys.push(one.map_or("none".to_owned(), |one| one.access_key_id().to_owned()));
        }
        keys
    }

    #[tokio::test]
    async fn what_names_no_end_is_looked_for_again_and_what_names_one_is_kept() {
        let end = Some(NOW + Duration::from_secs(3600));
        let next = |key: &str| Some(source(key, None));
        assert_eq!(given(source("a", None), vec![next("b"), next("c")]).await, ["a", "b", "c"]);
        assert_eq!(given(source("a", end), vec![next("b")]).await, ["a", "a", "a"]);
        assert_eq!(given(source("a", None), vec![Some(source("b", end)), next("c")]).await, ["a", "b", "b"]);
        assert_eq!(given(source("a", None), vec![None, next("c")]).await, ["a", "none", "c"]);
    }
}
