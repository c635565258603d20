"""The shape of `--format json` as CONTRACT.md has it, written from the contract and not from the program.

More fields may be added, so unknown ones pass; those of the contract must be there, with their types and words.
"""

from __future__ import annotations

import re
from typing import Any

KINDS = {"associate", "move", "replace", "disassociate"}
OUTCOMES = {"planned", "done", "failed", "skipped"}
ALLOCATION = re.compile(r"eipalloc-[0-9a-f]{8}([0-9a-f]{9})?")
INTERFACE = re.compile(r"eni-[0-9a-f]{8}([0-9a-f]{9})?")


class Misshapen(AssertionError):
    """The output does not keep the contract."""


def demand(holds: bool, where: str, what: str, value: Any) -> None:
    if not holds:
        raise Misshapen(f"{where}: {what}, but it is {value!r}")


def text(value: Any, where: str) -> None:
    demand(isinstance(value, str) and value.strip() == value != "", where, "must be a trimmed, non-empty string", value)


def word(value: Any, words: set[str], where: str) -> None:
    demand(value in words, where, f"must be one of {sorted(words)}", value)


def identifier(value: Any, pattern: re.Pattern, where: str) -> None:
    demand(isinstance(value, str) and bool(pattern.fullmatch(value)), where, f"must match {pattern.pattern}", value)


def listed(value: Any, each, where: str) -> None:
    demand(isinstance(value, list), where, "must be a list", value)
    for position, item in enumerate(value):
        each(item, f"{where}[{position}]")


def fields(value: Any, wanted: dict[str, Any], where: str) -> None:
    demand(isinstance(value, dict), where, "must be an object", value)
    for name, check in wanted.items():
        demand(name in value, where, f"must have `{name}`", sorted(value))
        check(value[name], f"{where}.{name}")


def action(value: Any, where: str) -> None:
    wanted = {
        "kind": lambda v, w: word(v, KINDS, w),
        "allocation_id": lambda v, w: identifier(v, ALLOCATION, w),
        "network_interface_id": lambda v, w: identifier(v, INTERFACE, w),
        "reason": text,
        "outcome": lambda v, w: word(v, OUTCOMES, w),
    }
    fields(value, wanted, where)


def uncovered(value: Any, where: str) -> None:
    wanted = {
        "network_interface_id": lambda v, w: identifier(v, INTERFACE, w),
        "functions": lambda v, w: listed(v, text, w),
        "reason": text,
    }
    fields(value, wanted, where)
    demand(bool(value["functions"]), f"{where}.functions", "must not be empty", value["functions"])


def count(value: Any, where: str) -> None:
    demand(type(value) is int and value >= 0, where, "must be a whole number", value)


def warning(value: Any, where: str) -> None:
    fields(value, {"kind": text, "message": text}, where)


def target(value: Any, where: str) -> None:
    wanted = {
        "target": text,
        "actions": lambda v, w: listed(v, action, w),
        "uncovered": lambda v, w: listed(v, uncovered, w),
        "covered": count,
        "warnings": lambda v, w: listed(v, warning, w),
    }
    fields(value, wanted, where)


def check(value: Any) -> list[dict]:
    """Fails with the place of the first fault; gives the targets back."""
    listed(value, target, "output")
    demand(bool(value), "output", "must have at least one target", value)
    return value
