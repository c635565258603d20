"""What all test cases share: the server, started once, and a fresh world for each test."""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path

import aws_like
import shape
from loopback import Loopback
from program import Daemon, Finished, environment, free_port, run
from world import FOREIGN_ACCOUNT, World

SERVER: list[Loopback] = []


def server() -> Loopback:
    """The one server of this process."""
    if not SERVER:
        aws_like.correct()
        SERVER.append(Loopback())
    return SERVER[0]


class WorldCase(unittest.TestCase):
    """A test with an account of its own."""

    maxDiff = None

    def setUp(self) -> None:
        self.server = server()
        self.world = World(self.server)


class ProgramCase(WorldCase):
    """A test that runs `eipd` on the account, with a directory and a configuration of its own."""

    def setUp(self) -> None:
        super().setUp()
        directory = tempfile.TemporaryDirectory(prefix="eipd-conformance-")
        self.addCleanup(directory.cleanup)
        self.home = Path(directory.name)
        self.file = self.home / "eipd.toml"
        self.port = free_port()

    def configure(self, pools: dict[str, list[str]], functions: dict[str, str], more: str = "", head: str = "") -> None:
        """Writes the configuration: pool to allocations, function to pool. `head` goes into `[daemon]`."""
        lines = [
            "[daemon]",
            'poll_interval = "1s"',
            'function_refresh = "1s"',
            f'listen = "127.0.0.1:{self.port}"',
            head,
        ]
        for pool, allocations in pools.items():
            lines += [f"[pools.{pool}]", f"allocations = {json.dumps(allocations)}"]
        for function, pool in functions.items():
            lines += ["[[functions]]", f'name = "{function}"', f'pool = "{pool}"']
        self.file.write_text("\n".join([*lines, more]) + "\n")

    def environment(self, **more: str) -> dict[str, str]:
        return environment(self.server, self.home, **more)

    def eipd(self, *arguments: str, expect: int | tuple[int, ...] = 0, **more: str) -> Finished:
        """Runs a command on the configuration and checks its exit code."""
        done = run([*arguments, "-c", str(self.file)], self.environment(**more))
        expected = expect if isinstance(expect, tuple) else (expect,)
        self.assertIn(done.code, expected, str(done))
        return done

    def planned(self, expect: int | tuple[int, ...]) -> dict:
        """The only target of `plan --format json`, checked for its shape."""
        return self.only_target(self.eipd("plan", "--format", "json", expect=expect))

    def applied(self, expect: int | tuple[int, ...] = 0) -> dict:
        """The only target of `apply --format json`, checked for its shape."""
        return self.only_target(self.eipd("apply", "--format", "json", expect=expect))

    def only_target(self, done: Finished) -> dict:
        try:
            targets = shape.check(done.json())
        except shape.Misshapen as error:
            raise shape.Misshapen(f"{error}\n{done}") from error
        self.assertEqual(1, len(targets), str(done))
        return targets[0]

    def daemon(self, *arguments: str, **more: str) -> Daemon:
        return Daemon(["-c", str(self.file), *arguments], self.environment(**more), self.port, self.home)

    def assert_covered(self, interfaces: list[str], pool: list[str], truth: dict[str, str] | None = None) -> None:
        """Each of the interfaces has an address of the pool. That none has two, `truth` sees to."""
        truth = self.world.truth() if truth is None else truth
        for interface in interfaces:
            self.assertIn(truth.get(interface), pool, f"{interface} in {truth}")

    def covered(self, interfaces: list[str], pool: list[str]) -> bool:
        """Whether each of the interfaces has an address of the pool."""
        truth = self.world.truth()
        return all(truth.get(interface) in pool for interface in interfaces)

    def assert_only_associates(self) -> None:
        """Over the wire the program only read and associated, and every association guarded the address."""
        for call in self.server.journal.mutations():
            self.assertEqual("AssociateAddress", call.operation, call)
            self.assertEqual("false", call.params.get("AllowReassociation"), call)

    def assert_nothing_changed(self) -> None:
        """Over the wire the program only read."""
        self.assertEqual([], self.server.journal.mutations())


class TwoFunctions(ProgramCase):
    """The common scene: `billing` in both subnets and `orders` in one, each pair with its interface, one pool.

    `self.bare` are the interfaces that are to get addresses, `self.pool` has one to spare. The foreign interfaces are
    near misses, each for another reason, and must stay as they are.
    """

    def setUp(self) -> None:
        super().setUp()
        world = self.world
        world.function("billing", [world.subnet_a, world.subnet_b])
        world.function("orders", [world.subnet_a], [world.other_group])
        self.bare = [
            world.lambda_interface(world.subnet_a),
            world.lambda_interface(world.subnet_b, requester_managed=False),
            world.lambda_interface(world.subnet_a, [world.other_group], function="orders"),
        ]
        self.foreign = self.near_misses()
        self.pool = world.addresses(4)
        self.configure({"main": self.pool}, {"billing": "main", "orders": "main"})
        self.before = world.truth()
        self.server.journal.clear()

    def near_misses(self) -> dict[str, str]:
        """Interfaces that only a careless match would take for a declared function's."""
        world = self.world
        third = world.security_group("third")
        both = [world.group, world.other_group]
        elsewhere = world.subnet("10.0.3.0/24", f"{world.region}a")
        return {
            "ordinary, same subnet and group": world.interface(world.subnet_a),
            "of Lambda, superset of the groups": world.lambda_interface(world.subnet_a, [world.group, third]),
            "of Lambda, both functions' groups": world.lambda_interface(world.subnet_a, both),
            "of Lambda, another group": world.lambda_interface(world.subnet_a, [third]),
            "of Lambda, another subnet": world.lambda_interface(elsewhere),
            "of Lambda, another account": world.lambda_interface(world.subnet_a, owner=FOREIGN_ACCOUNT),
        }

    def assert_foreign_untouched(self) -> None:
        truth = self.world.truth()
        for what, interface in self.foreign.items():
            self.assertNotIn(interface, truth, what)
