"""Stated preferences with a strength from -3 (the first answer is much better) to 3 (the second is): HelpSteer2 and HelpSteer3."""

import dataclasses
import math
from typing import Any

from dissection.dataset import PairDataset
from dissection.readers import native
from dissection.readers.dialogues import maybe_turns, written
from dissection.readers.rows import Rows, has_columns, means_missing
from dissection.tables import Table
from dissection.verdicts import number

NAME = "preference-strength"
DESCRIPTION = (
    "HelpSteer preferences: prompt, response_1, response_2, preference_strength; or context, response1, response2, overall_preference"
)
_FORMS = (
    ("prompt", "response_1", "response_2", "preference_strength"),
    ("context", "response1", "response2", "overall_preference"),
)
_JUDGE = "human"
_STRONGEST = 3


def recognises(table: Table) -> bool:
    """Whether the first rows have the columns of either."""
    return any(has_columns(table, *form) for form in _FORMS)


def read(table: Table) -> PairDataset:
    """One pair a row; the verdict is the sign of the strength, which stays in the meta columns.

    Raises:
        DatasetError: a text is none, or no strength can be read; the message names the row.
    """
    form = _FORMS[1] if has_columns(table, *_FORMS[1]) else _FORMS[0]
    rows = Rows(table, frozenset({*form[:3], "domain"}))
    ids = rows.ids()
    records = (_record(rows, index, form) | ({"pair_id": ids[index]} if ids else {}) for index in range(len(rows)))
    dataset = native.read_records(records, table.filename, len(rows))
    rows.check_verdicts("a number from -3 (the first answer is much better) to 3 (the second is)")
    rows.said.append(f"Of {form[3]} only the sign is used: below 0 the first answer is preferred, above 0 the second, 0 is a tie.")
    return dataclasses.replace(dataset, notes=rows.finish(dataset))


def _record(rows: Rows, index: int, form: tuple[str, str, str, str]) -> dict[str, Any]:
    query, first, second, strength = form
    dialogue = maybe_turns(rows, index, query)
    return {
        "scenario": rows.name(index, "domain"),
        "query": written(dialogue, "user") if dialogue else rows.text(index, query),
        "response_a": rows.text(index, first),
        "response_b": rows.text(index, second),
        "labels": {_JUDGE: _verdict(rows, index, strength)},
        "meta": rows.meta(index),
    }


def _verdict(rows: Rows, index: int, column: str) -> float:
    value = rows.rows[index].get(column)
    found = number(value)
    if found is not None:
        inside = abs(found) <= _STRONGEST
        return rows.counted(index, column, (0.5 if found == 0 else float(found < 0)) if inside else None, value)
    return rows.counted(index, column, math.nan if means_missing(value) else None, value)
