"""Rows with one judgment each, gathered into pairs: rows of one pair may show its sides in either order."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from dissection.dataset import PART
from dissection.readers.rows import Rows
from dissection.spool import TextColumns

_TEXTS: Final = ("query", "response_a", "response_b")


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
        of_pair: what else the pair has if it begins with this row, as in a native record.
    """

    about: tuple[str | None, ...]
    pair_id: str
    query: str | None
    first: Side
    second: Side
    judge: str
    verdict: float
    meta: Mapping[str, Any]
    of_pair: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class _Pair:
    """All that is held of a pair while others are gathered: not its texts."""

    pair_id: str
    models: tuple[str | None, str | None]
    first: bytes
    of_pair: Mapping[str, Any]
    meta: dict[str, Any]
    verdicts: dict[str, list[float]] = field(default_factory=dict)


def _digest(value: object) -> bytes:
    """What stands for a text while it lies on disk; long enough that no two texts share one."""
    return hashlib.blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=20).digest()


class Gathered:
    """The pairs of the judgments as native records, in the order of their first rows, whose sides are those of that row.

    The judgments are gone through once, when this is made; large texts then lie on disk.

    Args:
        judgments: in the order of the file, one a row; they may be made one by one.
        rows: told what was gathered, turned and averaged.
    """

    def __init__(self, judgments: Iterable[Judgment], rows: Rows) -> None:
        pairs: dict[bytes, _Pair] = {}
        texts = TextColumns(_TEXTS)
        turned = count = 0
        for judgment in judgments:
            count += 1
            sides = [_digest(side) for side in (judgment.first, judgment.second)]
            key = _digest((judgment.about, *sorted(sides)))
            if key not in pairs:
                models = (judgment.first.model, judgment.second.model)
                pairs[key] = _Pair(judgment.pair_id, models, sides[0], judgment.of_pair, dict(judgment.meta))
                texts.add((judgment.query, judgment.first.text, judgment.second.text))
            pair = pairs[key]
            swapped = sides[0] != pair.first
            turned += swapped
            pair.verdicts.setdefault(judgment.judge, []).append(1 - judgment.verdict if swapped else judgment.verdict)
            # What differs between the rows of a pair says something of the judgment, not of the pair.
            pair.meta = {name: value for name, value in pair.meta.items() if judgment.meta.get(name) == value}
        self._pairs = list(pairs.values())
        self._texts = texts.finish()
        _tell(self._pairs, count, turned, rows)
        self._ids = rows.unique([pair.pair_id for pair in self._pairs], "pair_id")

    def __len__(self) -> int:
        return len(self._pairs)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for start in range(0, len(self), PART):
            part = slice(start, start + PART)
            texts = zip(*(self._texts[name].iloc[part].tolist() for name in _TEXTS), strict=True)
            for name, pair, of_pair in zip(self._ids[part], self._pairs[part], texts, strict=True):
                yield {
                    **pair.of_pair,
                    "pair_id": name,
                    **{column: text if isinstance(text, str) else None for column, text in zip(_TEXTS, of_pair, strict=True)},
                    "model_a": pair.models[0],
                    "model_b": pair.models[1],
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
