"""See `run`. Each story starts a simulated account and a daemon of its own.

Its memory is not limited but measured: the peak RSS that the kernel kept must stay below 64 MiB. (RLIMIT_AS and RLIMIT_DATA
count what is mapped and never used as well, such as the 64 MiB of stack on which the configuration is read.) Its processor is
limited where a story says so, by stopping it for half of each 40 ms, which is harder than a quota, for it also loses the
time in which it would only have waited.
"""

from __future__ import annotations

import selectors
import signal
import socket
import statistics
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "soak"))

from bench import Daemon, Stage, until  # noqa: E402  (the path above must come first)

MEMORY_MAX_MIB = 64
PAGE_MAX_S = 1.0

HALF = 0.020
"""Seconds of each turn: stopped, and let run."""


def say(line: str) -> None:
    print(f"overload: {line}", flush=True)


class HalfACore(threading.Thread):
    """Stops a process half of the time, for as long as the block lasts."""

    def __init__(self, daemon: Daemon) -> None:
        super().__init__(daemon=True)
        self.process, self.over = daemon.process, threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            self.process.send_signal(signal.SIGSTOP)
            time.sleep(HALF)
            self.process.send_signal(signal.SIGCONT)
            time.sleep(HALF)

    def __enter__(self) -> HalfACore:
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.over.set()
        self.join()


class Scraper(threading.Thread):
    """Asks for /metrics each 100 ms, on a connection of its own each time, and for the health in between."""

    def __init__(self, daemon: Daemon) -> None:
        super().__init__(daemon=True)
        self.daemon_under_test, self.over = daemon, threading.Event()
        self.took: list[float] = []
        self.lost = 0
        self.sick = 0

    def run(self) -> None:
        while not self.over.is_set():
            began = time.monotonic()
            status, _ = self.daemon_under_test.get("/metrics", timeout=5)
            spent = time.monotonic() - began
            if status == 200:
                self.took.append(spent)
            else:
                self.lost += 1
            self.sick += self.daemon_under_test.get("/healthz", timeout=5)[0] == 503
            time.sleep(max(0.0, 0.1 - (time.monotonic() - began)))

    def end(self) -> str:
        self.over.set()
        self.join()
        worst = sorted(self.took)
        p99 = worst[int((len(worst) - 1) * 0.99)]
        return (f"{len(worst)} scrapes answered and {self.lost} not, {statistics.median(worst) * 1000:.0f} ms in the middle, "
                f"{p99 * 1000:.0f} ms at p99, {worst[-1] * 1000:.0f} ms at worst; /healthz said 503 {self.sick} times")


class SlowClients(threading.Thread):
    """So many connections that send a byte of their request each second, and come again when they are thrown out."""

    def __init__(self, daemon: Daemon, count: int) -> None:
        super().__init__(daemon=True)
        self.address, self.count, self.over = ("127.0.0.1", daemon.port), count, threading.Event()
        self.opened = self.thrown_out = self.open_most = 0

    def run(self) -> None:
        watched = selectors.DefaultSelector()
        sockets: set[socket.socket] = set()
        while not self.over.is_set():
            while len(sockets) < self.count:
                one = socket.socket()
                one.settimeout(2)
                try:
                    one.connect(self.address)
                except OSError:
                    one.close()
                    break
                one.setblocking(False)
                sockets.add(one)
                watched.register(one, selectors.EVENT_READ)
                self.opened += 1
            self.open_most = max(self.open_most, len(sockets))
            # Whatever can be read is the end: nothing was asked yet.
            gone = {key.fileobj for key, _ in watched.select(timeout=0)}
            for one in sockets - gone:
                try:
                    one.send(b"G")
                except OSError:
                    gone.add(one)
            for one in gone:
                watched.unregister(one)
                one.close()
                sockets.discard(one)
            self.thrown_out += len(gone)
            self.over.wait(1)
        for one in sockets:
            one.close()


def faults_of(stage: Stage, daemon: Daemon, peak_max: float | None = None) -> list[str]:
    """Ends both; what was wrong."""
    faults = []
    weight = daemon.weigh()
    say(f"  RSS {weight['rss']:.1f} MiB, peak {weight['peak']:.1f} MiB, {weight['cpu']:.1f} s of CPU, "
        f"{weight['fds']} descriptors, {weight['threads']} threads")
    if peak_max and weight["peak"] >= peak_max:
        faults.append(f"a peak of {weight['peak']:.1f} MiB is not below {peak_max} MiB")
    faults += daemon.errors()[:3]
    code, took = daemon.end()
    if code != 0 or took > 10:
        faults.append(f"it ended with {code}, {took:.1f} s after SIGTERM")
    if rest := stage.end():
        faults.append(rest)
    return faults


def repaired(stage: Stage, count: int, patience: float) -> float:
    """Takes addresses off, and waits until all are back; the seconds."""
    say(f"  {stage.do(f'bare {count}')}")
    return until("all addresses are back", lambda: stage.tell()["bare"] == 0, patience, pause=0.2)


def many() -> list[str]:
    """10,000 interfaces, a daemon below 64 MiB with half a core, a scraper each 100 ms."""
    stage = Stage("--functions", "1250", "--per-pair", "4", "--subnets", "4", "--covered", "--queue")
    daemon = Daemon(stage, "60s")
    with HalfACore(daemon):
        took = until("the first pass", lambda: daemon.get("/readyz")[0] == 200, 180)
        say(f"  first pass {took:.1f} s after the start")
        scraper = Scraper(daemon)
        scraper.start()
        took = repaired(stage, 100, 300)
        say(f"  100 addresses taken off by a stray hand, told by events, are back after {took:.1f} s; the rate limit alone takes 30 s")
        passes = daemon.metric("eipd_passes_total")
        until("three more passes", lambda: daemon.metric("eipd_passes_total") >= passes + 3, 300, pause=2)
        mean = daemon.metric("eipd_pass_duration_seconds_sum") / daemon.metric("eipd_pass_duration_seconds_count")
        say(f"  {daemon.metric('eipd_passes_total'):.0f} passes, {mean:.1f} s each; {scraper.end()}")
        lost = scraper.lost
        page = page_of(daemon)
    faults = faults_of(stage, daemon, MEMORY_MAX_MIB) + (["scrapes were not answered"] if lost else [])
    return faults + (["the page is slow"] if page > PAGE_MAX_S else [])


def page_of(daemon: "Daemon") -> float:
    """How long the page for people takes at worst, of twenty times."""
    times = []
    for _ in range(20):
        begun = time.monotonic()
        status, body = daemon.get("/")
        times.append(time.monotonic() - begun)
        if status != 200:
            raise SystemExit(f"the page answers {status}")
    say(f"  the page has {len(body) / 1024:.0f} KiB and takes {sorted(times)[10] * 1000:.0f} ms, at worst {max(times) * 1000:.0f} ms")
    return max(times)


def slow() -> list[str]:
    """An EC2, a Lambda and an STS that take 5 s for every answer."""
    stage = Stage("--functions", "10", "--per-pair", "10", "--subnets", "4", "--covered")
    stage.do("latency 5000")
    daemon = Daemon(stage, "10s")
    took = until("the first pass", lambda: daemon.get("/readyz")[0] == 200, 300)
    say(f"  first pass {took:.1f} s after the start")
    scraper = Scraper(daemon)
    scraper.start()
    took = repaired(stage, 10, 300)
    say(f"  10 addresses are back after {took:.1f} s, at a poll of 10 s; {scraper.end()}")
    return faults_of(stage, daemon, MEMORY_MAX_MIB) + (["/healthz said that it is stuck"] if scraper.sick else [])


def events() -> list[str]:
    """100,000 messages in the queue, and interfaces to repair meanwhile."""
    stage = Stage("--functions", "125", "--per-pair", "4", "--subnets", "4", "--covered", "--queue")
    say(f"  {stage.do('flood 100000')} wait")
    daemon = Daemon(stage, "10s")
    until("the first pass", lambda: daemon.get("/readyz")[0] == 200, 60)
    scraper = Scraper(daemon)
    scraper.start()
    took = repaired(stage, 20, 120)
    say(f"  20 addresses are back after {took:.1f} s, {stage.tell()['waiting']} messages still wait")
    took = until("the queue is empty", lambda: stage.tell()["waiting"] == 0, 300)
    say(f"  the queue is empty {took:.1f} s later; {scraper.end()}")
    return faults_of(stage, daemon, MEMORY_MAX_MIB)


def clients() -> list[str]:
    """A thousand slow connections to the HTTP port, beside an honest scraper, and interfaces to repair."""
    stage = Stage("--functions", "50", "--per-pair", "2", "--subnets", "4", "--covered")
    daemon = Daemon(stage, "2s")
    until("the first pass", lambda: daemon.get("/readyz")[0] == 200, 60)
    attack, scraper = SlowClients(daemon, 1000), Scraper(daemon)
    attack.start()
    time.sleep(3)
    scraper.start()
    took = repaired(stage, 20, 120)
    say(f"  20 addresses are back after {took:.1f} s, at a poll of 2 s")
    most = 0
    for _ in range(30):
        time.sleep(1)
        most = max(most, int(daemon.weigh()["fds"]))
    told = scraper.end()
    attack.over.set()
    attack.join()
    say(f"  {attack.opened} slow connections came, up to {attack.open_most} at a time, {attack.thrown_out} were thrown out; "
        f"the daemon had up to {most} descriptors")
    say(f"  {told}")
    faults = faults_of(stage, daemon, MEMORY_MAX_MIB)
    if most > 150:
        faults.append(f"{most} descriptors: the number of connections is not limited")
    if scraper.lost > len(scraper.took) / 100:
        faults.append("an honest scraper was kept out")
    return faults


STORIES = {story.__name__: story for story in (many, slow, events, clients)}


def main() -> int:
    failed = False
    for name in sys.argv[1:] or STORIES:
        if name not in STORIES:
            sys.exit(f"there is no story {name}: {', '.join(STORIES)}")
        say(f"{name}: {STORIES[name].__doc__}")
        try:
            faults = STORIES[name]()
        except TimeoutError as error:
            faults = [str(error)]
        for fault in faults:
            say(f"  FAILED: {fault}")
        failed |= bool(faults)
    say("FAILED" if failed else "every bound held")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
