"""Several targets in one configuration: each is observed and served in its own region, with its own credentials."""

from __future__ import annotations

import shape
from bench import ProgramCase
from world import World, client

EXTERNAL_ID = "conformance"


class Targets(ProgramCase):
    def setUp(self) -> None:
        super().setUp()
        self.here = self.world
        self.there = World(self.server, "us-east-1", fresh=False)
        self.sides = [("here", self.here), ("there", self.there)]
        self.interfaces, self.pools = {}, {}
        for name, world in self.sides:
            world.function(name, [world.subnet_a])
            self.interfaces[name] = world.lambda_interface(world.subnet_a)
            self.pools[name] = world.addresses(2)
        self.server.journal.clear()

    def write(self, role: str = "") -> None:
        lines = []
        for name, world in self.sides:
            lines += ["[[targets]]", f'name = "{name}"', f'region = "{world.region}"', role]
            lines += [f"[pools.{name}]", f'target = "{name}"', f"allocations = {self.pools[name]}".replace("'", '"')]
            lines += ["[[functions]]", f'name = "{name}"', f'pool = "{name}"']
        self.file.write_text("\n".join(lines) + "\n")

    def assert_each_served(self) -> None:
        targets = shape.check(self.eipd("apply", "--format", "json").json())
        self.assertEqual({"here": 1, "there": 1}, {each["target"]: each["covered"] for each in targets})
        for name, world in self.sides:
            self.assertIn(world.truth()[self.interfaces[name]], self.pools[name])

    def test_two_regions(self):
        self.write()
        self.assert_each_served()
        regions = {call.region for call in self.server.journal.mutations()}
        self.assertEqual({"eu-west-1", "us-east-1"}, regions)

    def test_a_role_is_assumed(self):
        document = '{"Version": "2012-10-17", "Statement": []}'
        iam = client(self.server, "iam")
        role = iam.create_role(RoleName="eipd", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        self.write(f'role_arn = "{role}"\nexternal_id = "{EXTERNAL_ID}"')
        self.assert_each_served()
        assumed = [call for call in self.server.journal.of_program() if call.operation == "AssumeRole"]
        self.assertTrue(assumed)
        for call in assumed:
            self.assertEqual((role, EXTERNAL_ID), (call.params["RoleArn"], call.params["ExternalId"]))
