//! Records of what Lambda does to its interfaces, under the function's execution role.
//!
//! AWS.md section 3: each creation is preceded by a dry run (confirmed); the session's name is a form seen or another,
//! and there is no `invokedBy` (confirmed). Whether overflow and replacement have records at all is belief B11.

use super::Record;
use super::calls::Actor;
use crate::beliefs::LambdaEvents;
use crate::moment::Moment;
use crate::world::{InterfaceIx, World};
use serde_json::{Value, json};

/// The address and the program of Lambda's calls (AWS.md section 3; believed).
const LAMBDA: [&str; 2] = ["lambda.amazonaws.com"; 2];

impl World {
    /// Tells that Lambda made an interface.
    pub(crate) fn report_creation(&mut self, place: InterfaceIx) {
        if !self.is_told(place) {
            return;
        }
        let identity = self.lambda_identity();
        let parameters = self.creation_parameters(place);
        let dry_run = "Request would have succeeded, but DryRun flag is set.".to_owned();
        let made = self.creation_response(place);
        for outcome in [Err(("Client.DryRunOperation".to_owned(), dry_run)), Ok(made)] {
            let record = Record {
                service: "ec2",
                name: "CreateNetworkInterface",
                identity: identity.clone(),
                from: LAMBDA,
                request_id: self.trail.uuid(),
                parameters: parameters.clone(),
                outcome,
            };
            self.report(record);
        }
    }

    /// Tells that an interface was deleted: by Lambda when it was Lambda's, by a stray hand otherwise.
    pub(crate) fn report_deletion(&mut self, place: InterfaceIx) {
        if !self.is_told(place) {
            return;
        }
        let parameters = json!({ "networkInterfaceId": self.interfaces[place].id });
        if self.interfaces[place].pair.is_none() {
            self.report_stray("DeleteNetworkInterface", parameters, Ok(super::calls::returned()));
            return;
        }
        let record = Record {
            service: "ec2",
            name: "DeleteNetworkInterface",
            identity: self.lambda_identity(),
            from: LAMBDA,
            request_id: self.trail.uuid(),
            parameters,
            outcome: Ok(super::calls::returned()),
        };
        self.report(record);
    }

    fn is_told(&self, place: InterfaceIx) -> bool {
        let interface = &self.interfaces[place];
        let silent = interface.unprompted && self.config.beliefs.lambda_events == LambdaEvents::Never;
        self.is_heard() && !silent && interface.owner == self.config.account
    }

    fn lambda_identity(&mut self) -> Value {
        let account = self.config.account.clone();
        let digits = format!("{:012}", self.trail.below(1_000_000_000_000));
        let session = if self.trail.strikes(0.5) {
            format!("awslambda_{}_{}", self.trail.below(1000), stamp(self.now))
        } else {
            digits
        };
        let actor = Actor {
            arn: format!("arn:aws:sts::{account}:assumed-role/exec-role/{session}"),
            user_id: format!("AROAEXAMPLEEXAMPLE123:{session}"),
            account,
            access_key: "ASIALAMBDALAMBDA0000".to_owned(),
        };
        actor.identity(self.now)
    }

    fn creation_parameters(&self, place: InterfaceIx) -> Value {
        let interface = &self.interfaces[place];
        json!({
            "subnetId": self.subnets[interface.subnet].id,
            "description": interface.description,
            "groupSet": groups(&interface.groups),
            "privateIpAddressesSet": {},
        })
    }

    fn creation_response(&self, place: InterfaceIx) -> Value {
        let interface = &self.interfaces[place];
        let subnet = &self.subnets[interface.subnet];
        json!({ "networkInterface": {
            "networkInterfaceId": interface.id,
            "subnetId": subnet.id,
            "vpcId": subnet.vpc,
            "availabilityZone": subnet.zone,
            "description": interface.description,
            "ownerId": interface.owner,
            "requesterId": "AROAEXAMPLEEXAMPLE123:awslambda_847_20260101000000000",
            "requesterManaged": interface.requester_managed,
            // AWS.md section 3: the record says so, whatever Describe shows.
            "status": "pending",
            "privateIpAddress": interface.private_ip.to_string(),
            "sourceDestCheck": true,
            "interfaceType": interface.kind,
            "groupSet": groups(&interface.groups),
            "privateIpAddressesSet": { "item": [
                { "privateIpAddress": interface.private_ip.to_string(), "primary": true },
            ] },
            "ipv6AddressesSet": {},
            "tagSet": {},
        } })
    }
}

fn groups(ids: &[String]) -> Value {
    json!({ "items": ids.iter().map(|id| json!({ "groupId": id })).collect::<Vec<_>>() })
}

/// `20230628214903095`, the time in a session's name.
fn stamp(moment: Moment) -> String {
    moment.xml_timestamp().chars().filter(char::is_ascii_digit).collect()
}
