"""The table of beliefs, read from the simulator's own source, so that there is one table only."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "sim" / "src" / "beliefs.rs"

ENTRY = re.compile(
    r'^    (\d+) (\w+) \w+ \w+\s+"([^"]+)"\s+"[^"]+" \{(.*?)\}', re.MULTILINE | re.DOTALL
)
ALTERNATIVE = re.compile(r'\w+ "([^"]+)"')


@dataclass(frozen=True)
class Belief:
    """A row of the simulator's table."""

    number: int
    name: str
    statement: str
    alternatives: list[str]


def table() -> list[Belief]:
    """All beliefs, by number."""
    text = SOURCE.read_text()
    block = text[text.index("\nbeliefs! {") : text.index("\nimpl Beliefs {")]
    found = [
        Belief(int(number), name, statement, ALTERNATIVE.findall(body))
        for number, name, statement, body in ENTRY.findall(block)
    ]
    if [belief.number for belief in found] != list(range(1, len(found) + 1)) or not found:
        raise SystemExit(f"live: {SOURCE} has changed its form, and the table can't be read")
    return found


@dataclass
class Findings:
    """What was found out, by the belief's number."""

    choices: dict[int, int] = field(default_factory=dict)
    notes: dict[int, str] = field(default_factory=dict)
    more: list[tuple[str, str]] = field(default_factory=list)
    """What is no belief of the table and was found as well."""

    def settle(self, number: int, choice: int, note: str = "") -> None:
        """This alternative holds, counted from zero."""
        self.choices[number] = choice
        if note:
            self.notes[number] = note
        print(f"live: B{number} is {'abcdef'[choice]}{': ' + note if note else ''}", flush=True)

    def unsettled(self, number: int, why: str) -> None:
        """It could not be told; what was found before stays."""
        if number not in self.choices:
            self.notes[number] = why

    def add(self, what: str, found: str) -> None:
        """Something beside the table."""
        self.more.append((what, found))
        print(f"live: {what}: {found}", flush=True)

    def text(self) -> str:
        """The table for people, and a last line that the simulator reads (`--beliefs` of its example `stage`)."""
        rows = []
        for belief in table():
            choice = self.choices.get(belief.number)
            note = self.notes.get(belief.number, "")
            if choice is None:
                found = f"?  {note or 'not tried'}"
            else:
                found = f"{'abcdef'[choice]}  {belief.alternatives[choice]}{f' ({note})' if note else ''}"
            rows.append((f"B{belief.number}", belief.statement, found))
        rows.extend(("", what, found) for what, found in self.more)
        width = max(len(what) for _, what, _ in rows)
        lines = [f"{number:4} {what:{width}}  {found}" for number, what, found in rows]
        settled = [f"B{number}={'abcdef'[choice]}" for number, choice in sorted(self.choices.items())]
        return "\n".join([*lines, "", f"BELIEFS {' '.join(settled)}"])
