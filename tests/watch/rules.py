"""The rules by `promtool`: they are valid, and each alert fires where it must and nowhere else."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

from stage import ROOT, Failed

FOLDER = ROOT / "deploy" / "prometheus"
RULES = [FOLDER / "recording.yml", FOLDER / "alerts.yml"]
CONFIGURATIONS = ["static.yml", "ecs.yml", "cloudwatch-agent-prometheus.yml"]
DASHBOARDS = ROOT / "deploy" / "grafana"


def promtool(*arguments: str | Path) -> str:
    """What it says; fails unless it is content."""
    command = ["promtool", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def hasten(text: str) -> str:
    """The same rules in a hurry, for a test that can't wait: every duration (of `for`, of a range and its steps, of an offset) is
    divided by sixty, so that minutes become seconds. Nothing else is changed: no threshold, no label, no metric.
    """
    milliseconds = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

    def shorter(match: re.Match) -> str:
        return f"{match[1]}{int(match[2]) * milliseconds[match[3]] // 60}ms{match[4]}"

    return re.sub(r"(\[|:|for: |offset )(\d+)([smhd])(\]|\b)", shorter, text)


def raise_threshold(home: Path) -> Path:
    """Copies of the rules, changed by the commands of the README, and beside them their test."""
    test = Path(__file__).parent / "raised_test.yml"
    for file in [*RULES, test]:
        (home / file.name).write_text(file.read_text())
    commands = re.findall(r"^ +(sed -i 's/> 600/.*)$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    if len(commands) != len(RULES):
        raise Failed(f"README.md has {len(commands)} commands that raise a threshold, not one for each of the rules' files")
    for command in commands:
        subprocess.run(shlex.split(command), cwd=home, timeout=60, check=True)
    return home / test.name


def panels(dashboard: dict) -> list[dict]:
    """Every panel, those in rows as well."""
    return [inner for panel in dashboard["panels"] for inner in [panel, *panel.get("panels", [])]]


def expressions(dashboard: dict) -> list[str]:
    """Every query, with Grafana's variables replaced by what they may stand for."""
    queries = [target["expr"] for panel in panels(dashboard) for target in panel.get("targets", [])]
    plain = [query.replace("$__rate_interval", "5m").replace("$__range_s", "3600").replace("$__range", "1h") for query in queries]
    return [re.sub(r"\$\w+", ".+", query) for query in plain]


def cases_of_every_alert() -> int:
    """How many alerts there are; fails unless each has a case that fires and one that does not."""
    cases = (Path(__file__).parent / "rules_test.yml").read_text()
    names = re.findall(r"- alert: (\w+)", RULES[1].read_text())
    for name in names:
        if f"alertname: {name}}}" not in cases:
            raise Failed(f"{name} has no case in which it does not fire")
        if f"alertname: {name}\n        exp_alerts:" not in cases:
            raise Failed(f"{name} has no case in which it fires")
    return len(names)


def run(home: Path):
    """The checks, one by one as they hold."""
    promtool("check", "rules", *RULES)
    yield "the rules are valid"
    promtool("check", "config", *(FOLDER / "scrape" / name for name in CONFIGURATIONS))
    yield "the scrape configurations are valid"
    yield f"{cases_of_every_alert()} alerts have a case in which they fire and one in which they don't"
    promtool("test", "rules", Path(__file__).parent / "rules_test.yml")
    yield "they do so"
    raised = home / "raised"
    raised.mkdir()
    promtool("test", "rules", raise_threshold(raised))
    yield "and with a raised threshold, by the README's commands"
    hasty = [home / rules.name for rules in RULES]
    for rules, copy in zip(RULES, hasty):
        copy.write_text(hasten(rules.read_text()))
    promtool("check", "rules", *hasty)
    yield "the rules in a hurry are valid"
    for file in sorted(DASHBOARDS.glob("*.json")):
        queries = expressions(json.loads(file.read_text()))
        rules = [{"record": f"panel:query:{n}", "expr": query} for n, query in enumerate(queries)]
        copy = home / f"{file.stem}.rules.json"
        copy.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
        promtool("check", "rules", copy)
        yield f"{file.name}: {len(queries)} queries are valid"
