//! Makes the SDK's clients for a target from what is injected: connector, clock, sleep, perhaps credentials. Makes no call
//! to a service itself, logs nothing, and leaves no retry to the SDK.

use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{AppName, BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::identity::SharedIdentityCache;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use super::credentials::{InTime, Renewed};
use super::whole::WholeAnswers;

/// A TLS connection within a region takes tens of milliseconds; three seconds allow for one lost SYN (resent after
/// one second) and its answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// From signing to the last byte of the answer. The largest, 1,000 interfaces, takes EC2 one to three seconds.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than a poll interval: a connection that idles longer was perhaps closed by the other side, and a change that
/// is sent into it has an unknown outcome.
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(20);
/// In the user agent, and in the session name of an assumed role, where CloudTrail shows it.
const APP_NAME: &str = "eipd";

/// Where the calls go, and as whom.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Place {
    /// Nothing means the SDK's own setting.
    pub region: Option<String>,
    /// Nothing means the credentials as they are.
    pub role: Option<AssumedRole>,
}

/// A role that the credentials become.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AssumedRole {
    /// `arn:aws:iam::111122223333:role/eipd`
    pub arn: String,
    /// What the role's trust policy asks for.
    pub external_id: Option<String>,
}

/// The outside, as far as the SDK touches it.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Carries the requests.
    pub http_client: SharedHttpClient,
    /// The time that signatures bear and credentials expire by.
    pub time_source: SharedTimeSource,
    /// What the SDK's timeouts wait on.
    pub sleep: SharedAsyncSleep,
    /// Nothing means the SDK's own search through environment, profiles, web identity, container and instance. With
    /// credentials given, nothing is read from the environment and from the SDK's files, a region included.
    pub credentials: Option<SharedCredentialsProvider>,
    /// Overrides the SDK's own endpoint of every service.
    pub endpoint_url: Option<String>,
}

impl Surroundings {
    /// The network with TLS and the proxies of the environment, the system's clock, the SDK's own settings.
    #[must_use]
    pub fn production() -> Self {
        Self {
            // As the SDK's own default does it.
            http_client: https_client(ProxyConfig::from_env()),
            time_source: SharedTimeSource::new(SystemTimeSource::new()),
            sleep: SharedAsyncSleep::new(TokioSleep::new()),
            credentials: None,
            endpoint_url: None,
        }
    }
}

/// Why there are no clients.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SetUpError {
    /// Neither the target nor the SDK's settings have one.
    #[error("no AWS region is set; hint: set `region` of the target, or AWS_REGION")]
    NoRegion,
}

/// The clients of one target.
pub(super) struct Clients {
    pub(super) ec2: aws_sdk_ec2::Client,
    pub(super) lambda: aws_sdk_lambda::Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) tagging: aws_sdk_resourcegroupstagging::Client,
    pub(super) region: String,
}

impl Clients {
    pub(super) async fn new(place: &Place, surroundings: &Surroundings) -> Result<Self, SetUpError> {
        let (config, region) = config(place, surroundings).await?;
        let ec2 = aws_sdk_ec2::config::Builder::from(&config).interceptor(WholeAnswers).build();
        let sts = aws_sdk_sts::config::Builder::from(&config).interceptor(WholeAnswers).build();
        Ok(Self {
            ec2: aws_sdk_ec2::Client::from_conf(ec2),
            lambda: aws_sdk_lambda::Client::new(&config),
            sts: aws_sdk_sts::Client::from_conf(sts),
            tagging: aws_sdk_resourcegroupstagging::Client::new(&config),
            region,
        })
    }
}

/// The clients that set the way of events up.
pub(super) struct WiringClients {
    pub(super) events: aws_sdk_eventbridge::Client,
    pub(super) sqs: aws_sdk_sqs::Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) region: String,
}

impl WiringClients {
    pub(super) async fn new(place: &Place, surroundings: &Surroundings) -> Result<Self, SetUpError> {
        let (config, region) = config(place, surroundings).await?;
        let sts = aws_sdk_sts::config::Builder::from(&config).interceptor(WholeAnswers).build();
        Ok(Self {
            events: aws_sdk_eventbridge::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            sts: aws_sdk_sts::Client::from_conf(sts),
            region,
        })
    }
}

/// The client of a queue; answers of JSON that are cut off are errors to the SDK itself.
pub(super) async fn queue_client(
    place: &Place,
    surroundings: &Surroundings,
) -> Result<aws_sdk_sqs::Client, SetUpError> {
    let (config, _) = config(place, surroundings).await?;
    Ok(aws_sdk_sqs::Client::new(&config))
}

/// The client of an event bus; answers of JSON that are cut off are errors to the SDK itself.
pub(super) async fn bus_client(
    place: &Place,
    surroundings: &Surroundings,
) -> Result<aws_sdk_eventbridge::Client, SetUpError> {
    let (config, _) = config(place, surroundings).await?;
    Ok(aws_sdk_eventbridge::Client::new(&config))
}

async fn config(place: &Place, surroundings: &Surroundings) -> Result<(SdkConfig, String), SetUpError> {
    let config = match &surroundings.credentials {
        Some(credentials) => given(place, surroundings, credentials.clone()),
        None => found(place, surroundings).await,
    };
    let region = config.region().filter(|region| !region.as_ref().is_empty());
    let region = region.ok_or(SetUpError::NoRegion)?.to_string();
    let config = match &place.role {
        Some(role) => assume(config, role).await,
        None => config,
    };
    Ok((bound(config), region))
}

/// With the SDK's own settings, as far as ours do not override them.
async fn found(place: &Place, surroundings: &Surroundings) -> SdkConfig {
    let region = place.region.clone().map(Region::new);
    let config = loader(region, surroundings).load().await;
    let Some(first) = config.credentials_provider() else { return config };
    // The region is known by now, lest each search look for it again.
    let (region, again) = (config.region().cloned(), surroundings.clone());
    let search = move || {
        let loader = loader(region.clone(), &again);
        async move { loader.load().await.credentials_provider() }
    };
    let renewed = Renewed::new(first, search, surroundings.time_source.clone());
    config.into_builder().credentials_provider(SharedCredentialsProvider::new(renewed)).build()
}

fn loader(region: Option<Region>, surroundings: &Surroundings) -> ConfigLoader {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(surroundings.http_client.clone())
        .time_source(surroundings.time_source.clone())
        .sleep_impl(surroundings.sleep.clone())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .identity_cache(identity_cache())
        .app_name(app_name());
    if let Some(region) = region {
        loader = loader.region(region);
    }
    if let Some(url) = &surroundings.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    loader
}

/// With nothing but what is given.
fn given(place: &Place, surroundings: &Surroundings, credentials: SharedCredentialsProvider) -> SdkConfig {
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(surroundings.http_client.clone())
        .time_source(surroundings.time_source.clone())
        .sleep_impl(surroundings.sleep.clone())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts())
        // Bodies are small and never streamed, and CALL_TIMEOUT bounds them.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .identity_cache(identity_cache())
        .app_name(app_name())
        .credentials_provider(credentials)
        .region(place.region.clone().map(Region::new));
    builder.set_endpoint_url(surroundings.endpoint_url.clone());
    builder.build()
}

/// Bounds the whole search for credentials.
fn bound(config: SdkConfig) -> SdkConfig {
    match config.credentials_provider() {
        Some(provider) => {
            let provider = SharedCredentialsProvider::new(InTime(provider));
            config.into_builder().credentials_provider(provider).build()
        }
        None => config,
    }
}

async fn assume(config: SdkConfig, role: &AssumedRole) -> SdkConfig {
    let mut builder = AssumeRoleProvider::builder(&role.arn).session_name(APP_NAME).configure(&config);
    if let Some(id) = &role.external_id {
        builder = builder.external_id(id);
    }
    let provider = SharedCredentialsProvider::new(builder.build().await);
    config.into_builder().credentials_provider(provider).identity_cache(identity_cache()).build()
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(CALL_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build()
}

fn identity_cache() -> SharedIdentityCache {
    IdentityCache::lazy().load_timeout(CALL_TIMEOUT).build()
}

fn app_name() -> AppName {
    AppName::new(APP_NAME).expect("letters make a valid app name")
}

fn https_client(proxies: ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder =
            Connector::builder().proxy_config(proxies.clone()).pool_idle_timeout(IDLE_CONNECTION_TIMEOUT);
        builder.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            builder.set_sleep_impl(components.sleep_impl());
        }
        builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::aws::canned::{Answer, Remembered, Wire, place, target, xml};
    use crate::aws::{AwsTarget, Manner};
    use crate::domain::policy::RateShare;
    use crate::reconcile::ports::Reads;

    #[tokio::test(start_paused = true)]
    async fn no_region_is_an_error_with_a_hint() {
        let surroundings = Wire::of([Answer::Refused]).surroundings();
        for region in [None, Some(String::new())] {
            let place = Place { region, role: None };
            let meter: Arc<Remembered> = Arc::default();
            let manner = Manner { rate_share: RateShare::default(), seed: 1, meter };
            let error = AwsTarget::connect(&place, &surroundings, manner).await.err();
            assert_eq!(error, Some(SetUpError::NoRegion));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_can_be_given() {
        let result = "<GetCallerIdentityResult><Account>111122223333</Account></GetCallerIdentityResult>";
        let wire = Wire::of([xml("GetCallerIdentity", result)]);
        let regional = wire.target().await;
        regional.account().await.expect("it answers");
        assert_eq!(
            (regional.region(), wire.sent()[0].uri.as_str()),
            ("eu-west-1", "https://sts.eu-west-1.amazonaws.com/")
        );
        let elsewhere =
            Surroundings { endpoint_url: Some("http://127.0.0.1:1".to_owned()), ..wire.surroundings() };
        target(&elsewhere, &place(), 1, &Arc::default()).await.account().await.expect("it answers");
        assert_eq!(wire.sent()[1].uri, "http://127.0.0.1:1/");
    }

    /// The real connector, against a port where nobody listens.
    #[tokio::test]
    async fn a_refused_connection_is_known_to_have_sent_nothing() {
        let wire = Wire::of([Answer::Refused]);
        let surroundings = Surroundings {
            http_client: https_client(ProxyConfig::disabled()),
            endpoint_url: Some("http://127.0.0.1:1".to_owned()),
            ..wire.surroundings()
        };
        let target = target(&surroundings, &place(), 1, &Arc::default()).await;
        let (allocation, interface) =
            ("eipalloc-0a1b2c3d".parse().expect("valid"), "eni-0a1b2c3d".parse().expect("valid"));
        let error = crate::reconcile::ports::Changes::associate(
            &target,
            &allocation,
            &interface,
            crate::reconcile::ports::Takes::Nothing,
        )
        .await
        .expect_err("nobody listens");
        assert_eq!(error.class, crate::domain::error_class::ErrorClass::Unavailable, "{error}");
    }
}
