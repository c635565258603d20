//! Records of what callers do to addresses and interfaces, and who they are.
//!
//! A call over the wire is told of with the caller's own request id; a stray hand's verb invents one.

use super::Record;
use crate::moment::Moment;
use crate::world::{Refusal, World};
use serde_json::{Value, json};

/// Who made a call.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    /// As STS says it: an IAM user, or a session in a role.
    pub(crate) arn: String,
    pub(crate) user_id: String,
    pub(crate) account: String,
    pub(crate) access_key: String,
}

impl Actor {
    /// `userIdentity`, in the shape of AWS.md section 3 for a session, and CloudTrail's for a user.
    pub(crate) fn identity(&self, since: Moment) -> Value {
        let Self { arn, user_id, account, access_key } = self;
        let Some((_, session)) = arn.split_once(":assumed-role/") else {
            return json!({
                "type": "IAMUser",
                "principalId": user_id,
                "arn": arn,
                "accountId": account,
                "accessKeyId": access_key,
                "userName": arn.rsplit('/').next().unwrap_or_default(),
            });
        };
        let role = session.rsplit_once('/').map_or(session, |(role, _)| role);
        json!({
            "type": "AssumedRole",
            "principalId": user_id,
            "arn": arn,
            "accountId": account,
            "accessKeyId": access_key,
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": user_id.split(':').next().unwrap_or_default(),
                    "arn": format!("arn:aws:iam::{account}:role/{role}"),
                    "accountId": account,
                    "userName": role,
                },
                "attributes": { "creationDate": since.second_timestamp(), "mfaAuthenticated": "false" },
            },
        })
    }
}

impl World {
    /// Tells of an EC2 call over the wire. An error has the code and the status that the caller got.
    pub(crate) fn report_call(
        &mut self,
        actor: &Actor,
        (name, parameters): (&str, Value),
        request_id: &str,
        outcome: Result<Value, (String, u16, String)>,
    ) {
        if !self.is_heard() {
            return;
        }
        // EC2's codes have a prefix here (AWS.md section 3: `Client.DryRunOperation`; confirmed).
        let outcome = outcome.map_err(|(code, status, message)| {
            let side = if status < 500 || code == "RequestLimitExceeded" { "Client" } else { "Server" };
            (format!("{side}.{code}"), message)
        });
        self.report(Record {
            service: "ec2",
            name,
            identity: actor.identity(self.config.start),
            from: ["192.0.2.10", "aws-sdk"],
            request_id: request_id.to_owned(),
            parameters,
            outcome,
        });
    }

    /// Tells of an EC2 call that a stray hand made.
    pub(crate) fn report_stray(&mut self, name: &str, parameters: Value, outcome: Result<Value, &Refusal>) {
        if !self.is_heard() {
            return;
        }
        let record = Record {
            service: "ec2",
            name,
            identity: self.stray_identity(),
            from: ["192.0.2.66", "console.amazonaws.com"],
            request_id: self.trail.uuid(),
            parameters,
            outcome: outcome.map_err(|refusal| (format!("Client.{}", refusal.code), refusal.message.clone())),
        };
        self.report(record);
    }

    /// `userIdentity` of somebody else in the account, the one whom the stray access key belongs to.
    pub(crate) fn stray_identity(&self) -> Value {
        let account = self.config.account.clone();
        let actor = Actor {
            arn: format!("arn:aws:iam::{account}:user/stray"),
            user_id: "AIDAEXAMPLEEXAMPLE123".to_owned(),
            account,
            access_key: crate::STRAY_ACCESS_KEY.to_owned(),
        };
        actor.identity(self.config.start)
    }
}

/// `responseElements` of a call that answers with `return` only.
pub(crate) fn returned() -> Value {
    json!({ "_return": true })
}
