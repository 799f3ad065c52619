"""What the doctor says: one finding a matter, with its count and examples."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

Severity = Literal["problem", "odd", "fact"]
SEVERITIES: tuple[Severity, ...] = ("problem", "odd", "fact")
MOST_EXAMPLES = 5
EXCERPT = 70


@dataclass(frozen=True)
class Example:
    """One place where a finding can be seen.

    Attributes:
        pair_id: a pair to look at; empty where no single pair shows it.
        value: what is to be seen there, in a few words or as an excerpt.
        judge: whose verdict it is; empty where it is not about a judge.
    """

    pair_id: str
    value: str
    judge: str = ""

    def __str__(self) -> str:
        return f"{self.value} (pair {self.pair_id})".strip() if self.pair_id else self.value


@dataclass(frozen=True)
class Finding:
    """One thing that was noticed in a dataset.

    Attributes:
        code: a short name that stays the same between versions.
        severity: "problem" (results would mislead), "odd" (worth a look), or "fact" (good to know).
        title: one sentence with its counts.
        explanation: why it matters.
        rows: how many are concerned.
        share: `rows` in % of all there are.
        unit: what `rows` counts: "pair", "verdict", "judge", "property" or "group".
        examples: at most five.
        remedy: what to do about it; empty where nothing needs to be done.
    """

    code: str
    severity: Severity
    title: str
    explanation: str
    rows: int
    share: float
    unit: str = "pair"
    examples: tuple[Example, ...] = ()
    remedy: str = ""


def percent(part: float, whole: float) -> float:
    """A share in %; 0 of nothing is 0."""
    return 100 * part / whole if whole else 0.0


def excerpt(text: str) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text[: 4 * EXCERPT].split())
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1].rstrip() + "…"


def names(items: Iterable[str], most: int = 8) -> str:
    """A list for a sentence, cut after some."""
    found = list(items)
    return ", ".join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")


def findings_frame(findings: Iterable[Finding]) -> pd.DataFrame:
    """One row a finding, for a table or a file."""
    columns = ["severity", "code", "finding", "count", "unit", "share", "explanation", "remedy", "examples"]
    rows = [
        (f.severity, f.code, f.title, f.rows, f.unit, round(f.share, 2), f.explanation, f.remedy, "; ".join(str(e) for e in f.examples))
        for f in findings
    ]
    return pd.DataFrame(rows, columns=columns)
