//! Records of what somebody does to functions: names with API versions, functions by name or by ARN.

use super::Record;
use crate::world::{NewFunction, Refusal, VpcConfig, World};
use serde_json::{Map, Value, json};

/// A call of Lambda's API.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FunctionCall<'a> {
    Create(&'a NewFunction),
    UpdateConfiguration(Option<&'a VpcConfig>),
    UpdateCode,
    /// Of `$LATEST`, as this version.
    Publish(u32),
    /// Of the whole function, or of one version.
    Delete(Option<u32>),
    /// The alias, its version, and the version that gets a part of its invocations.
    CreateAlias(&'a str, u32, Option<(u32, f64)>),
    UpdateAlias(&'a str, u32, Option<(u32, f64)>),
    DeleteAlias(&'a str),
}

impl FunctionCall<'_> {
    /// AWS.md section 3 (confirmed): the names carry API versions.
    fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "CreateFunction20150331",
            Self::UpdateConfiguration(_) => "UpdateFunctionConfiguration20150331v2",
            Self::UpdateCode => "UpdateFunctionCode20150331v2",
            Self::Publish(_) => "PublishVersion20150331",
            Self::Delete(_) => "DeleteFunction20150331",
            Self::CreateAlias(..) => "CreateAlias20150331",
            Self::UpdateAlias(..) => "UpdateAlias20150331",
            Self::DeleteAlias(_) => "DeleteAlias20150331",
        }
    }

    fn parameters(&self) -> Value {
        match self {
            Self::Create(new) => json!({
                "runtime": "provided.al2023",
                "handler": "bootstrap",
                "code": {},
                "timeout": new.timeout.as_secs(),
                "publish": false,
                "tags": new.tags,
                "vpcConfig": vpc_config(new.vpc.as_ref()),
            }),
            Self::UpdateConfiguration(vpc) => json!({ "vpcConfig": vpc_config(*vpc) }),
            Self::UpdateCode => json!({ "publish": false, "dryRun": false }),
            Self::Publish(_) | Self::Delete(None) => json!({}),
            Self::Delete(Some(version)) => json!({ "qualifier": version.to_string() }),
            Self::CreateAlias(alias, version, weight) | Self::UpdateAlias(alias, version, weight) => json!({
                "name": alias,
                "functionVersion": version.to_string(),
                "routingConfig": { "additionalVersionWeights": weights(weight.as_ref()) },
            }),
            Self::DeleteAlias(alias) => json!({ "name": alias }),
        }
    }

    /// `responseElements` for a function with this name and this ARN.
    fn response(&self, name: &str, arn: &str) -> Value {
        let function = |vpc: Option<&VpcConfig>| json!({ "functionName": name, "functionArn": arn, "version": "$LATEST", "vpcConfig": vpc_config(vpc) });
        match self {
            Self::Create(new) => function(new.vpc.as_ref()),
            Self::UpdateConfiguration(vpc) => function(*vpc),
            Self::UpdateCode => json!({ "functionName": name, "functionArn": arn, "version": "$LATEST" }),
            Self::Publish(version) => json!({
                "functionName": name,
                "functionArn": format!("{arn}:{version}"),
                "version": version.to_string(),
            }),
            Self::CreateAlias(alias, version, _) | Self::UpdateAlias(alias, version, _) => json!({
                "aliasArn": format!("{arn}:{alias}"),
                "name": alias,
                "functionVersion": version.to_string(),
            }),
            Self::Delete(_) | Self::DeleteAlias(_) => Value::Null,
        }
    }
}

impl World {
    /// Tells that somebody in the account called Lambda's API.
    pub(crate) fn report_function(
        &mut self,
        function: &str,
        call: FunctionCall<'_>,
        outcome: Result<(), &Refusal>,
    ) {
        if !self.is_heard() {
            return;
        }
        let (region, account) = (&self.config.region, &self.config.account);
        let arn = format!("arn:aws:lambda:{region}:{account}:function:{function}");
        let mut parameters = call.parameters();
        // AWS.md section 3 (confirmed): a name or an ARN, as the caller gave it.
        let by_arn = self.trail.strikes(0.4);
        parameters["functionName"] = if by_arn { arn.as_str() } else { function }.into();
        let record = Record {
            service: "lambda",
            name: call.name(),
            identity: self.stray_identity(),
            from: ["192.0.2.66", "console.amazonaws.com"],
            request_id: self.trail.uuid(),
            parameters,
            outcome: outcome
                .map(|()| call.response(function, &arn))
                .map_err(|refusal| (refusal.code.to_owned(), refusal.message.clone())),
        };
        self.report(record);
    }
}

fn weights(weight: Option<&(u32, f64)>) -> Value {
    weight.iter().map(|(version, part)| (version.to_string(), json!(part))).collect::<Map<_, _>>().into()
}

fn vpc_config(vpc: Option<&VpcConfig>) -> Value {
    let none = VpcConfig::default();
    let vpc = vpc.unwrap_or(&none);
    json!({
        "subnetIds": vpc.subnets,
        "securityGroupIds": vpc.security_groups,
        "ipv6AllowedForDualStack": false,
    })
}
