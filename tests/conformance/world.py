"""A small AWS account for one test: a VPC, two subnets, functions, their interfaces, addresses.

Everything is made through boto3, as a person would make it, except Lambda's interfaces, which no caller can make:
those are turned into what they are by aws_like.py. The truth that tests compare with is asked through boto3 too.
"""

from __future__ import annotations

import io
import zipfile
from functools import cache

import boto3
from botocore.config import Config
from moto.awslambda.utils import get_backend as lambda_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2 import ec2_backends
from moto.moto_api._internal.models import moto_api_backend

import aws_like
from loopback import KEY_ID, SECRET, TESTER, Loopback

REGION = "eu-west-1"
FOREIGN_ACCOUNT = "999999999999"


def source_archive() -> bytes:
    """The smallest code that Lambda accepts. Nobody runs it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("main.py", "def handler(event, context): return None\n")
    return archive.getvalue()


ARCHIVE = source_archive()


@cache
def client(server: Loopback, service: str, region: str = REGION):
    """A boto3 client that talks to the loopback server and to nothing else. Making one is slow, so it is kept."""
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=server.url,
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20, user_agent_extra=TESTER),
    )


class World:
    """Empties moto and builds the common part: VPC with a way out, subnets `a` and `b`, groups, a role."""

    def __init__(self, server: Loopback, region: str = REGION, fresh: bool = True) -> None:
        if fresh:
            moto_api_backend.reset()
            server.denied.clear()
        aws_like.OPEN.__init__()
        self.server, self.region = server, region
        self.ec2 = client(server, "ec2", region)
        self.functions = client(server, "lambda", region)
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet_a = self.subnet("10.0.1.0/24", f"{region}a")
        self.subnet_b = self.subnet("10.0.2.0/24", f"{region}b")
        self.way_out()
        self.group = self.security_group("functions")
        self.other_group = self.security_group("others")
        self.role = self.execution_role(f"functions-{region}")
        server.journal.clear()

    def subnet(self, block: str, zone: str) -> str:
        made = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=block, AvailabilityZone=zone)
        return made["Subnet"]["SubnetId"]

    def way_out(self) -> None:
        """An internet gateway, and a route to it from both subnets."""
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        table = self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        for subnet in (self.subnet_a, self.subnet_b):
            self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)

    def security_group(self, name: str) -> str:
        return self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"]

    def execution_role(self, name: str) -> str:
        iam = client(self.server, "iam", self.region)
        return iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]

    def function(self, name: str, subnets: list[str] | None = None, groups: list[str] | None = None) -> str:
        """A function, in the VPC if it has subnets. Gives its ARN."""
        place = {"VpcConfig": {"SubnetIds": subnets, "SecurityGroupIds": groups or [self.group]}} if subnets else {}
        made = self.functions.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=self.role,
            Handler="main.handler",
            Code={"ZipFile": ARCHIVE},
            **place,
        )
        return made["FunctionArn"]

    def function_state(self, name: str, state: str) -> None:
        """Puts a function into a state that moto's never reach: Pending, Inactive, Failed."""
        lambda_backend(DEFAULT_ACCOUNT_ID, self.region).get_function(name).state = state

    def interface(self, subnet: str, groups: list[str] | None = None) -> str:
        """An ordinary interface, as anybody may have it beside a function's."""
        made = self.ec2.create_network_interface(SubnetId=subnet, Groups=groups or [self.group])
        return made["NetworkInterface"]["NetworkInterfaceId"]

    def lambda_interface(
        self,
        subnet: str,
        groups: list[str] | None = None,
        *,
        status: str = "in-use",
        requester_managed: bool = True,
        owner: str = "",
        function: str = "billing",
    ) -> str:
        """An interface that Lambda made."""
        made = self.ec2.create_network_interface(
            SubnetId=subnet,
            Groups=groups or [self.group],
            Description=f"AWS Lambda VPC ENI-{function}-0a1b2c3d",
            InterfaceType="lambda",
        )
        interface = made["NetworkInterface"]["NetworkInterfaceId"]
        aws_like.make_lambda_interface(self.backend().enis[interface], status, requester_managed, owner)
        return interface

    def lambda_removes(self, interface: str) -> None:
        """Lambda deletes an interface of its own."""
        self.ec2.delete_network_interface(NetworkInterfaceId=interface)

    def backend(self):
        return ec2_backends[DEFAULT_ACCOUNT_ID][self.region]

    def address(self) -> str:
        """Allocates an address. Gives its allocation id."""
        return self.ec2.allocate_address(Domain="vpc")["AllocationId"]

    def addresses(self, count: int) -> list[str]:
        return [self.address() for _ in range(count)]

    def associate(self, allocation: str, interface: str) -> str:
        """What an operator does by hand."""
        made = self.ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=interface)
        return made["AssociationId"]

    def disassociate(self, allocation: str) -> None:
        """What a stray hand does."""
        found = self.ec2.describe_addresses(AllocationIds=[allocation])["Addresses"][0]
        self.ec2.disassociate_address(AssociationId=found["AssociationId"])

    def truth(self) -> dict[str, str]:
        """Interface id to allocation id, for each interface that has an address.

        Both describe calls are asked, and must agree: an answer that holds only from one side is a broken moto.
        """
        with self.server.changing:
            interfaces = self.ec2.describe_network_interfaces()["NetworkInterfaces"]
            addresses = self.ec2.describe_addresses()["Addresses"]
        from_interfaces = {
            each["NetworkInterfaceId"]: each["Association"]["AllocationId"]
            for each in interfaces
            if each.get("Association")
        }
        from_addresses = {
            each["NetworkInterfaceId"]: each["AllocationId"] for each in addresses if each.get("NetworkInterfaceId")
        }
        if from_interfaces != from_addresses:
            raise AssertionError(f"moto contradicts itself: {from_interfaces} and {from_addresses}")
        return from_interfaces

    def public_ip(self, allocation: str) -> str:
        return self.ec2.describe_addresses(AllocationIds=[allocation])["Addresses"][0]["PublicIp"]
