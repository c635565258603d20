"""`eipd doctor`: subnets, route tables, security groups, ACLs, quotas and dry runs as moto shows them. It changes nothing."""

from __future__ import annotations

from bench import TwoFunctions


class Doctor(TwoFunctions):
    def setUp(self) -> None:
        super().setUp()
        self.world.associate(self.pool[0], self.bare[0])
        self.before = self.world.truth()
        self.server.journal.clear()

    def tearDown(self) -> None:
        self.assertEqual(self.before, self.world.truth())
        for call in self.server.journal.mutations():
            self.assertEqual("true", call.params.get("DryRun"), call)

    def examined(self, expect: int) -> dict:
        return self.eipd("doctor", "--format", "json", expect=expect).json()

    def verdicts(self, answer: dict) -> dict[str, set[str]]:
        verdicts: dict[str, set[str]] = {}
        for check in answer["checks"]:
            self.assertEqual({"check", "target", "subject", "verdict", "evidence", "remedy"}, set(check))
            verdicts.setdefault(check["check"], set()).add(check["verdict"])
        return verdicts

    def table_of(self, subnet: str) -> dict:
        filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
        (table,) = self.world.ec2.describe_route_tables(Filters=filters)["RouteTables"]
        return table

    def test_all_is_well(self):
        answer = self.examined(expect=0)
        self.assertEqual("pass", answer["verdict"])
        verdicts = self.verdicts(answer)
        for name in ["identity", "clock", "permission", "functions", "addresses", "interfaces", "bystanders", "routes"]:
            self.assertEqual({"pass"}, verdicts[name], name)
        for name in ["security_groups", "network_acls", "border_groups", "pools", "address_quota", "interface_quota"]:
            self.assertEqual({"pass"}, verdicts[name], name)
        tried = [each["subject"] for each in answer["checks"] if each["check"] == "permission"]
        for change in ["AssociateAddress", "DisassociateAddress"]:
            self.assertIn(f"ec2:{change}", tried)
            (call,) = [call for call in self.server.journal.of_program() if call.operation == change]
            self.assertEqual("true", call.params.get("DryRun"), call)

    def test_a_subnet_without_a_table_of_its_own_goes_by_the_main_one(self):
        (association,) = [
            each
            for each in self.table_of(self.world.subnet_a)["Associations"]
            if each.get("SubnetId") == self.world.subnet_a
        ]
        self.world.ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
        answer = self.examined(expect=1)
        failed = [check for check in answer["checks"] if check["verdict"] == "fail"]
        self.assertEqual([("routes", self.world.subnet_a)], [(each["check"], each["subject"]) for each in failed])
        plan = self.planned(expect=2)
        stuck = {each["network_interface_id"] for each in plan["uncovered"] if each["reason"] == "no_internet_route"}
        self.assertEqual({self.bare[0], self.bare[2]}, stuck)
        self.server.journal.clear()

    def test_a_nat_gateway_is_no_way_out(self):
        ec2 = self.world.ec2
        table = self.table_of(self.world.subnet_b)["RouteTableId"]
        gateway = ec2.create_nat_gateway(SubnetId=self.world.subnet_a, AllocationId=self.world.address())
        gateway = gateway["NatGateway"]["NatGatewayId"]
        ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=gateway)
        self.before = self.world.truth()
        answer = self.examined(expect=1)
        failed = [check for check in answer["checks"] if check["verdict"] == "fail"]
        self.assertEqual({"routes"}, {each["check"] for each in failed})
        for each in failed:
            self.assertIn(f"NAT gateway `{gateway}`", each["evidence"])

    def test_a_security_group_that_lets_nothing_out(self):
        rules = self.world.ec2.describe_security_groups(GroupIds=[self.world.group])["SecurityGroups"][0]
        self.world.ec2.revoke_security_group_egress(
            GroupId=self.world.group, IpPermissions=rules["IpPermissionsEgress"]
        )
        answer = self.examined(expect=1)
        failed = [(each["check"], each["subject"]) for each in answer["checks"] if each["verdict"] == "fail"]
        self.assertEqual([("security_groups", self.world.group)], failed)

    def test_each_denied_read_is_named(self):
        for operation, verdict in {
            "DescribeSubnets": "warn",
            "DescribeRouteTables": "warn",
            "DescribeAddresses": "fail",
            "AssociateAddress": "fail",
        }.items():
            with self.subTest(operation):
                self.server.denied.add(operation)
                answer = self.examined(expect=1 if verdict == "fail" else 2)
                self.server.denied.clear()
                (denied,) = [
                    each for each in answer["checks"] if each["check"] == "permission" and each["verdict"] == verdict
                ]
                self.assertEqual(f"ec2:{operation}", denied["subject"])
                self.assertIn(f"grant `ec2:{operation}`", denied["remedy"])
