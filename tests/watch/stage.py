"""The stage: AWS simulated on loopback, the daemon in front of it, and a stray hand. Every wait has a deadline."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

sys.path.append(str(ROOT / "tests"))

import waiting  # noqa: E402
from waiting import free_port  # noqa: E402, F401

SOON = 60
"""Seconds within which what is waited for must have come; it takes some seconds on a quiet machine."""

EIPD_KEY = "AKIAEIPDEIPDEIPDEIPD"
STRAY_KEY = "AKIASTRAYSTRAYSTRAY0"
"""The access keys that the simulator knows; it verifies no signature."""


class Failed(Exception):
    """A check that did not hold, with all that is needed to see why."""


def wait_until(what: str, check, deadline: float = SOON, account=lambda: ""):
    """Polls `check` until it gives something true, and gives that back."""
    return waiting.wait_until(what, check, deadline, account, Failed)


def get(url: str) -> str:
    """The body; empty while nobody answers or the answer is no success."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.read().decode()
    except OSError:
        return ""


@contextmanager
def background(command: list[str], log: Path, env: dict[str, str] | None = None):
    """A program that runs as long as the block does; ended by SIGTERM, and by SIGKILL if it does not listen."""
    with log.open("w") as out:
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=15)


def signed(service: str, content_type: str) -> dict[str, str]:
    """The headers of a call by somebody else in the account."""
    scope = f"{STRAY_KEY}/20260101/eu-west-1/{service}/aws4_request"
    credential = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"
    return {"Authorization": credential, "Content-Type": content_type}


def sent(action: str, request: urllib.request.Request) -> str:
    """The answer; fails at any that is no success."""
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        raise Failed(f"{action}: {error.code} {error.read().decode()}") from error


class Stage:
    """A simulated account with function `billing` in two subnets, an address for each, and a spare none."""

    def __init__(self, url: str, facts: dict[str, str], home: Path) -> None:
        self.url, self.home = url, home
        self.allocations = facts["ALLOCATIONS"].split(",")
        self.interface = facts["INTERFACE"]
        self.port = free_port()
        self.page = f"http://127.0.0.1:{self.port}"
        self.config = home / "eipd.toml"
        listed = ", ".join(f'"{allocation}"' for allocation in self.allocations)
        self.config.write_text(
            f'[daemon]\npoll_interval = "1s"\nfunction_refresh = "2s"\nlisten = "127.0.0.1:{self.port}"\n'
            f"[pools.partner]\nallocations = [{listed}]\n"
            '[[functions]]\nname = "billing"\npool = "partner"\n'
        )
        self.env = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(home),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": EIPD_KEY,
            "AWS_SECRET_ACCESS_KEY": "simulated",
            "AWS_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL": url,
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def eipd(self, *arguments: str, code: int = 0) -> None:
        """Runs a command to its end; fails unless it ends with this code."""
        command = [os.environ["EIPD_BIN"], *arguments, "-c", str(self.config)]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=SOON, check=False)
        if done.returncode != code:
            raise Failed(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")

    @contextmanager
    def daemon(self, *arguments: str):
        """`eipd run` in the background, once it has made its first pass."""
        log = self.home / "eipd.log"
        command = [os.environ["EIPD_BIN"], "run", *arguments, "-c", str(self.config)]
        with background(command, log, self.env) as process:
            wait_until("eipd is ready", lambda: get(self.page + "/readyz"), account=log.read_text)
            yield process

    def stray(self, action: str, **parameters: str) -> str:
        """A call to EC2 by somebody else in the account, answered in XML."""
        form = {"Action": action, "Version": "2016-11-15", **parameters}
        headers = signed("ec2", "application/x-www-form-urlencoded; charset=utf-8")
        return sent(action, urllib.request.Request(self.url, urllib.parse.urlencode(form).encode(), headers))

    def redeploy_outside(self) -> None:
        """A deployment of the function by somebody who left out its VpcConfig."""
        url = f"{self.url}/2015-03-31/functions/billing/configuration"
        body = json.dumps({"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}}).encode()
        headers = signed("lambda", "application/json")
        sent("UpdateFunctionConfiguration", urllib.request.Request(url, body, headers, method="PUT"))

    def association(self) -> tuple[str, str] | None:
        """The association of the interface and its address, as EC2 shows them."""
        answer = self.stray("DescribeAddresses")
        for item in re.findall(r"<item>(.*?)</item>", answer, re.DOTALL):
            if f"<networkInterfaceId>{self.interface}<" in item:
                bond = re.search(r"<associationId>(.*?)<", item)
                address = re.search(r"<allocationId>(.*?)<", item)
                if bond and address:
                    return bond[1], address[1]
        return None

    def break_it(self) -> str:
        """Takes the address off the interface; gives it back."""
        found = wait_until("the interface has an address", self.association)
        self.stray("DisassociateAddress", AssociationId=found[0])
        return found[1]

    def repair_it(self, allocation: str) -> None:
        """Puts an address on the interface, as a person would in the console."""
        self.stray("AssociateAddress", AllocationId=allocation, NetworkInterfaceId=self.interface)


@contextmanager
def stage(home: Path):
    """The simulator, for as long as the block lasts."""
    server = subprocess.Popen([os.environ["EIPD_SERVE"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        facts = {}
        for line in server.stdout:
            key, _, value = line.strip().partition("=")
            facts[key] = value
            if key == "READY":
                break
        else:
            raise Failed("the simulator did not start")
        yield Stage(facts["URL"], facts, home)
    finally:
        server.stdin.close()
        server.stdout.read()
        server.wait(timeout=15)
