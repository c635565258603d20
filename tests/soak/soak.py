"""See `run`. Two minutes of samples at ten minutes are compared with the last two."""

from __future__ import annotations

import argparse
import statistics
import sys
import time

from bench import TARGET, Daemon, Stage, until

SAMPLE = 10.0
"""Seconds from sample to sample."""

STORM, ROUND = 20.0, 60.0
"""Of each minute so many seconds are bad weather."""

GROWTH_MAX = 0.05
"""By so much memory may be more at the end than at ten minutes."""

WINDOW = 120.0
"""Seconds whose samples are taken together."""


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/soak/run")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--functions", type=int, default=20)
    return parser.parse_args()


def watch(stage: Stage, daemon: Daemon, seconds: float) -> list[dict[str, float]]:
    """Lets the time pass, and samples."""
    samples: list[dict[str, float]] = []
    began = time.monotonic()
    storms = False
    with (TARGET / "soak.csv").open("w") as csv:
        while (now := time.monotonic() - began) < seconds:
            # The last round is calm, so that what is left then has no excuse.
            wanted = now % ROUND < STORM and now < seconds - ROUND
            if wanted != storms:
                stage.do("storm on" if wanted else "storm off")
                storms = wanted
            if now >= len(samples) * SAMPLE:
                if not daemon.is_alive():
                    sys.exit(f"the daemon ended by itself:\n{daemon.log.read_text()[-4000:]}")
                sample = {"second": round(now)} | daemon.weigh() | {"passes": daemon.metric("eipd_passes_total")}
                if not samples:
                    print(",".join(sample), file=csv)
                print(",".join(f"{value:g}" for value in sample.values()), file=csv, flush=True)
                samples.append(sample)
                if len(samples) % 30 == 1:
                    print(f"soak: {now / 60:5.0f} min  RSS {sample['rss']:.1f} MiB, {sample['fds']} descriptors, "
                          f"{sample['threads']} threads, {sample['passes']:.0f} passes", flush=True)
            time.sleep(0.5)
    stage.do("storm off")
    stage.do("life off")
    return samples


def around(samples: list[dict[str, float]], second: float) -> list[dict[str, float]]:
    return [sample for sample in samples if second - WINDOW <= sample["second"] <= second]


def judge(samples: list[dict[str, float]], early: float) -> list[str]:
    """What grew."""
    first, last = around(samples, early), around(samples, samples[-1]["second"])

    def middle(of: list[dict[str, float]], name: str) -> float:
        return statistics.median(sample[name] for sample in of)

    faults = []
    before, after = middle(first, "rss"), middle(last, "rss")
    print(f"soak: RSS {before:.1f} MiB at {early / 60:.0f} min, {after:.1f} MiB at the end: {after / before - 1:+.1%}; "
          f"peak {samples[-1]['peak']:.1f} MiB")
    if after > before * (1 + GROWTH_MAX):
        faults.append("memory grew")
    # Connections are kept for a while and calls that hang hold theirs, so the number goes up and down; what leaks is held for
    # good, and raises the least of a window above what was common before.
    for name in ("fds", "threads"):
        before, after = middle(first, name), min(s[name] for s in last)
        print(f"soak: {name} {before:g} at {early / 60:.0f} min, at least {after} at the end (most ever: {max(s[name] for s in samples)})")
        if after > before:
            faults.append(f"{name} grew")
    return faults


def main() -> int:
    arguments = read_arguments()
    seconds = arguments.minutes * 60
    stage = Stage("--functions", str(arguments.functions), "--per-pair", "2", "--subnets", "4",
                  "--spares", str(arguments.functions * 6), "--queue", "--quick", "--covered")
    daemon = Daemon(stage, "1s")
    until("the first pass", lambda: daemon.get("/readyz")[0] == 200, 60)
    stage.do("life on")
    samples = watch(stage, daemon, seconds)
    faults = []
    try:
        took = until("everything is covered", lambda: stage.tell()["bare"] == 0, 180)
        print(f"soak: all interfaces covered {took:.0f} s after the last event")
    except TimeoutError as error:
        faults.append(str(error))
    told, cpu, passes = stage.tell(), daemon.weigh()["cpu"], daemon.metric("eipd_passes_total")
    errors = daemon.errors()
    code, took = daemon.end()
    rest = stage.end()
    faults += judge(samples, min(600.0, seconds / 3))
    print(f"soak: {passes:.0f} passes, {told['calls']} calls, {told['associates']} associations; {told['interfaces']} interfaces; "
          f"{cpu / seconds:.1%} of a core; ended with {code} in {took:.1f} s; {len(errors)} ERROR lines")
    if code != 0 or took > 10:
        faults.append("it did not end in order")
    if rest:
        faults.append(f"the simulator says:\n{rest}")
    for line in errors[:5]:
        print(f"soak: {line}")
    print("soak: FAILED: " + "; ".join(faults) if faults else "soak: nothing grew")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
