"""Runs the parts that are named, or all, and counts their checks. Started by `run`, which has found what is needed.

The last line of the output counts the checks; the exit code is 0 only when there were some, and all of them held.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import alerts
import page
import rules
from stage import Failed

PARTS = {"rules": rules.run, "alerts": alerts.run, "page": page.run}


def main() -> int:
    wanted = sys.argv[1:] or list(PARTS)
    unknown = [part for part in wanted if part not in PARTS]
    if unknown:
        print(f"there is no part {unknown[0]}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 64
    started = time.monotonic()
    passed = 0
    for part in wanted:
        print(f"{part}:")
        with tempfile.TemporaryDirectory(prefix=f"eipd-watch-{part}-") as home:
            try:
                for check in PARTS[part](Path(home)):
                    passed += 1
                    print(f"  {time.monotonic() - started:5.1f} s  {check}")
            except Failed as failure:
                print(f"  FAILED: {failure}")
                print(f"watch: {passed} passed, 1 failed")
                return 1
    print(f"watch: {passed} passed, 0 failed")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
