"""Takes away all that a run made, by its names and tags, in the order in which AWS lets it go.

Safe to repeat, and needs nothing but the run's id. An error of one step never keeps the others from being tried.
"""

from __future__ import annotations

import time

from botocore.exceptions import ClientError

from account import TAG, VPC_POLICY, Stage, code_of

GONE = {
    "ResourceNotFoundException",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "NoSuchEntity",
    "InvalidGroup.NotFound",
    "InvalidAllocationID.NotFound",
    "InvalidAssociationID.NotFound",
}


def tear_down(stage: Stage, patience: float) -> list[str]:
    """Tries for as long as `patience` seconds; returns what is left, nothing in the good case."""
    end = time.monotonic() + patience
    told = False
    while True:
        left = [line for step in STEPS for line in attempt(step, stage)]
        # Lambda works on its interfaces under the function's role: without it they would stay for good.
        if not left:
            left = attempt(role, stage)
        if not left or time.monotonic() > end:
            return left
        if not told:
            print(f"live: waiting for AWS to let go of: {'; '.join(left)}", flush=True)
            told = True
        time.sleep(max(stage.pause, min(20.0, patience / 100)))


def attempt(step, stage: Stage) -> list[str]:
    try:
        return step(stage)
    except ClientError as error:
        return [] if code_of(error) in GONE else [f"{step.__name__}: {error}"]


def tagged(stage: Stage) -> list[dict]:
    return [{"Name": f"tag:{TAG}", "Values": [stage.run]}]


def function(stage: Stage) -> list[str]:
    stage.clients.functions.delete_function(FunctionName=stage.prefix)
    return []


def events(stage: Stage) -> list[str]:
    stage.clients.events.remove_targets(Rule=stage.prefix, Ids=["queue"])
    stage.clients.events.delete_rule(Name=stage.prefix)
    return []


def queue(stage: Stage) -> list[str]:
    url = stage.clients.sqs.get_queue_url(QueueName=stage.prefix)["QueueUrl"]
    stage.clients.sqs.delete_queue(QueueUrl=url)
    return []


def addresses(stage: Stage) -> list[str]:
    ec2 = stage.clients.ec2
    for address in ec2.describe_addresses(Filters=tagged(stage))["Addresses"]:
        if association := address.get("AssociationId"):
            ec2.disassociate_address(AssociationId=association)
        ec2.release_address(AllocationId=address["AllocationId"])
    return []


def groups(stage: Stage) -> list[str]:
    ec2 = stage.clients.ec2
    left = []
    for group in ec2.describe_security_groups(Filters=tagged(stage))["SecurityGroups"]:
        try:
            ec2.delete_security_group(GroupId=group["GroupId"])
        except ClientError as error:
            if code_of(error) not in GONE:
                left.append(f"security group {group['GroupId']} ({code_of(error)})")
    return left


def role(stage: Stage) -> list[str]:
    if not stage.own_role:
        return []
    try:
        stage.clients.iam.detach_role_policy(RoleName=stage.prefix, PolicyArn=VPC_POLICY)
    except ClientError as error:
        if code_of(error) not in GONE:
            raise
    stage.clients.iam.delete_role(RoleName=stage.prefix)
    return []


STEPS = (function, events, queue, addresses, groups)
