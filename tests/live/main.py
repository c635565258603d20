"""Settles the beliefs about AWS in a sandbox account. Started by `run`, which has installed what is needed.

It makes one function, two security groups, two Elastic IPs, a queue, a rule and a role, all named and tagged after the
run; watches what AWS does with them; prints the table; and takes everything away again, also after an error or Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import signal
import sys
import time
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from account import TAG, Clients, Stage
from beliefs import Findings, table
from probes import Story
from teardown import tear_down

REFUSED = 64

PRICES = """What it costs, at the prices of us-east-1 (other regions differ little):
  2 Elastic IPs, $0.005 an hour each, for an hour or two       $0.01 to $0.02
  some Lambda invocations of 128 MB, the longest 200 s         below $0.01
  some requests to SQS and EventBridge                         below $0.01
If it is killed in the middle, an Elastic IP that stays costs $3.60 a month: tear down with --tear-down."""

PLAN = """What it does, with everything named {prefix}… and tagged {tag}={run}:
  1  makes {role}two security groups, two Elastic IPs, a queue with an EventBridge rule,
     and a function in {subnet}
  2  watches the function and its network interface come                            B3 B7 B15 B17 B18
  3  gives the interface an address and asks the function where it leaves from       the promise itself
  4  gives it the same address again, another one, takes it off twice                B5 B1 B6
  5  reads by ids that do not exist, without managed resources; a bus that is none   B4 B12 B8 B21
  6  {throttle}B16
  7  moves the function to the other group while an invocation runs                  B2 B14
  8  takes it out of the VPC and watches the interfaces go, up to {patience:g} minutes         B19 B13 B9
  9  reads what CloudTrail told of it, if a trail logs in the account                B20
 10  takes everything away, and waits until AWS has let go of it
Not to be told by a script: B10 (an update that fails after it was accepted), B11 (overflow and replacement)."""


class Refusal(Exception):
    """Nothing was made."""


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/live/run", description=__doc__.splitlines()[0])
    parser.add_argument("--account", help="the sandbox account's id; it must be the one that the credentials are of")
    parser.add_argument("--region", help="the region; none is taken from the environment")
    parser.add_argument("--subnet", help="a public subnet (default: one of the default VPC)")
    parser.add_argument("--role", help="the ARN of a role for functions in a VPC (default: one is made)")
    parser.add_argument("--throttle", action="store_true", help="also B16: throttles EC2 in the region for some seconds")
    parser.add_argument("--patience", type=float, default=60, help="minutes to wait for what AWS does (default: 60)")
    parser.add_argument("--poll", type=float, default=2, help="seconds from look to look (default: 2)")
    parser.add_argument("--slowest", type=int, default=200, help="seconds of the longest invocation (default: 200)")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and the prices; no call is made")
    parser.add_argument("--yes", action="store_true", help="begin without asking")
    parser.add_argument("--tear-down", metavar="RUN", help="take away what this run left, and nothing else")
    parser.add_argument("--endpoint-url", help="a simulator on loopback, in place of AWS")
    return parser.parse_args(arguments)


def check(arguments: argparse.Namespace) -> None:
    """Refuses what is not explicit, before any call is made."""
    if not re.fullmatch(r"\d{12}", arguments.account or ""):
        raise Refusal("name the sandbox account: --account and twelve digits")
    if not arguments.region:
        raise Refusal("name the region: --region")
    if arguments.tear_down and not re.fullmatch(r"[0-9a-z-]{6,30}", arguments.tear_down):
        raise Refusal("--tear-down wants the id of a run, as it was printed")
    if arguments.endpoint_url:
        parts = urlsplit(arguments.endpoint_url)
        if parts.scheme != "http" or parts.hostname != "127.0.0.1":
            raise Refusal("--endpoint-url is for a simulator at http://127.0.0.1:PORT")
    elif os.environ.get("CI") and not arguments.dry_run:
        raise Refusal("this is for a person and an account, never for CI")


def check_identity(clients: Clients, account: str) -> None:
    """Refuses credentials of another account."""
    identity = clients.sts.get_caller_identity()
    if identity["Account"] != account:
        raise Refusal(f"the credentials are of account {identity['Account']} ({identity['Arn']}), not of {account}")
    print(f"live: {identity['Arn']}", flush=True)


def announce(arguments: argparse.Namespace, run: str) -> None:
    print(
        PLAN.format(
            prefix=f"{TAG}-{run}",
            tag=TAG,
            run=run,
            role="" if arguments.role else "a role (AWSLambdaVPCAccessExecutionRole), ",
            subnet=arguments.subnet or "a public subnet of the default VPC",
            throttle="dry runs until EC2 throttles                                                    "
            if arguments.throttle
            else "(only with --throttle: dry runs until EC2 throttles)                            ",
            patience=arguments.patience,
        )
    )
    print(f"\n{PRICES}\n", flush=True)


def confirm(account: str) -> None:
    """The account's id, typed once more."""
    if not sys.stdin.isatty():
        raise Refusal("nobody is there to ask: say --yes")
    if input(f"Type the account's id to begin ({account}): ").strip() != account:
        raise Refusal("that is not its id")


class Interrupted(BaseException):
    """Somebody wants it to end; what was made is taken away first."""


def answer_signals(handler) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def interrupt_once(*_) -> None:
    answer_signals(insist)
    raise Interrupted


def insist(*_) -> None:
    print("live: it is taking away what it made; killed now, it would leave that behind", flush=True)


def observe(story: Story, arguments: argparse.Namespace) -> int:
    """Tells the story; whatever happens is no reason to leave anything behind."""
    try:
        story.run(arguments.subnet, arguments.role)
        return 0
    except Interrupted:
        print("live: interrupted", flush=True)
    except SystemExit as error:
        print(error, flush=True)
    except (ClientError, BotoCoreError, KeyError, ValueError) as error:
        print(f"live: {type(error).__name__}: {error}", flush=True)
    return 1


def finish(stage: Stage, arguments: argparse.Namespace) -> int:
    answer_signals(insist)
    print("live: taking everything away", flush=True)
    left = tear_down(stage, arguments.patience * 60)
    if not left:
        print(f"live: nothing of run {stage.run} is left", flush=True)
        return 0
    print(f"live: LEFT BEHIND: {'; '.join(left)}")
    print(f"live: later: tests/live/run --account {arguments.account} --region {arguments.region} --tear-down {stage.run}")
    return 1


def main(given: list[str]) -> int:
    arguments = read_arguments(given)
    try:
        check(arguments)
        run = arguments.tear_down or time.strftime("%Y%m%d-%H%M-") + secrets.token_hex(2)
        if arguments.dry_run:
            table()
            announce(arguments, run)
            return 0
        clients = Clients(arguments.region, arguments.endpoint_url)
        check_identity(clients, arguments.account)
        if not arguments.tear_down:
            announce(arguments, run)
        if not arguments.yes:
            confirm(arguments.account)
    except Refusal as refusal:
        print(f"live: refused: {refusal}", file=sys.stderr)
        return REFUSED
    stage = Stage(clients, run, arguments.poll)
    stage.own_role = not arguments.role
    if arguments.tear_down:
        return finish(stage, arguments)
    print(f"live: run {run}", flush=True)
    answer_signals(interrupt_once)
    findings = Findings()
    story = Story(stage, findings, arguments.patience * 60, arguments.slowest, arguments.throttle)
    code = 1
    try:
        code = observe(story, arguments)
    finally:
        code |= finish(stage, arguments)
    where = f"the simulator at {arguments.endpoint_url}" if arguments.endpoint_url else f"account {arguments.account}"
    print(f"\nAs found in {where}, {arguments.region}, {time.strftime('%Y-%m-%d')}:\n")
    print(findings.text(), flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
