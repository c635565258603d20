"""What takes an address off or puts another in its place, as moto's EC2 has it: replacements, removals, drains, and what
an operator names. Nothing is ever released."""

from __future__ import annotations

import aws_like
from bench import ProgramCase

ALTERNATIVES = ("replaced", "refused")
"""What EC2 does with an address for an interface that has one: AWS.md leaves it open."""


class Disruptions(ProgramCase):
    """`billing` in both subnets, and two pools of which the second is its own."""

    def setUp(self) -> None:
        super().setUp()
        world = self.world
        world.function("billing", [world.subnet_a, world.subnet_b])
        self.interfaces = [world.lambda_interface(world.subnet_a), world.lambda_interface(world.subnet_b)]
        self.former, self.own = world.addresses(2), world.addresses(3)
        self.allocated = set(self.former + self.own)
        self.declare()

    def tearDown(self) -> None:
        operations = {call.operation for call in self.server.journal.mutations()}
        self.assertLessEqual(operations, {"AssociateAddress", "DisassociateAddress"})
        there = {each["AllocationId"] for each in self.world.ec2.describe_addresses()["Addresses"]}
        self.assertLessEqual(self.allocated, there, "nothing is released")

    def declare(self, safety: str = "", pools: dict[str, list[str]] | None = None) -> None:
        pools = pools or {"former": self.former, "own": self.own}
        self.configure(pools, {"billing": "own"}, more=f"[safety]\n{safety}")

    def carry(self, allocations: list[str]) -> None:
        """Puts these on the interfaces, whatever was there."""
        for allocation in self.world.truth().values():
            self.world.disassociate(allocation)
        for allocation, interface in zip(allocations, self.interfaces):
            self.world.associate(allocation, interface)
        self.server.journal.clear()

    def kinds(self, done: dict) -> list[tuple[str, str]]:
        return [(each["kind"], each["outcome"]) for each in done["actions"]]

    def changes(self) -> list[str]:
        return [call.operation for call in self.server.journal.mutations()]


class Replacements(Disruptions):
    def test_an_address_of_another_pool_makes_room(self):
        for alternative in ALTERNATIVES:
            with self.subTest(alternative):
                aws_like.OPEN.busy_interface = alternative
                self.carry(self.former)
                done = self.applied()
                self.assertEqual([("replace", "done")] * 2, self.kinds(done))
                self.assert_covered(self.interfaces, self.own)
                self.assertEqual(2 if alternative == "refused" else 0, self.changes().count("DisassociateAddress"))
                self.assertEqual([], self.planned(expect=0)["actions"])
        for call in self.server.journal.mutations():
            if call.operation == "AssociateAddress":
                self.assertEqual("false", call.params["AllowReassociation"])

    def test_more_than_allowed_are_not_made_until_they_are_accepted(self):
        self.declare("max_disruptions_per_pass = 1")
        self.carry(self.former)
        held = self.applied(expect=2)
        self.assertEqual([("replace", "skipped")] * 2, self.kinds(held))
        self.assert_nothing_changed()
        told = [each["message"] for each in held["warnings"] if each["kind"] == "breaker_open"]
        self.assertIn("eipd apply --accept-disruptions 2", "".join(told))
        self.assertEqual(dict(zip(self.interfaces, self.former)), self.world.truth())
        self.only_target(self.eipd("apply", "--accept-disruptions", "2", "--format", "json"))
        self.assert_covered(self.interfaces, self.own)

    def test_without_the_permission_it_is_named_and_what_is_there_stays(self):
        aws_like.OPEN.busy_interface = "refused"
        self.carry(self.former)
        self.server.denied.add("DisassociateAddress")
        done = self.eipd("apply", "--format", "json", expect=2)
        self.assertIn("grant `ec2:DisassociateAddress`", done.out)
        self.assertEqual(dict(zip(self.interfaces, self.former)), self.world.truth())


class Removals(Disruptions):
    """`billing` leaves the file, `orders` stays; the address of `billing` is still declared."""

    def leave(self, safety: str) -> None:
        self.world.function("orders", [self.world.subnet_a], [self.world.other_group])
        self.orders = self.world.lambda_interface(self.world.subnet_a, [self.world.other_group])
        self.carry(self.own[:1])
        self.configure({"own": self.own}, {"orders": "own"}, more=f'[safety]\nswitchover_grace = "1s"\n{safety}')

    def test_it_is_taken_off_where_that_is_asked_for(self):
        self.leave('on_removed = "disassociate"')
        with self.daemon() as daemon:
            daemon.wait_until("off", lambda: self.interfaces[0] not in self.world.truth())
            daemon.wait_until("orders is served", lambda: self.orders in self.world.truth())
        self.assertEqual([self.orders], list(self.world.truth()))
        self.assertEqual(1, self.changes().count("DisassociateAddress"))

    def test_it_is_kept_and_reported_otherwise(self):
        self.leave("")
        done = self.applied()
        self.assertEqual(self.own[0], self.world.truth()[self.interfaces[0]])
        self.assertIn("address_lingering", {each["kind"] for each in done["warnings"]})
        self.assertNotIn("DisassociateAddress", self.changes())

    def test_a_published_version_of_a_declared_function_keeps_it(self):
        self.world.functions.publish_version(FunctionName="billing")
        place = {"SubnetIds": [self.world.subnet_b], "SecurityGroupIds": [self.world.other_group]}
        self.world.functions.update_function_configuration(FunctionName="billing", VpcConfig=place)
        moved = self.world.lambda_interface(self.world.subnet_b, [self.world.other_group])
        self.carry(self.own[:1])
        safety = 'on_removed = "disassociate"\nswitchover_grace = "1s"'
        self.configure({"own": self.own}, {"billing": "own"}, more=f"[safety]\n{safety}")
        with self.daemon() as daemon:
            daemon.wait_until("the new interface is served", lambda: moved in self.world.truth())
            passes = daemon.metric("eipd_passes_total", outcome="ok")
            daemon.wait_until("five more passes", lambda: daemon.metric("eipd_passes_total", outcome="ok") > passes + 4)
        self.assertEqual(self.own[0], self.world.truth()[self.interfaces[0]])
        self.assertNotIn("DisassociateAddress", self.changes())


class Drain(Disruptions):
    def setUp(self) -> None:
        super().setUp()
        world = self.world
        world.function("orders", [world.subnet_a], [world.other_group])
        self.orders = world.lambda_interface(world.subnet_a, [world.other_group])
        self.strange = world.lambda_interface(world.subnet_b, [world.other_group])
        self.carry(self.own[:2])
        world.associate(self.former[0], self.orders)
        world.associate(self.former[1], self.strange)
        self.configure({"own": self.own, "former": self.former[:1]}, {"billing": "own", "orders": "former"})
        self.everything = world.truth()
        self.server.journal.clear()

    def test_without_a_yes_nothing_is_done(self):
        done = self.eipd("drain", expect=1)
        self.assertIn(self.own[0], done.out, "it shows what it would take off")
        self.assert_nothing_changed()
        self.assertEqual(self.everything, self.world.truth())

    def test_it_is_limited_to_a_function_or_a_pool(self):
        for limit in (["--function", "orders"], ["--pool", "former"]):
            with self.subTest(limit):
                answer = self.eipd("drain", "--yes", "--format", "json", *limit).json()
                off = {each["network_interface_id"] for each in answer[0]["actions"]}
                self.assertEqual({self.orders}, off)
                left = {where: what for where, what in self.everything.items() if where != self.orders}
                self.assertEqual(left, self.world.truth())
                self.world.associate(self.former[0], self.orders)

    def test_all_declared_addresses_come_off_and_no_other(self):
        answer = self.eipd("drain", "--yes", "--format", "json").json()
        self.assertEqual({("disassociate", "done")}, set(self.kinds(answer[0])))
        self.assertEqual({self.strange: self.former[1]}, self.world.truth())
        self.server.journal.clear()
        self.assertEqual([], self.eipd("drain", "--yes", "--format", "json").json()[0]["actions"])
        self.assert_nothing_changed()


class Take(Disruptions):
    """What `apply --take ID` names, and nothing else, is taken."""

    def take(self, what: str, expect: int = 0) -> dict:
        return self.only_target(self.eipd("apply", "--take", what, "--format", "json", expect=expect))

    def test_an_address_on_something_foreign(self):
        foreign = [self.world.interface(self.world.subnet_a) for _ in range(2)]
        for allocation, interface in zip(self.own, foreign):
            self.world.associate(allocation, interface)
        self.declare(pools={"own": self.own[:2]})
        self.server.journal.clear()
        self.assertEqual([], self.applied(expect=2)["actions"])
        done = self.take(self.own[0], expect=2)
        self.assertEqual([("move", "done")], self.kinds(done))
        truth = self.world.truth()
        self.assertNotIn(foreign[0], truth)
        self.assertEqual(self.own[1], truth[foreign[1]], "the other was not named")
        self.assertEqual(1, len([each for each in self.interfaces if truth.get(each) == self.own[0]]))

    def test_an_address_that_nobody_declared(self):
        for alternative in ALTERNATIVES:
            with self.subTest(alternative):
                aws_like.OPEN.busy_interface = alternative
                unknown = self.world.addresses(2)
                self.carry(unknown)
                self.assertEqual([], self.applied(expect=2)["actions"])
                done = self.take(self.interfaces[0], expect=2)
                self.assertEqual([("replace", "done")], self.kinds(done))
                truth = self.world.truth()
                self.assertIn(truth[self.interfaces[0]], self.own)
                self.assertEqual(unknown[1], truth[self.interfaces[1]], "the other was not named")
