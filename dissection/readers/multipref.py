"""MultiPref: each pair judged by crowd workers and by experts, overall and on being helpful, truthful and harmless (arXiv:2410.19133)."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from dissection.dataset import PairDataset
from dissection.readers import native
from dissection.readers.rows import Rows, has_columns
from dissection.tables import Table
from dissection.verdicts import is_missing, shown

NAME = "multipref"
DESCRIPTION = (
    "MultiPref: text, completion_a, completion_b, and lists of judgments in normal_worker_annotations and expert_worker_annotations"
)
_TEXTS = ("text", "completion_a", "completion_b")
_JUDGES = {"normal_worker_annotations": "crowd workers", "expert_worker_annotations": "experts"}
_ASPECTS = {"helpful_pref": "helpful", "truthful_pref": "truthful", "harmless_pref": "harmless"}
_OVERALL = "overall_pref"
_ID = "comparison_id"
_WORDS = {"a-is-clearly-better": 1.0, "a-is-slightly-better": 1.0, "tie": 0.5, "b-is-slightly-better": 0.0, "b-is-clearly-better": 0.0}


def recognises(table: Table) -> bool:
    """Whether the first rows have the texts, and judgments of either kind of annotator."""
    return any(has_columns(table, *_TEXTS, column) for column in _JUDGES)


def read(table: Table) -> PairDataset:
    """One pair a row; each kind of annotator is a judge, and what all of them say of an aspect is a property.

    Raises:
        DatasetError: a text or a list of judgments is none, or no verdict can be read; the message names the row.
    """
    rows = Rows(table, frozenset({*_TEXTS, *_JUDGES, _ID, "model_a", "model_b", "category"}))
    ids = rows.unique([rows.name(index, _ID) or f"row {index}" for index in range(len(rows))], _ID)
    records = ({"pair_id": ids[index], **_record(rows, index)} for index in range(len(rows)))
    dataset = native.read_records(records, table.filename, len(rows))
    rows.check_verdicts("A-is-clearly-better, A-is-slightly-better, Tie, B-is-slightly-better, B-is-clearly-better")
    rows.said.append(
        "A judge is a kind of annotator; its verdict on a pair is the mean of its annotators', of which only the side counts: slightly and "
        "clearly better are alike."
    )
    rows.said.append(
        f"The properties {', '.join(_ASPECTS.values())} are the means of what all annotators of a pair say of it (-1 to 1), so they come from "
        "the same people as the verdicts."
    )
    return dataclasses.replace(dataset, notes=rows.finish(dataset))


def _record(rows: Rows, index: int) -> dict[str, Any]:
    judgments = {judge: _judgments(rows, index, column) for column, judge in _JUDGES.items()}
    everyone = [judgment for found in judgments.values() for judgment in found]
    return {
        "scenario": rows.name(index, "category"),
        "query": rows.text(index, "text"),
        "response_a": rows.text(index, "completion_a"),
        "response_b": rows.text(index, "completion_b"),
        "model_a": rows.name(index, "model_a"),
        "model_b": rows.name(index, "model_b"),
        "labels": {judge: _mean([_overall(rows, index, judgment) for judgment in found]) for judge, found in judgments.items()},
        "properties": {
            name: {"comparison": _signed([_side(rows, index, judgment, aspect) for judgment in everyone])}
            for aspect, name in _ASPECTS.items()
        },
        "meta": rows.meta(index),
    }


def _judgments(rows: Rows, index: int, column: str) -> Sequence[Mapping[str, object]]:
    found = rows.rows[index].get(column)
    if is_missing(found):
        return []
    if not isinstance(found, list) or not all(isinstance(judgment, Mapping) for judgment in found):
        raise rows.wrong(index, column, found, f"a list of judgments, each with {_OVERALL}")
    return found


def _known(value: object) -> float | None:
    """The side of a judgment; NaN where it is missing, None where it is unknown."""
    if is_missing(value) or value == "":
        return math.nan
    return _WORDS.get("-".join(value.split()).lower()) if isinstance(value, str) else None


def _overall(rows: Rows, index: int, judgment: Mapping[str, object]) -> float:
    value = judgment.get(_OVERALL)
    return rows.counted(index, _OVERALL, _known(value), value)


def _side(rows: Rows, index: int, judgment: Mapping[str, object], aspect: str) -> float:
    value = judgment.get(aspect)
    found = _known(value)
    if found is None:
        rows.leave_out(f"judgments in {shown(aspect)} are unknown and were left out", index, value)
    return math.nan if found is None else found


def _mean(values: Sequence[float]) -> float | None:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else None


def _signed(values: Sequence[float]) -> float | None:
    mean = _mean(values)
    return None if mean is None else 2 * mean - 1
