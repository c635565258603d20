"""Published versions, weighted aliases, shared interfaces, functions that nobody declared, as moto's Lambda has them."""

from __future__ import annotations

from bench import ProgramCase

DENY = '[safety]\nbystanders = "deny"'


class Published(ProgramCase):
    """`billing`: version 1 in subnet a, version 2 in subnet a with another group, `$LATEST` in subnet b."""

    def setUp(self) -> None:
        super().setUp()
        world = self.world
        world.function("billing", [world.subnet_a])
        self.publish()
        self.move_latest(world.subnet_a, world.other_group)
        self.publish()
        self.move_latest(world.subnet_b, world.group)
        self.first = world.lambda_interface(world.subnet_a)
        self.second = world.lambda_interface(world.subnet_a, [world.other_group])
        self.latest = world.lambda_interface(world.subnet_b)
        self.pool = world.addresses(4)
        self.configure({"main": self.pool}, {"billing": "main"})

    def publish(self) -> None:
        self.world.functions.publish_version(FunctionName="billing")

    def move_latest(self, subnet: str, group: str) -> None:
        place = {"SubnetIds": [subnet], "SecurityGroupIds": [group]}
        self.world.functions.update_function_configuration(FunctionName="billing", VpcConfig=place)

    def alias(self, version: str, weights: dict[str, float] | None = None) -> None:
        routing = {"RoutingConfig": {"AdditionalVersionWeights": weights}} if weights else {}
        self.world.functions.create_alias(FunctionName="billing", Name="live", FunctionVersion=version, **routing)

    def kinds(self, plan: dict) -> set[str]:
        return {each["kind"] for each in plan["warnings"]}

    def test_without_an_alias_only_latest_is_served(self):
        done = self.applied()
        self.assertEqual({self.latest}, set(self.world.truth()))
        self.assertIn("held_by_other_version", self.kinds(done))
        held = {each["network_interface_id"]: each["versions"] for each in done["held_by_other_versions"]}
        self.assertEqual({self.first: ["billing:1"], self.second: ["billing:2"]}, held)

    def test_what_an_alias_leads_to_is_served_by_weight_too(self):
        self.alias("2", {"1": 0.25})
        done = self.applied()
        self.assertEqual({self.first, self.second, self.latest}, set(self.world.truth()))
        self.assertNotIn("held_by_other_version", self.kinds(done))
        self.assertIn("ListAliases", [call.operation for call in self.server.journal.of_program()])

    def test_a_declared_alias_means_what_it_leads_to(self):
        self.alias("2", {"1": 0.25})
        self.configure({"main": self.pool}, {"billing:live": "main"})
        self.applied()
        self.assertEqual({self.first, self.second}, set(self.world.truth()))

    def test_a_declared_number_means_that_version(self):
        self.configure({"main": self.pool}, {"billing:1": "main"})
        self.applied()
        self.assertEqual({self.first}, set(self.world.truth()))

    def test_all_means_every_version(self):
        self.configure({"main": self.pool}, {"billing": "main"}, more='versions = "all"')
        self.applied()
        self.assertEqual({self.first, self.second, self.latest}, set(self.world.truth()))
        self.assertNotIn("ListAliases", [call.operation for call in self.server.journal.of_program()])

    def test_a_pipeline_waits_for_what_an_alias_leads_to(self):
        self.alias("2", {"1": 0.25})
        for allocation, interface in zip(self.pool, [self.latest, self.second]):
            self.world.associate(allocation, interface)
        waited = self.eipd("wait", "--function", "billing", "--timeout", "2s", expect=2)
        self.assertIn(f"`{self.first}` is not covered", waited.out)
        self.world.associate(self.pool[2], self.first)
        waited = self.eipd("wait", "--function", "billing", "--timeout", "20s", "--format", "json").json()
        covered = {each["network_interface_id"] for each in waited[0]["egress"]}
        self.assertEqual({self.first, self.second, self.latest}, covered)


class Shared(ProgramCase):
    """`billing` and the undeclared `legacy` share the interface of subnet a; that of subnet b is `billing`'s alone."""

    def setUp(self) -> None:
        super().setUp()
        world = self.world
        world.function("billing", [world.subnet_a, world.subnet_b])
        world.function("legacy", [world.subnet_a])
        self.shared = world.lambda_interface(world.subnet_a)
        self.alone = world.lambda_interface(world.subnet_b)
        self.pool = world.addresses(3)

    def test_a_bystander_is_reported_and_leaves_from_the_address(self):
        self.configure({"main": self.pool}, {"billing": "main"})
        done = self.applied()
        self.assert_covered([self.shared, self.alone], self.pool)
        self.assertEqual({"main": ["legacy"]}, done["bystanders"])
        self.assertIn("`legacy`", "".join(each["message"] for each in done["warnings"]))

    def test_where_bystanders_are_denied_the_bare_interface_stays_bare(self):
        self.configure({"main": self.pool}, {"billing": "main"}, more=DENY)
        done = self.applied(expect=2)
        self.assertEqual({self.alone}, set(self.world.truth()))
        left = done["uncovered"][0]
        self.assertEqual((self.shared, "bystanders"), (left["network_interface_id"], left["reason"]))

    def test_what_a_denied_interface_has_it_keeps(self):
        self.world.associate(self.pool[0], self.shared)
        self.configure({"main": self.pool}, {"billing": "main"}, more=DENY)
        self.applied()
        self.assertEqual(self.pool[0], self.world.truth()[self.shared])

    def test_declared_it_is_no_bystander_and_other_addresses_are_a_conflict(self):
        self.configure({"main": self.pool}, {"billing": "main", "legacy": "main"}, more=DENY)
        self.applied()
        self.assert_covered([self.shared, self.alone], self.pool)
        self.world.disassociate(self.world.truth()[self.shared])
        other = self.world.addresses(1)
        self.configure({"main": self.pool, "other": other}, {"billing": "main", "legacy": "other"})
        left = self.planned(expect=2)["uncovered"][0]
        self.assertEqual("conflict", left["reason"])
        for named in ("`billing` (pool `main`)", "`legacy` (pool `other`)"):
            self.assertIn(named, left["detail"])

    def test_overflow_interfaces_get_addresses_of_their_own(self):
        more = self.world.lambda_interface(self.world.subnet_b)
        self.configure({"main": self.pool}, {"billing": "main"})
        done = self.applied()
        self.assert_covered([self.shared, self.alone, more], self.pool)
        self.assertEqual([(self.world.subnet_b, 2, 1)], [
            (each["subnet_id"], each["network_interfaces"], each["overflow"]) for each in done["overflow"]
        ])
