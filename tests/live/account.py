"""What a run makes in the account, and how all of it goes again.

Everything is named `eipd-live-RUN…` and tagged `eipd-live=RUN`, and the tear-down looks for exactly that: it needs no
memory, so it also clears up after a run that was killed. Nothing is known here of beliefs.
"""

from __future__ import annotations

import io
import json
import time
import zipfile

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

TAG = "eipd-live"

VPC_POLICY = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"

CODE = '''
import time
import urllib.request


def handler(event, context):
    time.sleep(event.get("sleep", 0))
    try:
        with urllib.request.urlopen("https://checkip.amazonaws.com", timeout=8) as answer:
            return {"address": answer.read().decode().strip()}
    except OSError as error:
        return {"error": str(error)}
'''
"""The function tells from which public address it leaves."""


def code_of(error: ClientError) -> str:
    """AWS's error code."""
    return error.response.get("Error", {}).get("Code", "")


class Clients:
    """boto3, with its own retries; `impatient` is for the one question that being throttled answers."""

    def __init__(self, region: str, endpoint: str | None) -> None:
        # An endpoint from the environment is not taken: this is for an account, or for a simulator that was named.
        self.config = Config(
            region_name=region,
            retries={"mode": "standard", "total_max_attempts": 6},
            ignore_configured_endpoint_urls=True,
            read_timeout=330,
            max_pool_connections=16,
        )
        self.endpoint = endpoint
        for service in ("ec2", "sts", "sqs", "events", "iam"):
            setattr(self, service, self.of(service))
        self.functions = self.of("lambda")
        self.impatient = self.of("ec2", Config(retries={"total_max_attempts": 1}))

    def of(self, service: str, more: Config | None = None):
        """A client of a service."""
        config = self.config.merge(more) if more else self.config
        return boto3.client(service, endpoint_url=self.endpoint, config=config)


class Stage:
    """The things of one run."""

    def __init__(self, clients: Clients, run: str, pause: float) -> None:
        self.clients, self.run, self.pause = clients, run, pause
        self.prefix = f"{TAG}-{run}"
        self.own_role = False

    def tags(self) -> list[dict[str, str]]:
        return [{"Key": TAG, "Value": self.run}]

    def specification(self, kind: str) -> list[dict]:
        return [{"ResourceType": kind, "Tags": self.tags()}]

    def find_subnet(self, wanted: str | None) -> tuple[str, str]:
        """The subnet and its VPC: the one that was named, or one of the default VPC."""
        if wanted:
            found = self.clients.ec2.describe_subnets(SubnetIds=[wanted])["Subnets"]
        else:
            default = [{"Name": "default-for-az", "Values": ["true"]}]
            found = self.clients.ec2.describe_subnets(Filters=default)["Subnets"]
        if not found:
            raise SystemExit("live: there is no default VPC here: name a public subnet with --subnet")
        found = sorted(found, key=lambda subnet: subnet["SubnetId"])[0]
        if not self.leads_out(found["SubnetId"], found["VpcId"]):
            raise SystemExit(f"live: {found['SubnetId']} has no route to an internet gateway: name another with --subnet")
        return found["SubnetId"], found["VpcId"]

    def leads_out(self, subnet: str, vpc: str) -> bool:
        """Whether the subnet's route table, its own or the VPC's main one, has a route to an internet gateway."""
        ec2 = self.clients.ec2
        own = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])
        tables = own["RouteTables"] or ec2.describe_route_tables(
            Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]
        )["RouteTables"]
        return any(r.get("GatewayId", "").startswith("igw-") for table in tables for r in table["Routes"])

    def make_role(self) -> str:
        """A role for functions in a VPC."""
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
        iam = self.clients.iam
        role = iam.create_role(RoleName=self.prefix, AssumeRolePolicyDocument=json.dumps(trust), Tags=self.tags())
        iam.attach_role_policy(RoleName=self.prefix, PolicyArn=VPC_POLICY)
        return role["Role"]["Arn"]

    def make_group(self, vpc: str, name: str) -> str:
        """A security group; new ones let everything out."""
        made = self.clients.ec2.create_security_group(
            GroupName=f"{self.prefix}-{name}",
            Description="of eipd's live test; may be deleted",
            VpcId=vpc,
            TagSpecifications=self.specification("security-group"),
        )
        return made["GroupId"]

    def make_address(self) -> dict:
        """An Elastic IP."""
        return self.clients.ec2.allocate_address(Domain="vpc", TagSpecifications=self.specification("elastic-ip"))

    def make_function(self, role: str, subnet: str, group: str, slowest: int) -> str:
        """The function, for invocations of so many seconds; a role that was just made is refused for a while."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("index.py", CODE)
        for attempt in range(30):
            try:
                self.clients.functions.create_function(
                    FunctionName=self.prefix,
                    Role=role,
                    Runtime="python3.13",
                    Handler="index.handler",
                    Code={"ZipFile": packed.getvalue()},
                    Timeout=slowest + 10,
                    MemorySize=128,
                    VpcConfig={"SubnetIds": [subnet], "SecurityGroupIds": [group]},
                    Tags={TAG: self.run},
                )
                return self.prefix
            except ClientError as error:
                if code_of(error) != "InvalidParameterValueException" or not self.own_role or attempt == 29:
                    raise
                time.sleep(2)
        raise AssertionError("the loop returns or raises")

    def make_queue(self, pattern: dict) -> str:
        """A rule for events and the queue that they come into."""
        sqs, events = self.clients.sqs, self.clients.events
        rule = events.put_rule(Name=self.prefix, EventPattern=json.dumps(pattern), Tags=self.tags())["RuleArn"]
        url = sqs.create_queue(QueueName=self.prefix, tags={TAG: self.run})["QueueUrl"]
        queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        events.put_targets(Rule=self.prefix, Targets=[{"Id": "queue", "Arn": queue}])
        return url
