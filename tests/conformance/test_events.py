"""`eipd events`, and the way of an event from the bus through rule and queue to the daemon.

moto has no CloudTrail, so each test puts the record of a call itself, as CloudTrail would (AWS.md 3). AWS refuses
PutEvents with a source that begins with `aws.`; moto takes it, and without it no event of AWS could be tried here.
"""

from __future__ import annotations

import datetime
import json

from bench import TwoFunctions
from cfnlint import ManualArgs, lint
from moto.core import DEFAULT_ACCOUNT_ID
from world import REGION, client

PARTS = [
    "dead-letter queue",
    "dead-letter queue's policy",
    "queue",
    "queue's policy",
    "rule",
    "rule's target",
]


class Wiring(TwoFunctions):
    def setUp(self) -> None:
        super().setUp()
        self.queues, self.bus = client(self.server, "sqs"), client(self.server, "events")

    def events(self, *arguments: str, expect: int = 0):
        return self.eipd("events", *arguments, "--format", "json", expect=expect).json()

    def outcomes(self, answer) -> dict[str, str]:
        items = answer["items"] if isinstance(answer, dict) else answer
        return {item["item"]: item.get("outcome", item.get("state")) for item in items}

    def test_setup_is_idempotent_and_what_boto3_sees_is_the_wiring(self):
        self.assertEqual(dict.fromkeys(PARTS, "to_create"), self.outcomes(self.events("setup", "--dry-run")))
        self.assert_nothing_changed()
        answer = self.events("setup")
        self.assertEqual(dict.fromkeys(PARTS, "created"), self.outcomes(answer))
        self.server.journal.clear()
        self.assertEqual(dict.fromkeys(PARTS, "unchanged"), self.outcomes(self.events("setup")))
        self.assert_nothing_changed()
        url = answer["queue_url"]
        self.assertEqual({"managed-by": "eipd"}, self.queues.list_queue_tags(QueueUrl=url)["Tags"])
        attributes = self.queues.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        dead = self.queues.get_queue_url(QueueName="eipd-dlq")["QueueUrl"]
        dead = self.queues.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.loads(attributes["RedrivePolicy"])
        self.assertEqual((dead, 5), (redrive["deadLetterTargetArn"], int(redrive["maxReceiveCount"])))
        rule = self.bus.describe_rule(Name="eipd")
        (statement,) = json.loads(attributes["Policy"])["Statement"]
        self.assertEqual({"ArnEquals": {"aws:SourceArn": rule["Arn"]}}, statement["Condition"])
        self.assertEqual("ENABLED", rule["State"])
        (target,) = self.bus.list_targets_by_rule(Rule="eipd")["Targets"]
        self.assertEqual(attributes["QueueArn"], target["Arn"])
        self.assertEqual({"Arn": dead}, target["DeadLetterConfig"])
        self.assertNotIn("RoleArn", target)

    def test_status_sends_a_marker_and_leaves_nothing(self):
        self.assertEqual("missing", self.outcomes(self.events("status", expect=1))["queue"])
        self.events("setup")
        answer = self.events("status")
        self.assertEqual(dict.fromkeys([*PARTS, "arrival of an event"], "ok"), self.outcomes(answer))
        self.assertLess(answer["arrival_seconds"], 20)
        self.assertEqual(2, len(self.queues.list_queues()["QueueUrls"]))
        self.assertEqual(1, len(self.bus.list_targets_by_rule(Rule="eipd")["Targets"]))
        self.bus.disable_rule(Name="eipd")
        self.assertEqual("different", self.outcomes(self.events("status", expect=1))["rule"])
        self.assertEqual("changed", self.outcomes(self.events("setup"))["rule"])

    def test_the_template_is_one(self):
        printed = self.eipd("events", "setup", "--print", "cloudformation").out
        faults = lint(printed, config=ManualArgs(regions=[REGION]))
        self.assertEqual([], [str(fault) for fault in faults])

    def test_teardown_leaves_what_is_not_ours(self):
        self.queues.create_queue(QueueName="eipd")
        refused = self.eipd("events", "setup", expect=1)
        self.assertIn("managed-by=eipd", refused.err)
        self.eipd("events", "setup", "--queue-name", "mine")
        shown = set(self.outcomes(self.events("teardown", "--queue-name", "mine")).values())
        self.assertEqual({"to_remove"}, shown)
        self.assertEqual(3, len(self.queues.list_queues()["QueueUrls"]))
        self.eipd("events", "teardown", "--queue-name", "mine", "--yes")
        left = self.queues.list_queues()["QueueUrls"]
        self.assertEqual(["eipd"], [url.rpartition("/")[2] for url in left])
        self.assertEqual([], self.bus.list_rules()["Rules"])

    def test_an_event_on_the_bus_reaches_the_daemon(self):
        url = self.events("setup")["queue_url"]
        self.configure(
            {"main": self.pool},
            {"billing": "main", "orders": "main"},
            more=f'[events]\nqueue_url = "{url}"\n',
        )
        # The next poll is an hour away: only the event can have told.
        self.file.write_text(self.file.read_text().replace('poll_interval = "1s"', 'poll_interval = "1h"'))
        self.file.write_text(self.file.read_text().replace('function_refresh = "1s"', 'function_refresh = "1h"'))
        with self.daemon() as daemon:
            daemon.wait_until("all have their addresses", lambda: self.covered(self.bare, self.pool))
            allocation = self.world.truth()[self.bare[0]]
            found = self.world.ec2.describe_addresses(AllocationIds=[allocation])["Addresses"][0]
            self.world.ec2.disassociate_address(AssociationId=found["AssociationId"])
            self.put_call("DisassociateAddress", {"associationId": found["AssociationId"]})
            daemon.wait_until("the event is acted on", lambda: self.covered(self.bare, self.pool))
            accepted = daemon.metric("eipd_events_total", kind="disassociate_address", outcome="accepted")
            self.assertEqual(1, accepted, daemon.account())
            self.events("status")
            code, _ = daemon.end()
            self.assertEqual(0, code, daemon.account())
        self.assert_foreign_untouched()

    def put_call(self, name: str, parameters: dict[str, str]) -> None:
        """Puts what CloudTrail tells of a call of EC2."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        record = {
            "eventVersion": "1.08",
            "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:user/stray"},
            "eventTime": now,
            "eventSource": "ec2.amazonaws.com",
            "eventName": name,
            "awsRegion": REGION,
            "recipientAccountId": DEFAULT_ACCOUNT_ID,
            "requestParameters": parameters,
            "responseElements": {"requestId": "11111111-2222-3333-4444-555555555555", "_return": True},
            "requestID": "11111111-2222-3333-4444-555555555555",
        }
        entry = {
            "Source": "aws.ec2",
            "DetailType": "AWS API Call via CloudTrail",
            "Detail": json.dumps(record),
        }
        self.assertEqual(0, self.bus.put_events(Entries=[entry])["FailedEntryCount"])
