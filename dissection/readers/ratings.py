"""Ratings of single answers on several aspects: UltraFeedback (completions in one row), HelpSteer and HelpSteer2 (an answer a row)."""

import dataclasses
from collections.abc import Mapping
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
    whole = has_columns(table, *_COMPLETIONS)
    records = _of_completions(rows) if whole else _of_rows(rows)
    if not records:
        raise DatasetError(
            "No two answers belong to one query.",
            where=table.filename,
            accepted="rows with at least two completions, or the answers to one prompt in consecutive rows",
            remedy="sort the rows by prompt",
        )
    dataset = native.read_records(records, table.filename)
    return dataclasses.replace(dataset, notes=rows.finish(dataset))


def _of_completions(rows: Rows) -> list[dict[str, Any]]:
    rated = [[_completion(rows, index, entry) for entry in _entries(rows, index)] for index in range(len(rows))]
    judge = _SCORES[0] if _scored(rows, _SCORES[0]) else _SCORES[1]
    ids = rows.ids() or [str(index) for index in range(len(rows))]
    _tell(rows, f"{judge} of each completion", rated)
    return [
        record
        for index, answers in enumerate(rated)
        for record in _pairs(rows, ids[index], rows.text(index, "instruction"), answers, judge.replace("_", " "))
    ]


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


def _of_rows(rows: Rows) -> list[dict[str, Any]]:
    """Consecutive rows of one prompt belong together."""
    runs: list[list[_Rated]] = []
    prompts: list[str | None] = []
    for prompt, run in groupby(range(len(rows)), lambda index: rows.text(index, "prompt")):
        prompts.append(prompt)
        runs.append([_answer(rows, index) for index in run])
        if len(runs[-1]) < 2:
            rows.leave_out("rows are the only ones of their prompt and make no pair", runs[-1][0].row, prompt)
    _tell(rows, _OVERALL, runs)
    return [
        record
        for prompt, answers in zip(prompts, runs, strict=True)
        for record in _pairs(rows, str(answers[0].row), prompt, answers, _OVERALL)
    ]


def _answer(rows: Rows, index: int) -> _Rated:
    row = rows.rows[index]
    aspects = {aspect: rows.number(index, "ratings", row.get(aspect)) for aspect in _ASPECTS}
    return _Rated(index, rows.name(index, "model"), rows.text(index, "response"), rows.number(index, "ratings", row.get(_OVERALL)), aspects)


def _pairs(rows: Rows, start: str, query: str | None, answers: list[_Rated], judge: str) -> list[dict[str, Any]]:
    return [
        {
            "pair_id": f"{start}:{i + 1}-{j + 1}",
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
        for (i, a), (j, b) in combinations(enumerate(answers), 2)
    ]


def _tell(rows: Rows, judge: str, groups: list[list[_Rated]]) -> None:
    pairs = sum(len(group) * (len(group) - 1) // 2 for group in groups)
    rows.said.append(f"{sum(map(len, groups)):,} rated answers make {pairs:,} pairs: all pairs of answers to the same query.")
    if rows.id_column is None:
        rows.said.append(
            "The file has no ids; a pair's id is the number of its query's first row, counted from 0, and those of the answers."
        )
    rows.said.append(f"The judge is the column {judge}: the higher is preferred, equal is a tie.")
    if any(len(group) > 2 for group in groups):
        rows.said.append("Pairs of one query share answers, so they tell less than as many separate pairs; intervals come out too narrow.")
