"""Functions and addresses by tag, as moto knows tags."""

from __future__ import annotations

from bench import ProgramCase

BY_TAG = """
[pools.main]
tag = "eipd:pool=main"

[[functions]]
tag = "team=billing"
pool = "main"
"""


class Selectors(ProgramCase):
    """Two functions on interfaces of their own, of which one bears the tag; three addresses, of which two bear theirs."""

    def setUp(self) -> None:
        super().setUp()
        world = self.world
        arns = [world.function("billing", [world.subnet_a]), world.function("orders", [world.subnet_b])]
        self.arn, self.other_arn = arns
        self.own, self.other = world.lambda_interface(world.subnet_a), world.lambda_interface(world.subnet_b)
        pool = world.addresses(3)
        self.pool, self.untagged = pool[:2], pool[2]
        self.tag(self.arn)
        world.ec2.create_tags(Resources=self.pool, Tags=[{"Key": "eipd:pool", "Value": "main"}])
        world.ec2.create_tags(Resources=[self.untagged], Tags=[{"Key": "eipd:pool", "Value": "mainland"}])
        self.configure({}, {}, more=BY_TAG)
        self.server.journal.clear()

    def tearDown(self) -> None:
        self.assert_only_associates()

    def tag(self, arn: str, value: str = "billing") -> None:
        self.world.functions.tag_resource(Resource=arn, Tags={"team": value})

    def test_what_is_tagged_is_served_from_what_is_tagged(self):
        self.tag(self.other_arn, "orders")
        self.applied()
        self.assertEqual([self.own], list(self.world.truth()))
        self.assert_covered([self.own], self.pool)
        self.tag(self.other_arn)
        self.applied()
        self.assert_covered([self.own, self.other], self.pool)
        calls = [call for call in self.server.journal.of_program() if call.operation == "GetResources"]
        self.assertTrue(calls and all(call.signed and call.service == "tagging" for call in calls))

    def test_a_name_wins_over_a_tag(self):
        more = f'[pools.named]\nallocations = ["{self.untagged}"]\n[[functions]]\nname = "billing"\npool = "named"\n'
        self.configure({}, {}, more=BY_TAG + more)
        self.applied()
        self.assertEqual({self.own: self.untagged}, self.world.truth())

    def test_a_denied_reading_of_tags_is_named_and_changes_nothing(self):
        self.server.denied.add("GetResources")
        done = self.eipd("apply", expect=1)
        self.assertIn("tag:GetResources", done.out + done.err)
        self.assertEqual({}, self.world.truth())
