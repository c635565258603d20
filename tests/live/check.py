#!/usr/bin/env python3
"""Does the live script tell the truth? It is run against the simulator, whose beliefs are known, once for each alternative.

Run it from anywhere with the packages of tests/conformance (boto3 and, for the role, moto):

    target/conformance-venv/bin/python -B tests/live/check.py

It builds the simulator's example `stage`. Nothing leaves the machine. Exit code 0 means that every check held.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ACCOUNT, REGION = "111122223333", "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/exec-role"
BASE = {
    "PATH": os.environ.get("PATH", ""),
    "HOME": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ACCESS_KEY_ID": "AKIASTRAYSTRAYSTRAY0",
    "AWS_SECRET_ACCESS_KEY": "simulated",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "NO_PROXY": "127.0.0.1",
    # Not to be heeded: the script goes where it was told to go.
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
}

# What the script can't tell, anywhere or of a simulator, whose invocations take no time (B14).
UNTOLD = {10, 11, 14}

# Together each alternative of each belief that it can tell.
SETTINGS = [
    "",
    "B1=b B2=b B4=b B5=b B6=b B7=b B8=b B9=b B12=b B13=b B15=b B16=b B17=b B18=b B19=b B20=b B21=b",
    "B1=c B3=b B15=c B18=c B20=c",
    "B3=c B13=b",
]

CHECKS = []


def check(what: str, holds: bool, account: str = "") -> None:
    CHECKS.append(what)
    if not holds:
        raise AssertionError(f"FAILED: {what}\n{account}")


class Simulator:
    """The example `stage`, for as long as the block lasts."""

    def __init__(self, program: str, beliefs: str) -> None:
        command = [program, "--subnets", "1", "--quick", "--beliefs", beliefs]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.facts: dict[str, str] = {}
        for line in self.process.stdout:
            name, _, value = line.strip().partition("=")
            self.facts[name] = value
            if name == "READY":
                break
        check("the simulator starts", "READY" in self.facts)

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        self.rest = self.process.stdout.read()
        self.process.wait(timeout=20)

    def arguments(self, *more: str) -> list[str]:
        given = ["--account", ACCOUNT, "--region", REGION, "--subnet", self.facts["SUBNETS"], "--role", ROLE]
        return [*given, "--endpoint-url", self.facts["URL"], "--poll", "0.1", "--patience", "0.6",
                "--slowest", "1", "--yes", *more]

    def is_empty(self) -> None:
        """Asks with boto3 what is still there."""
        of = {service: client(service, self.facts["URL"]) for service in ("ec2", "lambda", "sqs", "events")}
        check("no address is left", not of["ec2"].describe_addresses()["Addresses"])
        check("no security group", not of["ec2"].describe_security_groups()["SecurityGroups"])
        check("no interface", not of["ec2"].describe_network_interfaces(IncludeManagedResources=True)["NetworkInterfaces"])
        check("no function", not of["lambda"].list_functions()["Functions"])
        check("no queue", not of["sqs"].list_queues().get("QueueUrls"))
        check("no rule", not of["events"].list_rules()["Rules"])


def client(service: str, url: str):
    import boto3

    return boto3.client(
        service, endpoint_url=url, region_name=REGION, aws_access_key_id=BASE["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key="simulated",
    )


def script(arguments: list[str], **more: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-B", "-u", str(HERE / "main.py"), *arguments],
        env=BASE | more, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )


def ended(process: subprocess.Popen, timeout: float = 300) -> tuple[int, str]:
    out, _ = process.communicate(timeout=timeout)
    return process.returncode, out


def read_line_with(process: subprocess.Popen, text: str) -> str:
    before = ""
    for line in process.stdout:
        before += line
        if text in line:
            return before
    raise AssertionError(f"FAILED: it ended before it said {text!r}\n{before}")


def tells_the_simulators_beliefs(program: str, beliefs: str) -> None:
    with Simulator(program, beliefs) as simulator:
        code, out = ended(script(simulator.arguments("--throttle")))
        check("it ends well", code == 0, out)
        expected = {
            number: choice
            for number, choice in (pair.split("=") for pair in simulator.facts["BELIEFS"].split())
            if int(number[1:]) not in UNTOLD and (number != "B17" or "B3=a" in simulator.facts["BELIEFS"])
        }
        told = dict(pair.split("=") for pair in out.splitlines()[-1].split()[1:])
        check(f"the table agrees with {beliefs or 'the default'}: {told} and {expected}", told == expected, out)
        check("an address is accepted", "an Elastic IP on a Lambda interface: accepted" in out, out)
        check("and is the way out", "invocations leave from that address: yes" in out, out)
        check("Lambda's own call is told", "in the trail: told" in out, out)
        simulator.is_empty()
    check("nothing was asked for that is not simulated", "COMPLAINT" not in simulator.rest, simulator.rest)


def tears_down_after_a_signal(program: str) -> None:
    with Simulator(program, "") as simulator:
        process = script(simulator.arguments())
        before = read_line_with(process, "B1 is")
        process.send_signal(signal.SIGINT)
        code, out = ended(process)
        check("an interrupted run says so and is no success", code == 1 and "live: interrupted" in out, before + out)
        check("its table has what it found", "BELIEFS B1=a" in out, out)
        simulator.is_empty()


def tears_down_what_a_killed_run_left(program: str) -> None:
    with Simulator(program, "") as simulator:
        process = script(simulator.arguments())
        before = read_line_with(process, "B1 is")
        process.kill()
        ended(process)
        run = next(line.split()[-1] for line in before.splitlines() if line.startswith("live: run "))
        addresses = client("ec2", simulator.facts["URL"]).describe_addresses()["Addresses"]
        check("a killed run leaves things behind", len(addresses) == 2)
        code, out = ended(script(simulator.arguments("--tear-down", run)))
        check("and they can be taken away", code == 0 and f"nothing of run {run} is left" in out, out)
        simulator.is_empty()


def tears_down_after_a_failure(program: str) -> None:
    with Simulator(program, "") as simulator:
        code, out = ended(script(simulator.arguments("--patience", "0.02")))
        check("a run that gives up is no success", code == 1 and "did not become Active" in out, out)
        code, out = ended(script(simulator.arguments("--tear-down", out.split("live: run ")[1].split()[0])))
        check("what it left can be taken away", code == 0, out)
        simulator.is_empty()


def refuses(program: str) -> None:
    with Simulator(program, "") as simulator:
        url = simulator.facts["URL"]
        good = ["--account", ACCOUNT, "--region", REGION, "--endpoint-url", url, "--yes"]
        for what, arguments, word, more in [
            ("without an account", good[2:], "name the sandbox account", {}),
            ("half an account", ["--account", "1111", *good[2:]], "name the sandbox account", {}),
            ("another account", ["--account", "444455556666", *good[2:]], "not of 444455556666", {}),
            ("without a region", [*good[:2], *good[4:]], "name the region", {"AWS_REGION": REGION}),
            ("an endpoint elsewhere", [*good[:5], "http://10.0.0.1:80", "--yes"], "simulator at", {}),
            ("in CI", [*good[:4], "--yes"], "never for CI", {"CI": "true"}),
            ("with nobody to ask", good[:-1], "say --yes", {}),
        ]:
            code, out = ended(script(arguments, **more), 60)
            check(f"refused: {what}", code == 64 and word in out, out)
        code, out = ended(script([*good[:4], "--dry-run"], CI="true"), 60)
        check("a dry run prints plan and prices", code == 0 and "B19 B13 B9" in out and "$0.005 an hour" in out, out)
        simulator.is_empty()


def makes_and_takes_away_a_role(_: str) -> None:
    """The simulator has no IAM, but moto has."""
    script_of = "import sys; sys.path.insert(0, sys.argv[1]); import check; check.role_in_moto()"
    done = subprocess.run(
        [sys.executable, "-B", "-c", script_of, str(HERE)],
        env=BASE | {"AWS_ENDPOINT_URL": ""}, capture_output=True, text=True, timeout=120, check=False,
    )
    check("a role comes and goes", done.returncode == 0, done.stdout + done.stderr)


def role_in_moto() -> None:
    """Runs in a process of its own, since moto takes all of boto3 over."""
    from moto import mock_aws

    from account import VPC_POLICY, Clients, Stage
    from teardown import role

    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    with mock_aws():
        stage = Stage(Clients(REGION, None), "20261125-1200-abcd", 0.1)
        stage.own_role = True
        arn = stage.make_role()
        iam = stage.clients.iam
        attached = iam.list_attached_role_policies(RoleName=stage.prefix)["AttachedPolicies"]
        assert arn.endswith(f":role/{stage.prefix}") and [p["PolicyArn"] for p in attached] == [VPC_POLICY], attached
        assert iam.list_role_tags(RoleName=stage.prefix)["Tags"] == stage.tags()
        assert role(stage) == [] and iam.list_roles()["Roles"] == []


def main() -> int:
    build = ["cargo", "build", "--quiet", "--locked", "--bin", "eipd", "--examples"]
    subprocess.run(build, cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    program = str(target / "debug" / "examples" / "stage")
    others = [refuses, tears_down_after_a_signal, tears_down_what_a_killed_run_left, tears_down_after_a_failure,
              makes_and_takes_away_a_role]
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(tells_the_simulators_beliefs, program, beliefs) for beliefs in SETTINGS]
        running += [pool.submit(other, program) for other in others]
        failures = [error for error in (one.exception() for one in running) if error]
    for error in failures:
        print(error)
    print(f"live script: {len(CHECKS)} checks, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
