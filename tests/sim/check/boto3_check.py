#!/usr/bin/env python3
"""Does boto3 accept the simulator's answers?

Run it from the repository's root with any boto3:

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install boto3
    /tmp/venv/bin/python tests/sim/check/boto3_check.py

It builds and starts the example `serve` on a loopback port, calls each operation that is simulated, checks what boto3
made of the answers, and ends the example. Nothing leaves the machine. Exit code 0 means that every check held.
"""

import json
import os
import subprocess
import sys

ENVIRONMENT = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ACCESS_KEY_ID": "AKIASTRAYSTRAYSTRAY0",
    "AWS_SECRET_ACCESS_KEY": "simulated",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "NO_PROXY": "127.0.0.1",
}
os.environ.update(ENVIRONMENT)

import boto3  # noqa: E402  (the environment above must come first)
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402

CHECKS = 0


def check(what, condition):
    global CHECKS
    CHECKS += 1
    if not condition:
        sys.exit(f"FAILED: {what}")


def refused(what, code, status, call, **parameters):
    try:
        call(**parameters)
    except ClientError as error:
        found = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        check(f"{what}: {found}", found == (code, status))
        check(f"{what} has a request id", error.response["ResponseMetadata"].get("RequestId"))
        check(f"{what} has a message", error.response["Error"]["Message"])
        return
    sys.exit(f"FAILED: {what} was not refused")


def start():
    command = ["cargo", "run", "--quiet", "--locked", "--example", "serve"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    facts = {}
    for line in server.stdout:
        key, _, value = line.strip().partition("=")
        facts[key] = value
        if key == "READY":
            return server, facts
    sys.exit("FAILED: the example did not start")


def client(service, url, **session):
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30)
    return boto3.client(service, endpoint_url=url, config=config, **session)


def check_interfaces(ec2, facts):
    subnets = facts["SUBNETS"].split(",")
    lambdas = [{"Name": "interface-type", "Values": ["lambda"]}]
    found = ec2.describe_network_interfaces(Filters=lambdas, MaxResults=1000, IncludeManagedResources=True)
    interfaces = found["NetworkInterfaces"]
    check("three interfaces, one of them of an update", len(interfaces) == 3)
    check("a request id", found["ResponseMetadata"]["RequestId"])
    one = next(i for i in interfaces if i["NetworkInterfaceId"] == facts["INTERFACE"])
    check("subnet", one["SubnetId"] == subnets[0])
    check("groups", [g["GroupId"] for g in one["Groups"]] == [facts["GROUP"]])
    check("status", one["Status"] == "in-use")
    check("attachment", one["Attachment"]["AttachmentId"].startswith("ela-attach-"))
    check("owner of the attachment", one["Attachment"]["InstanceOwnerId"] == "amazon-aws")
    check("no association", "Association" not in one)
    check("type", one["InterfaceType"] == "lambda")
    check("a time", one["Attachment"]["AttachTime"].year >= 2026)
    pages = ec2.get_paginator("describe_network_interfaces").paginate(PaginationConfig={"PageSize": 5})
    check("paginator", sum(len(page["NetworkInterfaces"]) for page in pages) == 3)
    by_subnet = [{"Name": "subnet-id", "Values": subnets[1:]}, {"Name": "group-id", "Values": [facts["GROUP"]]}]
    check("by subnet and group", len(ec2.describe_network_interfaces(Filters=by_subnet)["NetworkInterfaces"]) == 1)
    refused("MaxResults 1001", "InvalidParameterValue", 400, ec2.describe_network_interfaces, MaxResults=1001)
    refused("MaxResults with ids", "InvalidParameterCombination", 400, ec2.describe_network_interfaces,
            MaxResults=5, NetworkInterfaceIds=[facts["INTERFACE"]])
    refused("an unknown id", "InvalidNetworkInterfaceID.NotFound", 400, ec2.describe_network_interfaces,
            NetworkInterfaceIds=["eni-0123456789abcdef0"])
    many = [{"Name": "subnet-id", "Values": [f"subnet-{n:017x}" for n in range(201)]}]
    refused("201 filter values", "FilterLimitExceeded", 400, ec2.describe_network_interfaces, Filters=many)


def check_addresses(ec2, facts):
    first, second = facts["ALLOCATIONS"].split(",")
    eni = facts["INTERFACE"]
    tagged = ec2.describe_addresses(Filters=[{"Name": "tag:pool", "Values": ["a"]}])["Addresses"]
    check("by tag", [a["AllocationId"] for a in tagged] == [first])
    check("tags", tagged[0]["Tags"] == [{"Key": "pool", "Value": "a"}])
    refused("dry run", "DryRunOperation", 412, ec2.associate_address, AllocationId=first, NetworkInterfaceId=eni,
            DryRun=True)
    done = ec2.associate_address(AllocationId=first, NetworkInterfaceId=eni, AllowReassociation=False)
    check("association id", done["AssociationId"].startswith("eipassoc-"))
    again = ec2.associate_address(AllocationId=first, NetworkInterfaceId=eni, AllowReassociation=False)
    check("idempotent", again["AssociationId"] == done["AssociationId"])
    shown = ec2.describe_network_interfaces(NetworkInterfaceIds=[eni])["NetworkInterfaces"][0]
    check("shown on the interface", shown["Association"]["AllocationId"] == first)
    check("and on its private address", shown["PrivateIpAddresses"][0]["Association"]["PublicIp"])
    address = ec2.describe_addresses(AllocationIds=[first])["Addresses"][0]
    check("shown on the address", address["NetworkInterfaceId"] == eni)
    check("owner", address["NetworkInterfaceOwnerId"] == "111122223333")
    other = next(i["NetworkInterfaceId"] for i in ec2.describe_network_interfaces()["NetworkInterfaces"]
                 if i["NetworkInterfaceId"] != eni)
    refused("a busy address", "Resource.AlreadyAssociated", 400, ec2.associate_address, AllocationId=first,
            NetworkInterfaceId=other, AllowReassociation=False)
    refused("an unknown address", "InvalidAllocationID.NotFound", 400, ec2.associate_address,
            AllocationId="eipalloc-0123456789abcdef0", NetworkInterfaceId=eni)
    ec2.associate_address(AllocationId=second, NetworkInterfaceId=eni, AllowReassociation=True)
    check("replaced", "AssociationId" not in ec2.describe_addresses(AllocationIds=[first])["Addresses"][0])
    association = ec2.describe_addresses(AllocationIds=[second])["Addresses"][0]["AssociationId"]
    refused("a release in use", "InvalidIPAddress.InUse", 400, ec2.release_address, AllocationId=second)
    ec2.disassociate_address(AssociationId=association)
    ec2.disassociate_address(AssociationId=association)
    ec2.release_address(AllocationId=second)
    tags = [{"ResourceType": "elastic-ip", "Tags": [{"Key": "made", "Value": "here"}]}]
    new = ec2.allocate_address(Domain="vpc", TagSpecifications=tags)
    ec2.create_tags(Resources=[new["AllocationId"]], Tags=[{"Key": "x", "Value": "<&>"}])
    values = {t["Key"]: t["Value"] for t in ec2.describe_addresses(AllocationIds=[new["AllocationId"]])["Addresses"][0]["Tags"]}
    check("tags again", values == {"made": "here", "x": "<&>"})


def check_network(ec2, facts):
    subnets = ec2.describe_subnets(SubnetIds=facts["SUBNETS"].split(","))["Subnets"]
    check("subnets", [s["AvailabilityZone"] for s in subnets] == ["eu-west-1a", "eu-west-1b"])
    by_subnet = [{"Name": "association.subnet-id", "Values": [subnets[0]["SubnetId"]]}]
    table = ec2.describe_route_tables(Filters=by_subnet)["RouteTables"][0]
    check("a route to an internet gateway", any(r.get("GatewayId", "").startswith("igw-") for r in table["Routes"]))
    group = ec2.describe_security_groups(GroupIds=[facts["GROUP"]])["SecurityGroups"][0]
    check("open egress", group["IpPermissionsEgress"][0]["IpRanges"][0]["CidrIp"] == "0.0.0.0/0")
    check("zones", ec2.describe_availability_zones()["AvailabilityZones"][0]["NetworkBorderGroup"] == "eu-west-1")
    check("VPC", ec2.describe_vpcs()["Vpcs"][0]["VpcId"] == facts["VPC"])
    check("gateway", ec2.describe_internet_gateways()["InternetGateways"][0]["Attachments"][0]["VpcId"] == facts["VPC"])


def check_lambda(functions, facts):
    one = functions.get_function_configuration(FunctionName="billing")
    check("state", (one["State"], one["LastUpdateStatus"]) == ("Active", "Successful"))
    check("VPC", one["VpcConfig"]["SubnetIds"] == facts["SUBNETS"].split(","))
    check("VPC id", one["VpcConfig"]["VpcId"] == facts["VPC"])
    alias = functions.get_function_configuration(FunctionName="billing", Qualifier="live")
    check("alias", alias["Version"] == "1" and alias["FunctionArn"].endswith(":billing:live"))
    check("by ARN", functions.get_function_configuration(FunctionName=one["FunctionArn"])["Version"] == "$LATEST")
    check("pending", functions.get_function_configuration(FunctionName="pending")["State"] == "Pending")
    check("in progress", functions.get_function_configuration(FunctionName="crowd-00")["LastUpdateStatus"] == "InProgress")
    check("no VPC", "VpcConfig" not in functions.get_function_configuration(FunctionName="outside"))
    page = functions.list_functions(MaxItems=1000)
    check("fifty a page", len(page["Functions"]) == 50 and page["NextMarker"])
    check("no states", not any("State" in f or "LastUpdateStatus" in f for f in page["Functions"]))
    pages = functions.get_paginator("list_functions").paginate(FunctionVersion="ALL")
    everything = [f["FunctionArn"] for page in pages for f in page["Functions"]]
    check("all versions", len(everything) == 64 and len(set(everything)) == 64)
    check("versions", [v["Version"] for v in functions.list_versions_by_function(FunctionName="billing")["Versions"]]
          == ["$LATEST", "1"])
    check("aliases", functions.list_aliases(FunctionName="billing")["Aliases"][0]["Name"] == "live")
    check("get alias", functions.get_alias(FunctionName="billing", Name="live")["FunctionVersion"] == "1")
    check("tags", functions.list_tags(Resource=one["FunctionArn"])["Tags"] == {"team": "money & <co>"})
    whole = functions.get_function(FunctionName="billing")
    check("get function", whole["Configuration"]["State"] == "Active" and whole["Tags"])
    refused("an unknown function", "ResourceNotFoundException", 404, functions.get_function_configuration,
            FunctionName="nobody")


def check_credentials(url, facts):
    sts = client("sts", url)
    check("who am I", sts.get_caller_identity()["Arn"] == "arn:aws:iam::111122223333:user/stray")
    role = "arn:aws:iam::111122223333:role/reader"
    session = sts.assume_role(RoleArn=role, RoleSessionName="me", ExternalId="their-id", DurationSeconds=900)["Credentials"]
    keys = {"aws_access_key_id": session["AccessKeyId"], "aws_secret_access_key": session["SecretAccessKey"],
            "aws_session_token": session["SessionToken"]}
    arn = client("sts", url, **keys).get_caller_identity()["Arn"]
    check("a session", arn == "arn:aws:sts::111122223333:assumed-role/reader/me")
    check("reads", client("ec2", url, **keys).describe_addresses()["Addresses"])
    bad = {"aws_access_key_id": "AKIANOBODY", "aws_secret_access_key": "x"}
    refused("EC2, unknown key", "AuthFailure", 401, client("ec2", url, **bad).describe_addresses)
    refused("Lambda, unknown key", "UnrecognizedClientException", 403, client("lambda", url, **bad).list_functions)
    refused("STS, unknown key", "InvalidClientTokenId", 403, client("sts", url, **bad).get_caller_identity)


def check_queues(sqs):
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "60"}, tags={"made": "here"})["QueueUrl"]
    check("the same queue", sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "60"})["QueueUrl"] == url)
    refused("another queue of the name", "QueueAlreadyExists", 400, sqs.create_queue, QueueName="q",
            Attributes={"VisibilityTimeout": "61"})
    check("by name", sqs.get_queue_url(QueueName="q")["QueueUrl"] == url)
    check("tags of a queue", sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"made": "here"})
    sqs.tag_queue(QueueUrl=url, Tags={"more": "tags"})
    check("all queues", sqs.list_queues()["QueueUrls"] == [url])
    # botocore compares the sums of what it sent with those of the answer.
    sent = sqs.send_message(QueueUrl=url, MessageBody="<hello & more>")
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1,
                              MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"])["Messages"][0]
    check("the message", (got["MessageId"], got["Body"]) == (sent["MessageId"], "<hello & more>"))
    check("the sum", got["MD5OfBody"] == sent["MD5OfMessageBody"])
    check("received once", got["Attributes"]["ApproximateReceiveCount"] == "1" and got["Attributes"]["SentTimestamp"])
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    check("its ARN", counts["QueueArn"] == "arn:aws:sqs:eu-west-1:111122223333:q")
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=0)
    again = sqs.receive_message(QueueUrl=url)["Messages"][0]
    check("a new handle", again["ReceiptHandle"] != got["ReceiptHandle"])
    entries = [{"Id": "good", "ReceiptHandle": again["ReceiptHandle"]}, {"Id": "bad", "ReceiptHandle": "nonsense"}]
    batch = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    check("a batch", [e["Id"] for e in batch["Successful"]] == ["good"] and batch["Failed"][0]["Code"] == "ReceiptHandleIsInvalid")
    check("an empty queue", "Messages" not in sqs.receive_message(QueueUrl=url))
    hidden = [{"Id": "bad", "ReceiptHandle": "nonsense", "VisibilityTimeout": 0}]
    check("another batch", sqs.change_message_visibility_batch(QueueUrl=url, Entries=hidden)["Failed"][0]["SenderFault"])
    sqs.purge_queue(QueueUrl=url)
    refused("a queue that is not there", "AWS.SimpleQueueService.NonExistentQueue", 400, sqs.receive_message,
            QueueUrl=url + "x")
    refused("eleven messages", "InvalidParameterValue", 400, sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=11)
    return url


def check_events(events, sqs, ec2, facts, url):
    pattern = {"source": ["aws.ec2", "eipd"], "detail": {"errorCode": [{"exists": False}]}}
    arn = events.put_rule(Name="r", EventPattern=json.dumps(pattern), Tags=[{"Key": "a", "Value": "b"}])["RuleArn"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": queue, "Condition": {"ArnEquals": {"aws:SourceArn": arn}}}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    put = events.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": queue, "RetryPolicy": {"MaximumRetryAttempts": 3}}])
    check("targets put", put["FailedEntryCount"] == 0)
    check("a rule", events.describe_rule(Name="r")["State"] == "ENABLED")
    check("rules", [r["Arn"] for r in events.list_rules()["Rules"]] == [arn])
    check("targets", events.list_targets_by_rule(Rule="r")["Targets"][0]["RetryPolicy"] == {"MaximumRetryAttempts": 3})
    check("tags of a rule", events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "b"}])
    good, bad = {"Source": "eipd", "DetailType": "x", "Detail": "{}"}, {"Source": "eipd", "DetailType": "x", "Detail": "["}
    answer = events.put_events(Entries=[good, bad])
    check("one entry failed", answer["FailedEntryCount"] == 1 and answer["Entries"][1]["ErrorCode"] == "MalformedDetail")
    came = json.loads(receive_one(sqs, url)["Body"])
    check("the event came", came["id"] == answer["Entries"][0]["EventId"] and came["detail-type"] == "x")
    allocation, eni = facts["ALLOCATIONS"].split(",")[0], facts["INTERFACE"]
    done = ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=eni, AllowReassociation=False)
    told = json.loads(receive_one(sqs, url)["Body"])["detail"]
    check("the call was told", told["responseElements"]["associationId"] == done["AssociationId"])
    check("with its request id", told["requestID"] == done["ResponseMetadata"]["RequestId"])
    check("and its caller", told["userIdentity"]["arn"] == "arn:aws:iam::111122223333:user/stray")
    events.disable_rule(Name="r")
    refused("a rule with targets", "ValidationException", 400, events.delete_rule, Name="r")
    events.remove_targets(Rule="r", Ids=["q"])
    events.delete_rule(Name="r")
    refused("no such rule", "ResourceNotFoundException", 400, events.describe_rule, Name="r")
    bus = events.create_event_bus(Name="own")["EventBusArn"]
    check("a bus", events.describe_event_bus(Name="own")["Arn"] == bus)
    sqs.delete_queue(QueueUrl=url)


def check_owner(ec2, functions, facts):
    """What an owner does: groups and functions come, change, run and go."""
    subnets = facts["SUBNETS"].split(",")
    specification = [{"ResourceType": "security-group", "Tags": [{"Key": "made", "Value": "here"}]}]
    made = ec2.create_security_group(GroupName="g", Description="d", VpcId=facts["VPC"], TagSpecifications=specification)
    by_tag = ec2.describe_security_groups(Filters=[{"Name": "tag:made", "Values": ["here"]}])["SecurityGroups"]
    check("a group by its tag", [g["GroupId"] for g in by_tag] == [made["GroupId"]] and by_tag[0]["Tags"][0]["Value"] == "here")
    vpc = {"SubnetIds": subnets[:1], "SecurityGroupIds": [made["GroupId"]]}
    new = {"FunctionName": "own", "Role": "arn:aws:iam::111122223333:role/r", "Runtime": "python3.13", "Handler": "i.h",
           "Code": {"ZipFile": b"PK"}, "Timeout": 9, "VpcConfig": vpc, "Tags": {"made": "here"}}
    created = functions.create_function(**new)
    check("a new function", (created["State"], created["Timeout"]) == ("Pending", 9))
    check("its group", created["VpcConfig"]["SecurityGroupIds"] == [made["GroupId"]])
    refused("the same again", "ResourceConflictException", 409, functions.create_function, **new)
    refused("a pending one runs not", "ResourceConflictException", 409, functions.invoke, FunctionName="own")
    refused("an update under way", "ResourceConflictException", 409, functions.update_function_configuration,
            FunctionName="own", VpcConfig={"SubnetIds": [], "SecurityGroupIds": []})
    refused("a group in use", "DependencyViolation", 400, ec2.delete_security_group, GroupId=made["GroupId"])
    answer = json.loads(functions.invoke(FunctionName="billing", Payload=b"{}")["Payload"].read())
    addresses = [address["PublicIp"] for address in ec2.describe_addresses()["Addresses"]]
    check("an invocation tells where it leaves", answer.get("address") in addresses or answer == {"error": "timed out"})
    functions.delete_function(FunctionName="own")
    refused("nothing to delete", "ResourceNotFoundException", 404, functions.delete_function, FunctionName="own")
    spare = ec2.create_security_group(GroupName="h", Description="d", VpcId=facts["VPC"])["GroupId"]
    ec2.delete_security_group(GroupId=spare)
    refused("a group that is gone", "InvalidGroup.NotFound", 400, ec2.delete_security_group, GroupId=spare)


def receive_one(sqs, url):
    message = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"][0]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return message


def main():
    server, facts = start()
    try:
        url = facts["URL"]
        ec2 = client("ec2", url)
        check_interfaces(ec2, facts)
        check_addresses(ec2, facts)
        check_network(ec2, facts)
        check_lambda(client("lambda", url), facts)
        check_credentials(url, facts)
        sqs = client("sqs", url)
        check_events(client("events", url), sqs, ec2, facts, check_queues(sqs))
        check_owner(ec2, client("lambda", url), facts)
        before = CHECKS
        refused("an unknown operation", "InvalidAction", 400, ec2.describe_instances)
        refused("an unknown filter", "InvalidParameterValue", 400, ec2.describe_addresses,
                Filters=[{"Name": "colour", "Values": ["blue"]}])
        refused("an unknown parameter", "UnknownParameter", 400, ec2.associate_address, PublicIp="198.18.0.0",
                AllocationId="eipalloc-0", NetworkInterfaceId="eni-0")
        rest, _ = server.communicate(timeout=20)
        check("three complaints", "COMPLAINTS=3" in rest)
        check("a journal", "ec2 AssociateAddress" in rest and "AKIA" not in rest)
        print(f"boto3 {boto3.__version__}: {CHECKS} checks held, {CHECKS - before} of them on complaints and journal")
    finally:
        if server.poll() is None:
            server.terminate()
            server.wait()


main()
