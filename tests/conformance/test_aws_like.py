"""The corrections of moto, checked by boto3 alone. `eipd` takes no part in this file.

Each pair of tests belongs to one correction: `plain_…` shows that moto still differs from AWS without it (when one
of those fails after an update of moto, the correction has become needless), the other that the corrected answer is
the one that AWS.md describes.
"""

from __future__ import annotations

import boto3
from botocore.exceptions import ClientError

import aws_like
from bench import WorldCase
from loopback import KEY_ID
from world import client


class Ec2Case(WorldCase):
    def setUp(self) -> None:
        super().setUp()
        self.ec2 = self.world.ec2

    def refusal(self, call, **params) -> str:
        """The error code with which the call is refused."""
        with self.assertRaises(ClientError) as caught:
            call(**params)
        return caught.exception.response["Error"]["Code"]

    def only_address(self) -> dict:
        return self.ec2.describe_addresses()["Addresses"][0]

    def associate(self, allocation: str, interface: str, **more) -> str:
        made = self.ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=interface, **more)
        return made["AssociationId"]


class Signatures(Ec2Case):
    def last(self):
        return self.server.journal.calls[-1]

    def test_of_each_protocol(self):
        self.ec2.describe_addresses(Filters=[{"Name": "tag:a b", "Values": ["ü&="]}])
        self.assertTrue(self.last().signed)
        self.world.functions.list_functions(MaxItems=7, FunctionVersion="ALL")
        self.assertTrue(self.last().signed)
        arn = self.world.function("billing")
        self.world.functions.list_tags(Resource=arn)
        self.assertTrue(self.last().signed, "a path with escapes")
        client(self.server, "sts").get_caller_identity()
        self.assertTrue(self.last().signed)

    def test_with_another_secret(self):
        stranger = boto3.client(
            "ec2",
            region_name=self.world.region,
            endpoint_url=self.server.url,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key="guessed",
        )
        stranger.describe_addresses()
        self.assertFalse(self.last().signed)


class LambdaInterfaces(Ec2Case):
    def described(self, interface: str) -> dict:
        return self.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]

    def test_plain_interface_stays_ordinary(self):
        made = self.ec2.create_network_interface(SubnetId=self.world.subnet_a, InterfaceType="lambda")
        shown = self.described(made["NetworkInterface"]["NetworkInterfaceId"])
        self.assertEqual(("interface", "available"), (shown["InterfaceType"], shown["Status"]))
        self.assertNotIn("Attachment", shown)

    def test_in_use(self):
        shown = self.described(self.world.lambda_interface(self.world.subnet_a))
        self.assertEqual(("lambda", "in-use"), (shown["InterfaceType"], shown["Status"]))
        self.assertTrue(shown["RequesterManaged"])
        self.assertTrue(shown["Attachment"]["AttachmentId"].startswith("ela-attach-"))
        self.assertEqual("amazon-aws", shown["Attachment"]["InstanceOwnerId"])
        self.assertNotIn("InstanceId", shown["Attachment"])
        self.assertEqual([], shown["TagSet"])

    def test_not_yet_in_use(self):
        shown = self.described(self.world.lambda_interface(self.world.subnet_a, status="pending"))
        self.assertEqual("pending", shown["Status"])
        self.assertNotIn("Attachment", shown)

    def test_both_forms_of_requester_managed(self):
        shown = self.described(self.world.lambda_interface(self.world.subnet_a, requester_managed=False))
        self.assertFalse(shown["RequesterManaged"])

    def test_another_owner_in_a_shared_subnet(self):
        shown = self.described(self.world.lambda_interface(self.world.subnet_a, owner="999999999999"))
        self.assertEqual("999999999999", shown["OwnerId"])

    def test_filters_find_it(self):
        self.world.interface(self.world.subnet_a)
        wanted = self.world.lambda_interface(self.world.subnet_a)
        for name, value in [("interface-type", "lambda"), ("status", "in-use"), ("requester-managed", "true")]:
            found = self.ec2.describe_network_interfaces(Filters=[{"Name": name, "Values": [value]}])
            self.assertEqual([wanted], [each["NetworkInterfaceId"] for each in found["NetworkInterfaces"]], name)

    def test_asking_for_managed_resources_is_understood(self):
        wanted = self.world.lambda_interface(self.world.subnet_a)
        found = self.ec2.describe_network_interfaces(IncludeManagedResources=True, MaxResults=1000)
        self.assertIn(wanted, [each["NetworkInterfaceId"] for each in found["NetworkInterfaces"]])


class Describing(Ec2Case):
    def several(self, count: int) -> set[str]:
        return {self.world.lambda_interface(self.world.subnet_a) for _ in range(count)}

    def by_type(self, **more) -> dict:
        filters = [{"Name": "interface-type", "Values": ["lambda"]}]
        return self.ec2.describe_network_interfaces(Filters=filters, **more)

    def test_plain_has_no_pages(self):
        self.several(7)
        with aws_like.plain_moto():
            answer = self.by_type(MaxResults=5)
        self.assertEqual(7, len(answer["NetworkInterfaces"]))

    def test_pages(self):
        made, seen, token = self.several(12), [], {}
        for wanted in (5, 5, 2):
            answer = self.by_type(MaxResults=5, **token)
            self.assertEqual(wanted, len(answer["NetworkInterfaces"]))
            seen += [each["NetworkInterfaceId"] for each in answer["NetworkInterfaces"]]
            token = {"NextToken": answer.get("NextToken")}
        self.assertIsNone(token["NextToken"])
        self.assertEqual(sorted(made), sorted(seen))

    def test_pages_may_be_short(self):
        made = self.several(6)
        aws_like.OPEN.interfaces_per_page = 2
        pages = self.ec2.get_paginator("describe_network_interfaces").paginate(MaxResults=1000)
        sizes, seen = [], set()
        for page in pages:
            sizes.append(len(page["NetworkInterfaces"]))
            seen |= {each["NetworkInterfaceId"] for each in page["NetworkInterfaces"]}
        self.assertEqual(2, max(sizes))
        self.assertLessEqual(made, seen)

    def test_page_sizes_are_limited(self):
        # Less than 5 does not even leave boto3.
        self.assertEqual("InvalidParameterValue", self.refusal(self.by_type, MaxResults=1001))

    def test_page_size_and_ids_exclude_each_other(self):
        one = self.world.lambda_interface(self.world.subnet_a)
        code = self.refusal(self.by_type, MaxResults=5, NetworkInterfaceIds=[one])
        self.assertEqual("InvalidParameterCombination", code)

    def test_a_token_must_be_one_given_out(self):
        self.assertEqual("InvalidNextToken", self.refusal(self.by_type, MaxResults=5, NextToken="garbage"))

    def test_plain_filters_take_any_number(self):
        with aws_like.plain_moto():
            answer = self.ec2.describe_addresses(Filters=[self.many_allocations(201)])
        self.assertEqual([], answer["Addresses"])

    def test_filters_take_two_hundred_values(self):
        self.assertEqual([], self.ec2.describe_addresses(Filters=[self.many_allocations(200)])["Addresses"])
        code = self.refusal(self.ec2.describe_addresses, Filters=[self.many_allocations(201)])
        self.assertEqual("FilterLimitExceeded", code)

    def many_allocations(self, count: int) -> dict:
        return {"Name": "allocation-id", "Values": [f"eipalloc-{number:017x}" for number in range(count)]}

    def in_either_group(self) -> list[str]:
        third = self.world.security_group("third")
        self.world.lambda_interface(self.world.subnet_a, [self.world.group, third])
        filters = [{"Name": "group-id", "Values": [self.world.group, self.world.other_group]}]
        found = self.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        return [each["NetworkInterfaceId"] for each in found]

    def test_plain_wants_all_groups_of_a_filter(self):
        with aws_like.plain_moto():
            self.assertEqual(0, len(self.in_either_group()))

    def test_group_filter_matches_supersets_and_alternatives(self):
        self.assertEqual(1, len(self.in_either_group()))

    def test_plain_shows_an_empty_association(self):
        self.world.address()
        with aws_like.plain_moto():
            self.assertEqual("", self.only_address()["NetworkInterfaceId"])

    def test_absent_association_is_absent(self):
        self.world.address()
        for name in ("NetworkInterfaceId", "InstanceId", "AssociationId"):
            self.assertNotIn(name, self.only_address())

    def test_plain_knows_no_border_group(self):
        self.world.address()
        with aws_like.plain_moto():
            self.assertNotIn("NetworkBorderGroup", self.only_address())

    def test_border_group(self):
        self.world.address()
        shown = self.only_address()
        self.assertEqual((self.world.region, "amazon"), (shown["NetworkBorderGroup"], shown["PublicIpv4Pool"]))
        zones = self.ec2.describe_availability_zones()["AvailabilityZones"]
        self.assertEqual({self.world.region}, {zone["NetworkBorderGroup"] for zone in zones})

    def test_an_unknown_id_fails_whole_and_a_filter_does_not(self):
        known, unknown = self.world.address(), f"eipalloc-{1:017x}"
        code = self.refusal(self.ec2.describe_addresses, AllocationIds=[known, unknown])
        self.assertEqual("InvalidAllocationID.NotFound", code)
        found = self.ec2.describe_addresses(Filters=[{"Name": "allocation-id", "Values": [known, unknown]}])
        self.assertEqual([known], [each["AllocationId"] for each in found["Addresses"]])


class Associating(Ec2Case):
    def setUp(self) -> None:
        super().setUp()
        self.one, self.two = (self.world.lambda_interface(self.world.subnet_a) for _ in range(2))
        self.first, self.second = self.world.addresses(2)

    def test_false_guards_the_address(self):
        self.associate(self.first, self.one)
        code = self.refusal(self.associate, allocation=self.first, interface=self.two, AllowReassociation=False)
        self.assertEqual("Resource.AlreadyAssociated", code)
        self.assertEqual({self.one: self.first}, self.world.truth())

    def test_plain_does_not_reassociate_by_default(self):
        self.associate(self.first, self.one)
        with aws_like.plain_moto():
            code = self.refusal(self.associate, allocation=self.first, interface=self.two)
        self.assertEqual("Resource.AlreadyAssociated", code)

    def test_the_default_steals(self):
        self.associate(self.first, self.one)
        self.associate(self.first, self.two)
        self.assertEqual({self.two: self.first}, self.world.truth())

    def test_plain_leaves_a_moved_address_on_both(self):
        with aws_like.plain_moto():
            self.associate(self.first, self.one, AllowReassociation=True)
            self.associate(self.first, self.two, AllowReassociation=True)
            with self.assertRaisesRegex(AssertionError, "contradicts itself"):
                self.world.truth()

    def test_plain_gives_the_same_pair_a_new_id(self):
        with aws_like.plain_moto():
            self.assertNotEqual(self.associate(self.first, self.one), self.associate(self.first, self.one))

    def test_the_same_pair_is_idempotent(self):
        again = self.associate(self.first, self.one), self.associate(self.first, self.one, AllowReassociation=False)
        self.assertEqual(again[0], again[1])

    def test_plain_lets_two_addresses_claim_an_interface(self):
        with aws_like.plain_moto():
            self.associate(self.first, self.one)
            self.associate(self.second, self.one)
            claims = [each.get("NetworkInterfaceId") for each in self.ec2.describe_addresses()["Addresses"]]
        self.assertEqual([self.one, self.one], claims)

    def test_a_busy_interface_has_its_address_replaced(self):
        self.associate(self.first, self.one)
        self.associate(self.second, self.one, AllowReassociation=False)
        self.assertEqual({self.one: self.second}, self.world.truth())

    def test_a_busy_interface_may_refuse(self):
        aws_like.OPEN.busy_interface = "refused"
        self.associate(self.first, self.one)
        code = self.refusal(self.associate, allocation=self.second, interface=self.one, AllowReassociation=False)
        self.assertEqual("Resource.AlreadyAssociated", code)
        self.assertEqual({self.one: self.first}, self.world.truth())

    def test_a_refused_association_changes_nothing(self):
        self.associate(self.first, self.one)
        self.associate(self.second, self.two)
        self.refusal(self.associate, allocation=self.first, interface=self.two, AllowReassociation=False)
        self.assertEqual({self.one: self.first, self.two: self.second}, self.world.truth())

    def test_plain_keeps_an_address_on_a_deleted_interface(self):
        self.associate(self.first, self.one)
        with aws_like.plain_moto():
            self.ec2.delete_network_interface(NetworkInterfaceId=self.one)
            claims = [each.get("NetworkInterfaceId") for each in self.ec2.describe_addresses()["Addresses"]]
        self.assertIn(self.one, claims)

    def test_deletion_frees_the_address(self):
        self.associate(self.first, self.one)
        self.ec2.delete_network_interface(NetworkInterfaceId=self.one)
        self.assertEqual({}, self.world.truth())
        self.associate(self.first, self.two, AllowReassociation=False)

    def test_disassociation_frees_both_sides(self):
        self.associate(self.first, self.one)
        self.world.disassociate(self.first)
        self.assertEqual({}, self.world.truth())

    def test_unknown_ids(self):
        for params, code in [
            ({"allocation": self.first, "interface": f"eni-{1:017x}"}, "InvalidNetworkInterfaceID.NotFound"),
            ({"allocation": f"eipalloc-{1:017x}", "interface": self.one}, "InvalidAllocationID.NotFound"),
        ]:
            self.assertEqual(code, self.refusal(self.associate, **params))

    def test_a_dry_run_changes_nothing(self):
        code = self.refusal(self.associate, allocation=self.first, interface=self.one, DryRun=True)
        self.assertEqual("DryRunOperation", code)
        self.assertEqual({}, self.world.truth())


class Functions(WorldCase):
    def setUp(self) -> None:
        super().setUp()
        self.functions = self.world.functions

    def test_plain_vpc_is_a_constant(self):
        self.world.function("billing", [self.world.subnet_a])
        with aws_like.plain_moto():
            shown = self.functions.get_function_configuration(FunctionName="billing")
        self.assertNotEqual(self.world.vpc, shown["VpcConfig"]["VpcId"])

    def test_vpc_is_that_of_the_subnets(self):
        self.world.function("billing", [self.world.subnet_a])
        shown = self.functions.get_function_configuration(FunctionName="billing")["VpcConfig"]
        self.assertEqual(self.world.vpc, shown["VpcId"])
        self.assertEqual(([self.world.subnet_a], [self.world.group]), (shown["SubnetIds"], shown["SecurityGroupIds"]))

    def test_states_of_one_function(self):
        self.world.function("billing", [self.world.subnet_a])
        self.world.function_state("billing", "Inactive")
        shown = self.functions.get_function_configuration(FunctionName="billing")
        self.assertEqual(("Inactive", "Successful"), (shown["State"], shown["LastUpdateStatus"]))

    def test_an_unknown_function(self):
        with self.assertRaises(self.functions.exceptions.ResourceNotFoundException):
            self.functions.get_function_configuration(FunctionName="nobody")

    def test_plain_list_shows_states_and_has_no_pages(self):
        self.many(51)
        with aws_like.plain_moto():
            answer = self.functions.list_functions(MaxItems=10)
        self.assertEqual(51, len(answer["Functions"]))
        self.assertIn("State", answer["Functions"][0])

    def test_list_has_pages_and_no_states(self):
        self.many(51)
        answer = self.functions.list_functions(MaxItems=10_000)
        self.assertEqual(50, len(answer["Functions"]))
        for name in aws_like.STATE_FIELDS:
            self.assertNotIn(name, answer["Functions"][0])
        rest = self.functions.list_functions(Marker=answer["NextMarker"])
        self.assertEqual(1, len(rest["Functions"]))
        self.assertNotIn("NextMarker", rest)

    def test_list_gives_all_versions_with_their_own_settings(self):
        self.world.function("billing", [self.world.subnet_a])
        self.functions.publish_version(FunctionName="billing")
        settings = {"SubnetIds": [self.world.subnet_b], "SecurityGroupIds": [self.world.group]}
        self.functions.update_function_configuration(FunctionName="billing", VpcConfig=settings)
        listed = self.functions.list_functions(FunctionVersion="ALL")["Functions"]
        subnets = {each["Version"]: each["VpcConfig"]["SubnetIds"] for each in listed}
        self.assertEqual({"$LATEST": [self.world.subnet_b], "1": [self.world.subnet_a]}, subnets)

    def many(self, count: int) -> None:
        for number in range(count):
            self.world.function(f"function-{number:03}")
