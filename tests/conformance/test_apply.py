"""`eipd apply`: afterwards the truth is asked of moto, through boto3."""

from __future__ import annotations

import json

import aws_like
from bench import ProgramCase, TwoFunctions


class Apply(TwoFunctions):
    def tearDown(self) -> None:
        self.assert_only_associates()
        self.assert_foreign_untouched()

    def test_heals_exactly_what_is_declared(self):
        done = self.applied()
        self.assertEqual({"done"}, {each["outcome"] for each in done["actions"]})
        self.assertEqual(([], 3), (done["uncovered"], done["covered"]))
        truth = self.world.truth()
        self.assertEqual(set(self.bare), set(truth))
        self.assert_covered(self.bare, self.pool, truth)
        said = {each["network_interface_id"]: each["allocation_id"] for each in done["actions"]}
        self.assertEqual(truth, said, "what it says is what is")

    def test_does_what_plan_said(self):
        planned = {each["network_interface_id"]: each["allocation_id"] for each in self.planned(expect=2)["actions"]}
        self.applied()
        self.assertEqual(planned, self.world.truth())

    def test_afterwards_there_is_nothing_to_do(self):
        self.applied()
        self.assertEqual([], self.planned(expect=0)["actions"])
        self.server.journal.clear()
        truth = self.world.truth()
        self.assertEqual([], self.applied()["actions"])
        self.assert_nothing_changed()
        self.assertEqual(truth, self.world.truth())

    def test_a_healthy_association_is_never_broken(self):
        self.world.associate(self.pool[3], self.bare[1])
        self.applied()
        self.assertEqual(self.pool[3], self.world.truth()[self.bare[1]])
        self.assert_covered(self.bare, self.pool)

    def test_a_short_pool(self):
        self.configure({"main": self.pool[:2]}, {"billing": "main", "orders": "main"})
        done = self.applied(expect=2)
        self.assertEqual((2, 1), (done["covered"], len(done["uncovered"])))
        self.assertEqual(set(self.pool[:2]), set(self.world.truth().values()))
        left = done["uncovered"][0]
        self.assertNotIn(left["network_interface_id"], self.world.truth())
        self.assertIn("main", json.dumps(left), "the pool that is short is named")
        self.assertLessEqual(set(left["functions"]), {"billing", "orders"})
        self.eipd("plan", expect=2)

    def test_an_unknown_allocation_blinds_nobody(self):
        ghost = f"eipalloc-{7:017x}"
        self.configure({"main": [self.pool[0], ghost, *self.pool[1:3]]}, {"billing": "main", "orders": "main"})
        done = self.applied()
        self.assert_covered(self.bare, self.pool[:3])
        self.assertTrue([each for each in done["warnings"] if ghost in each["message"]], done["warnings"])

    def test_more_allocations_than_a_filter_takes(self):
        ghosts = [f"eipalloc-{number:017x}" for number in range(1, 450)]
        pool = [self.pool[0], *ghosts[:220], self.pool[1], *ghosts[220:], self.pool[2]]
        self.configure({"main": pool}, {"billing": "main", "orders": "main"})
        self.applied()
        self.assert_covered(self.bare, self.pool[:3])

    def test_an_unknown_function_stops_nobody(self):
        self.configure({"main": self.pool}, {"nobody": "main", "billing": "main", "orders": "main"})
        done = self.applied(expect=(0, 2))
        self.assert_covered(self.bare, self.pool)
        self.assertTrue([each for each in done["warnings"] if "nobody" in each["message"]], done["warnings"])

    def test_a_function_outside_any_vpc_stops_nobody(self):
        self.world.function("loose")
        self.configure({"main": self.pool}, {"loose": "main", "billing": "main", "orders": "main"})
        done = self.applied(expect=(0, 2))
        self.assert_covered(self.bare, self.pool)
        self.assertTrue([each for each in done["warnings"] if "loose" in each["message"]], done["warnings"])

    def test_an_address_on_a_foreign_interface_is_not_taken(self):
        stolen = self.world.interface(self.world.subnet_a)
        self.world.associate(self.pool[0], stolen)
        self.configure({"main": self.pool[:3]}, {"billing": "main", "orders": "main"})
        done = self.applied(expect=2)
        truth = self.world.truth()
        self.assertEqual(self.pool[0], truth.pop(stolen))
        self.assertEqual(set(self.pool[1:3]), set(truth.values()))
        self.assertTrue([each for each in done["warnings"] if self.pool[0] in each["message"]], done["warnings"])

    def test_an_interface_with_an_undeclared_address_is_left_and_reported(self):
        strange = self.world.address()
        for alternative in ("replaced", "refused"):
            aws_like.OPEN.busy_interface = alternative
            self.world.associate(strange, self.bare[0])
            done = self.applied(expect=2)
            self.assertEqual(strange, self.world.truth()[self.bare[0]], alternative)
            self.assertEqual([self.bare[0]], [each["network_interface_id"] for each in done["uncovered"]])
            self.assert_covered(self.bare[1:], self.pool)

    def test_an_undeclared_function_is_not_served(self):
        self.configure({"main": self.pool}, {"orders": "main"})
        self.applied()
        self.assertEqual([self.bare[2]], list(self.world.truth()))

    def test_pools_are_kept_apart(self):
        self.configure({"left": self.pool[:2], "right": self.pool[2:]}, {"billing": "left", "orders": "right"})
        self.applied()
        self.assert_covered(self.bare[:2], self.pool[:2])
        self.assert_covered(self.bare[2:], self.pool[2:])

    def test_short_pages_hide_nothing(self):
        aws_like.OPEN.interfaces_per_page = 2
        self.applied()
        self.assert_covered(self.bare, self.pool)

    def test_observe_mode_changes_nothing(self):
        self.configure({"main": self.pool}, {"billing": "main", "orders": "main"}, more='[safety]\nmode = "observe"')
        self.applied(expect=2)
        self.assert_nothing_changed()
        self.assertEqual({}, self.world.truth())


class Switchover(ProgramCase):
    """A VpcConfig change: the new pair's interface gets a spare address, the old one keeps its own."""

    def setUp(self) -> None:
        super().setUp()
        world = self.world
        world.function("billing", [world.subnet_a])
        self.old = world.lambda_interface(world.subnet_a)
        self.pool = world.addresses(2)
        self.configure({"main": self.pool}, {"billing": "main"})
        self.applied()

    def test_new_interface(self):
        world, before = self.world, self.world.truth()
        settings = {"SubnetIds": [world.subnet_b], "SecurityGroupIds": [world.group]}
        world.functions.update_function_configuration(FunctionName="billing", VpcConfig=settings)
        new = world.lambda_interface(world.subnet_b)
        self.applied()
        truth = world.truth()
        self.assertEqual(before[self.old], truth[self.old])
        self.assert_covered([new], self.pool, truth)

    def test_overflow_interface_beside_a_full_one(self):
        before = self.world.truth()
        second = self.world.lambda_interface(self.world.subnet_a)
        self.applied()
        truth = self.world.truth()
        self.assertEqual(before[self.old], truth[self.old])
        self.assert_covered([second], self.pool, truth)

    def test_replaced_interface(self):
        only = [self.world.truth()[self.old]]
        self.configure({"main": only}, {"billing": "main"})
        self.world.lambda_removes(self.old)
        new = self.world.lambda_interface(self.world.subnet_a)
        self.applied()
        self.assert_covered([new], only)

    def test_an_interface_that_does_not_serve_yet_is_no_drift(self):
        self.world.lambda_interface(self.world.subnet_a, status="pending")
        self.configure({"main": [self.world.truth()[self.old]]}, {"billing": "main"})
        self.assertEqual([], self.applied()["uncovered"])


class Sharing(ProgramCase):
    """Two functions on one pair share an interface."""

    def setUp(self) -> None:
        super().setUp()
        for name in ("billing", "orders"):
            self.world.function(name, [self.world.subnet_a])
        self.interface = self.world.lambda_interface(self.world.subnet_a)
        self.pool = self.world.addresses(2)

    def test_of_one_pool(self):
        self.configure({"main": self.pool}, {"billing": "main", "orders": "main"})
        done = self.applied()
        self.assert_covered([self.interface], self.pool)
        self.assertEqual((1, 1), (done["covered"], len(done["actions"])), "a shared interface counts once")

    def test_a_conflict_is_named_and_nothing_is_done(self):
        self.configure({"left": self.pool[:1], "right": self.pool[1:]}, {"billing": "left", "orders": "right"})
        done = self.applied(expect=2)
        self.assertEqual({}, self.world.truth())
        self.assertEqual({"billing", "orders"}, set(done["uncovered"][0]["functions"]))

    def test_an_address_in_two_roles_is_a_fault(self):
        self.configure({"left": self.pool, "right": self.pool[1:]}, {"billing": "left", "orders": "right"})
        done = self.eipd("apply", expect=1)
        self.assertIn(self.pool[1], done.err)
        self.assertEqual({}, self.world.truth())

    def test_addresses_may_be_listed_with_the_function(self):
        self.configure({}, {}, more=f'[[functions]]\nname = "billing"\nallocations = ["{self.pool[0]}"]')
        self.applied()
        self.assertEqual({self.interface: self.pool[0]}, self.world.truth())


class Denied(TwoFunctions):
    """A missing permission is named, and is not taken for an empty account."""

    def denied(self, operation: str, permission: str, expect: int) -> None:
        self.server.denied.add(operation)
        done = self.eipd("apply", "--format", "json", expect=expect)
        self.assertIn(permission, done.out + done.err)
        self.assertEqual({}, self.world.truth())

    def test_interfaces_cannot_be_read(self):
        self.denied("DescribeNetworkInterfaces", "ec2:DescribeNetworkInterfaces", expect=1)

    def test_addresses_cannot_be_read(self):
        self.denied("DescribeAddresses", "ec2:DescribeAddresses", expect=1)

    def test_associating_is_not_allowed(self):
        self.denied("AssociateAddress", "ec2:AssociateAddress", expect=2)

    def test_nobody_answers(self):
        done = self.eipd("plan", expect=1, AWS_ENDPOINT_URL="http://127.0.0.1:1")
        self.assertTrue(done.err.strip())
