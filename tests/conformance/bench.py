"""What all test cases share: the server, started once, and a fresh world for each test."""

from __future__ import annotations

import unittest

import aws_like
from loopback import Loopback
from world import World

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
