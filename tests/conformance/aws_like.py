"""Corrections of moto where it is known to differ from AWS.

Each correction is one small function that says which fact of AWS.md it follows, with that fact's certainty ([C]
confirmed, [B] believed, [?] disputed), and is checked by boto3 alone in test_aws_like.py: first that plain moto does
differ, so that a correction which has become needless shows up, then that the corrected answer is AWS's. None of
them exists because `eipd` would like the answer; this file never looks at who is asking.

What AWS.md leaves open is not decided here: it is a field of `Open`, and scenarios run under each alternative.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace

from moto.awslambda.models import LambdaFunction
from moto.awslambda.responses import LambdaResponse
from moto.core.responses import ActionResult
from moto.ec2 import ec2_backends, utils
from moto.ec2.exceptions import EC2ClientError, ResourceAlreadyAssociatedError
from moto.ec2.models.availability_zones_and_regions import Zone
from moto.ec2.models.elastic_ip_addresses import ElasticAddress, ElasticAddressBackend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend
from moto.ec2.responses._base_response import EC2BaseResponse
from moto.ec2.responses.elastic_ip_addresses import ElasticIPAddresses
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces

FILTER_VALUES = 200
FUNCTIONS_PER_PAGE = 50
STATE_FIELDS = ("State", "StateReason", "StateReasonCode", "LastUpdateStatus")


@dataclass
class Open:
    """What AWS leaves open. A scenario sets what it wants to see; each starts from these values."""

    busy_interface: str = "replaced"
    """An address for an interface that has one, AllowReassociation=false: `replaced` or `refused`.
    AWS.md, mid-update view [?]."""

    interfaces_per_page: int = 1000
    """DescribeNetworkInterfaces may return fewer than MaxResults and still give a token. AWS.md 2 [B]."""


OPEN = Open()


class Patches:
    """Replaced attributes of moto's classes, with what they replaced."""

    def __init__(self) -> None:
        self.undo: list = []

    def set(self, owner, name: str, value) -> None:
        """Replaces `owner.name`, or adds it."""
        had, before = name in vars(owner), vars(owner).get(name)
        self.undo.append((owner, name, had, before))
        setattr(owner, name, value)

    def revert(self) -> None:
        while self.undo:
            owner, name, had, before = self.undo.pop()
            if had:
                setattr(owner, name, before)
            else:
                delattr(owner, name)


def absent_association_is_absent(patches: Patches) -> None:
    """An address without an association has no NetworkInterfaceId and no InstanceId; moto sends empty ones.

    AWS.md 2, DescribeAddresses: the fields exist "if any" [B].
    """
    patches.set(ElasticAddress, "instance_id", property(lambda self: self.instance.id if self.instance else None))
    patches.set(ElasticAddress, "network_interface_id", property(lambda self: self.eni.id if self.eni else None))


def addresses_have_a_border_group(patches: Patches) -> None:
    """Addresses and zones name their network border group, and addresses their pool.

    AWS.md 2, DescribeAddresses: Address has NetworkBorderGroup and PublicIpv4Pool [C]; that the group of an ordinary
    zone is the region [B].
    """
    patches.set(ElasticAddress, "network_border_group", property(lambda self: self.ec2_backend.region_name))
    patches.set(ElasticAddress, "public_ipv4_pool", "amazon")
    patches.set(Zone, "network_border_group", property(lambda self: self.region_name))


def filters_take_two_hundred_values(patches: Patches) -> None:
    """More than 200 values in a filter are refused.

    AWS.md 2: "Filters take at most 200 values (FilterLimitExceeded)" [C].
    """
    original = EC2BaseResponse._filters_from_querystring

    def limited(self):
        filters = original(self)
        if any(len(values) > FILTER_VALUES for values in filters.values()):
            raise EC2ClientError("FilterLimitExceeded", "The maximum number of filter values has been exceeded.")
        return filters

    patches.set(EC2BaseResponse, "_filters_from_querystring", limited)


def filter_values_are_alternatives(patches: Patches) -> None:
    """An interface matches `group-id` if it has any of the groups; moto wants a subset or a superset.

    AWS.md 1: "`group-id` means contains, so supersets match" [C] for one value; alternatives for several [B].
    """
    original = utils.is_filter_matching

    def any_of(obj, name, wanted):
        if name == "group-id" and isinstance(obj, NetworkInterface):
            return any(group.id in wanted for group in obj.group_set)
        return original(obj, name, wanted)

    patches.set(utils, "is_filter_matching", any_of)


def interfaces_come_in_pages(patches: Patches) -> None:
    """MaxResults and NextToken are obeyed.

    AWS.md 2, DescribeNetworkInterfaces: MaxResults 5 to 1000, not combinable with NetworkInterfaceIds [C]; the error
    codes [B].
    """
    original = ElasticNetworkInterfaces.describe_network_interfaces

    def paged(self):
        most = self._get_param("MaxResults")
        if most is not None and not 5 <= int(most) <= 1000:
            raise EC2ClientError("InvalidParameterValue", "MaxResults must be between 5 and 1000.")
        if most is not None and self._get_param("NetworkInterfaceIds", []):
            raise EC2ClientError("InvalidParameterCombination", "MaxResults cannot be used with interface ids.")
        everything = original(self).result["NetworkInterfaces"]
        start = read_token(self._get_param("NextToken"))
        if most is None:
            return ActionResult({"NetworkInterfaces": everything[start:]})
        end = start + min(int(most), OPEN.interfaces_per_page)
        result = {"NetworkInterfaces": everything[start:end]}
        if end < len(everything):
            result["NextToken"] = f"from-{end}"
        return ActionResult(result)

    patches.set(ElasticNetworkInterfaces, "describe_network_interfaces", paged)


def read_token(token: str | None) -> int:
    """The position that a token of ours stands for."""
    if token is None:
        return 0
    start = token.removeprefix("from-")
    if not start.isdecimal():
        raise EC2ClientError("InvalidNextToken", "The token is not one that was given out.")
    return int(start)


def reassociation_is_the_default(patches: Patches) -> None:
    """AssociateAddress without AllowReassociation takes the address from wherever it is.

    AWS.md 2, AssociateAddress: "Reassociation is automatic … The default steals" [C].
    """

    def with_default(self, name, if_none=None):
        if name == "AllowReassociation" and if_none is False:
            if_none = True
        return super(ElasticIPAddresses, self)._get_param(name, if_none)

    patches.set(ElasticIPAddresses, "_get_param", with_default)


def same_pair_is_idempotent(patches: Patches) -> None:
    """The same address for the same interface again changes nothing and gives the same association id.

    AWS.md 2, AssociateAddress: "Idempotent" [C]; that the id stays [B].
    """
    original = ElasticAddressBackend.associate_address

    def idempotent(self, instance=None, eni=None, address=None, allocation_id=None, reassociate=False):
        if eni and allocation_id:
            eip = self.address_by_allocation([allocation_id])[0]
            if eip.eni is eni:
                return eip
        return original(self, instance, eni, address, allocation_id, reassociate)

    patches.set(ElasticAddressBackend, "associate_address", idempotent)


def an_interface_holds_one_address(patches: Patches) -> None:
    """The address that an interface had before is disassociated, or the new one refused; it never has two.

    AWS.md 2, AssociateAddress: replaced, "C for instances; B for ENIs"; AWS.md, mid-update view: replaced or
    refused [?]. Hence `Open.busy_interface`.
    """
    original = ElasticAddressBackend.associate_address

    def exclusive(self, instance=None, eni=None, address=None, allocation_id=None, reassociate=False):
        held = [eip for eip in self.addresses if eni and eip.eni is eni and eip.allocation_id != allocation_id]
        if held and OPEN.busy_interface == "refused" and not reassociate:
            raise ResourceAlreadyAssociatedError(eni.id)
        given = original(self, instance, eni, address, allocation_id, reassociate)
        for eip in held:
            let_go(eip)
        return given

    patches.set(ElasticAddressBackend, "associate_address", exclusive)


def a_moved_address_leaves_its_interface(patches: Patches) -> None:
    """The interface that an address is taken from no longer shows it; moto lets both claim it.

    AWS.md 2, AssociateAddress: "disassociated from that instance and associated with the specified" [C for
    instances; B for ENIs].
    """
    original = ElasticAddressBackend.associate_address

    def leaving(self, instance=None, eni=None, address=None, allocation_id=None, reassociate=False):
        former = {eip.public_ip: eip.eni for eip in self.addresses if eip.eni}
        given = original(self, instance, eni, address, allocation_id, reassociate)
        source = former.get(given.public_ip)
        if source is not None and source is not given.eni:
            source.public_ip = None
        return given

    patches.set(ElasticAddressBackend, "associate_address", leaving)


def let_go(eip: ElasticAddress) -> None:
    """The association ends; the interface, which may already have another address, is left alone."""
    eip.eni = eip.instance = eip.association_id = None


def deletion_frees_the_address(patches: Patches) -> None:
    """An interface that is deleted gives up its address.

    AWS.md 2, Deleting an ENI that has an EIP: "releases any … Elastic IP addresses" [C generic; B for Lambda's own].
    """
    original = NetworkInterfaceBackend.delete_network_interface

    def freeing(self, eni_id):
        original(self, eni_id)
        for eip in self.addresses:
            if eip.eni and eip.eni.id == eni_id:
                let_go(eip)

    patches.set(NetworkInterfaceBackend, "delete_network_interface", freeing)


def functions_name_their_vpc(patches: Patches) -> None:
    """A function's VpcConfig names the VPC of its subnets; moto's is a constant.

    The Lambda API: VpcConfigResponse.VpcId, "The ID of the VPC" [C].
    """
    original = LambdaFunction.vpc_config.fget

    def with_vpc(self):
        config = original(self)
        if config and config.get("SubnetIds"):
            subnet = ec2_backends[self.account_id][self.region].get_subnet(config["SubnetIds"][0])
            config["VpcId"] = subnet.vpc_id
        return config

    patches.set(LambdaFunction, "vpc_config", property(with_vpc))


def functions_come_in_pages_without_state(patches: Patches) -> None:
    """ListFunctions gives at most 50 functions at a time and no State or LastUpdateStatus.

    AWS.md 1, ListFunctions: "≤50/page whatever MaxItems … omits State/LastUpdateStatus" [C].
    """
    original = LambdaResponse.list_functions

    def paged(self):
        functions = json.loads(original(self))["Functions"]
        start = int(self.querystring.get("Marker", ["0"])[0])
        end = start + min(int(self.querystring.get("MaxItems", [FUNCTIONS_PER_PAGE])[0]), FUNCTIONS_PER_PAGE)
        page = [{k: v for k, v in each.items() if k not in STATE_FIELDS} for each in functions[start:end]]
        answer = {"Functions": page}
        if end < len(functions):
            answer["NextMarker"] = str(end)
        return json.dumps(answer)

    patches.set(LambdaResponse, "list_functions", paged)


def interfaces_of_lambda_show_it(patches: Patches) -> None:
    """An interface that Lambda made has an attachment that belongs to no instance, and its own owner.

    AWS.md 1, Fields: Attachment.AttachmentId=ela-attach-…, InstanceOwnerId=amazon-aws [C]. AWS.md 2: the owner may
    be another account, in a shared subnet [C sharing, B visibility].
    """
    ordinary_attachment, ordinary_owner = NetworkInterface.attachment.fget, NetworkInterface.owner_id.fget

    def attachment(self):
        if self.interface_type != "lambda":
            return ordinary_attachment(self)
        if self.status != "in-use":
            return None
        return SimpleNamespace(
            attachment_id=f"ela-attach-{self.id.removeprefix('eni-')}",
            delete_on_termination=False,
            device_index=1,
            instance_owner_id="amazon-aws",
            status="attached",
        )

    def owner(self):
        return getattr(self, "foreign_owner", "") or ordinary_owner(self)

    patches.set(NetworkInterface, "attachment", property(attachment))
    patches.set(NetworkInterface, "owner_id", property(owner))


def make_lambda_interface(eni: NetworkInterface, status: str, requester_managed: bool, owner: str = "") -> None:
    """Turns an ordinary interface into one of Lambda's: moto makes none, and takes no notice of InterfaceType.

    AWS.md 1, Fields: InterfaceType=lambda [C], RequesterManaged [?], RequesterId AROA…:awslambda_… [C, old].
    """
    eni.interface_type = "lambda"
    eni.requester_managed = requester_managed
    eni.requester_id = "AROAEXAMPLEEXAMPLE:awslambda_847_20230628214903095"
    eni.status = status
    eni.foreign_owner = owner


CORRECTIONS = [
    absent_association_is_absent,
    addresses_have_a_border_group,
    filters_take_two_hundred_values,
    filter_values_are_alternatives,
    interfaces_come_in_pages,
    reassociation_is_the_default,
    a_moved_address_leaves_its_interface,
    an_interface_holds_one_address,
    same_pair_is_idempotent,
    deletion_frees_the_address,
    functions_name_their_vpc,
    functions_come_in_pages_without_state,
    interfaces_of_lambda_show_it,
]

APPLIED = Patches()


def correct() -> None:
    """Applies all corrections. Needed once per process."""
    for correction in CORRECTIONS:
        correction(APPLIED)


@contextmanager
def plain_moto():
    """Takes all corrections off for as long as the block lasts."""
    APPLIED.revert()
    try:
        yield
    finally:
        correct()
