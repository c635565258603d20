"""Runs the conformance tests and counts them. Started by `run`, which has installed what is needed.

The last line of the output counts the tests; the exit code is 0 only when there were some, and all of them passed.
A skipped test is a failure: a conformance run that leaves something out must not look like one that did not.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/conformance/run", description=__doc__.splitlines()[0])
    parser.add_argument("-k", dest="pattern", action="append", help="only tests whose name matches (repeatable)")
    parser.add_argument("--aws-only", action="store_true", help="only the checks of moto by boto3, without eipd")
    parser.add_argument("-v", dest="verbose", action="store_true", help="a line for each test")
    parser.add_argument("-f", dest="failfast", action="store_true", help="stop at the first failure")
    return parser.parse_args()


def forget_real_account() -> None:
    """Removes everything by which boto3 could find a real account."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


def spare_moto_work() -> None:
    """No test starts an instance, so no world needs the catalogue of images."""
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"


def quieten() -> None:
    """The server logs each request; what a failing test needs is in the journal."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    for noisy in ("botocore", "boto3", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def collect(arguments: argparse.Namespace) -> unittest.TestSuite:
    loader = unittest.TestLoader()
    if arguments.pattern:
        loader.testNamePatterns = [p if "*" in p else f"*{p}*" for p in arguments.pattern]
    files = "test_aws_like.py" if arguments.aws_only else "test_*.py"
    return loader.discover(str(HERE), pattern=files, top_level_dir=str(HERE))


def main() -> int:
    arguments = read_arguments()
    forget_real_account()
    spare_moto_work()
    quieten()
    started = time.monotonic()
    runner = unittest.TextTestRunner(
        stream=sys.stdout, verbosity=2 if arguments.verbose else 1, failfast=arguments.failfast
    )
    result = runner.run(collect(arguments))
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped)
    passed = result.testsRun - failed - skipped
    seconds = time.monotonic() - started
    print(f"conformance: {result.testsRun} tests, {passed} passed, {failed} failed, {skipped} skipped, {seconds:.1f} s")
    return 0 if result.testsRun and not failed and not skipped else 1


if __name__ == "__main__":
    sys.exit(main())
