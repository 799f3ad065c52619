"""Ratings of single answers on several aspects: UltraFeedback (completions in one row), HelpSteer and HelpSteer2 (an answer a row)."""

import dataclasses
from collections.abc import Callable, Mapping
from itertools import combinations, groupby
from typing import Any, NamedTuple

import numpy as np

from dissection.dataset import PairDataset
from dissection.errors import DatasetError
from dissection.readers import native
from dissection.readers.rows import Rows, has_columns
from dissection.tables import Table
from dissection.verdicts import is_missing

NAME = "ratings"
DESCRIPTION = "answers rated on several aspects: instruction and completions (UltraFeedback), or prompt, response and HelpSteer's ratings"
_ASPECTS = ("correctness", "coherence", "complexity", "verbosity")
_OVERALL = "helpfulness"
_COMPLETIONS = ("instruction", "completions")
_SCORES = ("overall_score", "fine-grained_score")


class _Rated(NamedTuple):
    """One answer with its ratings."""

    row: int
    model: str | None
    text: str | None
    overall: float
    aspects: dict[str, float]


def recognises(table: Table) -> bool:
    """Whether the first rows have completions with an instruction, or HelpSteer's five ratings of a response."""
    return has_columns(table, *_COMPLETIONS) or has_columns(table, "prompt", "response", _OVERALL, *_ASPECTS)


def read(table: Table) -> PairDataset:
    """All pairs of answers to one query: aspects are properties, and the overall score is a judge who prefers the higher.

    Raises:
        DatasetError: completions are no list of rated answers, or no two answers share a query; the message names the row.
    """
    rows = Rows(table, frozenset({*_COMPLETIONS, "prompt", "response", _OVERALL, *_ASPECTS}))
    groups = _completions(rows) if has_columns(table, *_COMPLETIONS) else _runs(rows)
    count = groups.pairs()
    if not count:
        raise DatasetError(
            "No two answers belong to one query.",
            where=table.filename,
            accepted="rows with at least two completions, or the answers to one prompt in consecutive rows",
            remedy="sort the rows by prompt",
        )
    _tell(rows, groups, count)
    records = (record for place in range(len(groups.starts)) for record in _pairs(rows, groups, place))
    dataset = native.read_records(records, table.filename, count)
    return dataclasses.replace(dataset, notes=rows.finish(dataset))


class _Groups(NamedTuple):
    """Which answers belong to one query.

    Attributes:
        starts: the first row of each query.
        sizes: how many answers it has.
        ids: what the ids of its pairs begin with.
        query: the column of the query.
        judge: the column of the overall score.
        answers: the number of a query → its answers.
    """

    starts: list[int]
    sizes: list[int]
    ids: list[str]
    query: str
    judge: str
    answers: Callable[[int], list[_Rated]]

    def pairs(self) -> int:
        """All pairs of answers to the same query."""
        return sum(size * (size - 1) // 2 for size in self.sizes)


def _completions(rows: Rows) -> _Groups:
    sizes = [len(_entries(rows, index)) for index in range(len(rows))]
    judge = _SCORES[0] if _scored(rows, _SCORES[0]) else _SCORES[1]
    ids = rows.ids() or [str(index) for index in range(len(rows))]

    def answers(index: int) -> list[_Rated]:
        return [_completion(rows, index, entry) for entry in rows.rows[index]["completions"]]  # type: ignore[attr-defined]

    return _Groups(list(range(len(rows))), sizes, ids, "instruction", judge, answers)


def _entries(rows: Rows, index: int) -> list[Mapping[str, Any]]:
    value = rows.rows[index].get("completions")
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        raise rows.wrong(index, "completions", value, "a list of {model, response, annotations, overall_score}")
    if len(value) < 2:
        rows.leave_out("rows have fewer than two completions and make no pair", index, len(value))
    return value


def _scored(rows: Rows, score: str) -> bool:
    return any(not is_missing(entry.get(score)) for index in range(len(rows)) for entry in _completion_objects(rows, index))


def _completion_objects(rows: Rows, index: int) -> list[Mapping[str, Any]]:
    value = rows.rows[index].get("completions")
    return value if isinstance(value, list) else []


def _completion(rows: Rows, index: int, entry: Mapping[str, Any]) -> _Rated:
    annotations = entry.get("annotations") or {}
    if not isinstance(annotations, Mapping):
        raise rows.wrong(index, "annotations", annotations, '{aspect: {"Rating": number}}')
    aspects: dict[str, float] = {}
    for aspect, entries in annotations.items():
        said = entries[0] if isinstance(entries, list) and len(entries) == 1 else entries
        if said is None:
            continue
        if not isinstance(said, Mapping):
            raise rows.wrong(index, f"annotations.{aspect}", said, '{"Rating": number}')
        aspects[rows.whole(index, "annotations", str(aspect)).replace("_", " ")] = rows.number(index, "ratings", said.get("Rating"))
    score = next((entry.get(name) for name in _SCORES if not is_missing(entry.get(name))), None)
    return _Rated(
        index,
        rows.name_of(index, "completions.model", entry.get("model")),
        rows.text_of(index, "completions.response", entry.get("response")),
        rows.number(index, "overall scores", score),
        aspects,
    )


def _runs(rows: Rows) -> _Groups:
    """Consecutive rows of one prompt belong together."""
    starts, sizes = [], []
    for prompt, run in groupby(range(len(rows)), lambda index: rows.text(index, "prompt")):
        found = list(run)
        starts.append(found[0])
        sizes.append(len(found))
        if len(found) < 2:
            rows.leave_out("rows are the only ones of their prompt and make no pair", found[0], prompt)

    def answers(place: int) -> list[_Rated]:
        return [_answer(rows, index) for index in range(starts[place], starts[place] + sizes[place])]

    return _Groups(starts, sizes, [str(start) for start in starts], "prompt", _OVERALL, answers)


def _answer(rows: Rows, index: int) -> _Rated:
    row = rows.rows[index]
    aspects = {aspect: rows.number(index, "ratings", row.get(aspect)) for aspect in _ASPECTS}
    return _Rated(index, rows.name(index, "model"), rows.text(index, "response"), rows.number(index, "ratings", row.get(_OVERALL)), aspects)


def _pairs(rows: Rows, groups: _Groups, place: int) -> list[dict[str, Any]]:
    query, judge = rows.text(groups.starts[place], groups.query), groups.judge.replace("_", " ")
    return [
        {
            "pair_id": f"{groups.ids[place]}:{i + 1}-{j + 1}",
            "query": query,
            "response_a": a.text,
            "response_b": b.text,
            "model_a": a.model,
            "model_b": b.model,
            "labels": {judge: None if np.isnan(a.overall + b.overall) else (1 + np.sign(a.overall - b.overall)) / 2},
            "properties": {
                aspect: {"a": a.aspects.get(aspect), "b": b.aspects.get(aspect)} for aspect in dict.fromkeys((*a.aspects, *b.aspects))
            },
            "meta": {key: value for key, value in rows.meta(a.row).items() if rows.rows[b.row].get(key) == value},
        }
        for (i, a), (j, b) in combinations(enumerate(groups.answers(place)), 2)
    ]


def _tell(rows: Rows, groups: _Groups, pairs: int) -> None:
    rows.said.append(f"{sum(groups.sizes):,} rated answers make {pairs:,} pairs: all pairs of answers to the same query.")
    if rows.id_column is None:
        rows.said.append(
            "The file has no ids; a pair's id is the number of its query's first row, counted from 0, and those of the answers."
        )
    of_each = " of each completion" if groups.query == "instruction" else ""
    rows.said.append(f"The judge is the column {groups.judge}{of_each}: the higher is preferred, equal is a tie.")
    if any(size > 2 for size in groups.sizes):
        rows.said.append("Pairs of one query share answers, so they tell less than as many separate pairs; intervals come out too narrow.")
