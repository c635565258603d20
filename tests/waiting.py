"""What every suite in Python waits with, and where its servers listen. Knows nothing of what is waited for."""

from __future__ import annotations

import socket
import time


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what: str, check, deadline: float, account=lambda: "", failure=AssertionError):
    """Polls `check` until it gives something true, and gives that back; fails with `account()` at the deadline."""
    end = time.monotonic() + deadline
    while True:
        seen = check()
        if seen:
            return seen
        if time.monotonic() > end:
            raise failure(f"after {deadline} s still not: {what}\n{account()}")
        time.sleep(0.1)
