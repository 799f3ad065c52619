"""Rows with one judgment each, gathered into pairs: rows of one pair may show its sides in either order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from dissection.readers.rows import Rows


class Side(NamedTuple):
    """One answer and who gave it."""

    model: str | None
    text: str | None


@dataclass(frozen=True)
class Judgment:
    """One row: a judge's verdict on two sides, as P(the first preferred).

    Attributes:
        about: what makes two rows speak of the same question, besides both sides.
        pair_id: the id of a pair that begins with this row; made unique afterwards.
    """

    about: tuple[str | None, ...]
    pair_id: str
    query: str | None
    first: Side
    second: Side
    judge: str
    verdict: float
    meta: Mapping[str, Any]


@dataclass
class _Pair:
    start: Judgment
    meta: dict[str, Any]
    verdicts: dict[str, list[float]] = field(default_factory=dict)


def pair_key(judgment: Judgment) -> tuple[object, ...]:
    """What two rows of one pair share, whichever way its sides are shown."""
    sides = sorted((judgment.first, judgment.second), key=repr)
    return (judgment.about, *sides)


def gather(judgments: Sequence[Judgment], rows: Rows) -> list[dict[str, Any]]:
    """Native records, one a pair in the order of their first rows, whose sides are those of that row.

    Args:
        judgments: in the order of the file, one a row.
        rows: told what was gathered, turned and averaged.
    """
    pairs: dict[tuple[object, ...], _Pair] = {}
    turned = 0
    for judgment in judgments:
        pair = pairs.setdefault(pair_key(judgment), _Pair(judgment, dict(judgment.meta)))
        swapped = (judgment.first, judgment.second) != (pair.start.first, pair.start.second)
        turned += swapped
        pair.verdicts.setdefault(judgment.judge, []).append(1 - judgment.verdict if swapped else judgment.verdict)
        # What differs between the rows of a pair says something of the judgment, not of the pair.
        pair.meta = {name: value for name, value in pair.meta.items() if judgment.meta.get(name) == value}
    _tell(list(pairs.values()), len(judgments), turned, rows)
    names = rows.unique([pair.start.pair_id for pair in pairs.values()], "pair_id")
    return [_record(name, pair) for name, pair in zip(names, pairs.values(), strict=True)]


def _record(name: str, pair: _Pair) -> dict[str, Any]:
    start = pair.start
    return {
        "pair_id": name,
        "query": start.query,
        "response_a": start.first.text,
        "response_b": start.second.text,
        "model_a": start.first.model,
        "model_b": start.second.model,
        "labels": {judge: _mean(verdicts) for judge, verdicts in pair.verdicts.items()},
        "meta": pair.meta,
    }


def _mean(verdicts: Sequence[float]) -> float | None:
    known = [verdict for verdict in verdicts if not np.isnan(verdict)]
    return float(np.mean(known)) if known else None


def _tell(pairs: Sequence[_Pair], count: int, turned: int, rows: Rows) -> None:
    if count > len(pairs):
        rows.said.append(f"{count:,} judgments were gathered into {len(pairs):,} pairs, one a row of the data.")
    if turned:
        rows.said.append(f"{turned:,} judgments show their pair with the sides swapped; they were turned.")
    several = sum(len(verdicts) > 1 for pair in pairs for verdicts in pair.verdicts.values())
    if several:
        rows.said.append(f"In {several:,} cases one judge judged a pair more than once; the mean of the verdicts is used.")
