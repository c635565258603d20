"""A real Prometheus scrapes the daemon and evaluates the rules in a hurry: somebody takes an address off while the daemon
only observes, the alert fires; a person puts one on, the alert is over; a deployment forgets the VPC, another one fires."""

from __future__ import annotations

import json
import urllib.parse
from contextlib import contextmanager
from pathlib import Path

from rules import RULES, hasten
from stage import Failed, Stage, background, free_port, get, stage, wait_until

NAME = "EipdUnassociatedInterface"


class Prometheus:
    """A running Prometheus, asked over its HTTP interface."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, path: str) -> dict:
        """The data of an answer; empty while there is none."""
        body = get(self.url + path)
        return json.loads(body)["data"] if body else {}

    def value(self, expression: str) -> float | None:
        """The only sample of an expression, if it has one."""
        result = self.ask("/api/v1/query?query=" + urllib.parse.quote(expression)).get("result", [])
        return float(result[0]["value"][1]) if len(result) == 1 else None

    def alerts(self, state: str | None = None) -> dict[str, dict]:
        """The active alerts by name, or those in one state."""
        active = self.ask("/api/v1/alerts").get("alerts", [])
        return {alert["labels"]["alertname"]: alert for alert in active if state in (None, alert["state"])}

    def sick_rules(self) -> list[str]:
        """The rules that could not be evaluated, with the reason."""
        groups = self.ask("/api/v1/rules").get("groups", [])
        rules = [rule for group in groups for rule in group["rules"]]
        if not rules:
            raise Failed("Prometheus has no rules")
        return [f"{rule['name']}: {rule.get('lastError')}" for rule in rules if rule["health"] != "ok"]


@contextmanager
def prometheus(home: Path, scraped: int):
    """Prometheus with the rules in a hurry, scraping this port every half second."""
    for rules in RULES:
        (home / rules.name).write_text(hasten(rules.read_text()))
    config = {
        "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"},
        "rule_files": [rules.name for rules in RULES],
        "scrape_configs": [{"job_name": "eipd", "static_configs": [{"targets": [f"127.0.0.1:{scraped}"]}]}],
    }
    # YAML is a superset of JSON.
    (home / "prometheus.yml").write_text(json.dumps(config))
    port = free_port()
    log = home / "prometheus.log"
    command = [
        "prometheus",
        f"--config.file={home / 'prometheus.yml'}",
        f"--storage.tsdb.path={home / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with background(command, log):
        server = Prometheus(f"http://127.0.0.1:{port}")
        wait_until("Prometheus is ready", lambda: get(server.url + "/-/ready"), account=log.read_text)
        yield server


def run(home: Path):
    """The checks, one by one as they hold."""
    with stage(home) as world:
        world.eipd("apply")
        with world.daemon("--observe"), prometheus(home, world.port) as server:
            yield from watched(world, server)


def watched(world: Stage, server: Prometheus):
    wait_until("the daemon is scraped", lambda: server.value('up{job="eipd"}') == 1)
    wait_until("its success is recorded", lambda: server.value("job_target:eipd_last_success_timestamp_seconds:max"))
    wait_until("all rules were evaluated", lambda: not server.sick_rules())
    yield "Prometheus scrapes the daemon and evaluates every rule"
    if NAME in server.alerts():
        raise Failed(f"{NAME} is active while all is covered")
    wait_until("bystanders are told of", lambda: "EipdBystander" in server.alerts("firing"))
    yield "what is covered raises no page, and functions that share interfaces are told of"

    allocation = world.break_it()
    firing = wait_until(f"{NAME} fires", lambda: server.alerts("firing").get(NAME), account=lambda: str(server.alerts()))
    expected = {"alertname": NAME, "severity": "page", "job": "eipd", "target": "default", "function": "billing"}
    if firing["labels"] != expected:
        raise Failed(f"{NAME} has the labels {firing['labels']}")
    if "billing" not in firing["annotations"]["summary"]:
        raise Failed(f"the summary names no function: {firing['annotations']}")
    if world.association():
        raise Failed("the daemon was to observe only, and changed something")
    yield f"{NAME} fires, and names the function"
    wait_until("the objective is seen to burn", lambda: "EipdCoverageBurnsFast" in server.alerts("firing"))
    yield "the objective burns"

    world.repair_it(allocation)
    wait_until("it is over", lambda: NAME not in server.alerts(), account=lambda: str(server.alerts()))
    yield f"{NAME} is over once the interface has its address again"
    wait_until("the burn is over", lambda: "EipdCoverageBurnsFast" not in server.alerts())
    pages = [name for name, alert in server.alerts().items() if alert["labels"]["severity"] == "page"]
    if pages or server.sick_rules():
        raise Failed(f"left over: {pages} {server.sick_rules()}")
    yield "nothing pages any more"

    world.redeploy_outside()
    outside = "EipdFunctionUnservable"
    firing = wait_until(f"{outside} fires", lambda: server.alerts("firing").get(outside), account=lambda: str(server.alerts()))
    told = (firing["labels"]["function"], firing["labels"]["why"])
    if told != ("billing", "not_in_vpc"):
        raise Failed(f"{outside} has the labels {firing['labels']}")
    yield f"{outside} fires for a function that is deployed without its VPC"
    wait_until("the objective burns again", lambda: "EipdCoverageBurnsFast" in server.alerts("firing"))
    yield "and that costs the objective"
