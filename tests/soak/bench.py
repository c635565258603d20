"""The built daemon and the simulator's example `stage`, side by side as processes: for the soak and the overload runs.

Needs nothing but Python, and Linux for what the kernel tells of a process. Nothing leaves the machine.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def program(variable: str, default: str, build: str) -> str:
    """A built program, from the environment or from where cargo puts it."""
    path = Path(os.environ.get(variable, TARGET / default))
    if not path.is_file():
        sys.exit(f"there is no {path}: {build}, or name it with {variable}")
    return str(path)


def leave_nothing_running(process: subprocess.Popen) -> None:
    """However this ends, the process does not outlive it."""
    atexit.register(lambda: process.poll() is None and process.kill())


class Stage:
    """The simulated account."""

    def __init__(self, *arguments: str) -> None:
        example = program("EIPD_STAGE", "debug/examples/stage", "cargo build --bin eipd --examples")
        self.process = subprocess.Popen(
            [example, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        leave_nothing_running(self.process)
        self.facts: dict[str, str] = {}
        for line in self.process.stdout:
            name, _, value = line.rstrip("\n").partition("=")
            self.facts[name] = value
            if name == "READY":
                return
        sys.exit("the simulator did not start")

    def do(self, line: str) -> str:
        """Sends a line, and returns what was answered."""
        print(line, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().strip()
        if not answer.startswith("OK"):
            sys.exit(f"the simulator does not do {line!r}: {answer}")
        return answer[3:]

    def tell(self) -> dict[str, int]:
        """Counts of the account."""
        return {name: int(value) for name, value in (pair.split("=") for pair in self.do("tell").split())}

    def end(self) -> str:
        """Ends it; returns complaints and violations, nothing in the good case."""
        self.process.stdin.close()
        rest = self.process.stdout.read()
        self.process.wait(timeout=60)
        return rest


class Daemon:
    """`eipd run` for all functions of the account, with one pool of all its addresses."""

    def __init__(self, stage: Stage, poll: str) -> None:
        self.binary = program("EIPD_BIN", "release/eipd", "cargo build --release --bin eipd")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = tempfile.TemporaryDirectory(prefix="eipd-")
        home = Path(self.folder.name)
        (home / "eipd.toml").write_text(configuration(stage, poll, self.port))
        self.log = home / "eipd.log"
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(home),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": stage.facts["ACCESS_KEY"],
            "AWS_SECRET_ACCESS_KEY": stage.facts["SECRET_KEY"],
            "AWS_REGION": stage.facts["REGION"],
            "AWS_ENDPOINT_URL": stage.facts["URL"],
            "EIPD_LOG_FORMAT": "json",
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [self.binary, "run", "-c", str(home / "eipd.toml")],
                env=environment, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        leave_nothing_running(self.process)

    def get(self, path: str, timeout: float = 10) -> tuple[int, str]:
        """Status and body; status 0 when there is no answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name: str) -> float:
        """The sum of all series of a metric."""
        lines = self.get("/metrics")[1].splitlines()
        values = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
        return sum(float(value) for series, value in values if series.partition("{")[0] == name)

    def weigh(self) -> dict[str, float]:
        """What the kernel knows of it: MiB, descriptors, threads, seconds of CPU."""
        folder = Path(f"/proc/{self.process.pid}")
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line)
        mib = {name: int(status[key].split()[0]) / 1024 for name, key in (("rss", "VmRSS"), ("peak", "VmHWM"))}
        ticks = (folder / "stat").read_text().rpartition(") ")[2].split()[11:13]
        cpu = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        return mib | {"fds": len(os.listdir(folder / "fd")), "threads": int(status["Threads"]), "cpu": cpu}

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> tuple[int, float]:
        """SIGTERM; the exit code and the seconds that it took."""
        asked = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        return code, time.monotonic() - asked

    def errors(self) -> list[str]:
        """The lines of its log that somebody would be woken for."""
        return [line for line in self.log.read_text().splitlines() if '"level":"ERROR"' in line]


def configuration(stage: Stage, poll: str, port: int) -> str:
    """The operator's file."""
    quoted = ", ".join(f'"{one}"' for one in stage.facts["ALLOCATIONS"].split(","))
    lines = [f'[daemon]\npoll_interval = "{poll}"\nlisten = "127.0.0.1:{port}"\n']
    if queue := stage.facts["QUEUE"]:
        lines.append(f'[events]\nqueue_url = "{queue}"\n')
    lines.append(f"[pools.p]\nallocations = [{quoted}]\n")
    lines += [f'[[functions]]\nname = "{name}"\npool = "p"\n' for name in stage.facts["FUNCTIONS"].split(",")]
    return "\n".join(lines)


def until(what: str, look, patience: float, pause: float = 0.5) -> float:
    """Waits until `look` gives something true; the seconds that it took. Ends the run when it takes too long."""
    began = time.monotonic()
    while not look():
        if time.monotonic() - began > patience:
            raise TimeoutError(f"after {patience:.0f} s still not: {what}")
        time.sleep(pause)
    return time.monotonic() - began
