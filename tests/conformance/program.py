"""Running `eipd` as its users do: arguments, environment, exit code, two streams, signals. Never without a deadline."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

import waiting  # noqa: E402
from waiting import free_port  # noqa: E402, F401

from loopback import KEY_ID, SECRET, Loopback
from world import REGION

ONCE = 60
"""Seconds within which a command that is not the daemon must have ended."""

SOON = 20
"""Seconds within which the daemon, at a poll interval of a second, must have done what is expected of it."""

SIGNAL = 10
"""Seconds within which a signal must have ended the daemon: a promise of the contract."""


def binary() -> str:
    """The program under test."""
    return os.environ["EIPD_BIN"]


def environment(server: Loopback | None, home: Path, **more: str) -> dict[str, str]:
    """All that the program gets from outside: nothing of the tester's own account or habits.

    Without a server the endpoint is a port on which nobody listens.
    """
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(home),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": server.url if server else "http://127.0.0.1:1",
        "NO_PROXY": "127.0.0.1,localhost",
        "RUST_BACKTRACE": "1",
    } | more


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    arguments: list[str]
    code: int
    out: str
    err: str

    def json(self):
        """Standard output as JSON, all of it."""
        try:
            return json.loads(self.out)
        except ValueError as error:
            raise AssertionError(f"standard output is not JSON ({error}):\n{self}") from error

    def __str__(self) -> str:
        return (
            f"eipd {' '.join(self.arguments)}\nexit code {self.code}\n"
            f"--- standard output\n{self.out}\n--- standard error\n{self.err}"
        )


def run(arguments: list[str], env: dict[str, str], timeout: float = ONCE) -> Finished:
    """Runs a command to its end. Standard input is empty."""
    try:
        done = subprocess.run(
            [binary(), *arguments],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"eipd {' '.join(arguments)} did not end within {timeout} s: {error.stderr}") from error
    return Finished(arguments, done.returncode, done.stdout, done.stderr)


def wait_until(what: str, check, deadline: float = SOON, account=lambda: ""):
    """Polls `check` until it gives something true, and gives that back; fails with `account()` at the deadline."""
    return waiting.wait_until(what, check, deadline, account)


class Daemon:
    """`eipd run` in the background, for as long as the block lasts."""

    def __init__(self, arguments: list[str], env: dict[str, str], port: int, home: Path) -> None:
        self.arguments, self.env, self.port = arguments, env, port
        self.url = f"http://127.0.0.1:{port}"
        self.log = home / f"daemon-{port}.log"
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> Daemon:
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [binary(), "run", *self.arguments],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=SIGNAL)

    def account(self) -> str:
        """What the daemon said, for the message of a failure."""
        return f"eipd run {' '.join(self.arguments)}, exit code {self.process.poll()}\n{self.log.read_text()}"

    def wait_until(self, what: str, check, deadline: float = SOON):
        """As the function of this name, but fails at once when the daemon has ended."""

        def still_alive_and_so():
            if self.process.poll() is not None:
                raise AssertionError(f"the daemon ended while waiting for: {what}\n{self.account()}")
            return check()

        return wait_until(what, still_alive_and_so, deadline, self.account)

    def end(self, with_signal: int = signal.SIGTERM) -> tuple[int, float]:
        """Sends the signal; gives the exit code and the seconds it took."""
        started = time.monotonic()
        self.process.send_signal(with_signal)
        try:
            code = self.process.wait(timeout=SIGNAL)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"not ended {SIGNAL} s after signal {with_signal}\n{self.account()}") from error
        return code, time.monotonic() - started

    def get(self, path: str) -> tuple[int, str]:
        """Status and body; status 0 while nobody listens."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def ready(self) -> None:
        """Waits until the first pass has been made."""
        self.wait_until("/readyz answers 200", lambda: self.get("/readyz")[0] == 200)

    def makes_passes(self, count: int) -> None:
        """Waits until so many more passes have been made."""
        before = self.metric("eipd_passes_total") or 0
        self.wait_until(f"{count} more passes", lambda: (self.metric("eipd_passes_total") or 0) >= before + count)

    def metric(self, name: str, **labels: str) -> float | None:
        """The sum of the samples that have at least these labels; nothing if there is none."""
        found = [
            value
            for sample, own, value in samples(self.get("/metrics")[1])
            if sample == name and labels.items() <= own.items()
        ]
        return sum(found) if found else None


def samples(text: str) -> list[tuple[str, dict[str, str], float]]:
    """Reads the exposition format as far as ours needs it: name, labels, value. Anything else is an error."""
    read = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        sample, value = line.rsplit(" ", 1)
        name, brace, rest = sample.partition("{")
        read.append((name, read_labels(rest.removesuffix("}")) if brace else {}, float(value)))
    return read


def read_labels(text: str) -> dict[str, str]:
    """Reads `a="b",c="d"`. Our label values come from closed sets and names: no quotes, commas or backslashes."""
    labels = {}
    for pair in filter(None, text.split(",")):
        name, _, value = pair.partition("=")
        labels[name] = value.strip('"')
    return labels
