"""`eipd plan`: what it says, in which shape, with which exit code, and that it changes nothing."""

from __future__ import annotations

import aws_like
from bench import TwoFunctions


class Plan(TwoFunctions):
    def tearDown(self) -> None:
        self.assert_nothing_changed()
        self.assertEqual(self.before, self.world.truth())

    def test_bare_interfaces_are_drift(self):
        plan = self.planned(expect=2)
        self.assertEqual("default", plan["target"])
        self.assertEqual(sorted(self.bare), sorted(each["network_interface_id"] for each in plan["actions"]))
        given = [each["allocation_id"] for each in plan["actions"]]
        self.assertEqual(len(given), len(set(given)), "no address twice")
        self.assertLessEqual(set(given), set(self.pool))
        for each in plan["actions"]:
            self.assertEqual(("associate", "planned"), (each["kind"], each["outcome"]))
        self.assertEqual(0, plan["covered"])

    def test_a_deployment_is_told_by_zone_and_by_where_its_subnets_lead(self):
        world = self.world
        new, group = world.subnet("10.0.4.0/24", f"{world.region}c"), world.security_group("new")
        assumption = f"billing:subnets={new};sgs={group}"

        def foreseen(expect: int) -> tuple[str, str]:
            forecast = self.eipd("plan", "--format", "json", "--assume", assumption, expect=expect).json()[0]
            (one,) = [each for each in forecast["interfaces"] if each["subnet_id"] == new]
            return one["zone"], one["verdict"]

        self.assertEqual(("eu-west-1c", "no_internet_route"), foreseen(expect=2))
        filters = [{"Name": "association.subnet-id", "Values": [world.subnet_a]}]
        (table,) = world.ec2.describe_route_tables(Filters=filters)["RouteTables"]
        world.ec2.associate_route_table(RouteTableId=table["RouteTableId"], SubnetId=new)
        self.assertEqual(("eu-west-1c", "gets"), foreseen(expect=0))

    def test_the_plan_is_the_same_each_time(self):
        pairs = [
            [(each["network_interface_id"], each["allocation_id"]) for each in self.planned(expect=2)["actions"]]
            for _ in range(2)
        ]
        self.assertEqual(pairs[0], pairs[1])

    def test_the_text_names_what_a_person_needs(self):
        done = self.eipd("plan", expect=2)
        for wanted in ["billing", "orders", *self.bare]:
            self.assertIn(wanted, done.out)
        public = {self.world.public_ip(allocation) for allocation in self.pool}
        self.assertGreaterEqual(sum(ip in done.out for ip in public), len(self.bare), "public addresses beside the ids")
        for what, interface in self.foreign.items():
            self.assertNotIn(interface, done.out, what)
        self.assertNotIn("\x1b", done.out, "colours are for terminals")

    def test_an_association_that_is_there_stays(self):
        self.world.associate(self.pool[2], self.bare[0])
        self.before = self.world.truth()
        plan = self.planned(expect=2)
        self.assertEqual(1, plan["covered"])
        self.assertEqual(sorted(self.bare[1:]), sorted(each["network_interface_id"] for each in plan["actions"]))
        self.assertNotIn(self.pool[2], [each["allocation_id"] for each in plan["actions"]])

    def test_all_covered(self):
        for interface, allocation in zip(self.bare, self.pool[:3], strict=True):
            self.world.associate(allocation, interface)
        self.before = self.world.truth()
        plan = self.planned(expect=0)
        self.assertEqual(([], [], 3), (plan["actions"], plan["uncovered"], plan["covered"]))

    def test_an_empty_account(self):
        for interface in self.bare:
            self.world.lambda_removes(interface)
        plan = self.planned(expect=0)
        self.assertEqual(([], [], 0), (plan["actions"], plan["uncovered"], plan["covered"]))

    def test_short_pages_hide_nothing(self):
        whole = self.planned(expect=2)
        aws_like.OPEN.interfaces_per_page = 2
        self.assertEqual(whole["actions"], self.planned(expect=2)["actions"])

    def test_the_form_of_requests(self):
        self.planned(expect=2)
        calls = self.server.journal.of_program()
        for call in calls:
            self.assertTrue(call.signed, call)
            self.assertEqual(self.world.region, call.region, call)
        by_name = {call.operation: call for call in calls}
        listing = by_name["DescribeNetworkInterfaces"].params
        self.assertEqual("2016-11-15", listing["Version"])
        self.assertEqual("true", listing.get("IncludeManagedResources"), "or hidden interfaces stay unseen")
        self.assertTrue(5 <= int(listing["MaxResults"]) <= 1000, listing)
        self.assertIn("interface-type", listing.values())
        self.assertFalse([name for name in by_name["DescribeAddresses"].params if name.startswith("AllocationId")])
